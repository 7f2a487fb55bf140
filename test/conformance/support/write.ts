/**
 * Packets of a client, as bytes. Nothing is judged: tests write what is wrong with the same functions, field by
 * field, or piece by piece with `frame`.
 *
 *   frame(0x30, field("topic"), rawSection(), Buffer.from("payload"))
 */
import type { AcknowledgementKind, Version } from "./packets.ts"
import { field, section, type Text, twoBytes, variable, type Wished } from "./properties.ts"

export interface Will {
  readonly topic: Text
  readonly payload?: Text
  readonly qos?: number
  readonly retain?: boolean
  readonly properties?: Wished
}
export interface ConnectFields {
  readonly clientId?: Text
  /** Clean Start; Clean Session before 5.0. */
  readonly clean?: boolean
  readonly keepAlive?: number
  readonly properties?: Wished
  readonly will?: Will
  readonly username?: Text
  readonly password?: Text
  /** In place of the flags that follow from the other fields. */
  readonly flags?: number
  /** In place of 00 04 MQTT and the version's own level. */
  readonly protocolName?: Text
  readonly level?: number
}
export interface PublishFields {
  readonly topic: Text
  readonly payload?: Text
  readonly qos?: number
  readonly dup?: boolean
  readonly retain?: boolean
  readonly id?: number
  readonly properties?: Wished
}
export interface Entry {
  readonly filter: Text
  readonly qos?: number
  readonly noLocal?: boolean
  readonly retainAsPublished?: boolean
  readonly retainHandling?: number
  /** In place of the byte that follows from the other fields. */
  readonly options?: number
}

/** A packet: first byte, Remaining Length, the parts. */
export const frame = (first: number, ...parts: ReadonlyArray<Buffer>): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([first]), variable(body.length), body])
}

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex")

export const connectBytes = (version: Version, fields: ConnectFields = {}): Buffer => {
  const { clientId = "", keepAlive = 0, password, properties = {}, username, will } = fields
  const name = fields.protocolName ?? (version === 3 ? "MQIsdp" : "MQTT")
  const head = [
    field(name),
    Buffer.from([fields.level ?? version, fields.flags ?? flagsOf(fields)]),
    twoBytes(keepAlive)
  ]
  const payload = [field(clientId)]
  if (will !== undefined) {
    if (version === 5) payload.push(section(will.properties ?? {}))
    payload.push(field(will.topic), field(will.payload ?? ""))
  }
  if (username !== undefined) payload.push(field(username))
  if (password !== undefined) payload.push(field(password))
  return frame(0x10, ...head, ...(version === 5 ? [section(properties)] : []), ...payload)
}

const flagsOf = ({ clean = true, password, username, will }: ConnectFields): number => {
  const ofWill = will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 32 : 0)
  return (clean ? 2 : 0) | ofWill | (password === undefined ? 0 : 64) | (username === undefined ? 0 : 128)
}

export const publishBytes = (version: Version, fields: PublishFields): Buffer => {
  const { dup = false, id = 0, payload = "", properties = {}, qos = 0, retain = false, topic } = fields
  const parts = [field(topic)]
  if (qos > 0) parts.push(twoBytes(id))
  if (version === 5) parts.push(section(properties))
  parts.push(Buffer.from(payload as string))
  return frame(0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), ...parts)
}

const firstBytes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const

export const acknowledgementBytes = (
  version: Version,
  kind: AcknowledgementKind,
  id: number,
  code = 0,
  properties?: Wished
): Buffer => {
  const tail: Array<Buffer> = version !== 5 || (code === 0 && properties === undefined) ? [] : [Buffer.from([code])]
  if (properties !== undefined) tail.push(section(properties))
  return frame(firstBytes[kind], twoBytes(id), ...tail)
}

export const subscribeBytes = (
  version: Version,
  id: number,
  entries: ReadonlyArray<Entry>,
  properties: Wished = {}
): Buffer => {
  const filters = entries.flatMap((entry) => [field(entry.filter), Buffer.from([entry.options ?? optionsOf(entry)])])
  return frame(0x82, twoBytes(id), ...(version === 5 ? [section(properties)] : []), ...filters)
}

const optionsOf = ({ noLocal = false, qos = 0, retainAsPublished = false, retainHandling = 0 }: Entry): number =>
  qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4)

export const unsubscribeBytes = (
  version: Version,
  id: number,
  filters: ReadonlyArray<Text>,
  properties: Wished = {}
): Buffer => frame(0xa2, twoBytes(id), ...(version === 5 ? [section(properties)] : []), ...filters.map(field))

export const pingreqBytes = hex("C0 00")

export const disconnectBytes = (version: Version, code = 0, properties?: Wished): Buffer => {
  if (version !== 5 || (code === 0 && properties === undefined)) return hex("E0 00")
  return frame(0xe0, Buffer.from([code]), ...(properties === undefined ? [] : [section(properties)]))
}

export const authBytes = (code: number, properties: Wished): Buffer =>
  frame(0xf0, Buffer.from([code]), section(properties))
