/**
 * Damage taken out of a store in place, so that a start finds nothing wrong. What was damaged goes to quarantine/ whole;
 * nothing is deleted, and nothing that is lost comes back: what can be saved from it was saved by every start already.
 *
 *   1 snapshots that do not verify go to quarantine/, files with damage are copied there, whole
 *   2 the log is opened as a start does it: a torn end is cut, FORMAT made anew if need be
 *   3 what verifies of a damaged file is written into a compacted one that stands for its whole range, and takes its
 *     place [WAL-11]; a file of which nothing can be read goes, and the compacted one before it tells of the gap
 *   4 where nothing before it is left to tell, a SEG-DROP does [WAL-13]
 *
 * May be interrupted anywhere and begun again.
 */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import { compactSegments, dropSegment } from "../../wal/compact.ts"
import { type Log, openLog } from "../../wal/log.ts"
import type { StorePlace } from "../../wal/open-store.ts"
import { segmentDropRecord } from "../../wal/segment-drop.ts"
import type { StoreFailed } from "../../wal/store-error.ts"
import type { StoreFault, StoreFs } from "../../wal/store-fs.ts"
import { type FoundSegment, survey } from "../../wal/survey.ts"
import { verifyLog } from "../../wal/verify.ts"
import { durableEvidence } from "./durable-evidence.ts"
import { copyFile } from "./file-copy.ts"
import { holding, type ToolError, toolRefused } from "./place.ts"
import { SNAPSHOT_FOLDER, snapshotStates } from "./snapshot-base.ts"
import { quietHandlers } from "./store-writer.ts"

const ROUNDS_MAX = 3
const BATCH_RECORDS = 10_000

export interface RepairReport {
  /** Files that were in the log and are in quarantine now. */
  readonly quarantined: ReadonlyArray<string>
  readonly lost: number
  readonly bytesCut: number
}

interface Work {
  readonly fs: StoreFs
  readonly place: StorePlace
  readonly log: Log
}

export const repair = (
  fs: StoreFs,
  place: StorePlace,
  segmentBytes: number
): Effect.Effect<RepairReport, ToolError | StoreFailed> =>
  Effect.gen(function* () {
    const quarantined: Array<string> = []
    const durableAtLeast = yield* durableEvidence(fs, place)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const { storeUuid, survey: found } = yield* holding(fs, place)
        yield* repairSnapshots(fs, place, storeUuid, quarantined)
        const { segments } = yield* verifyLog(fs, place.logDirectory, undefined, { durableAtLeast })
        for (const { name, path, sizeBytes } of [...found.segments, ...found.unreadable]) {
          const isDamaged = segments.some(({ segment, state }) => segment === name && state === "damaged")
          if (isDamaged) yield* copyAside(fs, place, { name, path, sizeBytes }, quarantined) // [TOOL-4]
        }
      })
    )
    const report = yield* Effect.scoped(
      Effect.gen(function* () {
        const options = { ...place, segmentBytes, policy: { sync: { mode: "never" }, acknowledge: "written" } } as const
        const log = yield* openLog(
          fs,
          { ...options, durableAtLeast, onCorruption: "salvage" },
          quietHandlers,
          () => undefined
        )
        const work: Work = { fs, place, log }
        for (let round = 0; round < ROUNDS_MAX && (yield* repairRound(work)); round++) {}
        yield* log.force
        return log.report
      })
    )
    const verdict = yield* verifyLog(fs, place.logDirectory)
    if (verdict.isDamaged) {
      const fix = "make a new store of what verifies: promptmq store salvage"
      return yield* toolRefused("damaged", "the log is still damaged after the repair", fix)
    }
    const lost = report.lost.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    return { quarantined, lost, bytesCut: report.bytesCut }
  })

/** False when there was nothing to do. */
const repairRound = (work: Work): Effect.Effect<boolean, ToolError | StoreFailed> =>
  Effect.gen(function* () {
    const { fs, place } = work
    const verdict = yield* verifyLog(fs, place.logDirectory, undefined, { isInUse: true })
    if (!verdict.isDamaged) return false
    const found = yield* survey(fs, place.logDirectory)
    const damaged = new Set(verdict.segments.filter(({ state }) => state === "damaged").map(({ segment }) => segment))
    for (const { path } of found.unreadable) yield* dropSegment(fs, place.logDirectory, path)
    for (const [index, segment] of found.segments.entries()) {
      const next = found.segments[index + 1]
      if (damaged.has(segment.name) && next !== undefined)
        yield* rewrite(work, segment, next.decoded.header.baseLsn - 1)
    }
    return true
  })

/** `lastLsn`: up to where the next segment begins, so that a gap behind it is told too. */
const rewrite = (work: Work, segment: FoundSegment, lastLsn: number): Effect.Effect<void, ToolError | StoreFailed> =>
  Effect.gen(function* () {
    const { fs, log, place } = work
    const { decoded, gen, id, path } = segment
    const made = yield* compactSegments(fs, {
      logDirectory: place.logDirectory,
      quarantineDirectory: quarantineOf(place),
      storeUuid: log.storeUuid,
      epoch: log.epoch,
      nowMs: Date.now(),
      salt: randomBytes(8).toString("hex"),
      inputs: [{ id, gen, path, lastLsn }],
      lastLsn,
      batchRecords: BATCH_RECORDS,
      isLive: () => true,
      pace: () => Effect.void,
      replaced: () => undefined
    })
    if (made !== undefined) return
    const range = { from: decoded.header.baseLsn, to: lastLsn }
    if (log.appender.append(segmentDropRecord(id, range), true) < 0) {
      return yield* toolRefused("busy", "the log takes no more records", "make room on its disk, then begin anew")
    }
    yield* log.force
    yield* dropSegment(fs, place.logDirectory, path)
  })

/** The log may lie on another device: a copy, synced, before anything happens to the original. */
const copyAside = (
  fs: StoreFs,
  place: StorePlace,
  { name, path, sizeBytes }: { readonly name: string; readonly path: string; readonly sizeBytes: number },
  quarantined: Array<string>
): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    const directory = quarantineOf(place)
    const copy = `${name}.0.${sizeBytes}`
    yield* fs.makeDirectory(directory)
    yield* copyFile(fs, path, `${directory}/${copy}`)
    yield* fs.syncDirectory(directory)
    quarantined.push(copy)
  })

const repairSnapshots = (
  fs: StoreFs,
  place: StorePlace,
  storeUuid: string | undefined,
  quarantined: Array<string>
): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    const directory = `${place.dataDirectory}/${SNAPSHOT_FOLDER}`
    for (const { lsn, name } of yield* snapshotStates(fs, place.dataDirectory, storeUuid)) {
      if (lsn !== undefined) continue
      yield* fs.makeDirectory(quarantineOf(place))
      yield* fs.rename(`${directory}/${name}`, `${quarantineOf(place)}/${name}`)
      yield* fs.syncDirectory(quarantineOf(place))
      yield* fs.syncDirectory(directory)
      quarantined.push(name)
    }
  })

function quarantineOf({ dataDirectory }: StorePlace): string {
  return `${dataDirectory}/quarantine`
}
