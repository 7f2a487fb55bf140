/**
 * Control records: everything in the log that is no message, as bytes.
 *
 * The record's header (wal/record.ts) carries type and session number; of a GROUP the number is 0. Bodies, little-endian,
 * with the kinds of control-bytes.ts:
 *
 *   SESSION      byte version 1, byte flags (1 = username, 2 = will, 4 = the will is MQTT 5), text client identifier,
 *                word epoch, word expiry interval (all ones = for ever), position disconnected at (wall ms, 0 = connected),
 *                [text username], [text will topic, blob will frame, word will delay]
 *   SESSION-END  nothing
 *   SUB          byte version 1 or 2, text filter, position retained below (all ones = -1),
 *                list of { byte QoS | 4 No Local | 8 Retain As Published, word subscription identifier,
 *                position from, position to (all ones = open) }, of version 2 then a replay
 *   UNSUB        byte version 1, text filter
 *   CURSOR       byte version 1 or 2, position cursor, list of exchanges, list of short (QoS 2 identifiers received),
 *                list of { text filter, position below, byte has an after, text after },
 *                of version 2 then a list of { text filter, a replay }
 *   GROUP        byte version 1, text, byte 1 = lives, 0 = ended; if it lives: position born at, position cursor,
 *                list of position (requeued)
 *   replay       position next, position head, list of position (handed over above next)
 *   exchange     short packet identifier, byte state, byte kind (table KINDS), position sequence (all ones = -1), text filter
 *
 *   Q2IN, Q2REL, Q2OUT-REC, Q2OUT-DONE   short packet identifier
 *   Q2OUT                                one exchange; its text ends the body
 *
 * A list is a word (count) and its items. Whole values carry a version of their own, the lowest that can say it; a reader that does not know it
 * answers undefined, as it does for bytes that are cut off, too many, or mean nothing. Nothing here throws.
 *
 * Elsewhere: what the records mean together (session-image.ts), SEG-DROP (wal/segment-drop.ts).
 */
import { RecordType, type RecordView } from "../wal/record.ts"
import { ByteReader, ByteWriter, writePosition, writeWord } from "./control-bytes.ts"
import type {
  SavedCursor,
  SavedExchange,
  SavedGroup,
  SavedInterval,
  SavedReplay,
  SavedSession,
  SavedSubscription
} from "./ports.ts"

export type ControlRecord =
  | { readonly kind: "session"; readonly number: number; readonly session: SavedSession }
  | { readonly kind: "session-end"; readonly number: number }
  /** Undefined: UNSUB. */
  | SubscriptionRecord
  | { readonly kind: "cursor"; readonly number: number; readonly cursor: SavedCursor }
  /** Undefined: it has ended. */
  | { readonly kind: "group"; readonly text: string; readonly group: SavedGroup | undefined }
  | StepRecord

export interface SubscriptionRecord {
  readonly kind: "subscription"
  readonly number: number
  readonly filter: string
  readonly subscription: SavedSubscription | undefined
}

export type StepRecord =
  | { readonly kind: "sent"; readonly number: number; readonly exchange: SavedExchange }
  | {
      readonly kind: "received" | "released" | "sent-received" | "sent-done"
      readonly number: number
      readonly packetIdentifier: number
    }

/** What a record says, "other" when it is none of these, undefined when its bytes mean nothing to this version. */
export function decodeControl(record: RecordView): ControlRecord | "other" | undefined {
  return decodeBody(record.type, record.publisher, record.buffer, record.start, record.end)
}

export function decodeBody(
  type: number,
  number: number,
  buffer: Buffer,
  start: number,
  end: number
): ControlRecord | "other" | undefined {
  const reader = new ByteReader(buffer, start, end)
  const decoded = DECODERS[type]?.(reader, number)
  return decoded === undefined ? "other" : reader.isWhole ? decoded : undefined
}

const DECODERS: Readonly<Partial<Record<number, (reader: ByteReader, number: number) => ControlRecord>>> = {
  [RecordType.session]: (reader, number) => ({ kind: "session", number, session: readSession(reader, number) }),
  [RecordType.sessionEnd]: (_, number) => ({ kind: "session-end", number }),
  [RecordType.subscribe]: (reader, number) => readSubscription(reader, number),
  [RecordType.unsubscribe]: (reader, number) => {
    readVersion(reader)
    return { kind: "subscription", number, filter: reader.text(), subscription: undefined }
  },
  [RecordType.cursor]: (reader, number) => ({ kind: "cursor", number, cursor: readCursor(reader) }),
  [RecordType.group]: (reader) => readGroup(reader),
  [RecordType.qos2In]: (reader, number) => ({ kind: "received", number, packetIdentifier: reader.short() }),
  [RecordType.qos2InReleased]: (reader, number) => ({ kind: "released", number, packetIdentifier: reader.short() }),
  [RecordType.qos2Out]: (reader, number) => ({ kind: "sent", number, exchange: readExchange(reader) }),
  [RecordType.qos2OutReceived]: (reader, number) => ({
    kind: "sent-received",
    number,
    packetIdentifier: reader.short()
  }),
  [RecordType.qos2OutDone]: (reader, number) => ({ kind: "sent-done", number, packetIdentifier: reader.short() })
}

