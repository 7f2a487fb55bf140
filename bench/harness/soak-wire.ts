/**
 * One connection of a soak client: raw frames, all three versions. PUBLISH and acknowledgements by hand, because
 * there are millions; the rest with mqtt-packet.
 *
 * A Wire knows the protocol's form only. What to answer, and what a client remembers, is in soak-stayers.ts and
 * soak-churn.ts.
 */
import { connect, type Socket } from "node:net"
import { generate, type IConnectPacket, type Packet } from "mqtt-packet"

export type Version = 3 | 4 | 5

export const PacketType = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
  unsuback: 11,
  pingresp: 13,
  disconnect: 14
} as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly buffer: Buffer
  /** Behind the fixed header. */
  readonly body: number
  readonly end: number
}

export interface ConnectOptions {
  readonly clientId: string
  readonly clean: boolean
  readonly sessionExpiryInterval?: number
  readonly receiveMaximum?: number
  readonly keepalive?: number
  readonly will?: IConnectPacket["will"]
}

export class Wire {
  readonly version: Version
  readonly socket: Socket
  ended = false
  readonly #onFrame: (frame: Frame) => void
  #rest: Buffer = Buffer.alloc(0)

  /** `onFrame` for every whole packet, `onEnd` once. */
  constructor(
    port: number,
    version: Version,
    options: ConnectOptions,
    onFrame: (frame: Frame) => void,
    onEnd: () => void
  ) {
    this.version = version
    this.#onFrame = onFrame
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.socket.on("data", (chunk: Buffer) => this.#read(chunk))
    this.socket.on("error", () => {})
    this.socket.on("close", () => {
      this.ended = true
      onEnd()
    })
    const { clean, clientId, keepalive = 60, receiveMaximum, sessionExpiryInterval, will } = options
    const packet: IConnectPacket = {
      cmd: "connect",
      clean,
      clientId,
      keepalive,
      protocolId: version === 3 ? "MQIsdp" : "MQTT",
      protocolVersion: version
    }
    if (will !== undefined) packet.will = will
    if (version === 5 && sessionExpiryInterval !== undefined) packet.properties = { sessionExpiryInterval }
    if (version === 5 && receiveMaximum !== undefined) packet.properties = { ...packet.properties, receiveMaximum }
    this.send(packet)
  }

  send(packet: Packet): void {
    if (!this.ended) this.socket.write(generate(packet, { protocolVersion: this.version }))
  }

  write(bytes: Buffer): void {
    if (!this.ended) this.socket.write(bytes)
  }

  /** The connection ends as by a pulled cable. */
  destroy(): void {
    this.socket.destroy()
  }

  #read(chunk: Buffer): void {
    const buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + 1 < buffer.length) {
      const [remaining, body] = variable(buffer, at + 1)
      if (body < 0 || body + remaining > buffer.length) break
      const first = buffer[at] as number
      at = body + remaining
      this.#onFrame({ type: first >> 4, flags: first & 15, buffer, body, end: at })
    }
    this.#rest = at === buffer.length ? Buffer.alloc(0) : Buffer.from(buffer.subarray(at))
  }
}

export interface Message {
  readonly topic: string
  readonly qos: number
  readonly id: number
  readonly isDuplicate: boolean
  readonly payloadAt: number
}

export const readPublish = ({ body, buffer, flags }: Frame, version: Version): Message => {
  const topicEnd = body + 2 + buffer.readUInt16BE(body)
  const qos = (flags >> 1) & 3
  let at = topicEnd
  const id = qos > 0 ? buffer.readUInt16BE(at) : 0
  if (qos > 0) at += 2
  if (version === 5) {
    const [length, from] = variable(buffer, at)
    at = from + length
  }
  return {
    topic: buffer.toString("latin1", body + 2, topicEnd),
    qos,
    id,
    isDuplicate: (flags & 8) !== 0,
    payloadAt: at
  }
}

export const publishFrame = (
  version: Version,
  topic: string,
  qos: number,
  flags: { readonly retain?: boolean; readonly duplicate?: boolean },
  id: number,
  payload: Buffer
): Buffer => {
  const length = 2 + topic.length + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + payload.length
  const header = length > 127 ? 3 : 2
  const frame = Buffer.alloc(header + length)
  frame[0] = 0x30 | (qos << 1) | (flags.retain === true ? 1 : 0) | (flags.duplicate === true ? 8 : 0)
  frame[1] = header === 2 ? length : (length & 127) | 128
  if (header === 3) frame[2] = length >> 7
  let at = frame.writeUInt16BE(topic.length, header)
  at += frame.write(topic, at, "latin1")
  if (qos > 0) at = frame.writeUInt16BE(id, at)
  if (version === 5) at += 1
  payload.copy(frame, at)
  return frame
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP with success. */
export const acknowledgement = (type: number, id: number): Buffer =>
  Buffer.from([(type << 4) | (type === PacketType.pubrel ? 2 : 0), 2, id >> 8, id & 255])

/** Value and the offset behind it; the offset is -1 when it is not complete. */
const variable = (buffer: Buffer, start: number): readonly [number, number] => {
  let value = 0
  for (let i = 0; i < 4; i++) {
    const byte = buffer[start + i]
    if (byte === undefined) return [0, -1]
    value += (byte & 127) * 128 ** i
    if (byte < 128) return [value, start + i + 1]
  }
  throw new Error("a length of more than four bytes")
}
