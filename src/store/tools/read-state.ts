/**
 * What a stopped store holds beside its messages, and where each topic's retained value is: the sessions and groups a
 * start would find, from the newest snapshot that verifies and the records of the log. The index is not needed for it.
 *
 *   StateBuilder   fed with every record in LSN order (by readRecords, or by the recovery of a log that is opened)
 *   readState      the same over the files of a store
 *
 * Elsewhere: the rules by which records become sessions (src/store/session-image.ts), which messages are still needed
 * (live-messages.ts).
 */
import * as Effect from "effect/Effect"
import { PublishView } from "../../codec/publish-view.ts"
import { viewTrusted } from "../../codec/read-publish.ts"
import { RecordFlag, RecordType, type RecordView } from "../../wal/record.ts"
import type { StoreFs } from "../../wal/store-fs.ts"
import type { Verdict } from "../../wal/verify.ts"
import { decodeControl } from "../control-records.ts"
import type { Recovered } from "../ports.ts"
import { SessionImage } from "../session-image.ts"
import { MessageColumns } from "./message-columns.ts"
import type { Inspected, ToolError } from "./place.ts"
import { newestSnapshot, type SnapshotBase } from "./snapshot-base.ts"
import { readRecords } from "./stored-records.ts"

/** The newest record with RETAIN of a topic: its value, or that it has none any more. */
export interface RetainedPlace {
  readonly sequence: number
  readonly isValue: boolean
  readonly frameBytes: number
}

export interface StoreState {
  readonly recovered: Recovered
  readonly messages: MessageColumns
  readonly retained: ReadonlyMap<string, RetainedPlace>
  readonly nextSequence: number
  readonly nextSessionNumber: number
  readonly controlRecords: number
  readonly controlBytes: number
  /** Control records whose bytes this version could not read. */
  readonly unread: number
}

export class StateBuilder {
  readonly #image: SessionImage
  readonly #messages = new MessageColumns()
  readonly #retained = new Map<string, RetainedPlace>()
  readonly #view = new PublishView()
  #nextSequence = 0
  #controlRecords = 0
  #controlBytes = 0
  #unread = 0

  constructor(base: SnapshotBase | undefined) {
    this.#image = new SessionImage(base?.meta)
    for (const value of base?.values ?? []) if (!this.#image.load(value)) this.#unread++
  }

  readonly record = (record: RecordView): void => {
    if (record.type === RecordType.message) this.#message(record)
    else this.#control(record)
  }

  finish(): StoreState {
    const recovered = this.#image.toRecovered()
    return {
      recovered,
      messages: this.#messages,
      retained: this.#retained,
      nextSequence: Math.max(this.#nextSequence, this.#image.nextSequence),
      nextSessionNumber: recovered.nextSessionNumber,
      controlRecords: this.#controlRecords,
      controlBytes: this.#controlBytes,
      unread: this.#unread
    }
  }

  #control(record: RecordView): void {
    this.#controlRecords++
    this.#controlBytes += record.sizeBytes
    const decoded = decodeControl(record)
    if (decoded === undefined) this.#unread++
    else if (decoded !== "other") this.#image.apply(decoded, record.lsn)
  }

  #message(record: RecordView): void {
    const { buffer, end, flags, lsn, publisher, sequence, sizeBytes, start } = record
    const view = this.#view
    viewTrusted(view, buffer, start, end, (flags & RecordFlag.version5) !== 0)
    const topic = buffer.toString("utf8", view.topicStart, view.topicEnd)
    this.#image.message(publisher, view.qos === 2 ? view.packetIdentifier : 0, sequence, lsn)
    this.#messages.push(sequence, topic, sizeBytes, view.retain)
    this.#nextSequence = Math.max(this.#nextSequence, sequence + 1)
    if (!view.retain) return
    const isValue = view.frameEnd > view.payloadStart
    this.#retained.set(topic, { sequence, isValue, frameBytes: view.frameEnd - view.frameStart })
  }
}

export const readState = (
  fs: StoreFs,
  inspected: Inspected
): Effect.Effect<{ readonly state: StoreState; readonly verdict: Verdict }, ToolError> =>
  Effect.gen(function* () {
    const builder = new StateBuilder(yield* newestSnapshot(fs, inspected.place.dataDirectory, inspected.storeUuid))
    const verdict = yield* readRecords(fs, inspected, {
      record: ({ record }) => builder.record(record)
    })
    return { state: builder.finish(), verdict }
  })
