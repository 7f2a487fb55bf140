/**
 * One file of the log: its name and its header.
 *
 *   <id, 20 digits>.<gen>.wal       gen 0 is written by the appender, gen >= 1 by compaction
 *   spare-<number>.wal              zeroes, waiting to become a segment
 *   spare-<number>.used.wal         the same, with the bytes of a segment that nothing needs any more
 *
 *   offset  size  segment header, little-endian; written twice, at 0 and at 2048
 *        0     4  CRC-32 of bytes 4..2047 of this copy, seed 0
 *        4     4  magic "PMQS"
 *        8     2  format version, 1
 *       10     2  checksum algorithm, 1 = CRC-32
 *       12     4  reserved, 0
 *       16    16  store uuid
 *       32     8  segment id
 *       40     4  gen
 *       44     4  epoch: one more at every open of the store
 *       48     8  base LSN: the first LSN of this segment; everything below is void in earlier segments' stead [WAL-8]
 *       56     8  created, wall ms
 *       64     8  salt, random: CRCs of frames and records are seeded with it [WAL-7]
 *       72     4  flags: 1 = the file held other bytes before (a recycled spare), so what lies behind the end is not zero
 *       76     4  number of segments replaced (compaction)
 *       80     8  of gen >= 1 the last LSN that it stands for: what is not in it up to there is gone for good; else 0
 *       88  16*n  replaced segments: id u64, gen u32, reserved u32
 *     4096        first frame (frame.ts)
 *
 * A segment gets its name only after its header is on the platter, and its header is written only after everything
 * below its base LSN is: that a segment is there proves that all before it was durable. [WAL-6]
 *
 * A segment of gen >= 1 gets its name when all of it is on the platter, and ends with SEAL (compact.ts). Its
 * `replaces` is then the commit: what it names is void, whether it is still there or not. [WAL-11]
 */
import { crc32 } from "node:zlib"
import { checksum, type Slab } from "./checksum.ts"

export const SEGMENT_HEADER_BYTES = 4096
const COPY_BYTES = 2048
const MAGIC = 0x53514d50
export const FORMAT_VERSION = 1
const CHECKSUM_CRC32 = 1
const RECYCLED = 1
const REPLACES_OFFSET = 88
export const REPLACES_MAX = Math.floor((COPY_BYTES - REPLACES_OFFSET) / 16)

export interface SegmentReference {
  readonly id: number
  readonly gen: number
}

export interface SegmentHeader extends SegmentReference {
  /** 16 bytes, as 32 hex digits. */
  readonly storeUuid: string
  readonly epoch: number
  readonly baseLsn: number
  readonly createdMs: number
  /** 8 bytes, as 16 hex digits. */
  readonly salt: string
  readonly isRecycled: boolean
  /** Of gen >= 1; else 0. */
  readonly lastLsn: number
  readonly replaces: ReadonlyArray<SegmentReference>
}

export interface DecodedHeader {
  readonly header: SegmentHeader
  /** Seed of every CRC in the segment. */
  readonly seed: number
  /** What the first frame names as its predecessor. */
  readonly chain: number
  /** Which copies verified: 3 = both. */
  readonly copies: number
}

export function segmentName(id: number, gen: number): string {
  return `${String(id).padStart(20, "0")}.${gen}.wal`
}

export function parseSegmentName(name: string): SegmentReference | undefined {
  const match = /^(\d{20})\.(\d{1,9})\.wal$/.exec(name)
  return match === null ? undefined : { id: Number(match[1]), gen: Number(match[2]) }
}

export function spareName(number: number, isRecycled: boolean): string {
  return `spare-${String(number).padStart(6, "0")}${isRecycled ? ".used" : ""}.wal`
}

export function isSpareName(name: string): boolean {
  return /^spare-\d+(\.used)?\.wal$/.test(name)
}

