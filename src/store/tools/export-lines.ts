/**
 * The lines of an export (export-store.ts) as they are read back: shapes, bounds, and what makes no sense.
 *
 * Total: any text gives a line or the reason why it is none. What the shapes cannot say is judged where it is used: a
 * message's frame by the codec, as if a client had sent it (import-message.ts).
 */

import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"

const Position = Schema.Number.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Identifier = Schema.Number.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 65_535 }))
const FourBytes = Schema.Number.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const Qos = Schema.Literals([0, 1, 2])
const Text = Schema.String.check(Schema.isMaxLength(65_535))

const Properties = Schema.Struct({
  payloadFormatIndicator: Schema.optionalKey(Schema.Literals([0, 1])),
  messageExpiryInterval: Schema.optionalKey(FourBytes),
  contentType: Schema.optionalKey(Text),
  responseTopic: Schema.optionalKey(Text),
  correlationDataBase64: Schema.optionalKey(Schema.String),
  userProperties: Schema.optionalKey(Schema.Array(Schema.Tuple([Text, Text])))
})

const frame = {
  topic: Text,
  qos: Qos,
  retain: Schema.Boolean,
  mqtt: Schema.Literals([3, 5]),
  properties: Schema.optionalKey(Properties),
  payload: Schema.optionalKey(Schema.String),
  payloadBase64: Schema.optionalKey(Schema.String)
}

export const HeadLine = Schema.Struct({
  promptmq: Schema.Literal("export"),
  version: Position,
  storeUuid: Schema.NullOr(Schema.String),
  exportedAt: Schema.String
})

const Frame = Schema.Struct(frame)
export type FrameLine = typeof Frame.Type

const MessageLine = Schema.Struct({
  type: Schema.Literal("message"),
  position: Position,
  ...frame,
  publisher: Schema.optionalKey(Text),
  expiresAt: Schema.optionalKey(Schema.String)
})
export type MessageLine = typeof MessageLine.Type

const Exchange = Schema.Struct({
  packetIdentifier: Identifier,
  state: Schema.Literals([1, 2, 3]),
  sequence: Schema.Union([Position, Schema.Literal(-1)]),
  kind: Schema.Literals(["ordinary", "retained", "shared", "replay"]),
  filter: Schema.String
})

const Interval = Schema.Struct({
  qos: Qos,
  noLocal: Schema.Boolean,
  retainAsPublished: Schema.Boolean,
  subscriptionIdentifier: FourBytes,
  from: Position,
  to: Schema.Union([Position, Schema.Literal("open")])
})

const SessionLine = Schema.Struct({
  type: Schema.Literal("session"),
  clientIdentifier: Text,
  expiryIntervalSeconds: Schema.Union([FourBytes, Schema.Literal("never")]),
  username: Schema.optionalKey(Text),
  disconnectedAt: Schema.optionalKey(Schema.String),
  will: Schema.optionalKey(Schema.Struct({ ...frame, delaySeconds: FourBytes })),
  cursor: Position,
  subscriptions: Schema.Array(Schema.Struct({ filter: Text, intervals: Schema.Array(Interval) })),
  open: Schema.Array(Exchange),
  received: Schema.Array(Identifier),
  retainedWanted: Schema.Array(
    Schema.Struct({ filter: Text, below: Position, after: Schema.optionalKey(Schema.String) })
  ),
  /** Absent where there are none, as in exports made before there were any. */
  replays: Schema.optionalKey(
    Schema.Array(Schema.Struct({ filter: Text, next: Position, head: Position, handed: Schema.Array(Position) }))
  ),
  handed: Schema.Array(Position)
})
export type SessionLine = typeof SessionLine.Type

const GroupLine = Schema.Struct({
  type: Schema.Literal("group"),
  share: Text,
  bornAt: Position,
  cursor: Position,
  requeued: Schema.Array(Position),
  handed: Schema.Array(Position)
})
export type GroupLine = typeof GroupLine.Type

const EndLine = Schema.Struct({
  type: Schema.Literal("end"),
  messages: Position,
  sessions: Position,
  groups: Position
})

const Line = Schema.Union([MessageLine, SessionLine, GroupLine, EndLine])
export type ExportLine = typeof Line.Type

const decodeHead = Schema.decodeUnknownExit(HeadLine)
const decodeLine = Schema.decodeUnknownExit(Line)

export type HeadLine = typeof HeadLine.Type

/** The line, or why it is none. */
export function readHead(text: string): HeadLine | string {
  return decoded(text, decodeHead)
}
export function readLine(text: string): ExportLine | string {
  return decoded(text, decodeLine)
}

function decoded<A>(text: string, decode: (input: unknown) => Exit.Exit<A, unknown>): A | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return "it is no JSON"
  }
  const exit = decode(parsed)
  return Exit.isSuccess(exit) ? exit.value : String(Cause.squash(exit.cause)).replace(/\s+/g, " ")
}
