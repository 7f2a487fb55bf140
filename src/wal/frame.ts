/**
 * A frame: what one write of the appender puts into a segment, whole or not at all.
 *
 *   offset  size  frame header, 56 bytes, little-endian, 8-byte aligned
 *        0     4  CRC-32 of bytes 4..55, seeded with the segment's salt
 *        4     4  magic "PMQF"
 *        8     4  length in bytes, this header included
 *       12     4  number of records
 *       16     8  first LSN; of a frame without records the LSN that comes next
 *       24     8  durable LSN: the highest LSN known to be synced when this was written [WAL-2]
 *       32     4  epoch
 *       36     4  CRC of the previous frame's header; of the first frame: of the segment header
 *       40     4  offset of this frame in its segment: a sector in the wrong place is no frame
 *       44     4  flags, table below
 *       48     8  written, wall ms; frames written again (AGAIN, SPARSE) keep the time of the first writing
 *       56        records (record.ts), each under a CRC of its own
 *
 *   flag  name
 *      1  HEARTBEAT   no records: the log went idle, so that the last frame's fate is no longer open [WAL-9]
 *      2  CLOSE       no records: a shutdown that synced everything before it
 *      4  SEAL        no records: the segment is complete, all of it synced before this was written
 *      8  AGAIN       records of an earlier epoch's tail, written again by recovery before anyone saw them
 *     16  SPARSE      what compaction kept: LSNs rise, but are not dense
 *
 * HEARTBEAT, CLOSE and SEAL take no LSN, so the LSNs of records stay dense.
 */
import { checksum, type Slab } from "./checksum.ts"

export const FRAME_HEADER_BYTES = 56
const MAGIC = 0x46514d50

export const FrameFlag = { none: 0, heartbeat: 1, close: 2, seal: 4, again: 8, sparse: 16 } as const

/** Registers of one frame header; reused. */
export class FrameHeader {
  lengthBytes = 0
  count = 0
  firstLsn = 0
  durableLsn = 0
  epoch = 0
  previous = 0
  offset = 0
  flags = 0
  writtenMs = 0
  /** Its CRC: what the next frame names as `previous`. */
  crc = 0
}

/** Writes `header` at `at` and answers its CRC, which is also set in `header`. */
export function writeFrameHeader(slab: Slab, at: number, header: FrameHeader, seed: number): number {
  const { words } = slab
  const word = at >>> 2
  words[word + 1] = MAGIC
  words[word + 2] = header.lengthBytes
  words[word + 3] = header.count
  words[word + 4] = header.firstLsn | 0
  words[word + 5] = high(header.firstLsn)
  words[word + 6] = header.durableLsn | 0
  words[word + 7] = high(header.durableLsn)
  words[word + 8] = header.epoch
  words[word + 9] = header.previous
  words[word + 10] = header.offset
  words[word + 11] = header.flags
  words[word + 12] = header.writtenMs | 0
  words[word + 13] = high(header.writtenMs)
  header.crc = checksum(slab, at + 4, at + FRAME_HEADER_BYTES, seed)
  words[word] = header.crc
  return header.crc
}

/** Fills `header` when a frame header of this segment verifies at `at`; `base` is where the slab begins in the segment. */
export function readFrameHeader(
  slab: Slab,
  at: number,
  end: number,
  epoch: number,
  seed: number,
  header: FrameHeader,
  base = 0
): boolean {
  const { words } = slab
  const word = at >>> 2
  if (at + FRAME_HEADER_BYTES > end || words[word + 1] !== MAGIC) return false
  const crc = words[word] as number
  if (crc !== checksum(slab, at + 4, at + FRAME_HEADER_BYTES, seed)) return false
  header.crc = crc
  header.lengthBytes = (words[word + 2] as number) >>> 0
  header.count = (words[word + 3] as number) >>> 0
  header.firstLsn = join(words[word + 4] as number, words[word + 5] as number)
  header.durableLsn = join(words[word + 6] as number, words[word + 7] as number)
  header.epoch = (words[word + 8] as number) >>> 0
  header.previous = words[word + 9] as number
  header.offset = (words[word + 10] as number) >>> 0
  header.flags = words[word + 11] as number
  header.writtenMs = join(words[word + 12] as number, words[word + 13] as number)
  return header.epoch === epoch && header.offset === base + at
}

/** Numbers of 64 bits are kept as safe integers and stored as two words. */
export function high(value: number): number {
  return Math.floor(value / 0x1_0000_0000) | 0
}

export function join(lowWord: number, highWord: number): number {
  return (lowWord >>> 0) + (highWord >>> 0) * 0x1_0000_0000
}
