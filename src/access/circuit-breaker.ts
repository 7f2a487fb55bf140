/**
 * The limits on asking somebody else (a directory, a service, a module): how many at once, how many wait, how long,
 * and when to stop asking for a while.
 *
 *            failuresMax in a row                 pauseMs over
 *   closed ───────────────────────▶ open ─────────────────────▶ one question tries
 *      ▲                             ▲                             │
 *      └──────────── it was answered─┼─────────────────────────────┤
 *                                    └──────────── it failed ──────┘
 *
 * Invariants
 * - While the breaker is open nobody waits: the answer is a failure at once (0x88), and so nobody gets in.
 * - One more than maxWaiting is answered 0x89, a client that waited longer than timeoutMs 0x88.
 * - A place is given back however the question ended, interruption included.
 *
 * Elsewhere: what is asked (http-provider.ts, ldap-provider.ts, custom-provider.ts).
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { ProviderFailed } from "./provider.ts"

const SERVER_UNAVAILABLE = 0x88
const SERVER_BUSY = 0x89
const LEFT_ALONE = "it failed too often and is left alone for a while"

export interface BreakerOptions {
  readonly failuresMax: number
  readonly pauseMs: number
  /** Monotonic. */
  readonly loopClockMs: () => number
}

export class CircuitBreaker {
  readonly #options: BreakerOptions
  #failures = 0
  #closedAgainMs = Number.NEGATIVE_INFINITY

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#failures >= this.#options.failuresMax
  }

  /** Open, and it is not yet time to try. */
  get isPausing(): boolean {
    return this.isOpen && this.#options.loopClockMs() < this.#closedAgainMs
  }

  /** May somebody be asked? When the pause is over, one may: the next pause has begun with that. */
  admits(): boolean {
    if (!this.isOpen) return true
    const nowMs = this.#options.loopClockMs()
    if (nowMs < this.#closedAgainMs) return false
    this.#closedAgainMs = nowMs + this.#options.pauseMs
    return true
  }

  succeeded(): void {
    this.#failures = 0
  }

  failed(): void {
    this.#failures += 1
    this.#closedAgainMs = this.#options.loopClockMs() + this.#options.pauseMs
  }
}

export interface GuardOptions {
  /** Of the provider, for its failures. */
  readonly name: string
  readonly inFlightMax: number
  readonly waitingMax: number
  readonly timeoutMs: number
  /** Nobody to spare: no breaker. */
  readonly breaker?: CircuitBreaker | undefined
}

/** Keeps the limits around each question of one provider. */
export class Guard {
  readonly #options: GuardOptions
  readonly #places: Semaphore.Semaphore
  #asked = 0

  constructor(options: GuardOptions) {
    this.#options = options
    this.#places = Semaphore.makeUnsafe(options.inFlightMax)
  }

  /** `question` fails only when the other side did not answer as agreed; a refusal is an answer. */
  run<A>(question: Effect.Effect<A, ProviderFailed>): Effect.Effect<A, ProviderFailed> {
    const { breaker, inFlightMax, timeoutMs, waitingMax } = this.#options
    return Effect.suspend(() => {
      if (breaker?.isPausing === true) return this.#refusal(SERVER_UNAVAILABLE, LEFT_ALONE)
      if (this.#asked >= inFlightMax + waitingMax) return this.#refusal(SERVER_BUSY, "too many clients wait for it")
      this.#asked += 1
      return this.#places.withPermit(this.#watched(question, breaker)).pipe(
        Effect.timeoutOrElse({
          duration: timeoutMs,
          orElse: () => this.#refusal(SERVER_UNAVAILABLE, `no answer within ${timeoutMs} ms`)
        }),
        Effect.ensuring(
          Effect.sync(() => {
            this.#asked -= 1
          })
        )
      )
    })
  }

  #watched<A>(
    question: Effect.Effect<A, ProviderFailed>,
    breaker: CircuitBreaker | undefined
  ): Effect.Effect<A, ProviderFailed> {
    if (breaker === undefined) return question
    return Effect.suspend(() => {
      if (!breaker.admits()) return this.#refusal(SERVER_UNAVAILABLE, LEFT_ALONE)
      // An interruption is the time limit: no answer is a failure as well.
      return Effect.onExit(question, (exit) =>
        Effect.sync(() => (exit._tag === "Success" ? breaker.succeeded() : breaker.failed()))
      )
    })
  }

  #refusal(reasonCode: number, why: string): Effect.Effect<never, ProviderFailed> {
    return Effect.fail(new ProviderFailed({ provider: this.#options.name, reasonCode, why }))
  }
}
