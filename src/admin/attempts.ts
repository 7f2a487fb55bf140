/**
 * Wrong tokens and login codes, counted per address: who has shown too many in a minute is told nothing more until it is
 * over, a right one included, so guessing has a rate.
 *
 * Bounded: ADDRESSES_MAX addresses, those that came first go first. Time comes in as an argument.
 */
const WINDOW_MS = 60_000
/** Memory, not policy: beyond it the address that was seen first is forgotten. */
const ADDRESSES_MAX = 4096

interface Window {
  beganMs: number
  wrong: number
}

export class Attempts {
  readonly #windows = new Map<string, Window>()
  readonly #wrongMax: () => number

  constructor(wrongMax: () => number) {
    this.#wrongMax = wrongMax
  }

  /** May not try at the moment. */
  isBlocked(address: string, nowMs: number): boolean {
    const window = this.#windows.get(address)
    if (window === undefined) return false
    if (nowMs - window.beganMs < WINDOW_MS) return window.wrong >= this.#wrongMax()
    this.#windows.delete(address)
    return false
  }

  /** True when that was the one after which nothing is told any more. */
  wrong(address: string, nowMs: number): boolean {
    let window = this.#windows.get(address)
    if (window === undefined || nowMs - window.beganMs >= WINDOW_MS) {
      this.#windows.delete(address)
      if (this.#windows.size >= ADDRESSES_MAX) this.#windows.delete(this.#windows.keys().next().value as string)
      window = { beganMs: nowMs, wrong: 0 }
      this.#windows.set(address, window)
    }
    window.wrong += 1
    return window.wrong === this.#wrongMax()
  }
}
