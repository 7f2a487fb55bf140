/**
 * The snapshots of the last 24 hours, one row per ten seconds, in fixed columns: a ring that never grows.
 *
 * A row is the mean of the snapshots that fell into its ten seconds; a figure that had no value in any of them is NaN and
 * told as null. The columns are Overview's numbers, by name.
 */
import type { History, Overview } from "../api/system.ts"
import { timeText } from "./page.ts"

export const STEP_SECONDS = 10
const ROWS_MAX = (24 * 3600) / STEP_SECONDS

const names = [
  ...(["clientsConnected", "sessions", "subscriptions", "topics", "retainedMessages", "retainedBytes"] as const),
  ...(["messagesInPerSecond", "messagesOutPerSecond", "bytesInPerSecond", "bytesOutPerSecond"] as const),
  ...(["connectsPerSecond", "dropsPerSecond", "inFlight", "waitingMessages", "unsentBytes"] as const),
  ...(["publishAckP50Ms", "publishAckP99Ms", "syncP50Ms", "syncP99Ms", "loopLagP99Ms"] as const),
  ...(["logRecords", "logBytes", "diskBytes", "pressure", "notDurable"] as const),
  ...(["rssBytes", "heapUsedBytes", "cpuRatio"] as const)
]

export class HistoryRing {
  readonly #times: Float64Array
  readonly #columns: ReadonlyMap<string, Float64Array>
  readonly #rowsMax: number
  readonly #sums = new Float64Array(names.length)
  readonly #counts = new Float64Array(names.length)
  /** Rows written since the start. */
  #rows = 0
  #stepMs = -1

  constructor(rowsMax: number = ROWS_MAX) {
    this.#rowsMax = rowsMax
    this.#times = new Float64Array(rowsMax)
    this.#columns = new Map(names.map((name) => [name, new Float64Array(rowsMax)]))
  }

  /** Once per snapshot. */
  add(overview: Overview, nowMs: number): void {
    const stepMs = Math.floor(nowMs / (STEP_SECONDS * 1000)) * STEP_SECONDS * 1000
    if (stepMs !== this.#stepMs && this.#stepMs >= 0) this.#write()
    this.#stepMs = stepMs
    for (const [i, name] of names.entries()) {
      const value = overview[name]
      if (value === null) continue
      this.#sums[i] = (this.#sums[i] as number) + value
      this.#counts[i] = (this.#counts[i] as number) + 1
    }
  }

  /** The last `seconds` of it, oldest first. */
  last(seconds: number): History {
    const wanted = Math.min(Math.ceil(seconds / STEP_SECONDS), this.#rows, this.#rowsMax)
    const at: Array<number> = []
    for (let row = this.#rows - wanted; row < this.#rows; row++) at.push(row % this.#rowsMax)
    const columns: Record<string, ReadonlyArray<number | null>> = {}
    for (const [name, values] of this.#columns) {
      columns[name] = at.map((index) => {
        const value = values[index] as number
        return Number.isNaN(value) ? null : value
      })
    }
    return { stepSeconds: STEP_SECONDS, at: at.map((index) => timeText(this.#times[index] as number)), columns }
  }

  #write(): void {
    const row = this.#rows % this.#rowsMax
    this.#times[row] = this.#stepMs
    for (const [i, name] of names.entries()) {
      const count = this.#counts[i] as number
      const column = this.#columns.get(name) as Float64Array
      column[row] = count === 0 ? Number.NaN : (this.#sums[i] as number) / count
    }
    this.#sums.fill(0)
    this.#counts.fill(0)
    this.#rows += 1
  }
}
