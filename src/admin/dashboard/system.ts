/** What the broker is: read when the page connects to it, and now and then, because certificates run out. */
import { signal } from "@preact/signals"
import type { SecurityView } from "../api/security.ts"
import type { SystemInfo } from "../api/system.ts"
import { get } from "./api.ts"
import { daysUntil } from "./format.ts"

export const system = signal<SystemInfo | undefined>(undefined)
export const security = signal<SecurityView | undefined>(undefined)

export const loadSystem = (): void => {
  get<SystemInfo>("/system").then(
    (found) => (system.value = found),
    () => {}
  )
  get<SecurityView>("/security").then(
    (found) => (security.value = found),
    () => {}
  )
}

export interface CertificateEnd {
  readonly listener: string
  readonly at: string
  readonly days: number
}

/** The certificate that ends first; undefined where no listener has one. */
export const firstToEnd = (
  view: Pick<SecurityView, "listeners"> | undefined,
  nowMs: number
): CertificateEnd | undefined =>
  (view?.listeners ?? [])
    .flatMap(({ certificateExpiresAt: at, name }) =>
      at === null ? [] : [{ listener: name, at, days: daysUntil(at, nowMs) }]
    )
    .sort((one, other) => one.days - other.days)[0]

export const WARN_DAYS = 30
