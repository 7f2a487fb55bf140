/**
 * Which files go, and which are copied, in what order. Plain: it looks at measures and says what is to be done.
 *
 *   P0  space is short: whatever gains GARBAGE_SHARE_MIN, the most gain per copied byte first
 *   P1  nothing in it is live: it is dropped; before anything is copied
 *   P2  the log is larger than it may be: as P0, but the best by gain, age and cost first, until it fits
 *   P3  half of it or more is garbage: the best first
 *   P4  older than what history may be: whatever gains GARBAGE_SHARE_MIN
 *
 * A copy takes neighbours along that are to be copied as well, or are small, as long as what lives of all fits one file:
 * so that small files do not pile up.
 *
 * A file whose control records are not covered by snapshots stays as it is: `blocked` is what would have been done.
 */
import { REPLACES_MAX, SEGMENT_HEADER_BYTES } from "../wal/segment.ts"
import type { Measure } from "./compaction-need.ts"
import type { CompactionFile } from "./compaction-target.ts"

export interface PlanInput {
  /** Of all sealed files, in LSN order. */
  readonly measures: ReadonlyArray<Measure>
  readonly totalBytes: number
  readonly maxWalSizeBytes: number
  readonly maxMessageAgeMs: number
  readonly segmentBytes: number
  readonly isSpaceShort: boolean
  readonly nowMs: number
  /** Control records up to here may go. */
  readonly coveredLsn: number
  /** Paths of files that stay as they are, whatever is in them. */
  readonly fixed: ReadonlySet<string>
}

export interface Plan {
  readonly drop: ReadonlyArray<CompactionFile>
  /** Each an output: neighbours, in LSN order. In the order in which they are to be made. */
  readonly copy: ReadonlyArray<ReadonlyArray<CompactionFile>>
  /** The snapshots would have to reach this LSN for the rest; 0 when nothing waits for one. */
  readonly blockedLsn: number
  /** What the log would still hold when all of this is done. */
  readonly bytesAfter: number
}

/** A copy that frees less of its file than this costs more than it gains. */
const GARBAGE_SHARE_MIN = 0.1
const GARBAGE_SHARE = 0.5
/** A file that holds less than this share of a full one joins its neighbours. */
const SMALL_SHARE = 0.25

interface Candidate {
  readonly measure: Measure
  readonly score: number
}

export function plan(input: PlanInput): Plan {
  const dead = input.measures.filter(({ liveMessages }) => liveMessages === 0).map(({ file }) => file)
  const drop = dead.filter((file) => isCovered(file, input))
  const dropped = new Set(drop)
  const staying = input.measures.filter(({ file }) => !dropped.has(file))
  const afterDrop = input.totalBytes - sum(drop.map(({ sizeBytes }) => sizeBytes))
  const wanted = candidates(staying, afterDrop, input)
  const open = wanted.filter(({ measure }) => isCovered(measure.file, input))
  const waiting = [...dead.filter((file) => !dropped.has(file)), ...wanted.map(({ measure }) => measure.file)]
  const blocked = waiting
    .filter((file) => !isCovered(file, input) && !input.fixed.has(file.path))
    .map(({ lastControlLsn }) => lastControlLsn)
  const copy = runs(open, staying, input)
  const chosen = new Set(open.map(({ measure }) => measure.file))
  const freed = sum(staying.filter(({ file }) => chosen.has(file)).map(garbageBytes))
  return { drop, copy, blockedLsn: blocked.reduce((a, b) => Math.max(a, b), 0), bytesAfter: afterDrop - freed }
}

function candidates(staying: ReadonlyArray<Measure>, afterDrop: number, input: PlanInput): ReadonlyArray<Candidate> {
  const { isSpaceShort, maxMessageAgeMs, maxWalSizeBytes, nowMs } = input
  const worth = staying
    .filter((measure) => measure.liveMessages > 0 && garbageShare(measure) >= GARBAGE_SHARE_MIN)
    .map((measure) => ({ measure, score: isSpaceShort ? gain(measure) : gain(measure) * ageMs(measure, nowMs) }))
    .sort((a, b) => b.score - a.score)
  if (isSpaceShort) return worth
  const chosen: Array<Candidate> = []
  let left = afterDrop
  for (const candidate of worth) {
    const { measure } = candidate
    const isOver = left > maxWalSizeBytes
    const isMostlyGarbage = garbageShare(measure) >= GARBAGE_SHARE
    if (!isOver && !isMostlyGarbage && ageMs(measure, nowMs) <= maxMessageAgeMs) continue
    chosen.push(candidate)
    left -= garbageBytes(measure)
  }
  return chosen
}

/** Bytes freed per byte moved: what lives is read and written, the rest is read only. */
function gain(measure: Measure): number {
  const live = 1 - garbageShare(measure)
  return (1 - live) / (1 + live)
}

function ageMs({ file }: Measure, nowMs: number): number {
  return Math.max(1, nowMs - file.newestMs)
}

function garbageShare(measure: Measure): number {
  return garbageBytes(measure) / Math.max(1, measure.file.sizeBytes)
}

function garbageBytes({ file, liveBytes }: Measure): number {
  return Math.max(0, file.sizeBytes - SEGMENT_HEADER_BYTES - liveBytes)
}

function isCovered({ lastControlLsn, path }: CompactionFile, { coveredLsn, fixed }: PlanInput): boolean {
  return lastControlLsn <= coveredLsn && !fixed.has(path)
}

/** Joins candidates, the best first, with the neighbours that are left. */
function runs(
  open: ReadonlyArray<Candidate>,
  staying: ReadonlyArray<Measure>,
  input: PlanInput
): ReadonlyArray<ReadonlyArray<CompactionFile>> {
  const isWanted = new Set(open.map(({ measure }) => measure))
  const taken = new Set<Measure>()
  const made: Array<ReadonlyArray<CompactionFile>> = []
  const small = input.segmentBytes * SMALL_SHARE
  for (const { measure } of open) {
    if (taken.has(measure)) continue
    const at = staying.indexOf(measure)
    let from = at
    let to = at + 1
    let bytes = measure.liveBytes
    const joins = (neighbour: Measure | undefined): neighbour is Measure =>
      neighbour !== undefined &&
      !taken.has(neighbour) &&
      isCovered(neighbour.file, input) &&
      (isWanted.has(neighbour) || neighbour.file.sizeBytes < small) &&
      bytes + neighbour.liveBytes + SEGMENT_HEADER_BYTES <= input.segmentBytes &&
      to - from < REPLACES_MAX
    for (let next = staying[to]; joins(next); next = staying[to]) {
      bytes += next.liveBytes
      to++
    }
    for (let next = staying[from - 1]; joins(next); next = staying[from - 1]) {
      bytes += next.liveBytes
      from--
    }
    const run = staying.slice(from, to)
    for (const each of run) taken.add(each)
    made.push(run.map(({ file }) => file))
  }
  return made
}

function sum(values: ReadonlyArray<number>): number {
  return values.reduce((total, value) => total + value, 0)
}
