/**
 * What a start would know to have been durable, before it reads the log: from index and snapshots. Whoever opens the log
 * to write must know it too, or the end of a damaged log could pass for one that was torn, and its LSNs be given again.
 *
 * An index is opened for it as a start does; one that cannot be used is left for the start to say so.
 */
import * as Effect from "effect/Effect"
import { FORMAT_NAME } from "../../wal/format-file.ts"
import type { StorePlace } from "../../wal/open-store.ts"
import type { StoreFs } from "../../wal/store-fs.ts"
import { LmdbUnusable, openLmdb } from "../lmdb-index.ts"
import { holding, type ToolError } from "./place.ts"

/** Of a stopped store, under its lock; 0 where there is none yet. */
export const durableEvidence = (fs: StoreFs, place: StorePlace): Effect.Effect<number, ToolError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { dataDirectory } = place
      if (!(yield* fs.list(dataDirectory)).includes(FORMAT_NAME)) return 0
      const { durableAtLeast, storeUuid } = yield* holding(fs, place)
      const opened = yield* openLmdb({ fs, directory: `${dataDirectory}/index` })
      if (opened === "absent" || opened instanceof LmdbUnusable) return durableAtLeast
      opened.markClean()
      const { meta } = opened.index
      return meta?.storeUuid === storeUuid ? Math.max(durableAtLeast, meta?.appliedLsn ?? 0) : durableAtLeast
    })
  )
