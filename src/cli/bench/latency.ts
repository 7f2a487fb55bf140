/**
 * Latencies of a load run: a log-linear histogram in one typed array, finer than the broker's own (metrics/histogram.ts)
 * because here the figures are the result: 32 steps per power of two, a quantile is at most 3.2 % above the truth.
 *
 *   value 0..31        steps 0..31, exact
 *   value 2^e + m      step 32 (e - 4) + the five bits below the leading one, for e = 5..31
 *
 * Values are whole microseconds up to 2^32 - 1 (71 minutes); larger ones count as that. Recording allocates nothing.
 */
const stepsPerPower = 32
const stepBits = 5
const stepCount = stepsPerPower * 28
const valueMax = 0xffff_ffff

export class Latency {
  readonly #steps = new Float64Array(stepCount)
  count = 0
  maxUs = 0

  record(us: number): void {
    const value = us > 0 ? (us < valueMax ? Math.trunc(us) : valueMax) : 0
    const step = stepOf(value)
    this.#steps[step] = (this.#steps[step] as number) + 1
    this.count++
    if (value > this.maxUs) this.maxUs = value
  }

  clear(): void {
    this.#steps.fill(0)
    this.count = 0
    this.maxUs = 0
  }

  /** The smallest step's bound that at least the share `q` of the values does not exceed; 0 when empty. */
  quantileUs(q: number): number {
    const wanted = Math.max(1, Math.ceil(q * this.count))
    let seen = 0
    for (let step = 0; step < stepCount; step++) {
      seen += this.#steps[step] as number
      if (seen >= wanted) return Math.min(boundOf(step), this.maxUs)
    }
    return 0
  }

  /** How many values lie in each power of two, ascending, empty ones between the first and the last included. */
  powers(): ReadonlyArray<{ readonly boundUs: number; readonly count: number }> {
    const rows: Array<{ readonly boundUs: number; readonly count: number }> = []
    for (let exponent = stepBits - 1; exponent < 32; exponent++) {
      const first = exponent === stepBits - 1 ? 0 : stepsPerPower * (exponent - stepBits + 1)
      let count = 0
      for (let step = first; step < first + stepsPerPower; step++) count += this.#steps[step] as number
      rows.push({ boundUs: 2 ** (exponent + 1), count })
    }
    const used = rows.map(({ count }) => count > 0)
    return rows.slice(Math.max(0, used.indexOf(true)), used.lastIndexOf(true) + 1)
  }
}

function stepOf(value: number): number {
  if (value < stepsPerPower) return value
  const exponent = 31 - Math.clz32(value)
  return stepsPerPower * (exponent - stepBits + 1) + ((value >>> (exponent - stepBits)) & (stepsPerPower - 1))
}

/** Largest value that falls into the step. */
function boundOf(step: number): number {
  if (step < stepsPerPower) return step
  const exponent = Math.floor(step / stepsPerPower) + stepBits - 1
  return 2 ** exponent + ((step % stepsPerPower) + 1) * 2 ** (exponent - stepBits) - 1
}
