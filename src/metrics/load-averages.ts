/**
 * Load averages as Mosquitto tells them: events per minute, averaged over about 1, 5 and 15 minutes.
 *
 *   rate = events since the last step, per minute
 *   load = rate + e^(-seconds / 60 / minutes) * (load - rate)
 */
export const loadMinutes = [1, 5, 15] as const

export class LoadAverage {
  #total = 0
  readonly #loads = loadMinutes.map(() => 0)

  /** `total` events since the start, `seconds` since the last step. */
  step(total: number, seconds: number): void {
    if (seconds <= 0) return
    const rate = ((total - this.#total) * 60) / seconds
    this.#total = total
    loadMinutes.forEach((minutes, i) => {
      const keep = Math.exp(-seconds / 60 / minutes)
      this.#loads[i] = rate + keep * ((this.#loads[i] as number) - rate)
    })
  }

  /** In the order of loadMinutes. */
  get loads(): ReadonlyArray<number> {
    return this.#loads
  }
}
