/**
 * The suite's own reader under test: what a server must not send it calls a breach, whatever the rule that reads it
 * is about.
 */
import { assert, describe, it } from "@effect/vitest"
import { packetLength, readPacket, type Version } from "./support/packets.ts"
import { hex } from "./support/write.ts"

const breaches: ReadonlyArray<readonly [what: string, bytes: string, version?: Version]> = [
  ["CONNACK with other flags", "20 03 02 00 00"],
  ["CONNACK in the form of 3.1.1", "20 02 00 00"],
  ["Session Present in a refusal", "20 03 01 87 00"],
  ["Session Present in 3.1", "20 02 01 00", 3],
  ["a code that CONNACK does not have", "20 03 00 92 00"],
  ["a return code above 5", "20 02 00 06", 4],
  ["a property that CONNACK does not have", "20 06 00 00 03 23 00 01"],
  ["a property twice", "20 09 00 00 06 21 00 05 21 00 05"],
  ["a value out of range", "20 05 00 00 02 24 02"],
  ["Receive Maximum 0", "20 06 00 00 03 21 00 00"],
  ["properties beyond the packet", "20 03 00 00 05"],
  ["a property beyond Property Length", "20 06 00 00 02 21 00 05"],
  ["bytes behind the last field", "20 04 00 00 00 00"],
  ["QoS 3", "36 06 00 01 61 00 01 00"],
  ["DUP at QoS 0", "38 04 00 01 61 00"],
  ["PUBLISH with identifier 0", "32 06 00 01 61 00 00 00"],
  ["a wildcard in a topic", "30 04 00 01 2B 00"],
  ["a topic with U+0000", "30 04 00 01 00 00"],
  ["a topic that is no UTF-8", "30 05 00 02 C3 28 00"],
  ["a surrogate", "30 06 00 03 ED A0 80 00"],
  ["no topic and no alias", "30 03 00 00 00"],
  ["alias 0", "30 07 00 01 61 03 23 00 00"],
  ["Subscription Identifier 0", "30 06 00 01 61 02 0B 00"],
  ["a Property Length in two bytes too many", "30 05 00 01 61 80 00"],
  ["PUBACK with flags", "41 02 00 01"],
  ["PUBACK with identifier 0", "40 02 00 00"],
  ["a code that PUBACK does not have", "40 03 00 01 92"],
  ["a code in 3.1.1", "40 03 00 01 00", 4],
  ["PUBREL without its flags", "60 02 00 01"],
  ["a code that PUBREL does not have", "62 03 00 01 10"],
  ["a code that SUBACK does not have", "90 04 00 01 00 03"],
  ["a code that 3.1.1 does not have", "90 03 00 01 87", 4],
  ["a code that UNSUBACK does not have", "B0 04 00 01 00 01"],
  ["codes in an UNSUBACK of 3.1.1", "B0 03 00 01 00", 4],
  ["PINGRESP with a body", "D0 01 00"],
  ["DISCONNECT 0x04", "E0 01 04"],
  ["Session Expiry Interval in DISCONNECT", "E0 07 00 05 11 00 00 00 05"],
  ["DISCONNECT in 3.1.1", "E0 00", 4],
  ["AUTH 0x19", "F0 02 19 00"],
  ["a packet of a client", "C0 00"],
  ["a packet type that does not exist", "00 00"]
]

const legal: ReadonlyArray<readonly [what: string, bytes: string, version?: Version]> = [
  ["CONNACK", "20 06 01 00 03 21 00 05"],
  ["CONNACK of 3.1.1", "20 02 01 00", 4],
  ["PUBLISH with properties", "3D 0B 00 01 61 00 07 04 0B 01 0B 02 78"],
  ["PUBLISH with an alias in place of its topic", "30 06 00 00 03 23 00 01"],
  ["PUBACK without a code", "40 02 00 01"],
  ["PUBREC with a code", "50 03 00 01 10"],
  ["PUBCOMP with properties", "70 08 00 01 92 04 1F 00 01 61"],
  ["SUBACK", "90 06 00 01 00 00 02 8F"],
  ["UNSUBACK of 3.1.1", "B0 02 00 01", 4],
  ["DISCONNECT without a code", "E0 00"]
]

describe("the reader of the suite", () => {
  for (const [what, bytes, version = 5] of breaches) {
    it(`calls ${what} a breach`, () => {
      assert.throws(() => readPacket(hex(bytes), version))
      assert.strictEqual(packetLength(hex(bytes)), hex(bytes).length, "the row is one whole packet")
    })
  }

  for (const [what, bytes, version = 5] of legal) {
    it(`takes ${what}`, () => void readPacket(hex(bytes), version))
  }

  it("calls a length in more bytes than it needs a breach", () => {
    assert.throws(() => packetLength(hex("D0 80 00")))
    assert.throws(() => packetLength(hex("D0 80 80 80 80 00")))
  })
})
