/**
 * The client's half of the wire, written a second time and kept apart from src/codec: what a test client
 * sends, and what it reads from the server. MQTT 5.0 unless a version is given. No judging: the server under
 * test is trusted to send well-formed packets here, test/codec judges the bytes.
 */
export interface Received {
  readonly type: number
  readonly packetIdentifier: number
  readonly reasonCode: number
  readonly sessionPresent: boolean
  readonly codes: ReadonlyArray<number>
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly duplicate: boolean
  readonly identifiers: ReadonlyArray<number>
  /** Message Expiry Interval in seconds, -1 when absent. */
  readonly expirySeconds: number
  /** Reason String of an acknowledgement, "" when absent. */
  readonly told: string
}

export interface ConnectOptions {
  readonly clientIdentifier: string
  readonly username?: string
  readonly cleanStart?: boolean
  readonly version?: 4 | 5
  readonly keepAliveSeconds?: number
  readonly sessionExpirySeconds?: number
  readonly receiveMaximum?: number
  readonly maximumPacketSize?: number
  readonly topicAliasMaximum?: number
  readonly will?: WillOptions | undefined
}

export interface WillOptions {
  readonly topic: string
  readonly payload: string
  readonly qos?: number
  readonly retain?: boolean
  readonly delaySeconds?: number
}

export interface PublishOptions {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos?: number
  readonly retain?: boolean
  readonly duplicate?: boolean
  readonly packetIdentifier?: number
  readonly expirySeconds?: number
}

export interface SubscribeOptions {
  readonly filter: string
  readonly qos?: number
  readonly noLocal?: boolean
  readonly retainAsPublished?: boolean
  readonly retainHandling?: number
  readonly subscriptionIdentifier?: number
}

export const connect = (options: ConnectOptions): Buffer => {
  const { version = 5, will } = options
  const flags =
    ((options.cleanStart ?? false) ? 2 : 0) |
    (options.username === undefined ? 0 : 128) |
    (will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 32 : 0))
  const properties: Array<number> = []
  if (options.sessionExpirySeconds !== undefined) properties.push(0x11, ...four(options.sessionExpirySeconds))
  if (options.receiveMaximum !== undefined) properties.push(0x21, ...two(options.receiveMaximum))
  if (options.topicAliasMaximum !== undefined) properties.push(0x22, ...two(options.topicAliasMaximum))
  if (options.maximumPacketSize !== undefined) properties.push(0x27, ...four(options.maximumPacketSize))
  const willProperties = will?.delaySeconds === undefined ? [] : [0x18, ...four(will.delaySeconds)]
  return packet(0x10, [
    ...text("MQTT"),
    version,
    flags,
    ...two(options.keepAliveSeconds ?? 0),
    ...(version === 5 ? [properties.length, ...properties] : []),
    ...text(options.clientIdentifier),
    ...(will === undefined
      ? []
      : [
          ...(version === 5 ? [willProperties.length, ...willProperties] : []),
          ...text(will.topic),
          ...text(will.payload)
        ]),
    ...(options.username === undefined ? [] : text(options.username))
  ])
}

export const publish = (options: PublishOptions, version = 5): Buffer => {
  const qos = options.qos ?? 0
  const first = 0x30 | (qos << 1) | (options.retain === true ? 1 : 0) | (options.duplicate === true ? 8 : 0)
  const properties = options.expirySeconds === undefined ? [] : [0x02, ...four(options.expirySeconds)]
  const topic = Buffer.from(options.topic)
  const payload = typeof options.payload === "string" ? Buffer.from(options.payload) : options.payload
  const after = [...(qos > 0 ? two(options.packetIdentifier ?? 1) : []), ...(version === 5 ? [properties.length] : [])]
  const length = 2 + topic.length + after.length + properties.length + payload.length
  const head = Buffer.from([first, ...variable(length), ...two(topic.length)])
  return Buffer.concat([head, topic, Buffer.from([...after, ...properties]), payload])
}

