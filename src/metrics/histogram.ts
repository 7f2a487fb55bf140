/**
 * A log-linear histogram in one typed array: four buckets per power of two, so a quantile is at most
 * 25 % above the true value; count, sum and maximum are exact. Recording allocates nothing.
 *
 *   value 0..3        buckets 0..3, exact
 *   value 2^e + m     bucket 4 (e - 1) + the two bits below the leading one, for e = 2..31
 *
 * Values are non-negative integers in a unit the owner chooses so that they fit 32 bits (microseconds:
 * 71 minutes). Larger ones count in the last bucket, negative and fractional ones are cut.
 */
const bucketCount = 4 * 31
const valueMax = 0xffffffff

export class Histogram {
  readonly #buckets = new Float64Array(bucketCount)
  #count = 0
  #sum = 0
  #max = 0

  record(value: number): void {
    const clipped = value > 0 ? (value < valueMax ? Math.trunc(value) : valueMax) : 0
    const bucket = bucketOf(clipped)
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1
    this.#count++
    this.#sum += clipped
    if (clipped > this.#max) this.#max = clipped
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  get max(): number {
    return this.#max
  }

  /** Smallest bucket bound that at least the share `q` of the values does not exceed; 0 when empty. */
  quantile(q: number): number {
    const wanted = Math.max(1, Math.ceil(q * this.#count))
    let seen = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#buckets[bucket] as number
      if (seen >= wanted) return Math.min(bucketBound(bucket), this.#max)
    }
    return 0
  }

  /** Calls back with each used bucket's bound and the number of values up to it, ascending. */
  cumulative(visit: (bound: number, count: number) => void): void {
    let seen = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const here = this.#buckets[bucket] as number
      if (here === 0) continue
      seen += here
      visit(bucketBound(bucket), seen)
    }
  }
}

/** Bucket of a value in 0..2^32-1. */
export function bucketOf(value: number): number {
  if (value < 4) return value
  const exponent = 31 - Math.clz32(value)
  return 4 * (exponent - 1) + ((value >>> (exponent - 2)) & 3)
}

/** Largest value that falls into the bucket. */
export function bucketBound(bucket: number): number {
  if (bucket < 4) return bucket
  const exponent = (bucket >> 2) + 1
  return 2 ** exponent + ((bucket & 3) + 1) * 2 ** (exponent - 2) - 1
}
