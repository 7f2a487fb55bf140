/**
 * The log as it lives: open, recover, append, keep, close, in one scope. Everything that has a rhythm is a fiber here;
 * everything per message is the plain appender (commit.ts), which this file hands out.
 *
 *   fiber        waits for                      does
 *   syncer       written records without sync   batch: 5 ms, periodic: its interval, then a sync
 *   heartbeat    a written record               a HEARTBEAT once nothing came for 50 ms [WAL-9]
 *   spares       a spare that was taken         prepares the next; on a full device tries again every second
 *   retry        a stalled write                the same write again every 250 ms
 *   rotation     asked for by the appender      the next segment, then ends the one before
 *
 * Fibers may be interrupted at any point: what they prepare means nothing until it is named. Closing the scope takes no
 * more records, writes and syncs what is there, writes CLOSE, syncs that, cuts the segment and releases the lock.
 *
 * A failure is final: `failure` fails with StoreFailed, no handler is called any more, the owner ends the process.
 */
import { randomBytes } from "node:crypto"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { AppenderHost } from "./appender-host.ts"
import { type ActiveSegment, Appender } from "./commit.ts"
import { createSegment, retireSegment } from "./create-segment.ts"
import type { LsnRange } from "./lsn-ranges.ts"
import { type OpenedStore, openStore, raiseFormat, type StorePlace } from "./open-store.ts"
import { BATCH_WAIT_MS, type LogPolicy, type SyncPolicy } from "./policy.ts"
import { type Recovered, type RecoveredSegment, type RecoverSink, type RecoveryReport, recover } from "./recover.ts"
import type { ToldDrop } from "./segment-drop.ts"
import { SPARES_READY } from "./spares.ts"
import { StoreFailed, type StoreRefused } from "./store-error.ts"
import { isFull, StoreFault, type StoreFs } from "./store-fs.ts"

/** ok, below 10 % free, fewer than two spares on a full device (take no new messages), writes stalled. */
export type SpaceLevel = "ok" | "low" | "scarce" | "full"

export interface LogHandlers {
  /** From now on records are placed here: before the first onPlaced() that names it. Readers need id, seed and file.path. */
  readonly onSegment: (segment: ActiveSegment) => void
  readonly onPlaced: (firstLsn: number, count: number, segmentId: number, offset: number) => void
  readonly onWritten: (lsn: number) => void
  readonly onDurable: (lsn: number) => void
  /** Everything up to `lsn` is kept as the policy promises. Once per batch, rising. */
  readonly onKept: (lsn: number) => void
  /** After them: one of the three has risen, appender.writtenLsn, durableLsn and keptLsn say how far. */
  readonly onMoved: () => void
  readonly onSpace: (level: SpaceLevel) => void
}

export interface LogOptions extends StorePlace {
  readonly segmentBytes: number
  readonly policy: LogPolicy
  /** The place, where the caller has opened and locked it already. */
  readonly opened?: OpenedStore | undefined
  /** Records on their way to the disk: append() answers -1 above it. */
  readonly pendingBytesMax?: number | undefined
  readonly onCorruption?: "salvage" | "refuse" | undefined
  readonly durableAtLeast?: number | undefined
  readonly knownDropped?: ReadonlyArray<LsnRange> | undefined
  readonly nowMs?: (() => number) | undefined
  readonly randomHex?: ((bytes: number) => string) | undefined
  /** Runs a task at the end of this turn of the event loop. */
  readonly defer?: ((task: () => void) => void) | undefined
}

export interface Log {
  readonly appender: Appender
  readonly report: RecoveryReport
  readonly storeUuid: string
  readonly epoch: number
  /** Earlier segments, in LSN order; the active one is appender.segment. */
  readonly sealed: ReadonlyArray<RecoveredSegment>
  /** What recovery found to have been dropped on purpose, and by which record it knows. */
  readonly dropped: ReadonlyArray<ToldDrop>
  readonly space: () => SpaceLevel
  readonly setPolicy: (policy: LogPolicy) => Effect.Effect<void>
  /** Force-fsync: returns when everything appended so far is on the platter. */
  readonly force: Effect.Effect<void, StoreFailed>
  /** Never succeeds. Race the program with it. */
  readonly failure: Effect.Effect<never, StoreFailed>
}

/** Where the options name none. */
const PENDING_BYTES_MAX = 32 * 1_048_576
const HEARTBEAT_IDLE_MS = 50
const SPARE_RETRY_MS = 1000
const STALL_RETRY_MS = 250
const LOW_FREE_SHARE = 0.1

