/**
 * A histogram with fixed bounds, as Prometheus wants it: one count per bucket in a typed array, and the sum.
 *
 *   bounds   rising; bucket i counts values in (bounds[i - 1], bounds[i]], the last one what is above all bounds
 *
 * `observeMany` books a batch with one look at the bounds: what a batch has in common (a write, a turn of the loop) is
 * measured once. Recording allocates nothing; the search runs from the smallest bound, where most values are.
 *
 * Elsewhere: which histograms there are (meter.ts), the finer one for the benches (histogram.ts).
 */
import { assert } from "../base/assert.ts"

export class Buckets {
  readonly bounds: ReadonlyArray<number>
  /** Per bucket, not cumulative. A window, not a copy: read, never write. */
  readonly counts: Float64Array
  readonly #bounds: Float64Array
  /** One cell. */
  readonly #sum: Float64Array

  /** Counts and sum may be windows of an array into which somebody else counts. */
  constructor(
    bounds: ReadonlyArray<number>,
    counts: Float64Array = new Float64Array(bounds.length + 1),
    sum: Float64Array = new Float64Array(1)
  ) {
    assert(
      bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] as number)),
      "bounds rise"
    )
    this.bounds = bounds
    this.#bounds = Float64Array.from(bounds)
    this.counts = counts
    this.#sum = sum
  }

  get sum(): number {
    return this.#sum[0] as number
  }

  get count(): number {
    return this.upTo(this.#bounds.length)
  }

  observe(value: number): void {
    this.observeMany(value, 1)
  }

  /** `times` values of the same size. */
  observeMany(value: number, times: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
    this.counts[bucket] = (this.counts[bucket] as number) + times
    this.#sum[0] = (this.#sum[0] as number) + value * times
  }

  /** How many values were at most `bounds[index]`. */
  upTo(index: number): number {
    let total = 0
    for (let i = 0; i <= index; i++) total += this.counts[i] as number
    return total
  }
}
