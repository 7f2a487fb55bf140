/**
 * A store as text: what is retained, what sessions and groups there are, and the messages they still wait for. One JSON
 * object per line, portable between stores and versions; `import` reads it.
 *
 *   {"promptmq":"export","version":1,"storeUuid":"…","exportedAt":"…"}
 *   {"type":"message","position":12,"topic":"a/b","qos":1,"retain":true,"mqtt":5,"retained":true,"payload":"…",…}
 *   {"type":"session","clientIdentifier":"c1","expiryIntervalSeconds":3600,"cursor":10,
 *    "subscriptions":[{"filter":"a/#","intervals":[{"qos":1,…,"from":0,"to":"open"}]}],
 *    "open":[…],"received":[…],"retainedWanted":[…],"replays":[…],"handed":[…],"will":{…}}
 *   {"type":"group","share":"$share/g/a/#","bornAt":0,"cursor":10,"requeued":[…],"handed":[…]}
 *   {"type":"end","messages":1,"sessions":1,"groups":1}
 *
 * A position orders messages and means nothing else. A session waits for the messages of its filters from its cursor on:
 * positions are kept in their order, so cursors and intervals keep their meaning when all of them are numbered anew.
 *
 * A message that set a retained value which is no longer the newest is followed by what superseded it, also when that was
 * the end of the value: otherwise importing would bring an old value back. `publisher` is the client identifier of a
 * session of the export (No Local). "open" and "never" stand for what has no end.
 */
import * as Effect from "effect/Effect"
import { PublishView } from "../../codec/publish-view.ts"
import { publishProperties, viewTrusted } from "../../codec/read-publish.ts"
import { RecordType } from "../../wal/record.ts"
import type { StoreFs } from "../../wal/store-fs.ts"
import type { Verdict } from "../../wal/verify.ts"
import type { RecoveredSession, SavedWill } from "../ports.ts"
import { intervalJson } from "./control-json.ts"
import { messageJson } from "./dump-record.ts"
import { type Json, payloadJson, propertiesJson, timeText } from "./json.ts"
import { liveMessages } from "./live-messages.ts"
import type { Inspected, ToolError } from "./place.ts"
import { readState, type StoreState } from "./read-state.ts"
import { readRecords, type StoredRecord } from "./stored-records.ts"

export const EXPORT_VERSION = 1

export interface ExportReport {
  readonly messages: number
  readonly retained: number
  readonly sessions: number
  readonly groups: number
  readonly verdict: Verdict
}

/** Hands out line by line, without the line's end. Nobody uses the store meanwhile. */
export const exportStore = (
  fs: StoreFs,
  inspected: Inspected,
  nowMs: number,
  line: (text: string) => void
): Effect.Effect<ExportReport, ToolError> =>
  Effect.gen(function* () {
    const { state, verdict } = yield* readState(fs, inspected)
    const { messages, recovered, retained } = state
    const write = (json: Json): void => line(JSON.stringify(json))
    write({
      promptmq: "export",
      version: EXPORT_VERSION,
      storeUuid: inspected.storeUuid ?? null,
      exportedAt: timeText(nowMs)
    })
    const wanted = wantedMessages(state)
    const publishers = new Map(recovered.sessions.map(({ session }) => [session.number, session.clientIdentifier]))
    let row = 0
    let count = 0
    yield* readRecords(fs, inspected, {
      record: (stored) => {
        if (stored.record.type !== RecordType.message || wanted[row++] !== 1) return
        count++
        const { sequence } = stored.record
        const topic = messages.topicAt(sequence) ?? ""
        const newest = retained.get(topic)
        write(messageLine(stored, publishers, newest?.sequence === sequence && newest.isValue))
      }
    })
    for (const session of recovered.sessions) write(sessionLine(session))
    for (const [share, { bornAt, cursor, handed, requeued }] of recovered.groups) {
      write({ type: "group", share, bornAt, cursor, requeued, handed: [...handed] })
    }
    const counts = { messages: count, sessions: recovered.sessions.length, groups: recovered.groups.size }
    write({ type: "end", ...counts })
    return { ...counts, retained: [...retained.values()].filter(({ isValue }) => isValue).length, verdict }
  })

/** What is waited for, and of every topic whose superseded value is among it the record that superseded it. */
function wantedMessages(state: StoreState): Uint8Array {
  const { messages, retained } = state
  const { flags } = liveMessages(state)
  for (let row = 0; row < messages.count; row++) {
    if (flags[row] === 0 || messages.retains[row] === 0) continue
    const newest = retained.get(messages.topics[messages.topicIds[row] as number] ?? "")
    if (newest !== undefined) flags[messages.rowOf(newest.sequence)] = 1 // [TOOL-5]
  }
  return flags
}

function messageLine(stored: StoredRecord, publishers: ReadonlyMap<number, string>, isRetained: boolean): Json {
  const { packetIdentifier: _, publisher, sequence, ...rest } = messageJson(stored.record, "auto")
  const client = publishers.get(stored.record.publisher)
  return {
    type: "message",
    position: sequence,
    ...rest,
    ...(isRetained ? { retained: true } : {}),
    ...(client === undefined ? {} : { publisher: client }),
    ...(stored.writtenMs === 0 ? {} : { publishedAt: timeText(stored.writtenMs) })
  }
}

function sessionLine({ cursor, handed, session, subscriptions }: RecoveredSession): Json {
  const { clientIdentifier, disconnectedAtMs, expiryIntervalSeconds, username, will } = session
  return {
    type: "session",
    clientIdentifier,
    expiryIntervalSeconds: expiryIntervalSeconds === Number.POSITIVE_INFINITY ? "never" : expiryIntervalSeconds,
    ...(username === undefined ? {} : { username }),
    ...(disconnectedAtMs === 0 ? {} : { disconnectedAt: timeText(disconnectedAtMs) }),
    ...(will === undefined ? {} : { will: willJson(will) }),
    cursor: cursor.cursor,
    subscriptions: [...subscriptions].map(([filter, { intervals }]) => ({
      filter,
      intervals: intervals.map(intervalJson)
    })),
    open: cursor.open,
    received: cursor.incoming,
    retainedWanted: cursor.retained,
    ...(cursor.replays === undefined ? {} : { replays: cursor.replays }),
    handed: [...handed]
  }
}

const view = new PublishView()

function willJson({ delaySeconds, frame, isVersion5, topic }: SavedWill): Json {
  viewTrusted(view, frame, 0, frame.length, isVersion5)
  return {
    topic,
    qos: view.qos,
    retain: view.retain,
    mqtt: isVersion5 ? 5 : 3,
    delaySeconds,
    ...(view.propertiesEnd > view.propertiesStart ? { properties: propertiesJson(publishProperties(view)) } : {}),
    ...payloadJson(frame.subarray(view.payloadStart, view.frameEnd), "auto")
  }
}
