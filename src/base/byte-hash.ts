/**
 * A hash of bytes under keys that nobody outside knows: what a table finds by it cannot be crowded by bytes chosen to
 * collide.
 *
 *   sum = key[0] + key[1] * pair[0] + key[2] * pair[1] + ...   modulo 2^32, the upper 17 bits of it to the bottom
 *
 * where a pair is two bytes as one number, the last one perhaps half. Multilinear hashing: over the choice of keys two
 * different inputs agree in any k of these 17 bits with probability 2^-k, whatever the inputs are. A hash that multiplies
 * and shifts (base/bytes.ts) has pairs that collide under every seed. The additions do not wait for each other, so it is no
 * slower than that one from 24 bytes on.
 *
 * Invariants
 * - Inputs hold no NUL (MQTT strings do not [MQTT-1.5.4-2]): so a shorter input is not a longer one with zeros behind.
 * - Keys come in from outside: a process makes its own at random, tests use fixed ones.
 * - Longer inputs go block by block, each begun with the hash of the one before.
 */
export class ByteHash {
  private readonly keys: Int32Array

  /** `entropy` as long as KEYS; without it the hash is the same in every process. */
  constructor(entropy?: Int32Array) {
    this.keys = new Int32Array(KEYS)
    for (let i = 0; i < KEYS; i++) this.keys[i] = entropy?.[i] ?? scattered(i)
  }

  /** A signed 32-bit integer; use its lower bits. */
  of(buffer: Buffer, start: number, end: number): number {
    if (end - start > BLOCK_BYTES) return this.ofLong(buffer, start, end)
    return this.block(this.keys[0] as number, buffer, start, end)
  }

  /** A secret multiplier, odd, for hashes of numbers. */
  multiplier(index: number): number {
    return (this.keys[KEYS - CARRY_KEYS - 1 - index] as number) | 1
  }

  private ofLong(buffer: Buffer, start: number, end: number): number {
    let hash = 0
    for (let at = start; at < end; at += BLOCK_BYTES) {
      const low = Math.imul(this.keys[KEYS - CARRY_KEYS] as number, hash & 0xffff)
      const high = Math.imul(this.keys[KEYS - CARRY_KEYS + 1] as number, hash >>> 16)
      hash = this.block(((this.keys[0] as number) + low + high) | 0, buffer, at, Math.min(end, at + BLOCK_BYTES))
    }
    return hash
  }

  private block(from: number, buffer: Buffer, start: number, end: number): number {
    const { keys } = this
    let sum = from
    let at = start
    let key = 1
    for (; at + 1 < end; at += 2, key++) {
      const pair = (buffer[at] as number) | ((buffer[at + 1] as number) << 8)
      sum = (sum + Math.imul(keys[key] as number, pair)) | 0
    }
    if (at < end) sum = (sum + Math.imul(keys[key] as number, buffer[at] as number)) | 0
    return (sum >>> UNUSED_BITS) | (sum << (32 - UNUSED_BITS))
  }
}

const BLOCK_BYTES = 256
const CARRY_KEYS = 2
const MULTIPLIERS = 2
/** Random 32-bit numbers that a hash takes. */
export const KEYS: number = 1 + BLOCK_BYTES / 2 + MULTIPLIERS + CARRY_KEYS
/** The lower bits of a sum depend on fewer bits of the pairs. */
const UNUSED_BITS = 15

/** Some numbers that look like random ones. */
function scattered(index: number): number {
  let mixed = Math.imul(index + 1, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
