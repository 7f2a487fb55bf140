/**
 * What every SessionStore must do; see src/store/ports.ts for the words. Run by test/store/session-store.test.ts on each.
 *
 * Method: lives of sessions driven by chance (test/store/session-life.ts), which know what they saved. A durable store
 * answers a rising ticket to every call, and knows after every end, as often as it is opened again, exactly what was
 * saved; one that is not durable answers 0 and knows nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SavedExchange, SessionStore } from "../../src/store/ports.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { comparable, expected, type LifeLog, SessionLife } from "../store/session-life.ts"

export interface OpenedSessions {
  readonly sessions: SessionStore
  readonly log: LifeLog
}

/** A place to keep sessions in; open() may come again once the scope of the last one has ended. */
export interface SessionPlace {
  readonly open: Effect.Effect<OpenedSessions, unknown, Scope.Scope>
}

const STEPS = 150
const STARTS = 4

export function sessionStoreContract(name: string, isDurable: boolean, makePlace: () => SessionPlace): void {
  describe(`session store contract: ${name}`, () => {
    const seed = seedOfRun(`session store ${name}`)

    it.live("is what it says, and answers every call with a ticket", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { sessions } = yield* makePlace().open
          assert.strictEqual(sessions.isDurable, isDurable)
          const answers = everyCall(sessions)
          if (!isDurable) return assert.deepEqual(new Set(answers), new Set([0]))
          assert.isAbove(answers[0] as number, 0)
          for (const [index, ticket] of answers.entries()) assert.strictEqual(ticket, (answers[0] as number) + index)
        })
      )
    )

    it.live("hands over what the start found once", () =>
      Effect.gen(function* () {
        const place = makePlace()
        yield* Effect.scoped(Effect.map(place.open, ({ sessions }) => sessions.saveSession(sessionOf(1))))
        yield* Effect.scoped(
          Effect.map(place.open, ({ sessions }) => {
            const first = sessions.takeRecovered()
            assert.deepEqual(
              first.sessions.map(({ session }) => session),
              isDurable ? [sessionOf(1)] : []
            )
            const { nextSessionNumber } = first
            assert.deepEqual(sessions.takeRecovered(), { sessions: [], groups: new Map(), nextSessionNumber })
          })
        )
      })
    )

    it.live(`lives through ${STARTS} starts: ${isDurable ? "exactly what was saved" : "nothing"}`, () =>
      Effect.gen(function* () {
        const place = makePlace()
        let life: SessionLife | undefined
        for (let start = 0; start < STARTS; start++) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { log, sessions } = yield* place.open
              const recovered = sessions.takeRecovered()
              life ??= new SessionLife(new Random(seed), sessions, log)
              if (isDurable) {
                assert.deepEqual(comparable(recovered), expected(life.truth), `seed ${seed}, start ${start}`)
                life.goOn(sessions, log, life.ticket)
              } else {
                assert.deepEqual(recovered, { sessions: [], groups: new Map(), nextSessionNumber: 1 })
                life = new SessionLife(new Random(seed), sessions, log)
              }
              for (let step = 0; step < STEPS; step++) life.step()
            })
          )
        }
      })
    )
  })
}

function sessionOf(number: number) {
  return {
    clientIdentifier: `client ${number}`,
    number,
    epoch: 1,
    expiryIntervalSeconds: 60,
    username: "somebody",
    disconnectedAtMs: 0,
    will: { topic: "w", isVersion5: true, frame: Buffer.from([0x30, 0]), delaySeconds: 5 }
  }
}

function everyCall(sessions: SessionStore): ReadonlyArray<number> {
  const exchange: SavedExchange = { packetIdentifier: 3, state: 2, sequence: 0, kind: "ordinary", filter: "" }
  return [
    sessions.saveSession(sessionOf(1)),
    sessions.saveSubscription(1, "a/#", { intervals: [], retainedBelow: 0 }),
    sessions.received(1, 7),
    sessions.released(1, 7),
    sessions.sent(1, exchange),
    sessions.sentReceived(1, 3),
    sessions.sentDone(1, 3),
    sessions.saveCursor(1, { cursor: 0, open: [exchange], incoming: [7], retained: [] }),
    sessions.saveGroup("$share/g/a", { bornAt: 0, cursor: 0, requeued: [] }),
    sessions.endGroup("$share/g/a"),
    sessions.endSubscription(1, "a/#"),
    sessions.endSession(1)
  ]
}
