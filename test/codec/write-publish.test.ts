/**
 * What the broker writes, read back: by mqtt-packet as the subscriber, by viewTrusted as the log's reader.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type IPublishPacket, parser } from "mqtt-packet"
import { buildPublish, encodePublishProperties } from "../../src/codec/build-publish.ts"
import { PacketType, type Properties, type ProtocolVersion } from "../../src/codec/codec.ts"
import { fromLibrary } from "../../src/codec/mqtt-packet-properties.ts"
import { PublishView } from "../../src/codec/publish-view.ts"
import { readPublish, viewTrusted } from "../../src/codec/read-publish.ts"
import { acknowledgementSize, pingrespBytes, writeAcknowledgement } from "../../src/codec/write-acknowledgement.ts"
import {
  canonicalPublishSize,
  canPassThrough,
  publishSize,
  writeCanonicalPublish,
  writePassThrough,
  writePublish
} from "../../src/codec/write-publish.ts"
import { describe as describeView } from "./decode.ts"
import { frame, raw } from "./frames.ts"
import { sentPublish } from "./packets.ts"

const guard = 0xa5
/** A slab with room for `size` bytes at 5, all else guarded. */
const slab = (size: number) => Buffer.alloc(size + 10, guard)
const written = (target: Buffer, size: number, end: number): Buffer => {
  assert.strictEqual(end, 5 + size)
  assert.isTrue(
    target.subarray(0, 5).every((byte) => byte === guard),
    "bytes before are untouched"
  )
  assert.isTrue(
    target.subarray(end).every((byte) => byte === guard),
    "bytes behind are untouched"
  )
  return target.subarray(5, end)
}

const viewOf = (bytes: Buffer, version: ProtocolVersion): PublishView => {
  const view = new PublishView()
  assert.isUndefined(readPublish(view, bytes, 0, bytes.length, version))
  return view
}

/** The frame as a subscriber reads it. */
const subscriber = (bytes: Buffer, version: ProtocolVersion) => {
  let packet: IPublishPacket | undefined
  const fresh = parser({ protocolVersion: version })
  fresh.on("packet", (each) => {
    packet = each as IPublishPacket
  })
  fresh.on("error", (error) => assert.fail(String(error)))
  assert.strictEqual(fresh.parse(Buffer.from(bytes)), 0)
  assert.isDefined(packet)
  const { topic, payload, qos, retain, dup, messageId, properties } = packet as IPublishPacket
  const { subscriptionIdentifier, ...others } = fromLibrary(properties as Record<string, unknown> | undefined)
  return {
    topic,
    payload,
    qos,
    retain,
    dup,
    messageId,
    properties: others,
    identifiers: [subscriptionIdentifier ?? []].flat()
  }
}

const without = (properties: Properties, ...names: ReadonlyArray<keyof Properties>): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name as keyof Properties)))

const identifiers = fc.option(
  fc.array(
    fc.oneof(fc.integer({ min: 1, max: 268_435_455 }), fc.constantFrom(1, 127, 128, 16_383, 16_384, 2_097_152)),
    {
      maxLength: 4
    }
  ),
  { nil: undefined }
)

