/**
 * Client ids that connect again and again: two devices with one name, or one that crashes on its first message.
 * Each accepted connect costs the log a session record, and each take-over two clients their connection.
 *
 * Invariants
 * - Counted are accepted connects only: whoever cannot log in cannot get somebody else banned by trying.
 * - Memory is bounded: above CLIENTS_MAX those whose windows began first are forgotten.
 * - Times come in as an argument.
 */
/** Memory, not policy: client ids are the strangers' choice, and the oldest are forgotten first. */
const CLIENTS_MAX = 65_536
const FORGOTTEN_AT_ONCE = 8192

export interface FlappingLimits {
  /** Connects within the window that are one too many; 0 = never. */
  readonly connectsMax: number
  readonly windowMs: number
}

interface Window {
  readonly sinceMs: number
  connects: number
}

export class Flapping {
  readonly #clients = new Map<string, Window>()
  #lookedMs = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#clients.size
  }

  /** True when this connect is the one too many; counting begins anew then. */
  connected(clientIdentifier: string, nowMs: number, { connectsMax, windowMs }: FlappingLimits): boolean {
    if (connectsMax === 0) return false
    let window = this.#clients.get(clientIdentifier)
    if (window === undefined || nowMs - window.sinceMs >= windowMs) {
      this.#clients.delete(clientIdentifier)
      this.#forget(nowMs, windowMs)
      window = { sinceMs: nowMs, connects: 0 }
      this.#clients.set(clientIdentifier, window)
    }
    window.connects += 1
    if (window.connects < connectsMax) return false
    this.#clients.delete(clientIdentifier)
    return true
  }

  /** The map is in the order in which windows began. Many at once: a walk passes over all that were taken out before. */
  #forget(nowMs: number, windowMs: number): void {
    if (this.#clients.size < CLIENTS_MAX && nowMs - this.#lookedMs < windowMs) return
    this.#lookedMs = nowMs
    const keptMax = this.#clients.size < CLIENTS_MAX ? CLIENTS_MAX : CLIENTS_MAX - FORGOTTEN_AT_ONCE
    for (const [clientIdentifier, { sinceMs }] of this.#clients) {
      if (nowMs - sinceMs < windowMs && this.#clients.size <= keptMax) return
      this.#clients.delete(clientIdentifier)
    }
  }
}
