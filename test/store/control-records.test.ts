/**
 * Control records as bytes: what is written is what is read, the bytes are the ones of the tables, and no bytes make the
 * decoder throw or allocate without end.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  decodeBody,
  encodeCursor,
  encodeGroup,
  encodeSession,
  encodeSubscription,
  encodeUnsubscribe,
  STEP_BYTES_MAX,
  writeExchange,
  writePacketIdentifier
} from "../../src/store/control-records.ts"
import { RECORD_TYPE_MAX, RecordType } from "../../src/wal/record.ts"
import {
  filterText,
  savedCursor,
  savedExchange,
  savedGroup,
  savedSession,
  savedSubscription
} from "./session-samples.ts"

/** In the middle of other bytes, as in a segment. */
const decode = (type: number, number: number, body: Buffer) => {
  const around = Buffer.concat([Buffer.alloc(3, 0xee), body, Buffer.alloc(5, 0xee)])
  return decodeBody(type, number, around, 3, 3 + body.length)
}

describe("control records, there and back", () => {
  it("SESSION", () =>
    fc.assert(
      fc.property(savedSession, (session) => {
        const expected = { kind: "session", number: session.number, session }
        assert.deepEqual(decode(RecordType.session, session.number, encodeSession(session)), expected as never)
      })
    ))

  it("SESSION-END", () => {
    assert.deepEqual(decode(RecordType.sessionEnd, 7, Buffer.alloc(0)), { kind: "session-end", number: 7 })
  })

  it("SUB and UNSUB", () =>
    fc.assert(
      fc.property(filterText, savedSubscription, (filter, subscription) => {
        const found = decode(RecordType.subscribe, 9, encodeSubscription(filter, subscription))
        assert.deepEqual(found, { kind: "subscription", number: 9, filter, subscription })
        const ended = decode(RecordType.unsubscribe, 9, encodeUnsubscribe(filter))
        assert.deepEqual(ended, { kind: "subscription", number: 9, filter, subscription: undefined })
      })
    ))

  it("CURSOR", () =>
    fc.assert(
      fc.property(savedCursor, (cursor) => {
        assert.deepEqual(decode(RecordType.cursor, 3, encodeCursor(cursor)), { kind: "cursor", number: 3, cursor })
      })
    ))

  it("GROUP, and its end", () =>
    fc.assert(
      fc.property(filterText, savedGroup, (text, group) => {
        assert.deepEqual(decode(RecordType.group, 0, encodeGroup(text, group)), { kind: "group", text, group })
        const ended = decode(RecordType.group, 0, encodeGroup(text, undefined))
        assert.deepEqual(ended, { kind: "group", text, group: undefined })
      })
    ))

  it("the steps of QoS 2", () =>
    fc.assert(
      fc.property(savedExchange, (exchange) => {
        const { packetIdentifier } = exchange
        const bytes = Buffer.alloc(STEP_BYTES_MAX)
        const body = bytes.subarray(0, writeExchange(bytes, exchange))
        assert.deepEqual(decode(RecordType.qos2Out, 5, body), { kind: "sent", number: 5, exchange })
        const short = bytes.subarray(0, writePacketIdentifier(bytes, packetIdentifier))
        const kinds = [
          [RecordType.qos2In, "received"],
          [RecordType.qos2InReleased, "released"],
          [RecordType.qos2OutReceived, "sent-received"],
          [RecordType.qos2OutDone, "sent-done"]
        ] as const
        for (const [type, kind] of kinds)
          assert.deepEqual(decode(type, 5, short), { kind, number: 5, packetIdentifier })
      })
    ))
})

