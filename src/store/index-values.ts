/**
 * The derived index as keys and values: the newest whole value of every session, subscription, cursor and group, each the
 * body of the control record it came from. The LMDB index and the snapshots hold the same bytes.
 *
 *   key    "s" number           SESSION          number: 4 bytes, big-endian, so that a session's subscriptions are one
 *          "u" number text      SUB                      range of keys
 *          "c" number           CURSOR           text: byte 0 and UTF-8, or byte 1 and SHA-256 where that would be
 *          "g" text             GROUP                  longer than TEXT_BYTES_MAX (a key of LMDB has a limit)
 *          "m"                  meta
 *
 *   offset  size  value, little-endian
 *        0     4  CRC-32 of bytes 4..end, seeded with the CRC-32 of the key: a value under another key does not verify
 *        4     1  schema, 1
 *        5     1  type of the record, 0 = meta
 *        6     2  reserved, 0
 *        8     8  LSN of the record; of meta the applied LSN: every control record up to it is in the index
 *       16        body of the record (control-records.ts); of meta:
 *                 store uuid (16), next session number u32, reserved u32, next message sequence u64
 *
 * Steps of QoS 2 are not in the index: those above a cursor's own LSN are in the log, which is read at every start.
 */
import { createHash } from "node:crypto"
import { checksumOf } from "../wal/checksum.ts"
import { RecordType } from "../wal/record.ts"
import { readPosition, writePosition } from "./control-bytes.ts"

export interface IndexEntry {
  readonly key: Buffer
  readonly value: Buffer
}

export interface IndexMeta {
  readonly storeUuid: string
  readonly appliedLsn: number
  /** Above every session number in records up to there. */
  readonly nextSessionNumber: number
  /** Above every message's sequence in records up to there. */
  readonly nextSequence: number
}

export interface OpenedValue {
  readonly type: number
  readonly lsn: number
  /** 0 of groups and meta. */
  readonly number: number
  /** The value's own bytes; the body begins at VALUE_HEADER_BYTES. */
  readonly value: Buffer
}

export const VALUE_HEADER_BYTES = 16
const SCHEMA = 1
const META_TYPE = 0
const META_BYTES = VALUE_HEADER_BYTES + 32
const TEXT_BYTES_MAX = 400

export function sessionKey(number: number): Buffer {
  return numbered(Prefix.session, number, 0)
}
export function cursorKey(number: number): Buffer {
  return numbered(Prefix.cursor, number, 0)
}
/** Subscriptions of the session begin with this. */
export function subscriptionsPrefix(number: number): Buffer {
  return numbered(Prefix.subscription, number, 0)
}
export function subscriptionKey(number: number, filter: string): Buffer {
  const text = textKey(filter)
  const key = numbered(Prefix.subscription, number, text.length)
  text.copy(key, 5)
  return key
}
export function groupKey(text: string): Buffer {
  return Buffer.concat([Buffer.from([Prefix.group]), textKey(text)])
}
export const META_KEY: Buffer = Buffer.from("m")

export function sealValue(key: Buffer, type: number, lsn: number, body: Buffer): Buffer {
  const value = Buffer.allocUnsafeSlow(VALUE_HEADER_BYTES + body.length)
  value.writeUInt32LE(SCHEMA | (type << 8), 4)
  writePosition(value, 8, lsn)
  body.copy(value, VALUE_HEADER_BYTES)
  value.writeUInt32LE(crcOf(key, value), 0)
  return value
}

export function sealMeta({ appliedLsn, nextSequence, nextSessionNumber, storeUuid }: IndexMeta): Buffer {
  const body = Buffer.alloc(META_BYTES - VALUE_HEADER_BYTES)
  body.write(storeUuid, 0, 16, "hex")
  body.writeUInt32LE(nextSessionNumber, 16)
  writePosition(body, 24, nextSequence)
  return sealValue(META_KEY, META_TYPE, appliedLsn, body)
}

/** Undefined when the value does not verify under this key, or is of a schema that this version does not know. */
export function openValue(key: Buffer, value: Buffer): OpenedValue | undefined {
  if (key.length === 0 || value.length < VALUE_HEADER_BYTES || value.readUInt32LE(0) !== crcOf(key, value))
    return undefined
  if (value[4] !== SCHEMA) return undefined
  const lsn = readPosition(value, 8, 0)
  const type = value[5] as number
  const prefix = key[0] as number
  if (PREFIXES[type] !== prefix) return undefined
  const isNumbered = prefix !== Prefix.group && prefix !== Prefix.meta
  if (isNumbered && key.length < 5) return undefined
  return { type, lsn, number: isNumbered ? key.readUInt32BE(1) : 0, value }
}

export function openMeta(value: Buffer): IndexMeta | undefined {
  const opened = openValue(META_KEY, value)
  if (opened === undefined || opened.type !== META_TYPE || value.length !== META_BYTES) return undefined
  return {
    storeUuid: value.toString("hex", VALUE_HEADER_BYTES, VALUE_HEADER_BYTES + 16),
    appliedLsn: opened.lsn,
    nextSessionNumber: value.readUInt32LE(VALUE_HEADER_BYTES + 16),
    nextSequence: readPosition(value, VALUE_HEADER_BYTES + 24, 0)
  }
}

const Prefix = { session: 0x73, subscription: 0x75, cursor: 0x63, group: 0x67, meta: 0x6d } as const

/** By type of the record. */
const PREFIXES: Readonly<Record<number, number>> = {
  [META_TYPE]: Prefix.meta,
  [RecordType.session]: Prefix.session,
  [RecordType.subscribe]: Prefix.subscription,
  [RecordType.cursor]: Prefix.cursor,
  [RecordType.group]: Prefix.group
}

function crcOf(key: Buffer, value: Buffer): number {
  return checksumOf(value, 4, value.length, checksumOf(key, 0, key.length, 0))
}

function numbered(prefix: number, number: number, moreBytes: number): Buffer {
  const key = Buffer.allocUnsafe(5 + moreBytes)
  key[0] = prefix
  key.writeUInt32BE(number, 1)
  return key
}

function textKey(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8")
  return bytes.length <= TEXT_BYTES_MAX
    ? Buffer.concat([Buffer.from([0]), bytes])
    : Buffer.concat([Buffer.from([1]), createHash("sha256").update(bytes).digest()])
}
