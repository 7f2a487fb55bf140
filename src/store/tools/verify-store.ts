/**
 * The verdict on a whole store, without touching it: every file of the log, what is lost and of whom.
 *
 *   good      every byte that was ever durable verifies
 *   cut       the same, and the log ends in bytes that were never durable: a start cuts them off, nothing is missing
 *   damaged   durable bytes do not verify: `lost` records, by topic where their bytes still tell
 *
 * A store in use is judged up to what was durable when its last file was read; what is still being written is "open".
 * The index is derived from the log and is no part of the verdict: it is rebuilt when it is missing or wrong.
 */
import * as Effect from "effect/Effect"
import { PublishView } from "../../codec/publish-view.ts"
import { viewTrusted } from "../../codec/read-publish.ts"
import type { LsnRange } from "../../wal/lsn-ranges.ts"
import { RecordFlag, RecordType } from "../../wal/record.ts"
import type { Damage } from "../../wal/scan.ts"
import type { StoreFs } from "../../wal/store-fs.ts"
import type { SegmentVerdict, Verdict } from "../../wal/verify.ts"
import { type LostNames, lostCount, lostNames } from "./damaged-topics.ts"
import type { Inspected, ToolError } from "./place.ts"
import { type SnapshotState, snapshotStates } from "./snapshot-base.ts"
import { readRecords, type StoredRecord } from "./stored-records.ts"

/** Topics whose messages were lost are named up to here; the others are counted. */
const LOST_TOPICS_MAX = 1000

export interface DamageReport {
  readonly segment: string
  readonly offset: number
  readonly lengthBytes: number
  readonly lost: ReadonlyArray<LsnRange>
  readonly names: LostNames
}

export interface SegmentReport extends Omit<SegmentVerdict, "state" | "damages"> {
  readonly state: "ok" | "cut" | "open" | "damaged"
  readonly damages: ReadonlyArray<DamageReport>
}

export interface LostTopic {
  readonly topic: string
  readonly records: number
  /** A good record of the log has this name too; otherwise the name itself may be what is damaged. */
  readonly isKnown: boolean
}

export interface StoreReport {
  readonly state: "good" | "cut" | "damaged"
  readonly storeUuid: string | undefined
  readonly format: Inspected["format"]
  readonly isInUse: boolean
  readonly segments: ReadonlyArray<SegmentReport>
  readonly records: number
  readonly messages: number
  readonly lost: number
  readonly lostTopics: ReadonlyArray<LostTopic>
  /** Lost topics beyond LOST_TOPICS_MAX. */
  readonly lostTopicsLeftOut: number
  /** Lost records that are no messages, by kind. */
  readonly lostKinds: ReadonlyMap<string, number>
  /** Lost records of which nothing is known. */
  readonly lostUnnamed: number
  /** The log ends before what a snapshot knows to have been in it, and no file is there to blame. */
  readonly missingEnd: LsnRange | undefined
  readonly snapshots: ReadonlyArray<SnapshotState>
  /** Files in quarantine: damage that was met before. */
  readonly quarantined: number
}

