/**
 * How long to wait so that no more than a rate of bytes goes through. Plain; the clock comes in.
 *
 * A debt may be made: what is done is done, the next one waits. At rest it fills up to `burstBytes`.
 */
export class TokenBucket {
  readonly #burstBytes: number
  #bytes: number
  #atMs: number

  constructor(burstBytes: number, nowMs: number) {
    this.#burstBytes = burstBytes
    this.#bytes = burstBytes
    this.#atMs = nowMs
  }

  /** `bytes` have been moved: answers how many ms to wait before the next are. */
  take(bytes: number, bytesPerSecond: number, nowMs: number): number {
    const added = (Math.max(0, nowMs - this.#atMs) / 1000) * bytesPerSecond
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + added) - bytes
    this.#atMs = nowMs
    return this.#bytes >= 0 ? 0 : Math.ceil((-this.#bytes / bytesPerSecond) * 1000)
  }
}
