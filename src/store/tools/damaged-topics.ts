/**
 * Whose records were lost: names read from bytes that no longer verify.
 *
 * One flipped bit spoils a record's CRC, and seldom its topic: the PUBLISH frame in the body tells its own length and
 * topic, the record header its kind and length. So what is left of a lost record mostly says which topic it was of; it
 * is a hint for people, never data: `isKnown` says that a good record of the log has the same name.
 *
 * Walks a damaged stretch record by record. What verifies is no loss and is stepped over; what makes no sense is
 * searched through in steps of 8, the alignment of records. What could not be named counts as unnamed.
 */
import { PublishView } from "../../codec/publish-view.ts"
import { judgeTopicName, viewTrusted } from "../../codec/read-publish.ts"
import type { Slab } from "../../wal/checksum.ts"
import { FRAME_HEADER_BYTES, FrameHeader, readFrameHeader } from "../../wal/frame.ts"
import { RECORD_HEADER_BYTES, RECORD_TYPE_MAX, RecordType, recordSize, verifyRecord } from "../../wal/record.ts"
import type { Damage } from "../../wal/scan.ts"
import type { FoundSegment } from "../../wal/survey.ts"
import { kindName } from "./record-kinds.ts"

export interface LostNames {
  /** Messages by topic. */
  readonly topics: ReadonlyMap<string, number>
  /** Records that are no messages, by kind. */
  readonly kinds: ReadonlyMap<string, number>
  readonly unnamed: number
}

export function lostCount({ lost }: Damage): number {
  return lost.reduce((sum, { from, to }) => sum + to - from + 1, 0)
}

export function lostNames(slab: Slab, segment: FoundSegment, damage: Damage): LostNames {
  const topics = new Map<string, number>()
  const kinds = new Map<string, number>()
  const lost = lostCount(damage)
  let left = lost
  const { epoch } = segment.decoded.header
  const { seed } = segment.decoded
  const end = Math.min(damage.offset + damage.lengthBytes, segment.sizeBytes)
  const frame = new FrameHeader()
  for (let at = (damage.offset + 7) & ~7; at + RECORD_HEADER_BYTES <= end && left > 0; ) {
    const good = verifyRecord(slab, at, end, seed)
    if (good > 0) {
      // [TOOL-1]
      at += good
      continue
    }
    if (readFrameHeader(slab, at, end, epoch, seed, frame)) {
      at += FRAME_HEADER_BYTES
      continue
    }
    const message = topicAt(slab, at, end)
    if (message !== undefined) count(topics, message.topic)
    const kind = message === undefined ? kindAt(slab, at, end) : undefined
    if (kind?.name !== undefined) count(kinds, kind.name)
    if (message !== undefined || kind?.name !== undefined) left--
    const size = message?.sizeBytes ?? kind?.sizeBytes
    at += size ?? 8
  }
  return { topics, kinds, unnamed: left }
}

const view = new PublishView()

/** The topic of the PUBLISH frame that a record at `at` would hold, if what lies there reads as one. */
function topicAt(
  slab: Slab,
  at: number,
  end: number
): { readonly topic: string; readonly sizeBytes: number } | undefined {
  const { bytes } = slab
  const start = at + RECORD_HEADER_BYTES
  const first = bytes[start] ?? 0
  if (start + 5 > end || (first & 0xf0) !== 0x30 || (first & 6) === 6 || (first & 8) !== 0) return undefined
  const frameEnd = endOfFrame(bytes, start)
  if (frameEnd > end || frameEnd < start + 5) return undefined
  viewTrusted(view, bytes, start, frameEnd, false)
  const { topicEnd, topicStart } = view
  if (topicEnd === topicStart || topicEnd > frameEnd) return undefined
  if (judgeTopicName(bytes, topicStart, topicEnd) !== undefined) return undefined
  return { topic: bytes.toString("utf8", topicStart, topicEnd), sizeBytes: recordSize(frameEnd - start) }
}

/** Behind the frame, by its Remaining Length; -1 when that is none. */
function endOfFrame(bytes: Buffer, start: number): number {
  let length = 0
  for (let i = 1; i <= 4; i++) {
    const byte = bytes[start + i] ?? 0
    length += (byte & 127) * 128 ** (i - 1)
    if (byte < 128) return start + 1 + i + length
  }
  return -1
}

/** The kind of a record whose header still has its magic and a length that fits; of a message nothing is gained by it. */
function kindAt(
  slab: Slab,
  at: number,
  end: number
): { readonly name: string | undefined; readonly sizeBytes: number } | undefined {
  const { bytes } = slab
  const type = bytes[at + 6] ?? 0
  const bodyBytes = bytes.readUInt32LE(at + 16)
  if (bytes.readUInt16LE(at + 4) !== MAGIC || type < 1 || type > RECORD_TYPE_MAX) return undefined
  if (bodyBytes > end - at - RECORD_HEADER_BYTES) return undefined
  return { name: type === RecordType.message ? undefined : kindName(type), sizeBytes: recordSize(bodyBytes) }
}

/** "PR": the record header's, see src/wal/record.ts. */
const MAGIC = 0x5250

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
