/**
 * Topic ids by the topic's bytes: what recovery asks once per record, where a string and a map's look-up per record would
 * be most of its time. It lives as long as recovery does.
 *
 *   slots    open addressing, a power of two, at most half full; 0 = empty, else 1 + number of the entry
 *   entry    hash, id, and where its bytes lie in `bytes`, to `ends[entry]` from the one before
 *
 * An answer is exact: bytes are compared, the hash only says where to look. Topics can be chosen so that their hashes
 * collide: what finds no slot within PROBES_MAX is not remembered, and is asked for by its name.
 */
import { copyBytes, equalBytes, hashBytes } from "../base/bytes.ts"

const SLOTS_FIRST = 1024
const BYTES_FIRST = 16_384
const PROBES_MAX = 64

export class TopicBytes {
  #count = 0
  #slots = new Int32Array(SLOTS_FIRST)
  #hashes = new Int32Array(SLOTS_FIRST / 2)
  #ids = new Int32Array(SLOTS_FIRST / 2)
  #ends = new Float64Array(SLOTS_FIRST / 2)
  #bytes = Buffer.allocUnsafeSlow(BYTES_FIRST)

  /** -1: not known yet. */
  find(buffer: Buffer, start: number, end: number): number {
    const hash = hashBytes(buffer, start, end)
    const mask = this.#slots.length - 1
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const entry = (this.#slots[(hash + probe) & mask] as number) - 1
      if (entry < 0) return -1
      if (this.#hashes[entry] === hash && this.#isAt(entry, buffer, start, end)) return this.#ids[entry] as number
    }
    return -1
  }

  /** What find() does not know. Nothing is kept of it where no slot could lead to it. */
  add(buffer: Buffer, start: number, end: number, id: number): void {
    if (this.#count === this.#ids.length) this.#grow()
    const entry = this.#count
    const hash = hashBytes(buffer, start, end)
    if (!this.#place(entry, hash)) return
    const from = this.#startOf(entry)
    const to = from + end - start
    if (to > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(to, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    copyBytes(this.#bytes, from, buffer, start, end)
    this.#hashes[entry] = hash
    this.#ids[entry] = id
    this.#ends[entry] = to
    this.#count++
  }

  #isAt(entry: number, buffer: Buffer, start: number, end: number): boolean {
    const from = this.#startOf(entry)
    const to = this.#ends[entry] as number
    return to - from === end - start && equalBytes(this.#bytes, from, to, buffer, start)
  }

  #startOf(entry: number): number {
    return entry === 0 ? 0 : (this.#ends[entry - 1] as number)
  }

  #place(entry: number, hash: number): boolean {
    const mask = this.#slots.length - 1
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const at = (hash + probe) & mask
      if (this.#slots[at] !== 0) continue
      this.#slots[at] = entry + 1
      return true
    }
    return false
  }

  #grow(): void {
    const length = this.#ids.length * 2
    const hashes = new Int32Array(length)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    const ids = new Int32Array(length)
    ids.set(this.#ids)
    this.#ids = ids
    const ends = new Float64Array(length)
    ends.set(this.#ends)
    this.#ends = ends
    this.#slots = new Int32Array(length * 2)
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry, this.#hashes[entry] as number)
  }
}