describe("writePublish", () => {
  it("forwards to a receiver of any version and QoS", () => {
    const receiver = fc.record({
      version: fc.constantFrom(3, 4, 5),
      qos: fc.constantFrom(0, 1, 2),
      retain: fc.boolean(),
      duplicate: fc.boolean(),
      packetIdentifier: fc.integer({ min: 1, max: 65_535 }),
      identifiers,
      remaining: fc.oneof(fc.constant(-1), fc.nat(0xffff_ffff))
    })
    fc.assert(
      fc.property(sentPublish, receiver, (publisher, to) => {
        const view = viewOf(publisher.bytes, publisher.version)
        const version = to.version as ProtocolVersion
        const published = describeView(view)
        const size = publishSize(view, version, to.qos, to.identifiers)
        const target = slab(size)
        const duplicate = to.duplicate && to.qos > 0
        const end = writePublish(
          target,
          5,
          view,
          version,
          to.qos,
          to.retain,
          duplicate,
          to.packetIdentifier,
          to.identifiers,
          to.remaining
        )
        const got = subscriber(written(target, size, end), version)
        const expected = version === 5 ? without(published.properties, "topicAlias") : {}
        if (to.remaining >= 0 && expected.messageExpiryInterval !== undefined)
          expected.messageExpiryInterval = to.remaining
        assert.deepStrictEqual(got, {
          topic: published.topic,
          payload: published.payload,
          qos: to.qos as 0 | 1 | 2,
          retain: to.retain,
          dup: duplicate,
          messageId: to.qos > 0 ? to.packetIdentifier : undefined,
          properties: expected,
          identifiers: version === 5 ? (to.identifiers ?? []) : []
        })
      }),
      { numRuns: 2000 }
    )
  })
  it("keeps the bytes and the order of properties [MQTT-3.3.2-18], less the alias, expiry patched", () => {
    const bytes = frame(`30 "a" { 26 "b" "1" 23 0007 26 "a" "2" 02 00000064 26 "b" "" } 'x'`, 5)
    const view = viewOf(bytes, 5)
    const size = publishSize(view, 5, 1, [5, 300])
    const target = slab(size)
    const end = writePublish(target, 5, view, 5, 1, true, false, 0x0102, [5, 300], 7)
    const expected = frame(`33 "a" 0102 { 26 "b" "1" 26 "a" "2" 02 00000007 26 "b" "" 0b 05 0b ac02 } 'x'`, 5)
    assert.strictEqual(written(target, size, end).toString("hex"), expected.toString("hex"))
  })
  it("patches the expiry that stands before the alias, too", () => {
    const view = viewOf(frame(`30 "a" { 02 00000064 23 0007 } 'x'`, 5), 5)
    const target = slab(publishSize(view, 5, 0, undefined))
    const end = writePublish(target, 5, view, 5, 0, false, false, 0, undefined, 9)
    assert.strictEqual(target.subarray(5, end).toString("hex"), frame(`30 "a" { 02 00000009 } 'x'`, 5).toString("hex"))
  })
  it("gives a 3.1.1 message to a 5.0 receiver with an empty property section", () => {
    const view = viewOf(frame(`31 "a/b" 'x'`, 4), 4)
    const target = slab(publishSize(view, 5, 0, undefined))
    const end = writePublish(target, 5, view, 5, 0, false, false, 0, undefined, -1)
    assert.strictEqual(target.subarray(5, end).toString("hex"), frame(`30 "a/b" {} 'x'`, 5).toString("hex"))
  })
  it("crosses the steps of the Remaining Length", () => {
    for (const length of [0, 100, 121, 122, 123, 124, 16_376, 16_380, 16_384, 2_097_140, 2_097_152]) {
      const view = viewOf(buildPublish(4, "abc", Buffer.alloc(length, 1), 0, false, Buffer.alloc(0)), 4)
      for (const version of [4, 5] as const) {
        const size = publishSize(view, version, 1, undefined)
        const target = slab(size)
        const end = writePublish(target, 5, view, version, 1, false, false, 1, undefined, -1)
        assert.strictEqual(subscriber(written(target, size, end), version).payload.length, length)
      }
    }
  })
  it("refuses to write a PUBLISH that names no topic: that is our mistake", () => {
    const view = viewOf(frame(`30 "" { 23 0001 } 'x'`, 5), 5)
    assert.throws(() => writePublish(slab(50), 5, view, 5, 0, false, false, 0, undefined, -1))
  })
})

describe("pass-through", () => {
  it("is for receivers of the version family that need no other length", () => {
    const qos1 = viewOf(frame(`32 "a" 0001 {} 'x'`, 5), 5)
    assert.isTrue(canPassThrough(qos1, true, 1))
    assert.isTrue(canPassThrough(qos1, true, 2))
    assert.isFalse(canPassThrough(qos1, true, 0))
    assert.isFalse(canPassThrough(qos1, false, 1))
    assert.isFalse(canPassThrough(viewOf(frame(`30 "a" { 23 0001 }`, 5), 5), true, 0))
    assert.isTrue(canPassThrough(viewOf(frame(`30 "a"`, 4), 4), false, 0))
    assert.isFalse(canPassThrough(viewOf(frame(`30 "a"`, 4), 4), false, 1))
  })
  it("writes what writePublish writes", () => {
    const receiver = fc.tuple(fc.constantFrom(1, 2), fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 65_535 }))
    fc.assert(
      fc.property(sentPublish, receiver, fc.oneof(fc.constant(-1), fc.nat(0xffff_ffff)), (publisher, to, remaining) => {
        const view = viewOf(publisher.bytes, publisher.version)
        const qos = view.qos === 0 ? 0 : to[0]
        if (!canPassThrough(view, publisher.version === 5, qos)) return
        const size = publishSize(view, publisher.version, qos, undefined)
        assert.strictEqual(size, publisher.bytes.length)
        const passed = slab(size)
        const end = writePassThrough(passed, 5, view, qos, to[1], to[2], to[3], remaining)
        const encoded = slab(size)
        writePublish(encoded, 5, view, publisher.version, qos, to[1], to[2], to[3], undefined, remaining)
        assert.deepStrictEqual(written(passed, size, end), written(encoded, size, end))
      })
    )
  })
})