export const subscribe = (packetIdentifier: number, options: SubscribeOptions, version = 5): Buffer => {
  const { filter, qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options
  const identifier = options.subscriptionIdentifier ?? 0
  const properties = identifier === 0 ? [] : [0x0b, ...variable(identifier)]
  const flags = version === 5 ? (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4) : 0
  return packet(0x82, [
    ...two(packetIdentifier),
    ...(version === 5 ? [properties.length, ...properties] : []),
    ...text(filter),
    qos | flags
  ])
}

export const unsubscribe = (packetIdentifier: number, filter: string, version = 5): Buffer =>
  packet(0xa2, [...two(packetIdentifier), ...(version === 5 ? [0] : []), ...text(filter)])

/** PUBACK 4, PUBREC 5, PUBREL 6, PUBCOMP 7. */
export const acknowledge = (type: number, packetIdentifier: number, reasonCode = 0): Buffer =>
  packet((type << 4) | (type === 6 ? 2 : 0), [...two(packetIdentifier), ...(reasonCode === 0 ? [] : [reasonCode])])

export const disconnect = (reasonCode = 0, sessionExpirySeconds?: number): Buffer => {
  if (sessionExpirySeconds !== undefined) return packet(0xe0, [reasonCode, 5, 0x11, ...four(sessionExpirySeconds)])
  return packet(0xe0, reasonCode === 0 ? [] : [reasonCode])
}

export const pingreq = Buffer.from([0xc0, 0])

const NOTHING: Buffer = Buffer.alloc(0)

/** Takes the bytes of a connection as they come and answers the packets that are complete. */
export class PacketReader {
  #rest: Buffer = NOTHING
  readonly #version: number

  constructor(version = 5) {
    this.#version = version
  }

  push(bytes: Buffer): Array<Received> {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const found: Array<Received> = []
    let at = 0
    while (at + 2 <= all.length) {
      const [length, lengthBytes] = readVariable(all, at + 1)
      const body = at + 1 + lengthBytes
      if (lengthBytes === 0 || body + length > all.length) break
      found.push(readPacket(all.subarray(at, body + length), lengthBytes + 1, this.#version))
      at = body + length
    }
    this.#rest = all.subarray(at)
    return found
  }
}

const readPacket = (frame: Buffer, body: number, version: number): Received => {
  const first = frame[0] as number
  const received = {
    type: first >> 4,
    packetIdentifier: 0,
    reasonCode: 0,
    sessionPresent: false,
    codes: [] as ReadonlyArray<number>,
    topic: "",
    payload: NOTHING,
    qos: 0,
    retain: false,
    duplicate: false,
    identifiers: [] as Array<number>,
    expirySeconds: -1,
    told: ""
  }
  switch (received.type) {
    case 2:
      received.sessionPresent = (frame[body] as number) === 1
      received.reasonCode = frame[body + 1] as number
      break
    case 3:
      readPublish(frame, body, version, received)
      break
    case 9:
    case 11: {
      received.packetIdentifier = frame.readUInt16BE(body)
      const codesAt = version === 5 ? body + 3 + (frame[body + 2] as number) : body + 2
      received.codes = [...frame.subarray(codesAt)]
      break
    }
    case 14:
      received.reasonCode = frame.length > body ? (frame[body] as number) : 0
      break
    case 13:
      break
    default:
      received.packetIdentifier = frame.readUInt16BE(body)
      received.reasonCode = frame.length > body + 2 ? (frame[body + 2] as number) : 0
      if (frame[body + 4] === 0x1f) received.told = frame.toString("utf8", body + 7)
  }
  return received
}

interface PublishFields {
  packetIdentifier: number
  topic: string
  payload: Buffer
  qos: number
  retain: boolean
  duplicate: boolean
  identifiers: Array<number>
  expirySeconds: number
}

const readPublish = (frame: Buffer, body: number, version: number, to: PublishFields): void => {
  const first = frame[0] as number
  to.qos = (first >> 1) & 3
  to.retain = (first & 1) === 1
  to.duplicate = (first & 8) !== 0
  const topicLength = frame.readUInt16BE(body)
  let at = body + 2 + topicLength
  to.topic = frame.toString("utf8", body + 2, at)
  if (to.qos > 0) {
    to.packetIdentifier = frame.readUInt16BE(at)
    at += 2
  }
  if (version === 5) {
    const [length, lengthBytes] = readVariable(frame, at)
    at += lengthBytes
    const end = at + length
    while (at < end) {
      const id = frame[at] as number
      if (id === 0x23) at += 3
      else if (id === 0x02) {
        to.expirySeconds = frame.readUInt32BE(at + 1)
        at += 5
      } else if (id === 0x0b) {
        const [identifier, bytes] = readVariable(frame, at + 1)
        to.identifiers.push(identifier)
        at += 1 + bytes
      } else throw new Error(`a property this reader does not know: ${id}`)
    }
  }
  to.payload = Buffer.from(frame.subarray(at))
}

const packet = (first: number, body: ReadonlyArray<number>): Buffer =>
  Buffer.from([first, ...variable(body.length), ...body])

const two = (value: number): Array<number> => [value >> 8, value & 0xff]
const four = (value: number): Array<number> => [
  (value >>> 24) & 0xff,
  (value >>> 16) & 0xff,
  (value >>> 8) & 0xff,
  value & 0xff
]

const text = (value: string): Array<number> => {
  const bytes = Buffer.from(value)
  return [...two(bytes.length), ...bytes]
}

const variable = (value: number): Array<number> => {
  const bytes: Array<number> = []
  let left = value
  do {
    const more = left > 127
    bytes.push((left & 127) | (more ? 128 : 0))
    left = Math.floor(left / 128)
  } while (left > 0)
  return bytes
}

/** Value and its length in bytes; length 0 when it is not complete. */
const readVariable = (buffer: Buffer, start: number): readonly [number, number] => {
  let value = 0
  for (let i = 0; i < 4; i++) {
    const byte = buffer[start + i]
    if (byte === undefined) return [0, 0]
    value += (byte & 127) * 128 ** i
    if ((byte & 128) === 0) return [value, i + 1]
  }
  throw new Error("a length of more than four bytes")
}
