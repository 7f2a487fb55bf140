/**
 * The two tables of the codec against the conformance catalogue (test/codec/spec): every row, both ways.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { PacketType } from "../../src/codec/codec.ts"
import { PropertyKind, PropertyPlace, propertyTable } from "../../src/codec/properties.ts"
import { clientMaySend, mayCarry, ReasonCode, reasonCodeName, reasonCodeTable } from "../../src/codec/reason-codes.ts"

const catalogue = (name: string): Array<Array<string>> =>
  readFileSync(new URL(`spec/${name}`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))

const packetNames = new Map(Object.entries(PacketType).map(([name, type]) => [type as number, name.toUpperCase()]))

describe("reason codes", () => {
  const rows = catalogue("reason-codes.tsv")
  it("are the catalogue's: codes, names, packets", () => {
    const ours = reasonCodeTable.map((row) => [
      row.code,
      row.name,
      row.packets.map((packet) => packetNames.get(packet)).join(",")
    ])
    assert.deepStrictEqual(
      ours,
      rows.map(([hex, name, packets]) => [Number(hex), name as string, packets as string])
    )
  })
  it("have the catalogue's senders, less the two that are taken from anyone", () => {
    for (const [hex, , packets, sender] of rows) {
      const code = Number(hex)
      for (const [type, name] of [
        [PacketType.disconnect, "DISCONNECT"],
        [PacketType.auth, "AUTH"]
      ] as const) {
        if (!(packets as string).split(",").includes(name)) continue
        const anyone = type === PacketType.disconnect && (code === 0x8c || code === 0x9b)
        const expected = anyone || !(sender as string).includes(`${name}:server`)
        assert.strictEqual(clientMaySend(type, code), expected, `${name} ${hex}`)
      }
    }
  })
  it("are carried by no other packet", () => {
    const carried = rows.flatMap(([hex, , packets]) =>
      (packets as string).split(",").map((packet) => `${packet} ${Number(hex)}`)
    )
    const ours: Array<string> = []
    for (const [type, name] of packetNames) {
      for (let code = 0; code < 256; code++) if (mayCarry(type, code)) ours.push(`${name} ${code}`)
    }
    assert.sameMembers(ours, carried)
  })
  it("have a constant each, named as the standard names them", () => {
    const plain = (name: string) => name.replaceAll(/[^A-Za-z0-9]/g, "").toLowerCase()
    const constants = Object.entries(ReasonCode).map(([name, code]) => `${plain(name)} ${code}`)
    assert.sameMembers(
      constants,
      reasonCodeTable.map((row) => `${plain(row.name)} ${row.code}`)
    )
  })
  it("are named as their packet names them", () => {
    assert.strictEqual(reasonCodeName(0, PacketType.puback), "Success")
    assert.strictEqual(reasonCodeName(0, PacketType.disconnect), "Normal disconnection")
    assert.strictEqual(reasonCodeName(0, PacketType.suback), "Granted QoS 0")
    assert.strictEqual(reasonCodeName(0x97), "Quota exceeded")
    assert.strictEqual(reasonCodeName(0x05), "Reason Code 0x05")
  })
})

describe("properties", () => {
  const kinds = new Map<string, number>([
    ["Byte", PropertyKind.byte],
    ["Two Byte Integer", PropertyKind.twoByte],
    ["Four Byte Integer", PropertyKind.fourByte],
    ["Variable Byte Integer", PropertyKind.variable],
    ["UTF-8 Encoded String", PropertyKind.string],
    ["Binary Data", PropertyKind.binary],
    ["UTF-8 String Pair", PropertyKind.pair]
  ])
  const placeOf = (packet: string) => PropertyPlace[packet.toLowerCase() as keyof typeof PropertyPlace]
  it("are the catalogue's: identifiers, names, kinds, places, repetition", () => {
    assert.deepStrictEqual(
      propertyTable.map((row) => [row.id, row.name, row.kind, row.places, row.repeatable]),
      catalogue("properties.tsv").map(([hex, name, type, packets, repeat]) => [
        Number(hex),
        name as string,
        kinds.get(type as string) as number,
        (packets as string).split(",").reduce((places, packet) => places | placeOf(packet), 0),
        repeat === "yes"
      ])
    )
  })
  it("forbid zero and values above 1 where the catalogue says so", () => {
    for (const [hex, , , , , , errors] of catalogue("properties.tsv")) {
      const row = propertyTable.find((each) => each.id === Number(hex))
      assert.strictEqual(row?.minimum, /value 0 (is|or above)/.test(errors as string) ? 1 : 0, `minimum of ${hex}`)
      if (/value above 1|value other than 0 or 1/.test(errors as string)) assert.strictEqual(row?.maximum, 1, hex)
    }
  })
  it("are sent by a server only where the catalogue says so", () => {
    const serverOnly = propertyTable.filter((row) => row.serverOnly !== 0)
    assert.deepStrictEqual(
      serverOnly.map((row) => [row.id, row.serverOnly]),
      [
        [0x0b, PropertyPlace.publish],
        [0x1c, PropertyPlace.disconnect]
      ]
    )
  })
  it("have a place bit for each packet that carries properties", () => {
    for (const [name, place] of Object.entries(PropertyPlace)) {
      if (name !== "will") assert.strictEqual(place, 1 << PacketType[name as keyof typeof PacketType], name)
    }
  })
})
