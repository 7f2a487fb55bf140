/**
 * When messages came, as precisely as a little memory allows: one mark per second in which something was written, and a
 * bounded number of them.
 *
 *   mark      sequence, wall ms     messages from here on were written at that time or later
 *   a mark    stands for at most `stretchMs` of messages; when there are MARKS_MAX of them, neighbours are joined
 *
 * Invariants
 * - at(ms) never answers a position behind a message written at `ms` or later, and what it answers beside those was written
 *   at most `stretchMs` earlier.
 * - Marks rise, also while the wall clock is set back: then it stands still here.
 *
 * A second for the last 18 hours of which every second had a message, half a minute for a week of them. Compaction keeps
 * a frame's time to the second (wal/compact.ts).
 */
const RESOLUTION_MS = 1000
const MARKS_MAX = 65_536
const MARKS_FIRST = 64
/** Of MARKS_MAX, when some have gone. */
const THINNED_SHARE = 0.75

export class TimeMarks {
  stretchMs = RESOLUTION_MS
  readonly #marksMax: number
  /** Marks are at least that far apart. */
  #resolutionMs = RESOLUTION_MS
  #count = 0
  #sequences = new Float64Array(MARKS_FIRST)
  #times = new Float64Array(MARKS_FIRST)
  /** Behind what was written last. */
  #end = 0

  constructor(marksMax: number = MARKS_MAX) {
    this.#marksMax = marksMax
  }

  /** Messages [sequence, end) were written at `ms`. In order. */
  written(sequence: number, end: number, ms: number): void {
    this.#end = end
    const last = this.#count - 1
    if (last >= 0 && ms < (this.#times[last] as number) + this.#resolutionMs) return
    if (this.#count === this.#marksMax) this.#thin()
    if (this.#count === this.#times.length) this.#grow()
    this.#sequences[this.#count] = sequence
    this.#times[this.#count] = ms
    this.#count += 1
  }

  /** The position from which on everything lies that was written at `ms` or later. */
  at(ms: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#times[middle] as number) < ms) low = middle + 1
      else high = middle
    }
    const isInStretch = low > 0 && (this.#times[low - 1] as number) + this.stretchMs > ms
    if (isInStretch) return this.#sequences[low - 1] as number
    return low < this.#count ? (this.#sequences[low] as number) : this.#end
  }

  /** Marks that are near the one before go: what they began belongs to that one. */
  #thin(): void {
    while (this.#count > this.#marksMax * THINNED_SHARE) {
      this.#resolutionMs *= 2
      this.stretchMs += this.#resolutionMs
      let kept = 0
      for (let i = 0; i < this.#count; i++) {
        const ms = this.#times[i] as number
        if (kept > 0 && ms < (this.#times[kept - 1] as number) + this.#resolutionMs) continue
        this.#sequences[kept] = this.#sequences[i] as number
        this.#times[kept] = ms
        kept += 1
      }
      this.#count = kept
    }
  }

  #grow(): void {
    const sequences = new Float64Array(this.#count * 2)
    const times = new Float64Array(this.#count * 2)
    sequences.set(this.#sequences)
    times.set(this.#times)
    this.#sequences = sequences
    this.#times = times
  }
}
