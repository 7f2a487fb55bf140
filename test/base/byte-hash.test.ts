/**
 * Goal: the hash is of the bytes alone, spreads them, and bytes that collide under one set of keys do not under another.
 * Method: random bytes against a plain sum over BigInt; alike topics in slots; colliding pairs looked up under other keys.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ByteHash, KEYS } from "../../src/base/byte-hash.ts"

const keysOf = (seed: number): Int32Array => {
  let state = BigInt(seed)
  return Int32Array.from({ length: KEYS }, () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn
    return Number(state >> 32n) | 0
  })
}

describe("byte hash", () => {
  it("is the keyed sum of the range's bytes, two by two, its upper 17 bits lowest", () => {
    const keys = keysOf(1)
    const hash = new ByteHash(keys)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => {
        let sum = BigInt(keys[0] as number)
        for (const [at, byte] of bytes.entries())
          sum += BigInt(keys[(at >> 1) + 1] as number) * BigInt(byte << (at % 2 === 0 ? 0 : 8))
        const word = Number(BigInt.asUintN(32, sum))
        const found = hash.of(Buffer.from([9, ...bytes, 9]), 1, 1 + bytes.length)
        assert.strictEqual(found, (word >>> 15) | (word << 17))
      })
    )
  })

  it("depends on every byte of long inputs", () => {
    const hash = new ByteHash(keysOf(2))
    const bytes = Buffer.alloc(1000, 0x61)
    const seen = new Set([hash.of(bytes, 0, bytes.length)])
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = 0x62
      seen.add(hash.of(bytes, 0, bytes.length))
      bytes[at] = 0x61
    }
    for (const length of [255, 256, 257, 512, 513, 999]) seen.add(hash.of(bytes, 0, length))
    assert.strictEqual(seen.size, 1007)
  })

  it("spreads 100,000 alike topics over 65,536 slots nearly like a random function", () => {
    const hash = new ByteHash(keysOf(3))
    const slots = new Set<number>()
    for (let i = 0; i < 100_000; i++) {
      const topic = Buffer.from(`site/${i % 317}/device/${i}/temperature`)
      slots.add(hash.of(topic, 0, topic.length) & 0xffff)
    }
    // A random function uses 65,536 x (1 - e^-1.526) = 51,288 of them; a sum under chosen keys some more or less.
    assert.isAbove(slots.size, 45_000)
  })

  it("topics that collide under one set of keys do not under another", () => {
    const known = new ByteHash(keysOf(4))
    const other = new ByteHash(keysOf(5))
    const bySlot = new Map<number, Buffer>()
    let collisions = 0
    let again = 0
    for (let i = 0; i < 20_000; i++) {
      const topic = Buffer.from(`c/${i}`)
      const slot = known.of(topic, 0, topic.length) & 0xfff
      const before = bySlot.get(slot)
      bySlot.set(slot, topic)
      if (before === undefined) continue
      collisions += 1
      if ((other.of(topic, 0, topic.length) & 0xfff) === (other.of(before, 0, before.length) & 0xfff)) again += 1
    }
    assert.isAbove(collisions, 10_000)
    assert.isBelow(again, 100)
  })
})
