/**
 * The byte helpers against obvious models: Buffer's own functions, and Node's UTF-8 decoder in fatal mode.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { BrokenInvariant, assert as invariant } from "../../src/base/assert.ts"
import { copyBytes, equalBytes, hashBytes, isMqttString } from "../../src/base/bytes.ts"

const bytes = (maxLength = 100) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
/** The buffer in the middle of others, and where it begins: nothing outside may matter. */
const surround = (inner: Buffer, filler: number) =>
  Buffer.concat([Buffer.alloc(3, filler), inner, Buffer.alloc(5, filler)])

const isText = (buffer: Buffer): boolean => {
  try {
    return !new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(buffer).includes("\0")
  } catch {
    return false
  }
}

/** Bytes near the borders of the UTF-8 table. */
const borderByte = fc.constantFrom(
  ...[0x00, 0x01, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1],
  ...[0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]
)

describe("isMqttString", () => {
  it("agrees with a strict decoder on every character of up to two bytes", () => {
    for (let lead = 0; lead < 256; lead++) {
      assert.strictEqual(isMqttString(Buffer.from([lead]), 0, 1), isText(Buffer.from([lead])), `${lead}`)
      for (let second = 0; second < 256; second++) {
        const two = Buffer.from([lead, second])
        assert.strictEqual(isMqttString(two, 0, 2), isText(two), two.toString("hex"))
      }
    }
  })
  it("agrees with a strict decoder on sequences from the borders of the table", () => {
    fc.assert(
      fc.property(fc.array(borderByte, { maxLength: 6 }), (array) => {
        const text = Buffer.from(array)
        assert.strictEqual(isMqttString(text, 0, text.length), isText(text))
      }),
      { numRuns: 20_000 }
    )
  })
  it("takes all text without U+0000 and looks at nothing outside", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const text = Buffer.from(value)
        for (const filler of [0x00, 0x80, 0xff]) {
          assert.strictEqual(isMqttString(surround(text, filler), 3, 3 + text.length), !value.includes("\0"))
        }
      })
    )
  })
  it("takes a byte order mark [MQTT-1.5.4-3]", () => {
    assert.isTrue(isMqttString(Buffer.from("efbbbf61", "hex"), 0, 4))
  })
  it("refuses a character that goes on behind the end", () => {
    assert.isFalse(isMqttString(Buffer.from("c3a4", "hex"), 0, 1))
    assert.isFalse(isMqttString(Buffer.from("f09f9880", "hex"), 0, 3))
  })
})

describe("equalBytes", () => {
  it("is Buffer.equals on ranges, short and long", () => {
    fc.assert(
      fc.property(bytes(120), bytes(120), fc.boolean(), (a, b, same) => {
        const other = same ? Buffer.from(a) : b
        const right = surround(other, 7)
        const expected = a.equals(right.subarray(3, 3 + a.length))
        assert.strictEqual(equalBytes(surround(a, 9), 3, 3 + a.length, right, 3), expected)
      })
    )
  })
  it("sees a difference in any one byte", () => {
    const a = Buffer.alloc(100, 1)
    for (const length of [1, 16, 48, 49, 100]) {
      for (let i = 0; i < length; i++) {
        const b = Buffer.from(a)
        b[i] = 2
        assert.isFalse(equalBytes(a, 0, length, b, 0))
      }
    }
  })
  it("is false where the other range ends too early", () => {
    assert.isFalse(equalBytes(Buffer.from("aa"), 0, 2, Buffer.from("a"), 0))
    assert.isFalse(equalBytes(Buffer.alloc(100), 0, 100, Buffer.alloc(100), 1))
  })
})

describe("copyBytes", () => {
  it("copies exactly the range, short and long", () => {
    fc.assert(
      fc.property(bytes(120), (source) => {
        const target = Buffer.alloc(source.length + 8, 0xee)
        assert.strictEqual(copyBytes(target, 3, surround(source, 1), 3, 3 + source.length), 3 + source.length)
        assert.deepStrictEqual(target, Buffer.concat([Buffer.alloc(3, 0xee), source, Buffer.alloc(5, 0xee)]))
      })
    )
  })
})

describe("hashBytes", () => {
  it("depends on the bytes of the range alone and is a 32-bit integer", () => {
    fc.assert(
      fc.property(bytes(), (inner) => {
        const hash = hashBytes(surround(inner, 1), 3, 3 + inner.length)
        assert.strictEqual(hash, hashBytes(surround(inner, 2), 3, 3 + inner.length))
        assert.strictEqual(hash, hash | 0)
      })
    )
  })
  it("spreads 100,000 alike topics over 65,536 slots like a random function", () => {
    const slots = new Uint8Array(65_536)
    let used = 0
    for (let i = 0; i < 100_000; i++) {
      const topic = Buffer.from(`site/${i % 317}/device/${i}/temperature`)
      const slot = hashBytes(topic, 0, topic.length) & 0xffff
      if (slots[slot] === 0) used++
      slots[slot] = 1
    }
    // A random function uses 65,536 x (1 - e^-1.526) = 51,288 of them, give or take 150.
    assert.isAbove(used, 50_500)
  })
})

describe("assert", () => {
  it("throws what nobody catches by accident", () => {
    assert.throws(() => invariant(false, "why"), BrokenInvariant, "why")
    assert.doesNotThrow(() => invariant(1, "why"))
  })
})
