/**
 * What is known of a broker's health before there is a broker: whether its store is recovered and its listeners are open.
 * The checks are the same objects from the first moment to the last.
 */
import type { HealthCheck } from "./probes.ts"

export class HealthState {
  isRecovered = false // [HLT-1]
  openListeners = 0
  readonly checks: ReadonlyArray<HealthCheck> = [
    {
      name: "recovery",
      probes: ["started", "ready"],
      check: () => (this.isRecovered ? undefined : "the store is being recovered")
    },
    {
      name: "listeners",
      probes: ["started", "ready"],
      check: () => (this.openListeners === 0 ? "no listener is open" : undefined)
    }
  ]
}
