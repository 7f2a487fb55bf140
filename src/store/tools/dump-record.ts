/**
 * One stored record as JSON, for `store dump`. Keys are stable; members may be added.
 *
 *   every record   lsn, kind, time (RFC 3339, null = not known), durable, place ("<file>:<offset>")
 *   message        sequence, topic, qos, retain, mqtt (5 or 3), publisher, expiresAt, packetIdentifier, properties, payload
 *   others         session (its number), and the body's members as src/store/control-records.ts names them
 *
 * Payload and properties as in json.ts.
 */
import { PublishView } from "../../codec/publish-view.ts"
import { publishProperties, viewTrusted } from "../../codec/read-publish.ts"
import { RecordFlag, RecordType, type RecordView } from "../../wal/record.ts"
import { controlJson } from "./control-json.ts"
import { type Json, type PayloadForm, payloadJson, propertiesJson, timeText } from "./json.ts"
import { kindName } from "./record-kinds.ts"
import type { StoredRecord } from "./stored-records.ts"

export function recordJson(stored: StoredRecord, form: PayloadForm): Json {
  const { record } = stored
  const head = {
    lsn: record.lsn,
    kind: kindName(record.type),
    time: stored.writtenMs === 0 ? null : timeText(stored.writtenMs),
    durable: stored.isDurable,
    place: `${stored.segment}:${stored.offset}`
  }
  return { ...head, ...(record.type === RecordType.message ? messageJson(record, form) : controlJson(record)) }
}

const view = new PublishView()

export function messageJson(record: RecordView, form: PayloadForm): Json {
  const isVersion5 = (record.flags & RecordFlag.version5) !== 0
  viewTrusted(view, record.buffer, record.start, record.end, isVersion5)
  return {
    sequence: record.sequence,
    topic: record.buffer.toString("utf8", view.topicStart, view.topicEnd),
    qos: view.qos,
    retain: view.retain,
    mqtt: isVersion5 ? 5 : 3,
    publisher: record.publisher,
    ...(record.expiresAtMs === Number.POSITIVE_INFINITY ? {} : { expiresAt: timeText(record.expiresAtMs) }),
    ...(view.packetIdentifier === 0 ? {} : { packetIdentifier: view.packetIdentifier }),
    ...(view.propertiesEnd > view.propertiesStart ? { properties: propertiesJson(publishProperties(view)) } : {}),
    ...payloadJson(record.buffer.subarray(view.payloadStart, view.frameEnd), form)
  }
}
