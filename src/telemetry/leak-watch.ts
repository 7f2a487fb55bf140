/**
 * Tells when memory only ever grows: the heap as it is right after a full collection, looked at once per interval.
 *
 * A heap that fills and is emptied rises and falls between collections; what is left after them stays level in a broker
 * whose clients and messages do. The warning comes once per rise of INTERVALS looks in a row by GROWTH_MIN altogether, and
 * again only after as many more: an hour at the earliest. It is a hint, not a verdict: more clients need more memory too,
 * and the warning says how many bytes it was, so that both can be compared.
 *
 * Plain: collections come in from the observer, time by `look`.
 */
export const LOOK_MS = 600_000
export const INTERVALS = 6
/** As a share of the first of the looks. */
const GROWTH_MIN = 0.1

export interface LeakReport {
  readonly fromBytes: number
  readonly toBytes: number
  readonly intervals: number
}

export class LeakWatch {
  readonly #report: (report: LeakReport) => void
  /** The smallest heap after a full collection since the last look. */
  #lowest = Number.POSITIVE_INFINITY
  #rising: Array<number> = []

  constructor(report: (report: LeakReport) => void) {
    this.#report = report
  }

  /** After each full collection. */
  collected(heapUsedBytes: number): void {
    this.#lowest = Math.min(this.#lowest, heapUsedBytes)
  }

  /** Once per interval. One without a full collection tells nothing and breaks nothing. */
  look(): void {
    const now = this.#lowest
    this.#lowest = Number.POSITIVE_INFINITY
    if (!Number.isFinite(now)) return
    const last = this.#rising.at(-1)
    if (last !== undefined && now <= last) this.#rising = [] // [LEAK-1]
    this.#rising.push(now)
    const [first = now] = this.#rising
    if (this.#rising.length <= INTERVALS) return
    if (now - first >= first * GROWTH_MIN) {
      this.#report({ fromBytes: first, toBytes: now, intervals: this.#rising.length - 1 })
      this.#rising = [now]
    } else this.#rising.shift()
  }
}
