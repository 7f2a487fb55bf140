/**
 * A log that is written and compacted at once, over any StoreFs; what a record is worth follows from its LSN alone.
 *
 *   for ever     every third record of every third stretch of STRETCH LSNs: the other stretches become files with nothing
 *                in them
 *   until then   every record at or above `deadBelow`, which the test moves up
 *
 * compactOnce() is what src/store/compactor.ts does, with chance in place of its reasons: it drops what is all dead,
 * copies what is not, one file or neighbours. `removed` remembers what went for good and when, by the disk's trace.
 */
import * as Effect from "effect/Effect"
import { compactSegments, dropSegment } from "../../src/wal/compact.ts"
import type { Log } from "../../src/wal/log.ts"
import type { LogPolicy } from "../../src/wal/policy.ts"
import { RecordType } from "../../src/wal/record.ts"
import type { Damage } from "../../src/wal/scan.ts"
import { segmentName } from "../../src/wal/segment.ts"
import { DropLedger, segmentDropRecord } from "../../src/wal/segment-drop.ts"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import type { Random } from "../fault/random.ts"
import { openManually, optionsOf } from "./workload.ts"

const STRETCH = 150

export function livesForEver(lsn: number): boolean {
  return Math.floor(lsn / STRETCH) % 3 === 0 && lsn % 3 === 0
}

export interface WorldFile {
  readonly id: number
  readonly gen: number
  readonly path: string
  readonly firstLsn: number
  readonly lastLsn: number
}

/** At that length of the trace these were gone for good. */
export interface Removal {
  readonly at: number
  readonly lsns: ReadonlySet<number>
}

export class CompactedLog {
  readonly log: Log
  readonly close: Effect.Effect<void>
  readonly removals: Array<Removal> = []
  /** At that length of the trace records below could be copied no more. */
  readonly deaths: Array<{ readonly at: number; readonly deadBelow: number }> = []
  /** LSNs of the log's own records. */
  readonly drops = new Set<number>()
  /** Of inputs. */
  readonly damages: Array<Damage> = []
  deadBelow = 0
  readonly #files: Array<WorldFile>
  readonly #fs: StoreFs
  readonly #random: Random
  readonly #ledger: DropLedger
  readonly #traceLength: () => number

  constructor(
    fs: StoreFs,
    opened: { readonly log: Log; readonly close: Effect.Effect<void> },
    files: Array<WorldFile>,
    random: Random,
    traceLength: () => number
  ) {
    this.log = opened.log
    this.close = opened.close
    this.#fs = fs
    this.#files = files
    this.#random = random
    this.#ledger = new DropLedger(opened.log.dropped)
    this.#traceLength = traceLength
  }

  /** All but the active one. */
  get sealed(): ReadonlyArray<WorldFile> {
    return this.#files.filter(({ lastLsn }) => lastLsn < Number.POSITIVE_INFINITY)
  }

  isLive(lsn: number): boolean {
    return livesForEver(lsn) || lsn >= this.deadBelow
  }

  isDead(file: WorldFile): boolean {
    return !lsnsOf(file).some((lsn) => this.isLive(lsn) && !this.drops.has(lsn))
  }