export const verifyStore = (fs: StoreFs, inspected: Inspected): Effect.Effect<StoreReport, ToolError> =>
  Effect.gen(function* () {
    const { place } = inspected
    const isInUse = inspected.holder !== undefined
    const found = new Map<string, Array<DamageReport>>()
    const wanted = new Set<string>()
    let messages = 0
    const verdict = yield* readRecords(fs, inspected, {
      record: ({ record }) => {
        if (record.type === RecordType.message) messages++
      },
      segmentEnd: (segment, slab, { damages, missing }) =>
        Effect.sync(() => {
          const all = missing === undefined ? damages : [...damages, missing]
          const reports = all.map((damage) => report(segment.name, damage, lostNames(slab, segment, damage)))
          for (const { names } of reports) for (const topic of names.topics.keys()) wanted.add(topic)
          found.set(segment.name, reports)
        })
    })
    const known = wanted.size === 0 ? wanted : yield* knownTopics(fs, inspected, wanted)
    const segments = verdict.segments.map((segment): SegmentReport => {
      const damages = segment.damages.map((damage) => matching(found.get(segment.segment), damage, segment.segment))
      return { ...segment, damages, state: segment.state === "cut" && isInUse ? "open" : segment.state }
    })
    const damages = segments.flatMap((segment) => segment.damages)
    const topics = summed(damages, "topics")
    const lostTopics = [...topics].map(([topic, records]) => ({ topic, records, isKnown: known.has(topic) }))
    const isCut = segments.some(({ state }) => state === "cut")
    // Those of a store in use come and go, and are not looked at.
    const snapshots = isInUse ? [] : yield* snapshotStates(fs, place.dataDirectory, inspected.storeUuid)
    const isSnapshotBad = snapshots.some(({ lsn }) => lsn === undefined)
    const missingEnd = isInUse ? undefined : missingBehind(verdict, inspected)
    const isDamaged = verdict.isDamaged || inspected.format === "damaged" || isSnapshotBad || missingEnd !== undefined
    const missing = missingEnd === undefined ? 0 : missingEnd.to - missingEnd.from + 1
    return {
      state: isDamaged ? "damaged" : isCut ? "cut" : "good",
      storeUuid: inspected.storeUuid,
      format: inspected.format,
      isInUse,
      segments,
      records: verdict.records,
      messages,
      lost: damages.reduce((sum, damage) => sum + lostCount(damage), missing),
      lostTopics: lostTopics.slice(0, LOST_TOPICS_MAX),
      lostTopicsLeftOut: Math.max(0, lostTopics.length - LOST_TOPICS_MAX),
      lostKinds: summed(damages, "kinds"),
      lostUnnamed: damages.reduce((sum, { names }) => sum + names.unnamed, missing),
      missingEnd,
      snapshots,
      quarantined: (yield* fs.list(`${place.dataDirectory}/quarantine`)).length
    }
  })

function missingBehind({ segments }: Verdict, { durableAtLeast }: Inspected): LsnRange | undefined {
  const last = segments.reduce((most, { lastLsn }) => Math.max(most, lastLsn), 0)
  return durableAtLeast > last ? { from: last + 1, to: durableAtLeast } : undefined
}

/** Only after damage: which of the names have good records too. */
const knownTopics = (
  fs: StoreFs,
  inspected: Inspected,
  wanted: ReadonlySet<string>
): Effect.Effect<ReadonlySet<string>, ToolError> =>
  Effect.suspend(() => {
    const known = new Set<string>()
    const record = ({ record }: StoredRecord): void => {
      if (record.type !== RecordType.message) return
      const topic = topicOf(record)
      if (wanted.has(topic)) known.add(topic)
    }
    return Effect.as(readRecords(fs, inspected, { record }), known)
  })

const view = new PublishView()

export function topicOf({ buffer, end, flags, start }: StoredRecord["record"]): string {
  viewTrusted(view, buffer, start, end, (flags & RecordFlag.version5) !== 0)
  return buffer.toString("utf8", view.topicStart, view.topicEnd)
}

function report(segment: string, { lengthBytes, lost, offset }: Damage, names: LostNames): DamageReport {
  return { segment, offset, lengthBytes, lost, names }
}

/**
 * What the scan told of the same bytes, now that it is judged: a gap may have turned out to be there on purpose. Damage of
 * a header, or of a file that cannot be read at all, was not seen by the scan.
 */
function matching(scanned: ReadonlyArray<DamageReport> = [], damage: Damage, segment: string): DamageReport {
  const { lengthBytes, offset } = damage
  const same = scanned.find((each) => each.offset === offset && each.lengthBytes === lengthBytes)
  const lost = lostCount(damage)
  if (same !== undefined && lostCount(same) === lost) return same
  return report(segment, damage, { topics: new Map(), kinds: new Map(), unnamed: lost })
}

function summed(damages: ReadonlyArray<DamageReport>, member: "topics" | "kinds"): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { names } of damages) {
    for (const [name, records] of names[member]) sums.set(name, (sums.get(name) ?? 0) + records)
  }
  return sums
}
