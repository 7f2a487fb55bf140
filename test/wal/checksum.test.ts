/** Both ways to a CRC-32 answer what zlib answers, for every length around the borders between them. */
import { crc32 } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { checksum, checksumOf, makeSlab } from "../../src/wal/checksum.ts"
import { Random, seedOfRun } from "../fault/random.ts"

const seed = seedOfRun("checksums")

describe("a checksum", () => {
  const random = new Random(seed)
  const slab = makeSlab(2048)
  for (let at = 0; at < slab.bytes.length; at++) slab.bytes[at] = random.below(256)

  it("of bytes at any place is zlib's", () => {
    for (let length = 0; length < 600; length++) {
      const start = random.below(1000)
      const from = random.below(2 ** 32)
      const expected = crc32(slab.bytes.subarray(start, start + length), from)
      assert.strictEqual(checksumOf(slab.bytes, start, start + length, from), expected, `${length}, seed ${seed}`)
    }
  })

  it("of a slab's words is zlib's", () => {
    for (let length = 0; length < 600; length += 4) {
      const start = random.below(250) * 4
      const from = random.below(2 ** 32)
      const expected = crc32(slab.bytes.subarray(start, start + length), from)
      assert.strictEqual(checksum(slab, start, start + length, from) >>> 0, expected, `${length}, seed ${seed}`)
    }
  })
})
