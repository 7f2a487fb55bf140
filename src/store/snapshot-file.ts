/**
 * One snapshot: everything the index holds, as of an LSN, in one file that is there whole or not at all.
 *
 *   offset  size  header, 64 bytes, little-endian
 *        0     4  CRC-32 of bytes 4..63
 *        4     4  magic "PMQN"
 *        8     4  format version, 1
 *       12     4  reserved, 0
 *       16     8  LSN: every control record up to it is in here
 *       24     8  covered LSN: with this snapshot, no record that is not a message is needed up to here; lower than the
 *                 LSN while QoS 2 steps are not in a saved cursor yet
 *       32     8  next message sequence
 *       40     4  next session number
 *       44     4  reserved, 0
 *       48    16  store uuid
 *       64        entries: word key length, word value length, key, value (index-values.ts; each under its own CRC)
 *                 end: word 0, word CRC-32 of all entries' bytes, u64 number of entries
 *
 * Written in steps of STEP_BYTES, between which others have their turn; synced, renamed, its folder synced. Read the
 * same way: memory follows the step, not the file. A file that does not verify to its end is worth nothing.
 */
import { crc32 } from "node:zlib"
import * as Effect from "effect/Effect"
import { checksumOf } from "../wal/checksum.ts"
import {
  datasync,
  type StoreFault,
  type StoreFile,
  type StoreFs,
  TEMPORARY_SUFFIX,
  withFile,
  write
} from "../wal/store-fs.ts"
import { readPosition, writePosition } from "./control-bytes.ts"
import { type IndexEntry, type IndexMeta, type OpenedValue, openValue } from "./index-values.ts"

export interface SnapshotHeader extends IndexMeta {
  readonly coveredLsn: number
}

const HEADER_BYTES = 64
const END_BYTES = 16
const LENGTHS_BYTES = 8
const MAGIC = 0x4e514d50
const VERSION = 1
const STEP_BYTES = 262_144

/** Answers the file's size. A failure leaves at most a temporary file. */
export const writeSnapshot = (
  fs: StoreFs,
  directory: string,
  name: string,
  header: SnapshotHeader,
  entries: Iterable<IndexEntry>
): Effect.Effect<number, StoreFault> =>
  Effect.gen(function* () {
    const temporary = `${directory}/${name}${TEMPORARY_SUFFIX}`
    const size = yield* withFile(fs, temporary, "create", (file) => writeAll(file, header, entries))
    yield* fs.rename(temporary, `${directory}/${name}`)
    yield* fs.syncDirectory(directory)
    return size
  })

export const readSnapshotHeader = (fs: StoreFs, path: string): Effect.Effect<SnapshotHeader | undefined, StoreFault> =>
  withFile(fs, path, "read", readHeader)

/** Hands every entry to `sink`; undefined when the file does not verify to its end, whatever was handed over by then. */
export const readSnapshot = (
  fs: StoreFs,
  path: string,
  sink: (entry: IndexEntry, opened: OpenedValue) => void
): Effect.Effect<SnapshotHeader | undefined, StoreFault> =>
  withFile(fs, path, "read", (file) =>
    Effect.gen(function* () {
      const header = yield* readHeader(file)
      if (header === undefined) return undefined
      return (yield* new EntryReader(file, yield* file.size, sink).run) ? header : undefined
    })
  )

const writeAll = (
  file: StoreFile,
  header: SnapshotHeader,
  entries: Iterable<IndexEntry>
): Effect.Effect<number, StoreFault> =>
  Effect.gen(function* () {
    let position = 0
    let crc = 0
    let count = 0
    let parts: Array<Buffer> = [encodeHeader(header)]
    let waitingBytes = HEADER_BYTES
    const flush = Effect.suspend(() => {
      const bytes = Buffer.concat(parts, waitingBytes)
      const at = position
      position += waitingBytes
      parts = []
      waitingBytes = 0
      return write(file, bytes, at)
    })
    for (const { key, value } of entries) {
      const lengths = Buffer.allocUnsafe(LENGTHS_BYTES)
      lengths.writeUInt32LE(key.length, 0)
      lengths.writeUInt32LE(value.length, 4)
      for (const part of [lengths, key, value]) {
        crc = checksumOf(part, 0, part.length, crc)
        parts.push(part)
        waitingBytes += part.length
      }
      count++
      if (waitingBytes >= STEP_BYTES) yield* flush
    }
    const end = Buffer.alloc(END_BYTES)
    end.writeUInt32LE(crc, 4)
    writePosition(end, 8, count)
    parts.push(end)
    waitingBytes += END_BYTES
    yield* flush
    yield* datasync(file)
    return position
  })

