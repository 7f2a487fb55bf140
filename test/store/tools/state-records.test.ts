/**
 * Sessions and groups written as control records are found again by a start exactly as they were: what was handed over
 * and finished, handed over and open, open below the cursor. Checked through the model that the start itself uses.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { decodeBody } from "../../../src/store/control-records.ts"
import type { Recovered, RecoveredSession, SavedExchange } from "../../../src/store/ports.ts"
import { SessionImage } from "../../../src/store/session-image.ts"
import {
  type ControlBody,
  groupRecords,
  type Move,
  sessionRecords,
  unmoved
} from "../../../src/store/tools/state-records.ts"

const CURSOR = 1000
const texts = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 })
const positions = fc.nat({ max: 2 * CURSOR })

const intervals = fc.array(
  fc.record({
    qos: fc.nat({ max: 2 }),
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    subscriptionIdentifier: fc.nat(),
    from: positions,
    to: fc.option(positions, { nil: Number.POSITIVE_INFINITY })
  }),
  { maxLength: 3 }
)

/** Below the cursor anything may be open; above it only what was handed over at QoS 2. */
const exchanges = fc.uniqueArray(
  fc.record({
    packetIdentifier: fc.integer({ min: 1, max: 40 }),
    state: fc.integer({ min: 1, max: 3 }),
    sequence: fc.nat({ max: CURSOR - 1 }),
    kind: fc.constantFrom("ordinary" as const, "retained" as const, "shared" as const),
    filter: texts
  }),
  { selector: ({ packetIdentifier }) => packetIdentifier, maxLength: 8 }
)
const handed = fc.uniqueArray(fc.integer({ min: CURSOR, max: CURSOR + 50 }), { maxLength: 6 })

const session: fc.Arbitrary<RecoveredSession> = fc
  .record({
    clientIdentifier: texts,
    expiryIntervalSeconds: fc.option(fc.nat(), { nil: Number.POSITIVE_INFINITY }),
    username: fc.option(texts, { nil: undefined }),
    disconnectedAtMs: fc.nat(),
    subscriptions: fc.dictionary(texts, intervals, { noNullPrototype: true }),
    below: exchanges,
    handed,
    openAbove: fc.nat({ max: 6 }),
    incoming: fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 5 })
  })
  .map(({ below, handed: above, incoming, openAbove, subscriptions, ...rest }) => {
    const open: Array<SavedExchange> = [
      ...below,
      ...above.slice(0, openAbove).map((sequence, i) => ({
        packetIdentifier: 100 + i,
        state: 2 + (i % 2),
        sequence,
        kind: "ordinary" as const,
        filter: ""
      }))
    ]
    return {
      session: { ...rest, number: 7, epoch: 3, will: undefined },
      subscriptions: new Map(
        Object.entries(subscriptions).map(([filter, each]) => [filter, { intervals: each, retainedBelow: -1 }])
      ),
      cursor: { cursor: CURSOR, open, incoming, retained: [] },
      handed: new Set(above)
    }
  })

function found(records: Iterable<ControlBody>): Recovered {
  const image = new SessionImage(undefined)
  let lsn = 0
  for (const { body, number, type } of records) {
    const decoded = decodeBody(type, number, body, 0, body.length)
    assert(decoded !== undefined && decoded !== "other")
    image.apply(decoded, ++lsn)
  }
  return image.toRecovered()
}

/** Without what the image keeps beside the value: its LSN. */
function withBareSubscriptions(session: RecoveredSession): RecoveredSession {
  const bare = [...session.subscriptions].map(
    ([filter, { intervals, retainedBelow }]) => [filter, { intervals, retainedBelow }] as const
  )
  return { ...session, subscriptions: new Map(bare) }
}

describe("state records", () => {
  it("a start finds every session as it was", () => {
    fc.assert(
      fc.property(session, (recovered) => {
        const { sessions } = found(sessionRecords(recovered, 7, unmoved))
        // Steps behind the cursor are what tells of those above it.
        assert.deepEqual(sessions.map(withBareSubscriptions), [{ ...recovered, isBehind: recovered.handed.size > 0 }])
      })
    )
  })

  it("a start finds every group as it was", () => {
    const group = fc.record({
      bornAt: positions,
      requeued: fc.uniqueArray(fc.nat({ max: CURSOR - 1 }), { maxLength: 4 }),
      handed
    })
    fc.assert(
      fc.property(texts, group, (text, { bornAt, handed: above, requeued }) => {
        const recovered = { bornAt, cursor: CURSOR, requeued, handed: new Set(above) }
        const { groups, sessions } = found(groupRecords(text, recovered, 99, unmoved))
        assert.deepEqual([...groups], [[text, recovered]])
        assert.deepEqual(sessions, [])
      })
    )
  })

  it("positions move with the messages; what waits for a message that is gone is dropped, what does not goes on", () => {
    const move: Move = {
      position: (position) => position + 10_000,
      message: (sequence) => (sequence === 5 ? -1 : sequence + 10_000)
    }
    const open = [1, 2, 3].map((state) => ({
      packetIdentifier: state,
      state,
      sequence: 5,
      kind: "ordinary" as const,
      filter: ""
    }))
    const recovered: RecoveredSession = {
      session: {
        clientIdentifier: "c",
        number: 7,
        epoch: 1,
        expiryIntervalSeconds: 1,
        username: undefined,
        disconnectedAtMs: 0,
        will: undefined
      },
      subscriptions: new Map(),
      cursor: { cursor: 20, open, incoming: [], retained: [{ filter: "a", below: 30, after: undefined }] },
      handed: new Set([5, 25])
    }
    const [moved] = found(sessionRecords(recovered, 8, move)).sessions
    assert.deepEqual(moved?.cursor, {
      cursor: 10_020,
      open: [{ packetIdentifier: 3, state: 3, sequence: -1, kind: "ordinary", filter: "" }],
      incoming: [],
      retained: []
    })
    assert.deepEqual([...(moved?.handed ?? [])], [10_025])
    assert.strictEqual(moved?.session.number, 8)
  })
})