  setDeadBelow(lsn: number): void {
    this.deadBelow = Math.max(this.deadBelow, lsn)
    this.deaths.push({ at: this.#traceLength(), deadBelow: this.deadBelow })
  }

  /** Works on one file, or on neighbours; nothing when there is none. `settle` passes turns until the log has synced. */
  compactOnce(settle: Effect.Effect<void>): Effect.Effect<void, Effect.Error<ReturnType<typeof compactSegments>>> {
    return Effect.gen({ self: this }, function* () {
      const files = this.sealed
      const from = this.#random.below(files.length)
      const first = files[from]
      if (first === undefined) return
      if (this.isDead(first)) return yield* this.drop(first, settle)
      const inputs = files.slice(from, from + 1 + this.#random.below(3))
      const last = inputs.at(-1) ?? first
      const next = files[from + inputs.length]?.firstLsn ?? this.log.appender.segment.baseLsn
      yield* this.#tellAgain(inputs, files, settle)
      const lastLsn = this.#random.chance(0.5) ? next - 1 : last.lastLsn
      const output = yield* this.copy(inputs, lastLsn)
      if (output === undefined) for (const input of inputs) yield* this.drop(input, settle)
    })
  }

  copy(inputs: ReadonlyArray<WorldFile>, lastLsn = inputs.at(-1)?.lastLsn ?? 0) {
    return compactSegments(this.#fs, {
      logDirectory: "log",
      quarantineDirectory: "data/quarantine",
      storeUuid: this.log.storeUuid,
      epoch: this.log.epoch,
      nowMs: 1_765_000_000_000,
      salt: this.#random.hex(8),
      inputs,
      lastLsn,
      batchRecords: 1 + this.#random.below(40),
      isLive: ({ lsn, type }) => type === RecordType.message && this.isLive(lsn),
      pace: () => Effect.void,
      replaced: ({ damages, firstLsn, gen, id, path, survivors }) => {
        this.#replace(inputs, { id, gen, path, firstLsn, lastLsn })
        this.damages.push(...damages)
        const kept = new Set(survivors.lsns)
        const gone = inputs.flatMap(lsnsOf).filter((lsn) => !kept.has(lsn))
        this.removals.push({ at: this.#traceLength(), lsns: new Set(gone) })
      }
    })
  }

  drop(
    file: WorldFile,
    settle: Effect.Effect<void>
  ): Effect.Effect<void, Effect.Error<ReturnType<typeof dropSegment>>> {
    return Effect.gen({ self: this }, function* () {
      const stay = this.sealed.filter((each) => each !== file && each.id !== file.id)
      yield* this.#tellAgain([file], stay, settle)
      const isFront = stay.every((each) => each.firstLsn > file.firstLsn)
      if (!isFront) yield* this.#tell(file.id, { from: file.firstLsn, to: file.lastLsn }, settle)
      yield* dropSegment(this.#fs, "log", file.path)
      this.#replace([file], undefined)
      this.removals.push({ at: this.#traceLength(), lsns: new Set(lsnsOf(file)) })
    })
  }

  #tellAgain(going: ReadonlyArray<WorldFile>, stay: ReadonlyArray<WorldFile>, settle: Effect.Effect<void>) {
    return Effect.gen({ self: this }, function* () {
      for (const range of this.#ledger.toTellAgain(going, stay)) yield* this.#tell(0, range, settle)
    })
  }

  #tell(id: number, range: { readonly from: number; readonly to: number }, settle: Effect.Effect<void>) {
    return Effect.gen({ self: this }, function* () {
      const lsn = this.log.appender.append(segmentDropRecord(id, range), true)
      this.drops.add(lsn)
      yield* settle
      this.#ledger.tell(range, lsn) // [WAL-13]
    })
  }

  #replace(inputs: ReadonlyArray<WorldFile>, output: WorldFile | undefined): void {
    const ids = new Set(inputs.map(({ id }) => id))
    this.#ledger.went(inputs)
    const at = this.#files.findIndex(({ id }) => ids.has(id))
    const count = this.#files.filter(({ id }) => ids.has(id)).length
    this.#files.splice(at, count, ...(output === undefined ? [] : [output]))
  }
}

export function lsnsOf({ firstLsn, lastLsn }: { readonly firstLsn: number; readonly lastLsn: number }): Array<number> {
  return Array.from({ length: Math.max(0, lastLsn - firstLsn + 1) }, (_, i) => firstLsn + i)
}

export const openCompacted = (
  fs: StoreFs,
  policy: LogPolicy,
  random: Random,
  traceLength: () => number,
  onDurable: (lsn: number) => void
) =>
  Effect.gen(function* () {
    const files: Array<WorldFile> = []
    const opened = yield* openManually(fs, optionsOf(policy, random), {
      onSegment: ({ baseLsn, id }) => {
        const path = `log/${segmentName(id, 0)}`
        const before = files.pop()
        if (before !== undefined) files.push({ ...before, lastLsn: Math.min(before.lastLsn, baseLsn - 1) })
        files.push({ id, gen: 0, path, firstLsn: baseLsn, lastLsn: Number.POSITIVE_INFINITY })
      },
      onDurable
    })
    const { sealed } = opened.log
    files.unshift(
      ...sealed.map(({ decoded, gen, id, lastLsn, path }) => ({
        id,
        gen,
        path,
        firstLsn: decoded.header.baseLsn,
        lastLsn
      }))
    )
    return new CompactedLog(fs, opened, files, random, traceLength)
  })
