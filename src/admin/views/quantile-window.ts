/**
 * Quantiles of what histograms have booked in the last turns: the difference between their counts now and some turns ago.
 * Within a bucket values are taken as spread evenly; above the last bound a quantile is that bound.
 *
 * The counts are copied into a fixed ring once per turn; nothing else is kept.
 */
import type { Buckets } from "../../metrics/buckets.ts"

export class QuantileWindow {
  readonly #histograms: ReadonlyArray<Buckets>
  readonly #bounds: ReadonlyArray<number>
  readonly #ring: ReadonlyArray<Float64Array>
  #since: Float64Array
  #turn = 0

  /** All with the same bounds, taken together. */
  constructor(histograms: ReadonlyArray<Buckets>, turns: number) {
    this.#histograms = histograms
    this.#bounds = histograms[0]?.bounds ?? []
    const now = this.#counts()
    this.#ring = Array.from({ length: turns }, () => now.slice())
    this.#since = new Float64Array(now.length)
  }

  /** Call once per turn, before asking. The window is what came since `turns` turns ago. */
  turn(): void {
    const now = this.#counts()
    const slot = this.#ring[this.#turn % this.#ring.length] as Float64Array
    this.#since = now.map((count, i) => count - (slot[i] as number))
    slot.set(now)
    this.#turn += 1
  }

  /** Undefined when there was nothing. */
  quantile(share: number): number | undefined {
    const since = this.#since
    const total = since.reduce((sum, count) => sum + count, 0)
    if (total <= 0) return undefined
    let left = share * total
    for (const [i, count] of since.entries()) {
      const bound = this.#bounds[i]
      if (bound === undefined) break
      if (count > 0 && left <= count) {
        const below = i === 0 ? 0 : (this.#bounds[i - 1] as number)
        return below + ((bound - below) * left) / count
      }
      left -= count
    }
    return this.#bounds.at(-1)
  }

  #counts(): Float64Array {
    const counts = new Float64Array(this.#bounds.length + 1)
    for (const { counts: each } of this.#histograms) {
      for (const [i, count] of each.entries()) counts[i] = (counts[i] as number) + count
    }
    return counts
  }
}