/** A single step of QoS 2, not a whole value. */
export function isStepType(type: number): boolean {
  return type >= RecordType.qos2In && type <= RecordType.qos2OutDone
}

const VERSION = 1
/** Of a SUB or CURSOR that knows of a replay. */
const VERSION_REPLAY = 2
const EXPIRY_NEVER = 0xffff_ffff
const SessionFlag = { username: 1, will: 2, willVersion5: 4 } as const
const IntervalFlag = { qos: 3, noLocal: 4, retainAsPublished: 8 } as const
/** Numbers are for ever. */
const KINDS: ReadonlyArray<SavedExchange["kind"]> = ["ordinary", "retained", "shared", "replay"]
const STATE_MAX = 3

const writer = new ByteWriter()

export function encodeSession(session: SavedSession): Buffer {
  const { expiryIntervalSeconds, username, will } = session
  const flags =
    (username === undefined ? 0 : SessionFlag.username) |
    (will === undefined ? 0 : SessionFlag.will | (will.isVersion5 ? SessionFlag.willVersion5 : 0))
  writer
    .byte(VERSION)
    .byte(flags)
    .text(session.clientIdentifier)
    .word(session.epoch)
    .word(Math.min(expiryIntervalSeconds, EXPIRY_NEVER))
    .position(Math.ceil(session.disconnectedAtMs))
  if (username !== undefined) writer.text(username)
  if (will !== undefined) writer.text(will.topic).blob(will.frame).word(Math.min(will.delaySeconds, EXPIRY_NEVER))
  return writer.take()
}

export function encodeSubscription(filter: string, { intervals, replay, retainedBelow }: SavedSubscription): Buffer {
  writer
    .byte(replay === undefined ? VERSION : VERSION_REPLAY)
    .text(filter)
    .position(retainedBelow)
    .word(intervals.length)
  for (const { from, noLocal, qos, retainAsPublished, subscriptionIdentifier, to } of intervals) {
    const flags = (noLocal ? IntervalFlag.noLocal : 0) | (retainAsPublished ? IntervalFlag.retainAsPublished : 0)
    writer
      .byte(qos | flags)
      .word(subscriptionIdentifier)
      .position(from)
      .position(to)
  }
  if (replay !== undefined) writeReplay(replay)
  return writer.take()
}

export function encodeUnsubscribe(filter: string): Buffer {
  return writer.byte(VERSION).text(filter).take()
}

export function encodeCursor({ cursor, incoming, open, replays = [], retained }: SavedCursor): Buffer {
  writer
    .byte(replays.length === 0 ? VERSION : VERSION_REPLAY)
    .position(cursor)
    .word(open.length)
  for (const exchange of open) {
    const textBytes = exchange.filter === "" ? 0 : Buffer.byteLength(exchange.filter)
    const at = writer.claim(EXCHANGE_BYTES + textBytes)
    writeExchange(writer.bytes, exchange, at)
  }
  writer.word(incoming.length)
  for (const packetIdentifier of incoming) writer.short(packetIdentifier)
  writer.word(retained.length)
  for (const { after, below, filter } of retained) {
    writer
      .text(filter)
      .position(below)
      .byte(after === undefined ? 0 : 1)
      .text(after ?? "")
  }
  if (replays.length > 0) writer.word(replays.length)
  for (const { filter, ...replay } of replays) {
    writer.text(filter)
    writeReplay(replay)
  }
  return writer.take()
}

function writeReplay({ handed, head, next }: SavedReplay): void {
  writer.position(next).position(head).word(handed.length)
  for (const sequence of handed) writer.position(sequence)
}

/** `group` undefined: it has ended. */
export function encodeGroup(text: string, group: SavedGroup | undefined): Buffer {
  writer
    .byte(VERSION)
    .text(text)
    .byte(group === undefined ? 0 : 1)
  if (group !== undefined) {
    writer.position(group.bornAt).position(group.cursor).word(group.requeued.length)
    for (const sequence of group.requeued) writer.position(sequence)
  }
  return writer.take()
}

const EXCHANGE_BYTES = 16
/** Room for writeExchange() with the longest filter that MQTT has. */
export const STEP_BYTES_MAX = EXCHANGE_BYTES + 65_535

