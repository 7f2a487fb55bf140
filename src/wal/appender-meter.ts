/**
 * Measures what the appender does, for metrics: called per write and per sync, never per record.
 *
 * One write and one sync run at a time, so one pair of times each is enough. `lagBytes` is what a power cut could take
 * of what has been written: it grows with each write and falls, when a sync ends, by what was there when it began.
 *
 * The clock comes in; without a meter the appender looks at none.
 */
import type { Buckets } from "../metrics/buckets.ts"
import { type Meter, syncModes } from "../metrics/meter.ts"
import type { SyncPolicy } from "./policy.ts"

export class AppenderMeter {
  readonly #meter: Meter
  readonly #mode: () => SyncPolicy["mode"]
  /** Monotonic milliseconds, with fractions. */
  readonly #nowMs: () => number
  readonly #wallMs: () => number
  #writeBeganMs = 0
  #syncBeganMs = 0
  #coveredBytes = 0
  lagBytes = 0
  /** Since when something is written and not synced, in monotonic milliseconds; undefined while there is nothing. */
  unsyncedSinceMs: number | undefined = undefined
  /** Wall milliseconds; 0 before the first. */
  lastSyncMs = 0

  constructor(meter: Meter, mode: () => SyncPolicy["mode"], nowMs: () => number, wallMs: () => number) {
    this.#meter = meter
    this.#mode = mode
    this.#nowMs = nowMs
    this.#wallMs = wallMs
  }

  writing(): void {
    this.#writeBeganMs = this.#nowMs()
  }

  written(records: number, bytes: number): void {
    this.#of("walAppend").observe((this.#nowMs() - this.#writeBeganMs) / 1000)
    this.#of("walGroupSize").observe(records)
    this.lagBytes += bytes
    this.unsyncedSinceMs ??= this.#nowMs()
  }

  syncing(): void {
    this.#syncBeganMs = this.#nowMs()
    this.#coveredBytes = this.lagBytes // [MET-3]
  }

  synced(): void {
    this.#of("walSync").observe((this.#nowMs() - this.#syncBeganMs) / 1000)
    this.lagBytes -= this.#coveredBytes
    this.lastSyncMs = this.#wallMs()
    this.unsyncedSinceMs = this.lagBytes > 0 ? this.#syncBeganMs : undefined
  }

  #of(key: "walAppend" | "walSync" | "walGroupSize"): Buckets {
    return this.#meter.of(key, syncModes.indexOf(this.#mode()))
  }
}
