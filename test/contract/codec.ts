/**
 * The codec's contract: what every implementation must do. Run by test/codec/own.test.ts and
 * test/codec/reference.test.ts.
 *
 * `cannotJudge` are the names of the rows that an implementation is excused from; `exactReasonCodes` says
 * whether a refusal must come with the Reason Code of the table or may be any Fault.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Codec, PacketType, type ProtocolVersion } from "../../src/codec/codec.ts"
import { Fault } from "../../src/codec/fault.ts"
import { PublishView } from "../../src/codec/publish-view.ts"
import { accepted } from "../codec/accepted.ts"
import { decode, describe as describeView, limit } from "../codec/decode.ts"
import { frame, raw } from "../codec/frames.ts"
import { refusals } from "../codec/refusals.ts"

export interface CodecContract {
  readonly cannotJudge: ReadonlySet<string>
  readonly exactReasonCodes: boolean
}

const hex = (code: number) => `0x${code.toString(16)}`

export const codecContract = (codec: Codec, contract: CodecContract): void => {
  describe(`codec contract: ${codec.name}`, () => {
    frameScanner(codec)
    takes(codec, contract)
    refuses(codec, contract)
    answers(codec)
  })
}

const frameScanner = (codec: Codec): void => {
  const lengths: ReadonlyArray<readonly [what: string, bytes: string, length: number]> = [
    ["nothing yet", "", 0],
    ["one byte", "30", 0],
    ["a length that goes on", "30 80", 0],
    ["three bytes of a length", "30 ffffff", 0],
    ["no body", "c0 00", 2],
    ["127 bytes", "30 7f", 129],
    ["128 bytes", "30 8001", 131],
    ["16,383 bytes", "30 ff7f", 16_386],
    ["16,384 bytes", "30 808001", 16_388],
    ["2,097,151 bytes", "30 ffff7f", 2_097_155],
    ["2,097,152 bytes", "30 80808001", 2_097_157],
    ["the largest", "30 ffffff7f", 268_435_460]
  ]
  for (const [what, bytes, length] of lengths) {
    it(`scans a frame: ${what}`, () => {
      const buffer = raw(bytes)
      assert.strictEqual(codec.frameLength(buffer, 0, buffer.length, limit), length)
      // In the middle of a chunk, and with what follows not yet received.
      const chunk = Buffer.concat([raw("c000"), buffer, raw("ffffffffff")])
      assert.strictEqual(codec.frameLength(chunk, 2, 2 + buffer.length, limit), length)
    })
  }
  for (const bytes of [
    "30 8000",
    "30 ff00",
    "30 808000",
    "30 80808000",
    "30 80808080",
    "30 ffffffff",
    "30 8080808001"
  ]) {
    it(`refuses Remaining Length ${bytes} [MQTT-1.5.5-1]`, () => {
      const buffer = raw(bytes)
      const fault = codec.frameLength(buffer, 0, buffer.length, limit)
      assert.instanceOf(fault, Fault)
      assert.strictEqual((fault as Fault).reasonCode, 0x81)
    })
  }
  it("judges the limit by the header alone: 256 MiB announced and silence [MQTT-3.2.2-15]", () => {
    const header = raw("30 ffffff7f")
    const fault = codec.frameLength(header, 0, header.length, 2_097_152)
    assert.instanceOf(fault, Fault)
    assert.strictEqual((fault as Fault).reasonCode, 0x95)
  })
  it("counts the whole packet against the limit", () => {
    const header = raw("30 7f")
    assert.strictEqual(codec.frameLength(header, 0, 2, 129), 129)
    assert.instanceOf(codec.frameLength(header, 0, 2, 128), Fault)
  })
}

const takes = (codec: Codec, contract: CodecContract): void => {
  for (const row of accepted) {
    // Skipped because the implementation's named list says so, with the reason.
    const run = row.beyond !== undefined && contract.cannotJudge.has(row.beyond) ? it.skip : it
    run(`takes ${row.what}`, () => {
      const bytes = frame(row.bytes, row.version)
      assert.strictEqual(codec.frameLength(bytes, 0, bytes.length, limit), bytes.length)
      const packet = decode(codec, bytes, row.version)
      assert.notInstanceOf(packet, Fault)
      for (const [field, value] of Object.entries(row.fields)) {
        assert.deepStrictEqual((packet as Record<string, unknown>)[field], value, field)
      }
    })
  }
  it("gives the will and the password their own memory", () => {
    const bytes = frame(`10 "MQTT" 04 c6 0000 "c" "w" "payload" "u" "password"`, 4)
    const packet = codec.decodeConnect(bytes, 0, bytes.length)
    assert.notInstanceOf(packet, Fault)
    bytes.fill(0)
    assert.strictEqual((packet as { password: Buffer }).password.toString(), "password")
    assert.strictEqual((packet as { will: { payload: Buffer } }).will.payload.toString(), "payload")
  })
  for (const [what, notation, version, next] of [
    ["a Property Length", `30 "a/b" 07 0101`, 5, "02 00000001"],
    ["a topic", "30 0005 'a/b'", 4, "'/c'"],
    ["a Packet Identifier", `32 "a/b" 00`, 4, "01"],
    ["an acknowledgement's Property Length", "40 0001 00 05", 5, '1f "ab"'],
    ["a CONNECT's Client Identifier", `10 "MQTT" 04 02 003c 0003 'c'`, 4, "'id'"],
    ["a Topic Filter", "a2 0001 0003 'a'", 4, "'/b'"]
  ] as const) {
    it(`never completes ${what} with the bytes behind the frame`, () => {
      const bytes = frame(notation, version)
      const chunk = Buffer.concat([bytes, raw(next)])
      assert.instanceOf(decode(codec, chunk, version, 0, bytes.length), Fault)
    })
  }
  it("answers a run that is at least the frame itself", () => {
    const one = frame(`30 "a" 'x'`, 4)
    const chunk = Buffer.concat([one, one])
    const view = new PublishView()
    assert.isUndefined(codec.readPublish(view, chunk, 0, one.length, 4))
    const end = codec.runEnd(view, chunk.length, limit)
    assert.isTrue(end === one.length || end === chunk.length)
  })
  it("reads a PUBLISH in the middle of a chunk, ending where the frame ends", () => {
    const before = frame(`30 "other" 'y'`, 5)
    const bytes = frame(`32 "a/b" 0102 { 02 00000009 } 'payload'`, 5)
    const chunk = Buffer.concat([before, bytes, before])
    const view = new PublishView()
    const end = before.length + bytes.length
    assert.isUndefined(codec.readPublish(view, chunk, before.length, end, 5))
    assert.strictEqual(view.frameEnd, end)
    const seen = describeView(view)
    assert.strictEqual(seen.topic, "a/b")
    assert.strictEqual(seen.packetIdentifier, 0x102)
    assert.strictEqual(seen.messageExpiryIntervalSeconds, 9)
    assert.strictEqual(seen.payload.toString(), "payload")
  })
}

const refuses = (codec: Codec, contract: CodecContract): void => {
  for (const row of refusals) {
    // Skipped because the implementation's named list says so, with the reason.
    const run = row.beyond !== undefined && contract.cannotJudge.has(row.beyond) ? it.skip : it
    for (const version of row.versions) {
      run(`refuses ${row.packet} ${version}: ${row.what} [${row.cites}] ${hex(row.code)}`, () => {
        const bytes = frame(row.bytes, version)
        const packet = decode(codec, bytes, version)
        assert.instanceOf(packet, Fault)
        if (contract.exactReasonCodes) assert.strictEqual(hex((packet as Fault).reasonCode), hex(row.code))
      })
    }
  }
}

const answers = (codec: Codec): void => {
  const none = {}
  const encoded: ReadonlyArray<readonly [what: string, bytes: () => Buffer, expected: Buffer]> = [
    ["CONNACK 3.1.1", () => codec.encodeConnack(4, true, 0, none), raw("20 02 01 00")],
    ["CONNACK 3.1 without Session Present", () => codec.encodeConnack(3, true, 0, none), raw("20 02 00 00")],
    ["CONNACK 3.1.1 refused [MQTT-3.2.2-6]", () => codec.encodeConnack(4, true, 5, none), raw("20 02 00 05")],
    [
      "CONNACK 3.1.1 without properties",
      () => codec.encodeConnack(4, false, 1, { reasonString: "x" }),
      raw("20 02 00 01")
    ],
    ["CONNACK 5.0", () => codec.encodeConnack(5, true, 0, none), raw("20 03 01 00 00")],
    ["CONNACK 5.0 refused", () => codec.encodeConnack(5, true, 0x84, none), raw("20 03 00 84 00")],
    ["SUBACK 3.1.1", () => codec.encodeSuback(4, 258, [0, 2, 0x80], { reasonString: "x" }), raw("90 05 0102 00 02 80")],
    ["SUBACK 5.0", () => codec.encodeSuback(5, 1, [1, 0x8f], none), raw("90 05 0001 00 01 8f")],
    ["UNSUBACK 3.1.1", () => codec.encodeUnsuback(4, 1, [0, 0x11], none), raw("b0 02 0001")],
    ["UNSUBACK 5.0 [MQTT-3.11.3-1]", () => codec.encodeUnsuback(5, 1, [0, 0x11], none), raw("b0 05 0001 00 00 11")],
    ["DISCONNECT", () => codec.encodeDisconnect(0x8e, none), raw("e0 02 8e 00")],
    [
      "AUTH",
      () => codec.encodeAuth(0x18, { authenticationMethod: "m", authenticationData: Buffer.from("d") }),
      raw('f0 { 18 { 15 "m" 16 "d" } }')
    ]
  ]
  for (const [what, bytes, expected] of encoded) {
    it(`encodes ${what}`, () => assert.strictEqual(bytes().toString("hex"), expected.toString("hex")))
  }
  it("encodes CONNACK's numbers, flags, strings and ordered User Properties", () => {
    const bytes = codec.encodeConnack(5, false, 0, {
      sessionExpiryInterval: 0xffff_ffff,
      assignedClientIdentifier: "id",
      serverKeepAlive: 30,
      receiveMaximum: 20,
      topicAliasMaximum: 10,
      maximumQos: 1,
      retainAvailable: 0,
      userProperties: [
        ["b", "1"],
        ["a", ""],
        ["b", "2"],
        ["__proto__", "3"]
      ],
      maximumPacketSize: 2_097_152,
      wildcardSubscriptionAvailable: 1,
      subscriptionIdentifierAvailable: 0,
      sharedSubscriptionAvailable: 1
    })
    const expected = raw(
      `20 { 00 00 { 11 ffffffff 12 "id" 13 001e 21 0014 22 000a 24 01 25 00
        26 "b" "1" 26 "a" "" 26 "b" "2" 26 "__proto__" "3" 27 00200000 28 01 29 00 2a 01 } }`
    )
    assert.strictEqual(bytes.toString("hex"), expected.toString("hex"))
  })
}

/** Every packet type a client may send, for suites that go through all of them. */
export const clientPackets: ReadonlyArray<readonly [type: number, versions: ReadonlyArray<ProtocolVersion>]> = [
  [PacketType.connect, [3, 4, 5]],
  [PacketType.publish, [3, 4, 5]],
  [PacketType.puback, [3, 4, 5]],
  [PacketType.pubrec, [3, 4, 5]],
  [PacketType.pubrel, [3, 4, 5]],
  [PacketType.pubcomp, [3, 4, 5]],
  [PacketType.subscribe, [3, 4, 5]],
  [PacketType.unsubscribe, [3, 4, 5]],
  [PacketType.pingreq, [3, 4, 5]],
  [PacketType.disconnect, [3, 4, 5]],
  [PacketType.auth, [5]]
]
