/**
 * When a publisher may send its next message: the gate all publishers of a run ask.
 *
 *   open loop     message k of all publishers is due at start + k / rate; publisher i sends messages i, i + n, i + 2n ...
 *   closed loop   at most `windowMax` messages lie between publish and delivery, over all publishers
 *   neither       as fast as the stream takes them
 *
 * Time is microseconds since 1970 with fractions, read once per batch: it never goes back and two processes on one
 * machine agree about it.
 */
import type { LoadPlan } from "./plan.ts"
import type { Tally } from "./tally.ts"

/** The timer's own coarseness: what is sent this soon after it was due was not held back by anybody. */
const punctualUs = 5000
/** Messages that were lost must not shut the window for good. */
const forgivenAfterMs = 500

export class Pace {
  readonly clockMs: () => number
  readonly #wallClockMs: () => number
  readonly #plan: LoadPlan
  readonly #tally: Tally
  readonly #usPerMessage: number
  #isOpen = false
  #startUs = 0
  /** Messages due so far, of all publishers. */
  #due = 0
  /** Lost ones, for the window's sake. */
  #forgiven = 0
  #seenDelivered = 0
  #seenAtMs = 0
  /** Read by the run: somebody wanted to send and the window was full. */
  isWindowFull = false

  constructor(plan: LoadPlan, tally: Tally, clockMs: () => number, wallClockMs: () => number) {
    this.#plan = plan
    this.#tally = tally
    this.clockMs = clockMs
    this.#wallClockMs = wallClockMs
    this.#usPerMessage = plan.ratePerSecond === 0 ? 0 : 1e6 / plan.ratePerSecond
  }

  nowUs(): number {
    return this.#wallClockMs() * 1000
  }

  open(): void {
    this.#isOpen = true
    this.#startUs = this.nowUs()
    this.#seenAtMs = this.clockMs()
  }

  close(): void {
    this.#isOpen = false
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** All messages there were to be have been sent. */
  get isCountReached(): boolean {
    return this.#plan.countMax > 0 && this.#tally.published >= this.#plan.countMax
  }

  /** Counts anew what is due. */
  tick(): void {
    if (this.#usPerMessage > 0) this.#due = Math.floor((this.nowUs() - this.#startUs) / this.#usPerMessage) + 1
  }

  maySend(publisher: number, sequence: number): boolean {
    if (!this.#isOpen || this.isCountReached) return false
    if (this.#usPerMessage > 0 && sequence * this.#plan.publishers + publisher >= this.#due) return false
    if (this.#isWindowFull()) {
      this.isWindowFull = true
      return false
    }
    return true
  }

  /** The stamp of a message sent at `nowUs`: then, or when it was due if it comes late. */
  sentUs(publisher: number, sequence: number, nowUs: number): number {
    if (this.#usPerMessage === 0) return nowUs
    const dueUs = this.#startUs + (sequence * this.#plan.publishers + publisher) * this.#usPerMessage
    return nowUs - dueUs < punctualUs ? nowUs : dueUs // [BENCH-1]
  }

  /** The window has room again, or what is missing has been missing for long. */
  hasRoomAgain(): boolean {
    const { delivered, published } = this.#tally
    if (delivered !== this.#seenDelivered) {
      this.#seenDelivered = delivered
      this.#seenAtMs = this.clockMs()
    } else if (this.clockMs() - this.#seenAtMs > forgivenAfterMs) {
      this.#forgiven = published - delivered / this.#plan.fan
      this.#seenAtMs = this.clockMs()
    }
    if (this.#isWindowFull()) return false
    this.isWindowFull = false
    return true
  }

  #isWindowFull(): boolean {
    const { fan, windowMax } = this.#plan
    if (windowMax === 0 || fan === 0) return false
    return this.#tally.published - this.#forgiven - this.#tally.delivered / fan >= windowMax
  }
}
