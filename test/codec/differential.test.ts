/**
 * The own codec against mqtt-packet, and against itself in other surroundings.
 *
 *   1 what mqtt-packet writes, both decode to the same packet, in every version
 *   2 frames mutated at random: nothing throws, and what the own codec takes the reference takes with the
 *     same fields, except for the names of `referenceCannotJudge`
 *   3 a decoder never looks outside its frame: other bytes around it change nothing
 *   4 any chunking of a byte stream yields the same packets
 *   5 answers, with any properties, are byte for byte what mqtt-packet writes
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  type Codec,
  type ConnectPacket,
  PacketType,
  type Properties,
  type ProtocolVersion
} from "../../src/codec/codec.ts"
import { Fault } from "../../src/codec/fault.ts"
import { bodyStart } from "../../src/codec/frame.ts"
import { writeVariableByteInteger } from "../../src/codec/integers.ts"
import { ownCodec } from "../../src/codec/own.ts"
import { PropertyKind, PropertyPlace, propertyTable } from "../../src/codec/properties.ts"
import { type referenceCannotJudge, referenceCodec } from "../../src/codec/reference.ts"
import { decode, limit } from "./decode.ts"
import { type Sent, sent, sentIn } from "./packets.ts"

/** More by environment: a long search for differences. */
const mutatedFrames = Number(process.env["CODEC_MUTATED_FRAMES"] ?? 10_000)

type Excuse = keyof typeof referenceCannotJudge

/** Why the reference may refuse what the own codec takes. */
const excuse = (bytes: Buffer, version: ProtocolVersion, packet: object): Excuse | undefined => {
  const type = (bytes[0] as number) >> 4
  if (type === PacketType.auth && bytes.length === 2) return "empty-auth"
  if (type === PacketType.disconnect && (packet as { reasonCode: number }).reasonCode === 0x8c) return "reason-code"
  const duplicateOf31 = version === 3 && [6, 8, 10].includes(type) && ((bytes[0] as number) & 8) !== 0
  const connect = type === PacketType.connect ? (packet as ConnectPacket) : undefined
  const withoutPassword = connect?.version === 3 && connect.password === undefined
  return duplicateOf31 || withoutPassword ? "version-3.1" : undefined
}

/** The packet with its User Properties sorted; undefined when the library has lost some of them. */
const comparable = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(comparable)
  if (value === null || typeof value !== "object" || Buffer.isBuffer(value)) return value
  const entries = Object.entries(value).filter(([key]) => key !== "publishProperties")
  return Object.fromEntries(
    entries.map(([key, each]) => [
      key,
      key === "userProperties" ? [...(each as Array<unknown>)].sort() : comparable(each)
    ])
  )
}
const losesPairs = (packet: object): boolean => {
  const properties = [packet, (packet as { will?: object }).will].map(
    (each) => (each as { properties?: Properties })?.properties
  )
  return properties.some((each) => {
    const names = each?.userProperties?.map(([name]) => name) ?? []
    const empties = each?.userProperties?.some(([, value]) => value === "") === true
    return empties && new Set(names).size < names.length
  })
}

type Mutation = readonly [at: number, kind: "set" | "insert" | "remove" | "flip", byte: number]
const mutations: fc.Arbitrary<ReadonlyArray<Mutation>> = fc.array(
  fc.tuple(
    fc.nat(200),
    fc.constantFrom("set", "insert", "remove", "flip"),
    fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 3, 0x23, 0x2b, 0x7f, 0x80, 0xc0, 0xed, 0xff))
  ),
  { minLength: 1, maxLength: 2 }
)

const mutate = (bytes: Buffer, changes: ReadonlyArray<Mutation>, repairLength: boolean): Buffer => {
  const array = [...bytes]
  for (const [where, kind, byte] of changes) {
    const at = where % Math.max(1, array.length)
    if (kind === "insert") array.splice(at, 0, byte)
    else if (kind === "remove") array.splice(at, 1)
    else array[at] = kind === "set" ? byte : (array[at] ?? 0) ^ (1 << (byte & 7))
  }
  const mutated = Buffer.from(array)
  if (!repairLength || mutated.length < 6) return mutated
  const body = mutated.subarray(bodyStart(bytes, 0))
  const length = Buffer.alloc(4)
  const header = length.subarray(0, writeVariableByteInteger(length, 0, body.length))
  return Buffer.concat([mutated.subarray(0, 1), header, body])
}

