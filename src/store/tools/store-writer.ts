/**
 * Writes records into a store that is opened for it: a new one (salvage), or one that is stopped (import). Nothing is
 * promised before the end: one sync, then CLOSE. Waits whenever the log takes no more.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Log, type LogHandlers, openLog } from "../../wal/log.ts"
import type { StorePlace } from "../../wal/open-store.ts"
import { RecordView } from "../../wal/record.ts"
import type { StoreFailed, StoreRefused } from "../../wal/store-error.ts"
import type { StoreFault, StoreFs } from "../../wal/store-fs.ts"
import { type ToolRefused, toolRefused } from "./place.ts"
import type { ControlBody } from "./state-records.ts"

export const quietHandlers: LogHandlers = {
  onSegment: () => undefined,
  onPlaced: () => undefined,
  onWritten: () => undefined,
  onDurable: () => undefined,
  onKept: () => undefined,
  onMoved: () => undefined,
  onSpace: () => undefined
}

/** A whole segment is copied within one turn of the event loop; the largest has 256 MiB, but for a single record. */
const PENDING_BYTES_MAX = 600 * 1_048_576

export interface WriterOptions {
  readonly place: StorePlace
  readonly segmentBytes: number
  /** See durableEvidence(). */
  readonly durableAtLeast?: number
  /** What the store holds already, in LSN order. */
  readonly onFound?: (record: RecordView) => void
}

export const openWriter = (
  fs: StoreFs,
  { durableAtLeast, onFound, place, segmentBytes }: WriterOptions
): Effect.Effect<StoreWriter, StoreFault | StoreRefused, Scope.Scope> => {
  const options = {
    ...place,
    segmentBytes,
    durableAtLeast,
    pendingBytesMax: PENDING_BYTES_MAX,
    policy: { sync: { mode: "never" }, acknowledge: "written" },
    onCorruption: "refuse"
  } as const
  return Effect.map(
    openLog(fs, options, quietHandlers, (record) => onFound?.(record)),
    (log) => new StoreWriter(log)
  )
}

export type WriteError = StoreFailed | ToolRefused

export class StoreWriter {
  readonly log: Log
  readonly #record = new RecordView()

  constructor(log: Log) {
    this.log = log
  }

  append(record: RecordView): Effect.Effect<void, WriteError> {
    return Effect.suspend(() => (this.log.appender.append(record, false) >= 0 ? Effect.void : this.#again(record)))
  }

  appendControl({ body, number, type }: ControlBody): Effect.Effect<void, WriteError> {
    const record = this.#record
    record.type = type
    record.publisher = number
    record.buffer = body
    record.end = body.length
    return this.append(record)
  }

  /** Everything is on the platter. */
  get finish(): Effect.Effect<void, StoreFailed> {
    return this.log.force
  }

  /** What waits is written first: then there is room, or the log takes no more at all. */
  #again(record: RecordView): Effect.Effect<void, WriteError> {
    return Effect.flatMap(this.log.force, () =>
      this.log.appender.append(record, false) >= 0
        ? Effect.void
        : Effect.fail(toolRefused("busy", "the log takes no more records", "make room on its disk, then begin anew"))
    )
  }
}
