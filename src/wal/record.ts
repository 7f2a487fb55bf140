/**
 * A record: one thing that happened, addressed by its LSN.
 *
 *   offset  size  record header, 40 bytes, little-endian, 8-byte aligned
 *        0     4  CRC-32 of bytes 4..end, padding included, seeded with the segment's salt [WAL-7]
 *        4     2  magic "PR"
 *        6     1  type, table below
 *        7     1  flags: bits 0-1 QoS, bit 2 RETAIN, bit 3 MQTT 5, bit 7 optional
 *        8     8  LSN: dense, one per record, never given twice once durable
 *       16     4  body length in bytes
 *       20     8  sequence: of a message its own (messages are numbered apart from LSNs), else the one it speaks of
 *       28     4  session number: of a message its publisher's (No Local), else whose state it is
 *       32     8  expiry, wall ms; 0 = never
 *       40        body, zero-padded to 8 bytes
 *
 * A record describes itself: under a frame header that does not verify, it is still found and still proven by its CRC.
 * Types a reader does not know are skipped when they carry the optional bit; otherwise it refuses to open the store.
 *
 * Elsewhere: what the bodies hold. This room knows types by number only; their meaning is the store's.
 */
import { checksum, type Slab } from "./checksum.ts"
import { high, join } from "./frame.ts"

export const RECORD_HEADER_BYTES = 40
const MAGIC = 0x5250

/** Numbers are for ever. Gaps are none: every number below 22 is taken or reserved. */
export const RecordType = {
  message: 1,
  topic: 2,
  retainClear: 3,
  session: 4,
  sessionEnd: 5,
  subscribe: 6,
  unsubscribe: 7,
  will: 8,
  group: 9,
  cursor: 10,
  qos2In: 11,
  qos2InReleased: 12,
  qos2Out: 13,
  qos2OutReceived: 14,
  qos2OutDone: 15,
  segmentDropped: 16,
  /** Reserved: both are frames without records (frame.ts). */
  heartbeat: 17,
  close: 18,
  /** Reserved for dead letters and transactions. */
  deadLetter: 19,
  transactionBegin: 20,
  transactionEnd: 21
} as const
export const RECORD_TYPE_MAX = 21

export const RecordFlag = { qos: 3, retain: 4, version5: 8, optional: 128 } as const

/** Registers of one record, to be written or as read; reused. Never keep `slab` beyond the call that handed it out. */
export class RecordView {
  type = 0
  flags = 0
  lsn = 0
  sequence = 0
  publisher = 0
  /** Wall ms; Infinity = never. */
  expiresAtMs = Number.POSITIVE_INFINITY
  /** Body: [start, end) of `buffer`. Of a record to be written: where append() copies it from. */
  buffer: Buffer = EMPTY
  start = 0
  end = 0
  /** Bytes of the whole record, padding included. */
  sizeBytes = 0
  /** Wall ms at which its frame was written, as a walk through a segment tells it; else 0. */
  writtenMs = 0
}
const EMPTY = Buffer.alloc(0)

export function recordSize(bodyBytes: number): number {
  return (RECORD_HEADER_BYTES + bodyBytes + 7) & ~7
}

/** Everything but CRC and body; the padding is zeroed. Answers where the body goes. */
export function writeRecordHeader(slab: Slab, at: number, record: RecordView, lsn: number, bodyBytes: number): number {
  const { words } = slab
  const word = at >>> 2
  const size = recordSize(bodyBytes)
  words[word + (size >>> 2) - 2] = 0
  words[word + (size >>> 2) - 1] = 0
  words[word + 1] = MAGIC | (record.type << 16) | (record.flags << 24)
  words[word + 2] = lsn | 0
  words[word + 3] = high(lsn)
  words[word + 4] = bodyBytes
  words[word + 5] = record.sequence | 0
  words[word + 6] = high(record.sequence)
  words[word + 7] = record.publisher
  const expiry = record.expiresAtMs === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(record.expiresAtMs))
  words[word + 8] = expiry | 0
  words[word + 9] = high(expiry)
  return at + RECORD_HEADER_BYTES
}

/** Puts the CRCs onto `count` records that lie one behind the other from `at`; the salt is known only now. */
export function sealRecords(slab: Slab, at: number, count: number, seed: number): void {
  const { words } = slab
  for (let left = count, from = at; left > 0; left--) {
    const to = from + recordSize((words[(from >>> 2) + 4] as number) >>> 0)
    words[from >>> 2] = checksum(slab, from + 4, to, seed)
    from = to
  }
}

/** Size of the record that verifies at `at` and ends within `end`, or 0. */
export function verifyRecord(slab: Slab, at: number, end: number, seed: number): number {
  const { words } = slab
  const word = at >>> 2
  if (at + RECORD_HEADER_BYTES > end || ((words[word + 1] as number) & 0xffff) !== MAGIC) return 0
  const bodyBytes = (words[word + 4] as number) >>> 0
  // Before the size is computed: with 32 bits of length it could wrap to something small.
  if (bodyBytes > end - at - RECORD_HEADER_BYTES) return 0
  const size = recordSize(bodyBytes)
  if (at + size > end || words[word] !== checksum(slab, at + 4, at + size, seed)) return 0
  return size
}

export function readLsn(slab: Slab, at: number): number {
  return join(slab.words[(at >>> 2) + 2] as number, slab.words[(at >>> 2) + 3] as number)
}

/** Fills `record` from a record that has been verified. */
export function readRecord(slab: Slab, at: number, record: RecordView): void {
  const { words } = slab
  const word = at >>> 2
  const second = words[word + 1] as number
  const bodyBytes = (words[word + 4] as number) >>> 0
  const expiry = join(words[word + 8] as number, words[word + 9] as number)
  record.type = (second >>> 16) & 0xff
  record.flags = second >>> 24
  record.lsn = join(words[word + 2] as number, words[word + 3] as number)
  record.sequence = join(words[word + 5] as number, words[word + 6] as number)
  record.publisher = (words[word + 7] as number) >>> 0
  record.expiresAtMs = expiry === 0 ? Number.POSITIVE_INFINITY : expiry
  record.buffer = slab.bytes
  record.start = at + RECORD_HEADER_BYTES
  record.end = record.start + bodyBytes
  record.sizeBytes = recordSize(bodyBytes)
}

/** May a reader of this version pass over a record of this kind, or take it in? */
export function isAcceptable(type: number, flags: number): boolean {
  return (type >= 1 && type <= RECORD_TYPE_MAX) || (flags & RecordFlag.optional) !== 0
}
