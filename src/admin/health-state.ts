/**
 * What is known of a broker's health before there is a broker: whether its store is recovered and its listeners are open.
 * The checks are the same objects from the first moment to the last; so are the words for people who wait.
 */
import type { HealthCheck } from "./probes.ts"

export class HealthState {
  isRecovered = false // [HLT-1]
  openListeners = 0
  #percent: number | undefined
  /** Told by the recovery (wal/recovery-progress.ts): how much of the log has been read. */
  readonly onProgress = (doneBytes: number, totalBytes: number): void => {
    this.#percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100)
  }
  readonly checks: ReadonlyArray<HealthCheck> = [
    {
      name: "recovery",
      probes: ["started", "ready"],
      check: () => (this.isRecovered ? undefined : this.progressWords)
    },
    {
      name: "listeners",
      probes: ["started", "ready"],
      check: () => (this.openListeners === 0 ? "no listener is open" : undefined)
    }
  ]

  /** "the store is being recovered: 42 % of the log read" */
  get progressWords(): string {
    const progress = this.#percent === undefined ? "" : `: ${this.#percent} % of the log read`
    return `the store is being recovered${progress}`
  }
}
