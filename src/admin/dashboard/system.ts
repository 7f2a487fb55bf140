/**
 * What the broker is: version, start, listeners and their certificates. Read when the page connects to it, and anew when it
 * connects again: it may be another one then.
 */
import { signal } from "@preact/signals"
import type { SecurityView } from "../api/security.ts"
import type { SystemInfo } from "../api/system.ts"
import { get } from "./api.ts"

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
