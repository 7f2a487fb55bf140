/**
 * How fast compaction may copy so that commits do not feel it: their 99th percentile while it copies, against the one
 * while it does not.
 *
 *   commit   from the moment a frame is written to the moment it is kept (commit.ts), in milliseconds
 *   quiet    the last SAMPLES_MAX commits while nothing was copied: what commits take anyhow
 *   judged   every JUDGE_MS of copying, when there were SAMPLES_MIN commits since: above twice the quiet one the rate
 *            halves, down to 1 / SLOWEST of what is allowed; else it doubles, up to all of it
 *
 * A percentile below FELT_MS is nobody's trouble, whatever the quiet one is: the clock counts whole milliseconds, and a
 * disk that answers in one would have every copy stopped by two. A broker without traffic has no commits to protect.
 *
 * Plain; the clock comes in. Elsewhere: who waits (compactor.ts), the rate as bytes (token-bucket.ts).
 */
const SAMPLES_MAX = 512
const SAMPLES_MIN = 16
const JUDGE_MS = 250
const FELT_MS = 5
const SLOWEST = 16
const PERCENTILE = 0.99

export class CopyPace {
  readonly #quiet = new Samples(SAMPLES_MAX)
  readonly #busy = new Samples(SAMPLES_MAX)
  #isCopying = false
  #judgedAtMs = 0
  #share = 1
  /** As judged last. */
  #copyingMs = 0

  /** Of the allowed rate, 1 / SLOWEST to 1. */
  get share(): number {
    return this.#share
  }
  /** Milliseconds; 0 when nothing was committed. */
  get quietMs(): number {
    return this.#quiet.percentile()
  }
  get copyingMs(): number {
    return this.#busy.count < SAMPLES_MIN ? this.#copyingMs : this.#busy.percentile()
  }

  committed(tookMs: number): void {
    if (this.#isCopying) this.#busy.add(tookMs)
    else this.#quiet.add(tookMs)
  }

  /** A pass begins to copy, and ends it below. */
  begin(nowMs: number): void {
    this.#isCopying = true
    this.#busy.clear()
    this.#judgedAtMs = nowMs
  }

  end(): void {
    this.#isCopying = false
  }

  /** Between two steps of a copy. Answers the share. */
  judge(nowMs: number): number {
    if (nowMs - this.#judgedAtMs < JUDGE_MS || this.#busy.count < SAMPLES_MIN) return this.#share
    this.#copyingMs = this.#busy.percentile()
    const isFelt = this.#copyingMs > Math.max(FELT_MS, 2 * this.#quiet.percentile())
    this.#share = isFelt ? Math.max(1 / SLOWEST, this.#share / 2) : Math.min(1, this.#share * 2) // [CMP-1]
    this.#busy.clear()
    this.#judgedAtMs = nowMs
    return this.#share
  }
}

/** The newest of them, in a ring. */
class Samples {
  readonly #ring: Float64Array
  #next = 0
  count = 0

  constructor(size: number) {
    this.#ring = new Float64Array(size)
  }

  add(value: number): void {
    this.#ring[this.#next] = value
    this.#next = (this.#next + 1) % this.#ring.length
    this.count = Math.min(this.count + 1, this.#ring.length)
  }

  clear(): void {
    this.#next = 0
    this.count = 0
  }

  percentile(): number {
    if (this.count === 0) return 0
    const sorted = this.#ring.slice(0, this.count).sort()
    return sorted[Math.ceil(this.count * PERCENTILE) - 1] as number
  }
}