describe("the canonical form", () => {
  const canonical = (view: PublishView, topic: Buffer): Buffer => {
    const size = canonicalPublishSize(view, topic.length)
    const target = slab(size)
    return written(target, size, writeCanonicalPublish(target, 5, view, topic))
  }
  it("is the message: DUP cleared, identifier zeroed, alias gone, all else as published", () => {
    fc.assert(
      fc.property(sentPublish, ({ bytes, version }) => {
        const view = viewOf(bytes, version)
        const published = describeView(view)
        const form = canonical(view, Buffer.from("unused"))
        const stored = new PublishView()
        viewTrusted(stored, form, 0, form.length, version === 5)
        assert.deepStrictEqual(describeView(stored), {
          ...published,
          duplicate: false,
          packetIdentifier: 0,
          topicAlias: 0,
          properties: without(published.properties, "topicAlias")
        })
        assert.strictEqual(stored.packetIdentifierAt >= 0, stored.qos > 0)
        // Canonical is a fixed point.
        assert.deepStrictEqual(canonical(stored, Buffer.alloc(0)), form)
      }),
      { numRuns: 1000 }
    )
  })
  it("takes the topic that an alias stands for", () => {
    const view = viewOf(frame(`3b "" 0009 { 01 01 23 0005 26 "a" "b" } 'x'`, 5), 5)
    const expected = frame(`33 "long/topic" 0000 { 01 01 26 "a" "b" } 'x'`, 5)
    assert.strictEqual(canonical(view, Buffer.from("long/topic")).toString("hex"), expected.toString("hex"))
  })
  it("is a plain copy of a frame that is canonical already", () => {
    const bytes = frame(`31 "a/b" { 02 00000001 } 'x'`, 5)
    assert.deepStrictEqual(canonical(viewOf(bytes, 5), Buffer.alloc(0)), bytes)
  })
})

describe("viewTrusted", () => {
  it("sets the registers that readPublish sets, whatever they held before", () => {
    const used = new PublishView()
    fc.assert(
      fc.property(sentPublish, ({ bytes, version }) => {
        const view = viewOf(bytes, version)
        viewTrusted(used, bytes, 0, bytes.length, version === 5)
        assert.deepStrictEqual({ ...used, runFrames: 1, frameEndRead: bytes.length }, { ...view })
      })
    )
  })
})

describe("buildPublish", () => {
  it("builds what a subscriber reads", () => {
    const properties: Properties = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 0xffff_fffe,
      contentType: "text/plain",
      responseTopic: "r/ä",
      correlationData: Buffer.from([0, 255]),
      userProperties: [
        ["a", "1"],
        ["b", ""]
      ]
    }
    const bytes = buildPublish(5, "t/ö", Buffer.from("pay"), 0, true, encodePublishProperties(properties))
    assert.deepStrictEqual(subscriber(bytes, 5), {
      topic: "t/ö",
      payload: Buffer.from("pay"),
      qos: 0,
      retain: true,
      dup: false,
      messageId: undefined,
      properties,
      identifiers: []
    })
  })
  it("leaves room for the Packet Identifier at QoS 1 and 2, and drops properties for 3.1.1", () => {
    const bytes = buildPublish(4, "a", Buffer.from("x"), 2, false, Buffer.from([1, 1]))
    assert.strictEqual(bytes.toString("hex"), frame(`34 "a" 0000 'x'`, 4).toString("hex"))
  })
  it("encodes only the message's own properties, User Properties in order", () => {
    const bytes = encodePublishProperties({
      topicAlias: 5,
      subscriptionIdentifier: 6,
      willDelayInterval: 7,
      sessionExpiryInterval: 8,
      userProperties: [
        ["z", "1"],
        ["a", "2"],
        ["z", "3"]
      ]
    })
    assert.strictEqual(bytes.toString("hex"), raw('26 "z" "1" 26 "a" "2" 26 "z" "3"').toString("hex"))
  })
})

describe("writeAcknowledgement", () => {
  const rows = [
    [4, PacketType.puback, 0, "40 02 0102"],
    [4, PacketType.pubrec, 0x97, "50 02 0102"],
    [3, PacketType.pubrel, 0, "62 02 0102"],
    [5, PacketType.puback, 0, "40 02 0102"],
    [5, PacketType.puback, 0x10, "40 04 0102 10 00"],
    [5, PacketType.pubrec, 0x97, "50 04 0102 97 00"],
    [5, PacketType.pubrel, 0, "62 02 0102"],
    [5, PacketType.pubrel, 0x92, "62 04 0102 92 00"],
    [5, PacketType.pubcomp, 0x92, "70 04 0102 92 00"]
  ] as const
  for (const [version, type, reasonCode, expected] of rows) {
    it(`writes ${expected} (version ${version})`, () => {
      const size = acknowledgementSize(version, reasonCode)
      const target = slab(size)
      const end = writeAcknowledgement(target, 5, type, 0x0102, reasonCode, version)
      assert.strictEqual(written(target, size, end).toString("hex"), raw(expected).toString("hex"))
    })
  }
  it("has PINGRESP [MQTT-3.12.4-1]", () => assert.strictEqual(pingrespBytes.toString("hex"), "d000"))
})
