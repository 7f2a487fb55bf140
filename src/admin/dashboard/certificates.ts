/**
 * Which certificate of the listeners runs out first, and in how many whole days. Plain: the clock comes in. Warned of is what has
 * fewer than WARN_DAYS left, which is when renewals are usually due.
 */
import type { SecurityView } from "../api/security.ts"
import { daysUntil } from "./format.ts"

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
    // [DASH-9]
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at))[0]

export const WARN_DAYS = 30
