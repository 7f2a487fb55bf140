/**
 * A store made anew from what verifies of a damaged one; the damaged one is only read.
 *
 *   messages   every record that verifies, in order, under its own sequence; a log of its own, without gaps
 *   sessions   as a start would find them: the newest snapshot that verifies and all control records behind it
 *
 * What cannot be read at all: files whose header is gone in both copies (the salt of their checksums is lost with it).
 * What a lost record said is not guessed: a session whose CURSOR was lost goes on from the one before it, and may get
 * again what it had.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { PublishView } from "../../codec/publish-view.ts"
import { viewTrusted } from "../../codec/read-publish.ts"
import { RecordFlag, RecordType, RecordView } from "../../wal/record.ts"
import type { StoreFailed } from "../../wal/store-error.ts"
import type { StoreFs } from "../../wal/store-fs.ts"
import type { Verdict } from "../../wal/verify.ts"
import { mustBeEmpty } from "./empty-folder.ts"
import { type Inspected, type ToolError, toolRefused } from "./place.ts"
import { StateBuilder, type StoreState } from "./read-state.ts"
import { newestSnapshot } from "./snapshot-base.ts"
import { groupRecords, sessionRecords, unmoved } from "./state-records.ts"
import { openWriter, type StoreWriter, type WriteError, type WriterOptions } from "./store-writer.ts"
import { readRecords } from "./stored-records.ts"

export interface SalvageReport {
  readonly messages: number
  readonly sessions: number
  readonly groups: number
  /** Of the damaged store. */
  readonly verdict: Verdict
  readonly unreadable: number
}

export const salvage = (
  fs: StoreFs,
  inspected: Inspected,
  target: Omit<WriterOptions, "onFound">
): Effect.Effect<SalvageReport, ToolError | StoreFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const { place, storeUuid, survey } = inspected
    for (const folder of [target.place.dataDirectory, target.place.logDirectory]) {
      yield* mustBeEmpty(fs, folder, target.place)
    }
    const builder = new StateBuilder(yield* newestSnapshot(fs, place.dataDirectory, storeUuid))
    const writer = yield* openWriter(fs, target)
    const copy = new MessageCopy()
    const verdict = yield* readRecords<ToolError | StoreFailed>(fs, inspected, {
      record: ({ record }) => {
        builder.record(record)
        if (record.type === RecordType.message) copy.append(writer, record)
      },
      segmentEnd: () => (copy.isRefused ? Effect.fail(noRoom()) : writer.finish)
    })
    const state = builder.finish()
    yield* writeState(writer, state)
    yield* writer.finish
    const { groups, sessions } = state.recovered
    return {
      messages: state.messages.count,
      sessions: sessions.length,
      groups: groups.size,
      verdict,
      unreadable: survey.unreadable.length
    }
  })

const writeState = (
  writer: StoreWriter,
  { nextSessionNumber, recovered }: StoreState
): Effect.Effect<void, WriteError> =>
  Effect.gen(function* () {
    for (const session of recovered.sessions) {
      for (const record of sessionRecords(session, session.session.number, unmoved)) yield* writer.appendControl(record)
    }
    for (const [text, group] of recovered.groups) {
      for (const record of groupRecords(text, group, nextSessionNumber, unmoved)) yield* writer.appendControl(record)
    }
  })

/**
 * The publisher's packet identifier goes: that the message was received is in the session's cursor, which is written
 * behind all messages.
 */
class MessageCopy {
  isRefused = false
  readonly #record = new RecordView()
  readonly #view = new PublishView()

  append({ log }: StoreWriter, from: RecordView): void {
    const record = this.#record
    const frame = Buffer.from(from.buffer.subarray(from.start, from.end))
    viewTrusted(this.#view, frame, 0, frame.length, (from.flags & RecordFlag.version5) !== 0)
    if (this.#view.packetIdentifierAt >= 0) frame.writeUInt16BE(0, this.#view.packetIdentifierAt)
    record.type = from.type
    record.flags = from.flags
    record.sequence = from.sequence
    record.publisher = from.publisher
    record.expiresAtMs = from.expiresAtMs
    record.buffer = frame
    record.end = frame.length
    if (log.appender.append(record, false) < 0) this.isRefused = true
  }
}

const noRoom = () =>
  toolRefused("busy", "the new log takes no more records", "make room on its disk, and begin anew in another folder")
