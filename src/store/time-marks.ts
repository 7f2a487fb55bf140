/**
 * When messages came, as precisely as a little memory allows: one mark per second in which something was written, and a
 * bounded number of them.
 *
 *   mark      sequence, wall ms     messages from here on were written at that time or later
 *   between two marks at most `resolutionMs` of messages; when there are MARKS_MAX every second one goes and that doubles
 *
 * Invariants
 * - at(ms) never answers a position behind a message written at `ms` or later, and at most `resolutionMs` before the first.
 * - Marks rise, also while the wall clock is set back: then it stands still here.
 *
 * A week of one message per second: 16 s. Compaction keeps a frame's time to the second (wal/compact.ts).
 */
const RESOLUTION_MS = 1000
const MARKS_MAX = 65_536
const MARKS_FIRST = 64

export class TimeMarks {
  readonly #marksMax: number
  resolutionMs = RESOLUTION_MS
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
    if (last >= 0 && ms < (this.#times[last] as number) + this.resolutionMs) return
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
    const isInStretch = low > 0 && (this.#times[low - 1] as number) + this.resolutionMs > ms
    if (isInStretch) return this.#sequences[low - 1] as number
    return low < this.#count ? (this.#sequences[low] as number) : this.#end
  }

  /** Every second mark goes: what it began belongs to the one before. */
  #thin(): void {
    this.#count = Math.ceil(this.#count / 2)
    for (let i = 1; i < this.#count; i++) {
      this.#sequences[i] = this.#sequences[i * 2] as number
      this.#times[i] = this.#times[i * 2] as number
    }
    this.resolutionMs *= 2
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