export const openLog = (
  fs: StoreFs,
  options: LogOptions,
  handlers: LogHandlers,
  sink: RecoverSink
): Effect.Effect<Log, StoreFault | StoreRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const world = { nowMs: options.nowMs ?? Date.now, randomHex: options.randomHex ?? randomHex }
    const opened = options.opened ?? (yield* openStore(fs, options, world))
    const { storeUuid } = opened
    const recovered = yield* recover(
      fs,
      {
        ...world,
        storeUuid,
        logDirectory: options.logDirectory,
        quarantineDirectory: `${options.dataDirectory}/quarantine`,
        segmentBytes: options.segmentBytes,
        onCorruption: options.onCorruption ?? "salvage",
        durableAtLeast: options.durableAtLeast ?? 0,
        knownDropped: options.knownDropped ?? []
      },
      sink
    )
    yield* raiseFormat(fs, options, opened) // [WAL-17]
    const living = yield* startLiving(fs, options, handlers, recovered, { ...world, storeUuid })
    const { appender, failed, syncer } = living
    const run = yield* FiberHandle.runtime(syncer)<never>()
    run(syncLoop(living, options.policy.sync))
    const { dropped, epoch, report, sealed } = recovered
    return {
      appender,
      report,
      storeUuid,
      epoch,
      sealed,
      dropped,
      space: () => living.space,
      setPolicy: (policy) =>
        Effect.sync(() => {
          appender.setPolicy(policy)
          run(syncLoop(living, policy.sync))
        }),
      force: Effect.callback<void, StoreFailed>((resume) => {
        const lsn = appender.nextLsn - 1
        if (appender.durableLsn >= lsn) return resume(Effect.void)
        living.forced.push({ lsn, resume: () => resume(Effect.void) })
        appender.sync()
      }).pipe(Effect.raceFirst(Deferred.await(failed))),
      failure: Deferred.await(failed)
    }
  })

interface Living {
  readonly appender: Appender
  readonly failed: Deferred.Deferred<never, StoreFailed>
  readonly syncer: FiberHandle.FiberHandle<void, never>
  readonly unsynced: Latch.Latch
  readonly active: Latch.Latch
  readonly spareTaken: Latch.Latch
  readonly stalled: Latch.Latch
  /** Waiting for a forced sync, by rising LSN. */
  readonly forced: Array<{ readonly lsn: number; readonly resume: () => void }>
  space: SpaceLevel
  isClosing: boolean
}

interface World {
  readonly storeUuid: string
  readonly nowMs: () => number
  readonly randomHex: (bytes: number) => string
}

const startLiving = (
  fs: StoreFs,
  options: LogOptions,
  handlers: LogHandlers,
  recovered: Recovered,
  world: World
): Effect.Effect<Living, never, Scope.Scope> =>
  Effect.gen(function* () {
    const runRotation = yield* FiberSet.makeRuntime<never>()
    const syncer = yield* FiberHandle.make<void, never>()
    const failed = yield* Deferred.make<never, StoreFailed>()
    const host: AppenderHost = {
      defer: options.defer ?? setImmediate,
      nowMs: world.nowMs,
      rotate: (sealed, baseLsn, frameBytes, hasMessages) => {
        const rotation = { sealed, baseLsn, frameBytes, hasMessages }
        runRotation(rotate(fs, options, handlers, recovered, world, living, rotation))
      },
      onPlaced: handlers.onPlaced,
      onWritten: (lsn) => {
        living.active.openUnsafe()
        // A stalled write went through: the spares' keeper says what the level is now.
        if (living.space === "full") living.spareTaken.openUnsafe()
        handlers.onWritten(lsn)
      },
      onDurable: handlers.onDurable,
      onKept: handlers.onKept,
      onMoved: () => {
        handlers.onMoved()
        const { durableLsn: lsn } = living.appender
        while (living.forced.length > 0 && (living.forced[0]?.lsn ?? 0) <= lsn) living.forced.shift()?.resume()
      },
      onUnsynced: () => void living.unsynced.openUnsafe(),
      onStalled: () => {
        setSpace(living, handlers, "full")
        living.stalled.openUnsafe()
      },
      onFailed: (fault) =>
        void Deferred.doneUnsafe(
          failed,
          Effect.fail(new StoreFailed({ fault, durableLsn: living.appender.durableLsn }))
        )
    }
    const living: Living = {
      appender: new Appender(host, recovered.active, {
        nextLsn: recovered.nextLsn,
        policy: options.policy,
        pendingBytesMax: options.pendingBytesMax ?? PENDING_BYTES_MAX
      }),
      failed,
      syncer,
      unsynced: Latch.makeUnsafe(false),
      active: Latch.makeUnsafe(false),
      spareTaken: Latch.makeUnsafe(true),
      stalled: Latch.makeUnsafe(false),
      forced: [],
      space: "ok",
      isClosing: false
    }
    handlers.onSegment(recovered.active)
    yield* Effect.addFinalizer(() => close(living))
    yield* supervise("log heartbeat", heartbeatLoop(living))
    yield* supervise("log retry", retryLoop(living))
    yield* supervise("log spares", spareLoop(fs, options, handlers, recovered, living))
    return living
  })

