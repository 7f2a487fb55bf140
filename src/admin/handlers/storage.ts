/**
 * Group "storage": the store on disk, shown and put to work.
 *
 * With the memory engine there is none: everything but GET /storage and /storage/stats is 409. What the store cannot do is told with its own
 * words.
 */
import { isAbsolute } from "node:path"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { AdminApi } from "../api/api.ts"
import type { Conflict, Failed } from "../api/shared.ts"
import type { SegmentRow } from "../api/storage.ts"
import { refusal, refuse } from "../refusal.ts"
import type { StorageWork } from "../sources.ts"
import { type Columns, pageOf } from "../views/page.ts"
import { storageStats } from "../views/storage-stats.ts"
import type { HandlerSources } from "./handler-sources.ts"

const columns: Columns<SegmentRow, SegmentRow> = {
  name: ({ name }) => name,
  firstTicket: ({ firstTicket }) => firstTicket,
  lastTicket: ({ lastTicket }) => lastTicket,
  bytes: ({ bytes }) => bytes,
  state: ({ state }) => state,
  oldestAt: ({ oldestAt }) => oldestAt,
  newestAt: ({ newestAt }) => newestAt
}

export const storageHandlers = ({ compaction, core, settings, storage, storageWork }: HandlerSources) => {
  const onDisk = <A>(work: (of: StorageWork) => Promise<A>): Effect.Effect<A, Conflict | Failed> =>
    storageWork === undefined
      ? refuse("notDurable")
      : Effect.tryPromise({
          try: () => work(storageWork),
          catch: (cause) => refusal("storageFailed", { fact: cause instanceof Error ? cause.message : String(cause) })
        })
  return HttpApiBuilder.group(AdminApi, "storage", (handlers) =>
    handlers.handleAll({
      storage: () => Effect.sync(storage),
      stats: () =>
        Effect.sync(() =>
          storageStats({ core, settings: settings.current(), work: storageWork, compaction: compaction?.() })
        ),
      segments: ({ query }) =>
        storageWork === undefined
          ? refuse("notDurable")
          : Effect.sync(() => {
              const items = storageWork.segments()
              return pageOf({ items, count: items.length, columns, searched: ["name", "state"] }, query)
            }),
      sync: () => onDisk((work) => work.sync()),
      compact: () => onDisk((work) => work.compact()),
      snapshot: () =>
        Effect.as(
          onDisk((work) => work.snapshot()),
          { done: true as const }
        ),
      backup: ({ payload: { folder } }) =>
        isAbsolute(folder) ? onDisk((work) => work.backup(folder)) : refuse("noFolder")
    })
  )
}
