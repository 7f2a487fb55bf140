/**
 * Compaction of a store that nobody uses, by the compactor that the broker runs: what no saved session, group or retained
 * value waits for goes, and nothing else changes. No broker is started: no session expires, no will is published.
 *
 * Everything that a pass may gain is taken, whatever the log's size. A pass may have to wait for a second snapshot, which
 * must not come too soon after the first: then there is another one.
 */
import * as Effect from "effect/Effect"
import type { StoreFailed } from "../../wal/store-error.ts"
import { type CompactionSettings, Compactor } from "../compactor.ts"
import { type DurableStoreOptions, openDurableStore } from "../durable-store.ts"
import type { Liveness, LivenessRoots, Recovered } from "../ports.ts"
import { heldMessages, ReadPositions } from "./live-messages.ts"
import { holding, type ToolError } from "./place.ts"

const PASSES_MAX = 5
/** Snapshots come at least this far apart. */
const PASS_GAP_MS = 1100

export interface CompactReport {
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly filesDropped: number
  readonly filesCopied: number
  /** Files would go, but for control records that no snapshot stands in for yet. */
  readonly isBlocked: boolean
}

export interface CompactOptions extends Omit<DurableStoreOptions, "index" | "retained"> {
  readonly compaction: CompactionSettings
  readonly nowMs: () => number
  readonly randomHex: (bytes: number) => string
}

/** Retained values are in memory while the store is open: none is refused for want of room. */
const unlimited = { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY, visitsMax: 1 }

export const compactStore = (options: CompactOptions): Effect.Effect<CompactReport, ToolError | StoreFailed> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { dataDirectory, fs, logDirectory, nowMs, randomHex, segmentBytes } = options
      yield* Effect.scoped(holding(fs, options))
      const store = yield* openDurableStore({ ...options, retained: unlimited, index: "lmdb" })
      const { log } = store
      const settings = { ...options.compaction, maxWalSizeBytes: 0 }
      const compactor = new Compactor({
        fs,
        logDirectory,
        quarantineDirectory: `${dataDirectory}/quarantine`,
        storeUuid: store.storeUuid,
        epoch: log.wal.epoch,
        segmentBytes,
        settings: () => settings,
        target: log,
        roots: savedRoots(store.sessions.takeRecovered(), (topicId) => log.topicName(topicId)),
        ensureSnapshot: (lsn) => Effect.orElseSucceed(store.ensureSnapshot(lsn), () => 0),
        dropped: log.wal.dropped,
        nowMs,
        randomHex
      })
      const bytesBefore = log.totalBytes
      let isBlocked = true
      for (let pass = 0; pass < PASSES_MAX && isBlocked; pass++) {
        if (pass > 0) yield* Effect.sleep(PASS_GAP_MS)
        isBlocked = (yield* compactor.pass).isBlocked
      }
      const { filesCopied, filesDropped } = compactor.statistics
      return { bytesBefore, bytesAfter: log.totalBytes, filesDropped, filesCopied, isBlocked }
    })
  )

function savedRoots(recovered: Recovered, topicName: (topicId: number) => string): LivenessRoots {
  const positions = new ReadPositions(recovered)
  const liveness: Liveness = {
    neededFrom: (topicId) => positions.lowestFor(topicName(topicId)),
    held: heldMessages(recovered) // [TOOL-7]
  }
  return { prepare: () => Effect.succeed(liveness) }
}