const syncLoop = ({ appender, unsynced }: Living, policy: SyncPolicy): Effect.Effect<void> => {
  if (policy.mode === "immediate" || policy.mode === "never") return Effect.never
  const waitMs = policy.mode === "batch" ? (policy.waitMs ?? BATCH_WAIT_MS) : policy.intervalMs
  return unsynced.await.pipe(
    Effect.andThen(Effect.sleep(waitMs)),
    Effect.andThen(
      Effect.sync(() => {
        unsynced.closeUnsafe()
        appender.sync()
      })
    ),
    Effect.forever
  )
}

const heartbeatLoop = ({ active, appender }: Living): Effect.Effect<never> =>
  Effect.gen(function* () {
    yield* active.await
    const before = appender.nextLsn
    yield* Effect.sleep(HEARTBEAT_IDLE_MS)
    if (appender.nextLsn === before && appender.heartbeat()) active.closeUnsafe()
  }).pipe(Effect.forever)

const retryLoop = ({ appender, stalled }: Living): Effect.Effect<never> =>
  Effect.gen(function* () {
    yield* stalled.await
    yield* Effect.sleep(STALL_RETRY_MS)
    stalled.closeUnsafe()
    appender.retry()
  }).pipe(Effect.forever)

const spareLoop = (
  fs: StoreFs,
  options: LogOptions,
  handlers: LogHandlers,
  { spares }: Recovered,
  living: Living
): Effect.Effect<never> =>
  Effect.gen(function* () {
    yield* living.spareTaken.await
    living.spareTaken.closeUnsafe()
    while (spares.ready < SPARES_READY) {
      const fault = yield* spares.prepare.pipe(
        Effect.as(undefined),
        Effect.catch((found) => Effect.succeed(found))
      )
      if (fault === undefined) {
        living.appender.retry()
        continue
      }
      if (!isFull(fault)) return living.appender.abort(fault)
      if (living.space !== "full") setSpace(living, handlers, "scarce")
      yield* Effect.sleep(SPARE_RETRY_MS)
    }
    const volume = yield* Effect.option(fs.volume(options.logDirectory))
    const isLow = volume._tag === "Some" && volume.value.freeBytes < volume.value.totalBytes * LOW_FREE_SHARE
    setSpace(living, handlers, isLow ? "low" : "ok")
  }).pipe(Effect.forever)

interface Rotation {
  readonly sealed: ActiveSegment
  readonly baseLsn: number
  readonly frameBytes: number
  readonly hasMessages: boolean
}

const rotate = (
  fs: StoreFs,
  options: LogOptions,
  handlers: LogHandlers,
  { epoch, spares }: Recovered,
  world: World,
  living: Living,
  { baseLsn, frameBytes, hasMessages, sealed }: Rotation
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { appender, isClosing, space } = living
    const isShort = space === "scarce" || space === "full"
    const isAllowed = spares.ready > 1 || isClosing || !isShort || !hasMessages
    const spare = isAllowed ? spares.take() : undefined
    if (spare === undefined && isShort) return appender.notRotated(noSpare(options.logDirectory))
    living.spareTaken.openUnsafe()
    const { nowMs, randomHex: random, storeUuid } = world
    const created = yield* createSegment(fs, {
      directory: options.logDirectory,
      segmentBytes: options.segmentBytes,
      frameBytes,
      spare,
      header: {
        id: sealed.id + 1,
        gen: 0,
        epoch,
        baseLsn,
        createdMs: nowMs(),
        salt: random(8),
        storeUuid,
        lastLsn: 0,
        replaces: []
      }
    }).pipe(
      Effect.catch((fault) => {
        if (spare !== undefined && isFull(fault)) spares.giveBack(spare)
        return Effect.succeed(fault)
      })
    )
    if (created instanceof StoreFault) return appender.notRotated(created)
    handlers.onSegment(created)
    appender.rotated(created)
    yield* Effect.ignore(retireSegment(sealed))
  })

const close = (living: Living): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { appender } = living
    living.isClosing = true
    yield* Effect.callback<void>((resume) => appender.close(() => resume(Effect.void)))
    // After a failure nothing is touched any more: what is on the platter is recovery's to judge.
    if (!appender.isFailed) yield* Effect.ignore(retireSegment(appender.segment))
  })

function setSpace(living: Living, handlers: LogHandlers, level: SpaceLevel): void {
  if (living.space === level) return
  living.space = level
  handlers.onSpace(level)
}

function noSpare(path: string): StoreFault {
  return new StoreFault({ operation: "open", path, code: "ENOSPC", cause: "the last spare segment is kept" })
}

function randomHex(bytes: number): string {
  return randomBytes(bytes).toString("hex")
}

const supervise = (name: string, loop: Effect.Effect<never>): Effect.Effect<unknown, never, Scope.Scope> =>
  loop.pipe(
    Effect.tapCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(`${name} died`, cause))),
    Effect.forkScoped
  )
