/**
 * A bucket of messages and one of bytes that fill as time passes: how fast one client may publish, or be published to.
 * No clock: times come in as an argument. What is done when it is empty: throttle.ts.
 *
 * Invariants
 * - A bucket may go below zero by what was under way; the wait makes up for it, so the rate over time is the one set.
 * - A bucket without a limit is never empty.
 */

/** Runs of frames are taken whole where the rate leaves room for one: a chunk holds no more than that. */
const RUN_MESSAGES_PER_SECOND = 16_384
const RUN_BYTES_PER_SECOND = 4_194_304

/** Indices into what is held. */
const MESSAGES = 0
const BYTES = 1
const AT_MS = 2

export class RateBucket {
  readonly #messagesPerMs: number
  readonly #bytesPerMs: number
  readonly #messagesMax: number
  readonly #bytesMax: number
  readonly takesRuns: boolean
  /** What the buckets hold, and when they were filled last: a typed array, whose numbers need no object of their own. */
  readonly #held = new Float64Array(3)
  /** Somebody comes back to look. */
  isAwaited = false

  /** Rates per second; 0 = no limit. */
  constructor(messagesPerSecond: number, bytesPerSecond: number, burstMs: number, nowMs: number) {
    this.#messagesPerMs = messagesPerSecond === 0 ? Number.POSITIVE_INFINITY : messagesPerSecond / 1000
    this.#bytesPerMs = bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : bytesPerSecond / 1000
    this.#messagesMax = messagesPerSecond === 0 ? Number.POSITIVE_INFINITY : Math.max(1, this.#messagesPerMs * burstMs)
    this.#bytesMax = bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : Math.max(1, this.#bytesPerMs * burstMs)
    this.#held[MESSAGES] = this.#messagesMax
    this.#held[BYTES] = this.#bytesMax
    this.#held[AT_MS] = nowMs
    const hasRoom = messagesPerSecond === 0 || messagesPerSecond >= RUN_MESSAGES_PER_SECOND
    this.takesRuns = hasRoom && (bytesPerSecond === 0 || bytesPerSecond >= RUN_BYTES_PER_SECOND)
  }

  /** Nothing more may pass at `nowMs`. A message passes whole while the bucket holds one, and any byte. */
  isEmpty(nowMs: number): boolean {
    const held = this.#held
    if ((held[MESSAGES] as number) >= 1 && (held[BYTES] as number) > 0) return false
    const passedMs = nowMs - (held[AT_MS] as number)
    if (passedMs > 0) {
      held[AT_MS] = nowMs
      held[MESSAGES] = filled(held[MESSAGES] as number, this.#messagesPerMs, passedMs, this.#messagesMax)
      held[BYTES] = filled(held[BYTES] as number, this.#bytesPerMs, passedMs, this.#bytesMax)
    }
    return (held[MESSAGES] as number) < 1 || (held[BYTES] as number) <= 0
  }

  take(messages: number, bytes: number): void {
    const held = this.#held
    held[MESSAGES] = (held[MESSAGES] as number) - messages
    held[BYTES] = (held[BYTES] as number) - bytes
  }

  /** Until something may pass again. */
  get waitMs(): number {
    const messages = this.#held[MESSAGES] as number
    const bytes = this.#held[BYTES] as number
    const forMessages = messages >= 1 ? 0 : (1 - messages) / this.#messagesPerMs
    const forBytes = bytes > 0 ? 0 : (1 - bytes) / this.#bytesPerMs
    return Math.max(forMessages, forBytes)
  }
}

const filled = (tokens: number, perMs: number, passedMs: number, max: number): number =>
  max === Number.POSITIVE_INFINITY ? max : Math.min(max, tokens + perMs * passedMs)
