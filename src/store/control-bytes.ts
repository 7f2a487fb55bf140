/**
 * Bytes of control records: a writer that grows, a reader that cannot be led astray.
 *
 *   name       bytes
 *   byte       1
 *   short      2
 *   word       4
 *   position   8: a safe integer; all ones = none, which each field reads as its own word (-1, Infinity)
 *   text       4 + n: length, UTF-8
 *   blob       4 + n: length, bytes
 *
 * All little-endian. The reader is total: behind the end, or with a length that is not there, it answers zeroes and
 * empty things and `isGood` is false from then on; nothing throws. A list's count is believed only as far as its bytes
 * reach, so a damaged one cannot make anybody allocate.
 */
const SIZE_FIRST = 4096

export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(SIZE_FIRST)
  #at = 0

  /** What was written since the last take(), in memory of its own. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#at))
    this.#at = 0
    return taken
  }

  /** Room for one item, which the caller writes at the offset that is answered: of long lists, where each call counts. */
  claim(sizeBytes: number): number {
    this.#room(sizeBytes)
    const at = this.#at
    this.#at = at + sizeBytes
    return at
  }
  /** Another one after each call that makes room. */
  get bytes(): Buffer {
    return this.#bytes
  }
  byte(value: number): this {
    this.#at = this.#room(1).writeUInt8(value, this.#at)
    return this
  }
  short(value: number): this {
    this.#at = this.#room(2).writeUInt16LE(value, this.#at)
    return this
  }
  word(value: number): this {
    this.#at = this.#room(4).writeUInt32LE(value, this.#at)
    return this
  }
  position(value: number): this {
    const bytes = this.#room(8)
    writePosition(bytes, this.#at, value)
    this.#at += 8
    return this
  }
  text(value: string): this {
    const length = Buffer.byteLength(value)
    this.word(length)
    this.#room(length).write(value, this.#at, length, "utf8")
    this.#at += length
    return this
  }
  blob(value: Buffer): this {
    this.word(value.length)
    value.copy(this.#room(value.length), this.#at)
    this.#at += value.length
    return this
  }

  #room(sizeBytes: number): Buffer {
    const needed = this.#at + sizeBytes
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#at)
      this.#bytes = grown
    }
    return this.#bytes
  }
}

export class ByteReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  isGood = true

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = Math.min(end, bytes.length)
  }

  /** Nothing was missing, and nothing is left. */
  get isWhole(): boolean {
    return this.isGood && this.#at === this.#end
  }

  byte(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#bytes.readUInt8(at)
  }
  short(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.#bytes.readUInt16LE(at)
  }
  word(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#bytes.readUInt32LE(at)
  }
  /** `none`: what all ones stand for. */
  position(none: number): number {
    const at = this.#take(8)
    const value = at < 0 ? 0 : readPosition(this.#bytes, at, none)
    if (value !== none && !Number.isSafeInteger(value)) this.isGood = false
    return value
  }
  text(): string {
    const length = this.word()
    const at = this.#take(length)
    return at < 0 ? "" : this.#bytes.toString("utf8", at, at + length)
  }
  /** In memory of its own. */
  blob(): Buffer {
    const length = this.word()
    const at = this.#take(length)
    return at < 0 ? Buffer.alloc(0) : Buffer.from(this.#bytes.subarray(at, at + length))
  }
  list<A>(item: (reader: ByteReader) => A): ReadonlyArray<A> {
    const items: Array<A> = []
    for (let left = this.word(); left > 0 && this.isGood; left--) items.push(item(this))
    return this.isGood ? items : []
  }
  /** A value that must be one of a known few. */
  demand(isKnown: boolean): void {
    if (!isKnown) this.isGood = false
  }

  #take(sizeBytes: number): number {
    const at = this.#at
    if (!this.isGood || sizeBytes > this.#end - at) {
      this.isGood = false
      return -1
    }
    this.#at = at + sizeBytes
    return at
  }
}

const ALL_ONES = 0xffff_ffff
const WORD = 0x1_0000_0000

export function writePosition(bytes: Buffer, at: number, value: number): void {
  const isNone = value === -1 || value === Number.POSITIVE_INFINITY
  writeWord(bytes, at, isNone ? ALL_ONES : value % WORD)
  writeWord(bytes, at + 4, isNone ? ALL_ONES : Math.floor(value / WORD))
}

/** As writeUInt32LE, of values known to be good: cursors of full windows are most of what a drain writes. */
export function writeWord(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export function readPosition(bytes: Buffer, at: number, none: number): number {
  const low = bytes.readUInt32LE(at)
  const high = bytes.readUInt32LE(at + 4)
  return low === ALL_ONES && high === ALL_ONES ? none : high * WORD + low
}