/** Writes both copies over the first 4096 bytes of `slab`; answers what decoding them would. */
export function encodeSegmentHeader(slab: Slab, header: SegmentHeader): DecodedHeader {
  const { bytes } = slab
  bytes.fill(0, 0, SEGMENT_HEADER_BYTES)
  bytes.writeUInt32LE(MAGIC, 4)
  bytes.writeUInt16LE(FORMAT_VERSION, 8)
  bytes.writeUInt16LE(CHECKSUM_CRC32, 10)
  bytes.write(header.storeUuid, 16, 16, "hex")
  bytes.writeBigUInt64LE(BigInt(header.id), 32)
  bytes.writeUInt32LE(header.gen, 40)
  bytes.writeUInt32LE(header.epoch, 44)
  bytes.writeBigUInt64LE(BigInt(header.baseLsn), 48)
  bytes.writeBigUInt64LE(BigInt(header.createdMs), 56)
  bytes.write(header.salt, 64, 8, "hex")
  bytes.writeUInt32LE(header.isRecycled ? RECYCLED : 0, 72)
  bytes.writeUInt32LE(header.replaces.length, 76)
  bytes.writeBigUInt64LE(BigInt(header.lastLsn), 80)
  header.replaces.forEach(({ gen, id }, index) => {
    bytes.writeBigUInt64LE(BigInt(id), REPLACES_OFFSET + 16 * index)
    bytes.writeUInt32LE(gen, REPLACES_OFFSET + 16 * index + 8)
  })
  const chain = checksum(slab, 4, COPY_BYTES, 0)
  bytes.writeInt32LE(chain, 0)
  bytes.copy(bytes, COPY_BYTES, 0, COPY_BYTES)
  return { header, seed: seedOf(header.salt), chain, copies: 3 }
}

/** Undefined when neither copy verifies. A version or algorithm that is not ours is the caller's to refuse. */
export function decodeSegmentHeader(slab: Slab): (DecodedHeader & { readonly version: number }) | undefined {
  const first = isWhole(slab, 0)
  const second = isWhole(slab, COPY_BYTES)
  if (!first && !second) return undefined
  const at = first ? 0 : COPY_BYTES
  const { bytes } = slab
  const salt = bytes.toString("hex", at + 64, at + 72)
  const isOurs = bytes.readUInt16LE(at + 10) === CHECKSUM_CRC32
  return {
    version: isOurs ? bytes.readUInt16LE(at + 8) : Number.POSITIVE_INFINITY,
    copies: (first ? 1 : 0) | (second ? 2 : 0),
    chain: bytes.readInt32LE(at),
    seed: seedOf(salt),
    header: {
      storeUuid: bytes.toString("hex", at + 16, at + 32),
      id: Number(bytes.readBigUInt64LE(at + 32)),
      gen: bytes.readUInt32LE(at + 40),
      epoch: bytes.readUInt32LE(at + 44),
      baseLsn: Number(bytes.readBigUInt64LE(at + 48)),
      createdMs: Number(bytes.readBigUInt64LE(at + 56)),
      salt,
      isRecycled: (bytes.readUInt32LE(at + 72) & RECYCLED) !== 0,
      lastLsn: Number(bytes.readBigUInt64LE(at + 80)),
      replaces: decodeReplaces(bytes, at)
    }
  }
}

/** [WAL-7] Without a salt of its own, a client's payload or an earlier use of the file could pass for a record. */
function seedOf(salt: string): number {
  return crc32(Buffer.from(salt, "hex")) | 0
}

function isWhole(slab: Slab, at: number): boolean {
  const { bytes } = slab
  return (
    bytes.length >= at + COPY_BYTES &&
    bytes.readUInt32LE(at + 4) === MAGIC &&
    bytes.readInt32LE(at) === checksum(slab, at + 4, at + COPY_BYTES, 0)
  )
}

function decodeReplaces(bytes: Buffer, at: number): ReadonlyArray<SegmentReference> {
  const count = Math.min(bytes.readUInt32LE(at + 76), REPLACES_MAX)
  return Array.from({ length: count }, (_, index) => ({
    id: Number(bytes.readBigUInt64LE(at + REPLACES_OFFSET + 16 * index)),
    gen: bytes.readUInt32LE(at + REPLACES_OFFSET + 16 * index + 8)
  }))
}
