/**
 * The index thrown away and made anew from snapshots and log, as a start does when it finds none. The old one goes to
 * quarantine/: it is derived, but it may tell why it went wrong.
 *
 * The new one is looked at by a process of its own before it is called good.
 */
import * as Effect from "effect/Effect"
import { type DurableStoreOptions, openDurableStore, type StoreReport } from "../durable-store.ts"
import { checkLmdb } from "../lmdb-check.ts"
import { setLmdbAside } from "../lmdb-index.ts"
import { holding, type ToolError, toolRefused } from "./place.ts"

export type ReindexOptions = Omit<DurableStoreOptions, "index" | "retained">

/** Retained messages are not in the index: none is refused for want of room. */
const unlimited = { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY, visitsMax: 1 }

export const reindex = (options: ReindexOptions, nowMs: number): Effect.Effect<StoreReport, ToolError> =>
  Effect.gen(function* () {
    const { dataDirectory, fs } = options
    const directory = `${dataDirectory}/index`
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* holding(fs, options)
        const isThere = (yield* fs.list(directory)).length > 0
        if (isThere) yield* setLmdbAside({ fs, directory }, `${dataDirectory}/quarantine`, nowMs)
      })
    )
    const opened = openDurableStore({ ...options, retained: unlimited, index: "lmdb" })
    const { report } = yield* Effect.scoped(opened)
    const wrong = yield* checkLmdb(directory)
    if (wrong === undefined) return report
    return yield* toolRefused(
      "damaged",
      `the new index does not verify: ${wrong}`,
      "look at the disk; the log is whole"
    )
  })