const mutated = fc
  .tuple(sent, mutations, fc.constantFrom(true, true, true, false))
  .map(([original, changes, repair]) => ({
    version: original.version,
    bytes: mutate(original.bytes, changes, repair)
  }))

/** The whole frame at the start of the bytes, if there is one. */
const wholeFrame = ({ bytes }: Sent): Buffer | undefined => {
  const length = ownCodec.frameLength(bytes, 0, bytes.length, limit)
  return typeof length === "number" && length > 0 && length <= bytes.length ? bytes.subarray(0, length) : undefined
}

describe("the own codec and mqtt-packet", () => {
  for (const version of [3, 4, 5] as const) {
    it(`decode the same packet from what mqtt-packet writes, version ${version}`, () => {
      fc.assert(
        fc.property(sentIn(version), ({ bytes }) => {
          assert.strictEqual(ownCodec.frameLength(bytes, 0, bytes.length, limit), bytes.length)
          const own = decode(ownCodec, bytes, version)
          assert.notInstanceOf(own, Fault)
          assert.deepStrictEqual(own, decode(referenceCodec, bytes, version))
        }),
        { numRuns: 1500 }
      )
    })
  }
  it("agree on mutated frames: what the own codec takes, mqtt-packet takes alike", () => {
    let taken = 0
    fc.assert(
      fc.property(mutated, (sample) => {
        const frame = wholeFrame(sample)
        if (frame === undefined) return
        const own = decode(ownCodec, frame, sample.version)
        if (own instanceof Fault) return
        taken++
        const reference = decode(referenceCodec, frame, sample.version)
        if (reference instanceof Fault) {
          assert.isDefined(excuse(frame, sample.version, own), `${frame.toString("hex")}: ${reference.why}`)
        } else if (!losesPairs(own)) {
          assert.deepStrictEqual(comparable(own), comparable(reference), frame.toString("hex"))
        }
      }),
      { numRuns: mutatedFrames }
    )
    // Were nearly all refused, nothing would have been compared.
    assert.isAbove(taken, mutatedFrames / 20)
  })
  it("scan the same lengths", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 7 }), fc.constantFrom(limit, 1000), (array, maximum) => {
        const bytes = Buffer.from(array)
        const own = ownCodec.frameLength(bytes, 0, bytes.length, maximum)
        assert.strictEqual(own, referenceCodec.frameLength(bytes, 0, bytes.length, maximum))
      }),
      { numRuns: 5000 }
    )
  })
})

/** Any of the 27, of any size, set in the table's order, which is that of the library. */
const values: Readonly<Record<PropertyKind, fc.Arbitrary<Properties[keyof Properties]>>> = {
  [PropertyKind.byte]: fc.nat(1),
  [PropertyKind.twoByte]: fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 1, 0xff, 0x100, 0xffff)),
  [PropertyKind.fourByte]: fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff)),
  [PropertyKind.variable]: fc.constantFrom(1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455),
  [PropertyKind.string]: fc.string({ unit: "grapheme", maxLength: 200 }),
  [PropertyKind.binary]: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  [PropertyKind.pair]: fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.string()), { minLength: 1, maxLength: 3 })
}
const propertiesOf = (place: number): fc.Arbitrary<Properties> => {
  const rows = propertyTable.filter((property) => (property.places & place) !== 0)
  const shape = Object.fromEntries(rows.map(({ field, kind }) => [field, values[kind]]))
  return fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Properties>
}
const versions = fc.constantFrom<ProtocolVersion>(3, 4, 5)
const codes = fc.array(fc.nat(255), { minLength: 1, maxLength: 300 })

/** The codecs' bytes for the same answer. */
const bothWrite = <A>(answers: fc.Arbitrary<A>, write: (codec: Codec, answer: A) => Buffer): void =>
  fc.assert(
    fc.property(answers, (answer) => {
      assert.strictEqual(write(ownCodec, answer).toString("hex"), write(referenceCodec, answer).toString("hex"))
    }),
    { numRuns: 1000 }
  )