function encodeHeader(header: SnapshotHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.writeUInt32LE(MAGIC, 4)
  bytes.writeUInt32LE(VERSION, 8)
  writePosition(bytes, 16, header.appliedLsn)
  writePosition(bytes, 24, header.coveredLsn)
  writePosition(bytes, 32, header.nextSequence)
  bytes.writeUInt32LE(header.nextSessionNumber, 40)
  bytes.write(header.storeUuid, 48, 16, "hex")
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
  return bytes
}

const readHeader = (file: StoreFile): Effect.Effect<SnapshotHeader | undefined, StoreFault> =>
  Effect.gen(function* () {
    const bytes = Buffer.alloc(HEADER_BYTES)
    const read = yield* file.read(bytes, 0, HEADER_BYTES, 0)
    if (read < HEADER_BYTES || bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) return undefined
    if (bytes.readUInt32LE(4) !== MAGIC || bytes.readUInt32LE(8) !== VERSION) return undefined
    return {
      appliedLsn: readPosition(bytes, 16, 0),
      coveredLsn: readPosition(bytes, 24, 0),
      nextSequence: readPosition(bytes, 32, 0),
      nextSessionNumber: bytes.readUInt32LE(40),
      storeUuid: bytes.toString("hex", 48, 64)
    }
  })

class EntryReader {
  readonly #file: StoreFile
  readonly #fileBytes: number
  readonly #sink: (entry: IndexEntry, opened: OpenedValue) => void
  #window = Buffer.alloc(0)
  /** Where the window begins in the file, and where in the window reading goes on. */
  #base = HEADER_BYTES
  #at = 0
  #crc = 0
  #count = 0

  constructor(file: StoreFile, fileBytes: number, sink: (entry: IndexEntry, opened: OpenedValue) => void) {
    this.#file = file
    this.#fileBytes = fileBytes
    this.#sink = sink
  }

  /** True when the file verifies to its end. */
  get run(): Effect.Effect<boolean, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      while (yield* this.#has(END_BYTES)) {
        const keyBytes = this.#window.readUInt32LE(this.#at)
        if (keyBytes === 0) return this.#isEnd()
        const entryBytes = LENGTHS_BYTES + keyBytes + this.#window.readUInt32LE(this.#at + 4)
        if (!(yield* this.#has(entryBytes)) || !this.#take(keyBytes, entryBytes)) return false
      }
      return false
    })
  }

  #take(keyBytes: number, entryBytes: number): boolean {
    const from = this.#at + LENGTHS_BYTES
    const to = this.#at + entryBytes
    const key = Buffer.from(this.#window.subarray(from, from + keyBytes))
    const value = Buffer.from(this.#window.subarray(from + keyBytes, to))
    const opened = openValue(key, value)
    this.#crc = checksumOf(this.#window, this.#at, to, this.#crc)
    this.#count++
    this.#at = to
    if (opened === undefined) return false
    this.#sink({ key, value }, opened)
    return true
  }

  #isEnd(): boolean {
    const end = this.#window.subarray(this.#at, this.#at + END_BYTES)
    return (
      end.readUInt32LE(4) === this.#crc &&
      readPosition(end, 8, -1) === this.#count &&
      this.#base + this.#at + END_BYTES === this.#fileBytes
    )
  }

  /** Makes sure that so many bytes lie in the window; false when the file does not have them. */
  #has(wantedBytes: number): Effect.Effect<boolean, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      if (this.#window.length - this.#at >= wantedBytes) return true
      const from = this.#base + this.#at
      if (wantedBytes > this.#fileBytes - from) return false
      const window = Buffer.allocUnsafe(Math.min(Math.max(wantedBytes, STEP_BYTES), this.#fileBytes - from))
      const read = yield* this.#file.read(window, 0, window.length, from)
      this.#window = window.subarray(0, read)
      this.#base = from
      this.#at = 0
      return read >= wantedBytes
    })
  }
}