/** An exchange, as in CURSOR and as the body of Q2OUT, where `bytes` are STEP_BYTES_MAX; answers its length. Allocates nothing. */
export function writeExchange(
  bytes: Buffer,
  { filter, kind, packetIdentifier, sequence, state }: SavedExchange,
  at = 0
): number {
  bytes[at] = packetIdentifier
  bytes[at + 1] = packetIdentifier >>> 8
  bytes[at + 2] = state
  bytes[at + 3] = KINDS.indexOf(kind)
  writePosition(bytes, at + 4, sequence)
  const length = filter === "" ? 0 : bytes.write(filter, at + EXCHANGE_BYTES, "utf8")
  writeWord(bytes, at + 12, length)
  return EXCHANGE_BYTES + length
}

/** The body of the other four steps; answers its length. */
export function writePacketIdentifier(bytes: Buffer, packetIdentifier: number): number {
  return bytes.writeUInt16LE(packetIdentifier, 0)
}

/** Answers it. */
function readVersion(reader: ByteReader, newest: number = VERSION): number {
  const version = reader.byte()
  reader.demand(version >= VERSION && version <= newest)
  return version
}

function readSession(reader: ByteReader, number: number): SavedSession {
  readVersion(reader)
  const flags = reader.byte()
  reader.demand(flags <= 7 && (flags & 6) !== SessionFlag.willVersion5)
  const clientIdentifier = reader.text()
  const epoch = reader.word()
  const expiry = reader.word()
  const disconnectedAtMs = reader.position(0)
  const username = (flags & SessionFlag.username) === 0 ? undefined : reader.text()
  const will =
    (flags & SessionFlag.will) === 0
      ? undefined
      : {
          isVersion5: (flags & SessionFlag.willVersion5) !== 0,
          topic: reader.text(),
          frame: reader.blob(),
          delaySeconds: reader.word()
        }
  const expiryIntervalSeconds = expiry === EXPIRY_NEVER ? Number.POSITIVE_INFINITY : expiry
  return { clientIdentifier, number, epoch, expiryIntervalSeconds, username, disconnectedAtMs, will }
}

function readSubscription(reader: ByteReader, number: number): SubscriptionRecord {
  const version = readVersion(reader, VERSION_REPLAY)
  const filter = reader.text()
  const retainedBelow = reader.position(-1)
  const intervals = reader.list(readInterval)
  const replay = version === VERSION ? {} : { replay: readReplay(reader) }
  return { kind: "subscription", number, filter, subscription: { intervals, retainedBelow, ...replay } }
}

function readInterval(reader: ByteReader): SavedInterval {
  const flags = reader.byte()
  reader.demand(flags <= 15 && (flags & IntervalFlag.qos) <= 2)
  return {
    qos: flags & IntervalFlag.qos,
    noLocal: (flags & IntervalFlag.noLocal) !== 0,
    retainAsPublished: (flags & IntervalFlag.retainAsPublished) !== 0,
    subscriptionIdentifier: reader.word(),
    from: reader.position(Number.POSITIVE_INFINITY),
    to: reader.position(Number.POSITIVE_INFINITY)
  }
}

function readCursor(reader: ByteReader): SavedCursor {
  const version = readVersion(reader, VERSION_REPLAY)
  const saved = {
    cursor: reader.position(0),
    open: reader.list(readExchange),
    incoming: reader.list((each) => each.short()),
    retained: reader.list((each) => {
      const filter = each.text()
      const below = each.position(0)
      const hasAfter = each.byte()
      each.demand(hasAfter <= 1)
      const after = each.text()
      return { filter, below, after: hasAfter === 1 ? after : undefined }
    })
  }
  if (version === VERSION) return saved
  return { ...saved, replays: reader.list((each) => ({ filter: each.text(), ...readReplay(each) })) }
}

function readReplay(reader: ByteReader): SavedReplay {
  return { next: reader.position(0), head: reader.position(0), handed: reader.list((each) => each.position(0)) }
}

function readExchange(reader: ByteReader): SavedExchange {
  const packetIdentifier = reader.short()
  const state = reader.byte()
  const kind = KINDS[reader.byte()]
  // State 0 under no identifier: handed over, and done with.
  reader.demand(kind !== undefined && state <= STATE_MAX && state > 0 === packetIdentifier > 0)
  const sequence = reader.position(-1)
  return { packetIdentifier, state, sequence, kind: kind ?? "ordinary", filter: reader.text() }
}

function readGroup(reader: ByteReader): ControlRecord {
  readVersion(reader)
  const text = reader.text()
  const lives = reader.byte()
  reader.demand(lives <= 1)
  if (lives === 0) return { kind: "group", text, group: undefined }
  const bornAt = reader.position(0)
  const cursor = reader.position(0)
  return { kind: "group", text, group: { bornAt, cursor, requeued: reader.list((each) => each.position(-1)) } }
}
