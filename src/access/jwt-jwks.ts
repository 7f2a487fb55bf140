/**
 * A key set at an address: fetched when the first token comes, kept, fetched again when it is old or when a token names
 * a key that is not in it.
 *
 *   age < refresh         the set at hand, unless the key is missing
 *   age ≥ refresh         fetched again; while that fails the old one is good for `keepMs` more
 *   key missing           fetched again, at most once per cooldown, whatever keys strangers name
 *
 * Invariants
 * - One fetch at a time; everybody waits for the same one.
 * - A set that cannot be read changes nothing. Without a set nobody is let in: a failure, not a denial.
 * - Keys that left the set are forgotten with the next fetch.
 *
 * Elsewhere: where the fetch may go and how much is read (egress.ts).
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { JWTVerifyGetKey } from "jose"
import type { EgressAnswer, EgressFailed } from "./egress.ts"
import { type Jose, keySetOf, localKeys } from "./jwt-keys.ts"

export interface JwksOptions {
  readonly fetch: Effect.Effect<EgressAnswer, EgressFailed>
  readonly jose: Jose
  readonly refreshMs: number
  readonly cooldownMs: number
  readonly keepMs: number
  readonly timeoutMs: number
  readonly wallClockMs: () => number
  /** Tells why a fetch failed. */
  readonly onFailure: (why: string) => void
}

export class Jwks {
  readonly #options: JwksOptions
  #keys: JWTVerifyGetKey | undefined
  #fetchedAtMs = Number.NEGATIVE_INFINITY
  #triedAtMs = Number.NEGATIVE_INFINITY
  #why = "the key set was not fetched yet"
  #pending: Deferred.Deferred<void> | undefined

  constructor(options: JwksOptions) {
    this.#options = options
  }

  /** The keys to try; fails with the reason when there are none to rely on. */
  get current(): Effect.Effect<JWTVerifyGetKey, string> {
    return Effect.suspend(() => {
      const isOld = this.#ageMs() >= this.#options.refreshMs
      return Effect.andThen(isOld ? this.#refresh() : Effect.void, this.#usable)
    })
  }

  /** For a token that none of `tried` fits: others, when there may be some by now. */
  after(tried: JWTVerifyGetKey): Effect.Effect<JWTVerifyGetKey | undefined> {
    return Effect.suspend(() => {
      const found = () => (this.#keys === tried ? undefined : this.#keys)
      if (found() !== undefined) return Effect.succeed(found())
      return Effect.map(this.#refresh(), found)
    })
  }

  /** The next token waits for a fresh set. */
  forget(): void {
    this.#fetchedAtMs = Math.min(this.#fetchedAtMs, this.#options.wallClockMs() - this.#options.refreshMs)
    this.#triedAtMs = Number.NEGATIVE_INFINITY
  }

  readonly #usable: Effect.Effect<JWTVerifyGetKey, string> = Effect.suspend(() => {
    const { keepMs, refreshMs } = this.#options
    if (this.#keys !== undefined && this.#ageMs() < refreshMs + keepMs) return Effect.succeed(this.#keys)
    return Effect.fail(this.#why)
  })

  #ageMs(): number {
    return this.#options.wallClockMs() - this.#fetchedAtMs
  }

  #refresh(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#pending !== undefined) return Deferred.await(this.#pending)
      const { cooldownMs, wallClockMs } = this.#options
      if (wallClockMs() - this.#triedAtMs < cooldownMs) return Effect.void
      this.#triedAtMs = wallClockMs()
      const done = Deferred.makeUnsafe<void>()
      this.#pending = done
      // Whoever began it may be interrupted by its own time limit; the others still wait for this one.
      return Effect.forkDetach(
        Effect.ensuring(
          this.#fetch(),
          Effect.suspend(() => {
            this.#pending = undefined
            return Deferred.succeed(done, undefined)
          })
        )
      ).pipe(Effect.andThen(Deferred.await(done)))
    })
  }

  #fetch(): Effect.Effect<void> {
    const { fetch, jose, onFailure, timeoutMs, wallClockMs } = this.#options
    return fetch.pipe(
      Effect.mapError(({ why }) => why),
      Effect.timeoutOrElse({ duration: timeoutMs, orElse: () => Effect.fail(`no answer within ${timeoutMs} ms`) }),
      Effect.flatMap(({ body, status }) => {
        const set = status === 200 ? keySetOf(body.toString("utf8")) : `answered ${status}`
        if (typeof set === "string") return Effect.fail(`the key set ${set}`)
        return Effect.try({ try: () => localKeys(jose, set), catch: () => "the key set is malformed" })
      }),
      Effect.match({
        onSuccess: (keys) => {
          this.#keys = keys
          this.#fetchedAtMs = wallClockMs()
        },
        onFailure: (why) => {
          this.#why = why
          onFailure(why)
        }
      })
    )
  }
}
