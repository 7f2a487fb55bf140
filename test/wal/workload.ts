/**
 * A log over any StoreFs, and writers whose every record can be told from its LSN alone: body, type and registers are a
 * function of the LSN, so what recovery hands back is right or wrong without anything being remembered.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type Log, type LogHandlers, type LogOptions, openLog } from "../../src/wal/log.ts"
import type { LogPolicy } from "../../src/wal/policy.ts"
import { RecordFlag, RecordType, RecordView } from "../../src/wal/record.ts"
import type { RecoveryReport } from "../../src/wal/recover.ts"
import { readSegmentDrop } from "../../src/wal/segment-drop.ts"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import type { Random } from "../fault/random.ts"

export const SMALL_SEGMENT_BYTES = 16_384

export const immediate: LogPolicy = { sync: { mode: "immediate" }, acknowledge: "durable" }

export const optionsOf = (policy: LogPolicy, random: Random, more: Partial<LogOptions> = {}): LogOptions => ({
  dataDirectory: "data",
  logDirectory: "log",
  segmentBytes: SMALL_SEGMENT_BYTES,
  policy,
  nowMs: () => 1_765_000_000_000,
  randomHex: (bytes) => random.hex(bytes),
  ...more
})

export const quiet: LogHandlers = {
  onSegment: () => undefined,
  onPlaced: () => undefined,
  onWritten: () => undefined,
  onDurable: () => undefined,
  onKept: () => undefined,
  onMoved: () => undefined,
  onSpace: () => undefined
}

const bodies: Array<Buffer | undefined> = []

/** What the record of this LSN is. */
export function expectedRecord(lsn: number, record: RecordView): RecordView {
  const length = (lsn * 37) % 11 === 0 ? 1500 : (lsn * 29) % 180
  const body = bodies[lsn] ?? Buffer.from(Uint8Array.from({ length }, (_, i) => (lsn * 31 + i * 7) & 255))
  bodies[lsn] = body
  record.type = RecordType.message
  record.flags = lsn % 2 === 0 ? RecordFlag.version5 | 1 : RecordFlag.retain | 2
  record.sequence = lsn * 3
  record.publisher = lsn % 5
  record.expiresAtMs = lsn % 3 === 0 ? 1_800_000_000_000 + lsn : Number.POSITIVE_INFINITY
  record.buffer = body
  record.start = 0
  record.end = length
  return record
}

const register = new RecordView()

/** Appends `count` records, as expectedRecord() says; answers the last LSN, -1 when the log took none. */
export function appendMany({ appender }: Log, count: number): number {
  let lsn = -1
  for (let i = 0; i < count; i++) {
    lsn = appender.append(expectedRecord(appender.nextLsn, register), false)
    if (lsn < 0) return lsn
  }
  return lsn
}

const wanted = new RecordView()

export function isAsExpected(found: RecordView): boolean {
  // A log that is compacted says so itself: its word is taken for it here, and tested where gaps are judged.
  if (readSegmentDrop(found) !== undefined) return true
  expectedRecord(found.lsn, wanted)
  return (
    found.type === wanted.type &&
    found.flags === wanted.flags &&
    found.sequence === wanted.sequence &&
    found.publisher === wanted.publisher &&
    found.expiresAtMs === wanted.expiresAtMs &&
    found.buffer.compare(wanted.buffer, 0, wanted.end, found.start, found.end) === 0
  )
}

export interface Recollection {
  readonly report: RecoveryReport
  readonly lsns: ReadonlyArray<number>
  /** LSNs whose record came back other than it was written. */
  readonly wrong: ReadonlyArray<number>
}

/** Opens the log, closes it again; what it remembered. */
export const recollect = (fs: StoreFs, options: LogOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const lsns: Array<number> = []
      const wrong: Array<number> = []
      const { report } = yield* openLog(fs, options, quiet, (record) => {
        lsns.push(record.lsn)
        if (!isAsExpected(record)) wrong.push(record.lsn)
      })
      return { report, lsns, wrong } satisfies Recollection
    })
  )

/** An open log whose scope the test closes, or does not. */
export const openManually = (
  fs: StoreFs,
  options: LogOptions,
  handlers: Partial<LogHandlers> = {}
): Effect.Effect<
  { readonly log: Log; readonly close: Effect.Effect<void> },
  Effect.Error<ReturnType<typeof openLog>>
> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const log = yield* Scope.provide(
      openLog(fs, options, { ...quiet, ...handlers }, () => undefined),
      scope
    )
    return { log, close: Scope.close(scope, done) }
  })

const done: Exit.Exit<void> = Exit.void

/** Resolves in a later turn of the event loop. */
export const turn: Effect.Effect<void> = Effect.callback((resume) => void setImmediate(() => resume(Effect.void)))

/** Turns, until the condition holds. A run that never gets there is ended by the test's time limit. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!condition()) yield* turn
  })