describe("answers are byte for byte what mqtt-packet writes", () => {
  it("CONNACK", () => {
    const answers = fc.tuple(versions, fc.boolean(), fc.nat(255), propertiesOf(PropertyPlace.connack))
    bothWrite(answers, (codec, answer) => codec.encodeConnack(...answer))
  })
  it("SUBACK and UNSUBACK", () => {
    const identifiers = fc.integer({ min: 1, max: 0xffff })
    const answers = fc.tuple(versions, identifiers, codes, propertiesOf(PropertyPlace.suback))
    bothWrite(answers, (codec, answer) => codec.encodeSuback(...answer))
    bothWrite(answers, (codec, answer) => codec.encodeUnsuback(...answer))
  })
  it("DISCONNECT and AUTH", () => {
    bothWrite(fc.tuple(fc.nat(255), propertiesOf(PropertyPlace.disconnect)), (codec, answer) =>
      codec.encodeDisconnect(...answer)
    )
    bothWrite(fc.tuple(fc.nat(255), propertiesOf(PropertyPlace.auth)), (codec, answer) => codec.encodeAuth(...answer))
  })
  it("the largest strings, and none larger", () => {
    const largest = { reasonString: "x".repeat(0xffff), userProperties: [["ä".repeat(0x7fff), ""]] } as const
    bothWrite(fc.constant(largest), (codec, properties) => codec.encodeDisconnect(0x80, properties))
    for (const tooLong of [
      { reasonString: "x".repeat(0x1_0000) },
      { userProperties: [["", "ä".repeat(0x8000)]] } as const
    ]) {
      assert.throws(() => ownCodec.encodeDisconnect(0x80, tooLong), "at most 65,535 bytes")
    }
  })
})

describe("the own codec", () => {
  it("never looks outside the frame, and never throws", () => {
    fc.assert(
      fc.property(fc.oneof(mutated, sent), (sample) => {
        const frame = wholeFrame(sample)
        if (frame === undefined) return
        const alone = decode(ownCodec, frame, sample.version)
        for (const filler of [0x00, 0x01, 0x61, 0xff]) {
          const around = Buffer.concat([Buffer.alloc(9, filler), frame, Buffer.alloc(70, filler)])
          assert.deepStrictEqual(decode(ownCodec, around, sample.version, 9, 9 + frame.length), alone)
        }
      }),
      { numRuns: 4000 }
    )
  })
  it("refuses any bytes with a Fault of a code that DISCONNECT or CONNACK may carry", () => {
    const codes = new Set([0x81, 0x82, 0x84, 0x90, 0x94])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(3, 4, 5), (array, version) => {
        const length = Buffer.alloc(1, array.length)
        for (let first = 0x10; first < 0x100; first += 0x10) {
          const frame = Buffer.concat([Buffer.from([first | ((array[0] ?? 0) & 15)]), length, Buffer.from(array)])
          const packet = decode(ownCodec, frame, version as ProtocolVersion)
          if (packet instanceof Fault) assert.isTrue(codes.has(packet.reasonCode), packet.why)
        }
      }),
      { numRuns: 2000 }
    )
  })
  it("yields the same packets however the stream is cut", () => {
    const stream = fc
      .constantFrom(3, 4, 5)
      .chain((version) => fc.array(sentIn(version as ProtocolVersion), { minLength: 1, maxLength: 8 }))
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (packets, sizes) => {
        const version = packets[0]?.version as ProtocolVersion
        const bytes = Buffer.concat(packets.map((packet) => packet.bytes))
        assert.deepStrictEqual(
          receive(bytes, sizes, version),
          packets.map((packet) => decode(ownCodec, packet.bytes, version))
        )
      }),
      { numRuns: 500 }
    )
  })
})

/** What a connection does: keep the unfinished frame, scan whole ones. */
const receive = (stream: Buffer, sizes: ReadonlyArray<number>, version: ProtocolVersion): Array<object> => {
  const packets: Array<object> = []
  let kept = Buffer.alloc(0)
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length] as number
    kept = Buffer.concat([kept, stream.subarray(at, at + size)])
    at += size
    let start = 0
    for (;;) {
      const length = ownCodec.frameLength(kept, start, kept.length, limit)
      assert.isNumber(length)
      if (length === 0 || start + (length as number) > kept.length) break
      packets.push(decode(ownCodec, kept, version, start, start + (length as number)))
      start += length as number
    }
    kept = kept.subarray(start)
  }
  assert.strictEqual(kept.length, 0)
  return packets
}
