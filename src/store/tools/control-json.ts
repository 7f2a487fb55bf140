/**
 * The body of a record that is no message, as JSON: the members that src/store/control-records.ts decodes, as they are
 * called there. "open" and "never" stand for what has no end, bytes are base64. A body that this version cannot read is
 * given as `bodyBase64`, so that nothing is hidden.
 */
import type { RecordView } from "../../wal/record.ts"
import { readSegmentDrop } from "../../wal/segment-drop.ts"
import { type ControlRecord, decodeControl } from "../control-records.ts"
import type { SavedInterval, SavedSession } from "../ports.ts"
import { type Json, timeText } from "./json.ts"

export function controlJson(record: RecordView): Json {
  const decoded = decodeControl(record)
  if (decoded === undefined || decoded === "other") return rawJson(record)
  const session = record.publisher === 0 ? {} : { session: record.publisher }
  return { ...session, ...bodyJson(decoded) }
}

/** Sessions that never expire say "never". */
function sessionJson(session: SavedSession): Json {
  const { clientIdentifier, disconnectedAtMs, expiryIntervalSeconds, username, will } = session
  return {
    clientIdentifier,
    expiryIntervalSeconds: expiryIntervalSeconds === Number.POSITIVE_INFINITY ? "never" : expiryIntervalSeconds,
    ...(username === undefined ? {} : { username }),
    disconnectedAt: disconnectedAtMs === 0 ? null : timeText(disconnectedAtMs),
    ...(will === undefined
      ? {}
      : {
          will: {
            topic: will.topic,
            mqtt: will.isVersion5 ? 5 : 3,
            delaySeconds: will.delaySeconds,
            frameBase64: will.frame.toString("base64")
          }
        })
  }
}

export function intervalJson(interval: SavedInterval): Json {
  return { ...interval, to: interval.to === Number.POSITIVE_INFINITY ? "open" : interval.to }
}

function bodyJson(decoded: ControlRecord): Json {
  switch (decoded.kind) {
    case "session":
      return { ...sessionJson(decoded.session), epoch: decoded.session.epoch }
    case "session-end":
      return {}
    case "subscription": {
      const { filter, subscription } = decoded
      if (subscription === undefined) return { filter }
      const { intervals, retainedBelow } = subscription
      return { filter, intervals: intervals.map(intervalJson), retainedBelow }
    }
    case "cursor":
      return { ...decoded.cursor }
    case "group":
      return { group: decoded.text, ...(decoded.group === undefined ? { ended: true } : decoded.group) }
    case "sent":
      return { ...decoded.exchange, exchange: decoded.exchange.kind, kind: "qos2-out" }
    default:
      return { packetIdentifier: decoded.packetIdentifier }
  }
}

function rawJson(record: RecordView): Json {
  const dropped = readSegmentDrop(record)
  if (dropped !== undefined) return { dropped }
  const session = record.publisher === 0 ? {} : { session: record.publisher }
  if (record.start === record.end) return session
  return { ...session, bodyBase64: record.buffer.toString("base64", record.start, record.end) }
}