describe("control records, the bytes of the tables", () => {
  const cases: ReadonlyArray<readonly [string, Buffer, string]> = [
    [
      "SESSION",
      encodeSession({
        clientIdentifier: "c1",
        number: 7,
        epoch: 3,
        expiryIntervalSeconds: Number.POSITIVE_INFINITY,
        username: "u",
        disconnectedAtMs: 1_765_000_000_000,
        will: { topic: "w", isVersion5: true, frame: Buffer.from([0x30, 1]), delaySeconds: 60 }
      }),
      "0107020000006331 03000000ffffffff00b232f29a010000 0100000075 0100000077 020000003001 3c000000"
    ],
    [
      "SUB",
      encodeSubscription("a/#", {
        retainedBelow: -1,
        intervals: [
          { qos: 1, noLocal: true, retainAsPublished: false, subscriptionIdentifier: 5, from: 0, to: 9 },
          {
            qos: 2,
            noLocal: false,
            retainAsPublished: true,
            subscriptionIdentifier: 0,
            from: 9,
            to: Number.POSITIVE_INFINITY
          }
        ]
      }),
      "0103000000612f23 ffffffffffffffff 02000000 0505000000 0000000000000000 0900000000000000 0a00000000 0900000000000000 ffffffffffffffff"
    ],
    [
      "SUB with a replay",
      encodeSubscription("$replay/1h/a", {
        retainedBelow: -1,
        intervals: [],
        replay: { next: 3, head: 9, handed: [4] }
      }),
      "020c000000247265706c61792f31682f61 ffffffffffffffff 00000000 0300000000000000 0900000000000000 01000000 0400000000000000"
    ],
    ["UNSUB", encodeUnsubscribe("a/#"), "0103000000612f23"],
    [
      "CURSOR",
      encodeCursor({
        cursor: 2 ** 40,
        open: [{ packetIdentifier: 258, state: 2, sequence: -1, kind: "shared", filter: "f" }],
        incoming: [1, 65_535],
        retained: [{ filter: "r", below: 4, after: "t" }]
      }),
      "010000000000010000 01000000 02010202ffffffffffffffff0100000066 02000000 0100ffff 01000000 0100000072 0400000000000000 01 0100000074"
    ],
    [
      "CURSOR with replays",
      encodeCursor({
        cursor: 5,
        open: [{ packetIdentifier: 1, state: 1, sequence: 2, kind: "replay", filter: "f" }],
        incoming: [],
        retained: [],
        replays: [{ filter: "f", next: 3, head: 9, handed: [] }]
      }),
      "020500000000000000 01000000 01000103020000000000000001000000 66 00000000 00000000 01000000 0100000066 0300000000000000 0900000000000000 00000000"
    ],
    [
      "GROUP",
      encodeGroup("$share/g/f", { bornAt: 1, cursor: 2, requeued: [3] }),
      "010a000000 2473686172652f672f66 01 0100000000000000 0200000000000000 01000000 0300000000000000"
    ],
    ["GROUP, ended", encodeGroup("g", undefined), "01010000006700"]
  ]
  for (const [name, bytes, golden] of cases) {
    it(name, () => assert.strictEqual(bytes.toString("hex"), golden.replaceAll(" ", "")))
  }
})

describe("control records, other bytes", () => {
  it("whatever they are, they are a value", () =>
    fc.assert(
      fc.property(fc.nat(RECORD_TYPE_MAX + 5), fc.uint8Array({ maxLength: 80 }), (type, bytes) => {
        decode(type, 1, Buffer.from(bytes))
      }),
      { numRuns: 3000 }
    ))

  it("cut off or too long, they mean nothing", () =>
    fc.assert(
      fc.property(savedCursor, savedSession, fc.nat(), (cursor, session, where) => {
        for (const [type, whole] of [
          [RecordType.cursor, encodeCursor(cursor)],
          [RecordType.session, encodeSession(session)]
        ] as const) {
          assert.isUndefined(decode(type, 1, whole.subarray(0, where % whole.length)))
          assert.isUndefined(decode(type, 1, Buffer.concat([whole, Buffer.alloc(1)])))
        }
      })
    ))

  it("a later version, a QoS of 3, an unknown kind or state mean nothing", () => {
    const cursor = encodeCursor({ cursor: 0, open: [], incoming: [], retained: [] })
    cursor[0] = 2
    assert.isUndefined(decode(RecordType.cursor, 1, cursor))
    const interval = { noLocal: false, retainAsPublished: false, subscriptionIdentifier: 0, from: 0, to: 1 }
    const subscription = encodeSubscription("", { retainedBelow: -1, intervals: [{ ...interval, qos: 3 }] })
    assert.isUndefined(decode(RecordType.subscribe, 1, subscription))
    for (const at of [2, 3]) {
      const bytes = Buffer.alloc(STEP_BYTES_MAX)
      const exchange = { packetIdentifier: 1, state: 2, sequence: 0, kind: "ordinary", filter: "" } as const
      const body = bytes.subarray(0, writeExchange(bytes, exchange))
      body[at] = 4
      assert.isUndefined(decode(RecordType.qos2Out, 1, body))
    }
  })

  it("a count that its bytes cannot hold allocates nothing", () => {
    const body = Buffer.concat([Buffer.from([1]), Buffer.alloc(8), Buffer.alloc(4, 0xff)])
    assert.isUndefined(decode(RecordType.cursor, 1, body))
  })

  it("records of other kinds are others'", () => {
    for (const type of [RecordType.message, RecordType.segmentDropped, RecordType.topic, 200]) {
      assert.strictEqual(decode(type, 1, Buffer.alloc(24)), "other")
    }
  })
})
