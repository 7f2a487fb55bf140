/**
 * The packets of a load run. CONNECT and SUBSCRIBE are made once per client by mqtt-packet; a PUBLISH is made once per
 * topic and patched for each message.
 *
 *   payload    0  mark        u32, tells our payloads from anybody else's
 *              4  publisher   u32, its number in the run
 *              8  sequence    u32, counts its messages from 0
 *             12  sent        f64, microseconds since 1970: in one process, or on clocks that agree, a latency
 *             20  filler
 *
 * Invariant: the part in front of the payload lies in `heads`, so that a message costs two copies and four numbers.
 */
import {
  generate,
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type Packet,
  parser
} from "mqtt-packet"
import { type ConnectionSettings, connectProperties } from "../client/connection-settings.ts"
import type { LoadPlan } from "./plan.ts"

export const stamp = { mark: 0, publisher: 4, sequence: 8, sent: 12, sizeBytes: 20 } as const
export const stampMark = 0x514d_4250

export function connectBytes(settings: ConnectionSettings, clientId: string): Buffer {
  const { protocolVersion, username, password, will } = settings
  const properties = connectProperties(settings)
  const packet: IConnectPacket = {
    cmd: "connect",
    protocolId: protocolVersion === 3 ? "MQIsdp" : "MQTT",
    protocolVersion,
    clientId,
    clean: !settings.isSessionKept,
    keepalive: settings.keepAliveSeconds,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
    ...(properties === undefined ? {} : { properties }),
    ...(will === undefined
      ? {}
      : {
          will: {
            ...will,
            payload: Buffer.from(will.payload),
            ...(settings.properties.will === undefined ? {} : { properties: settings.properties.will })
          }
        })
  }
  return generate(packet, { protocolVersion })
}

export function subscribeBytes(settings: ConnectionSettings, filter: string, qos: 0 | 1 | 2): Buffer {
  const packet: ISubscribePacket = { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: filter, qos }] }
  return generate(packet, { protocolVersion: settings.protocolVersion })
}

/** How many unacknowledged messages the broker takes from one client; without a word 65,535. */
export function receiveMaximumOf(connack: Buffer, isVersion5: boolean): number {
  let told: number | undefined
  if (isVersion5) {
    const reader = parser({ protocolVersion: 5 })
    reader.on("packet", (packet: Packet) => {
      if (packet.cmd === "connack") told = packet.properties?.receiveMaximum
    })
    reader.parse(connack)
  }
  return told ?? receiveMaximumDefault
}

const receiveMaximumDefault = 65_535

/** Everything of all topics' PUBLISH packets in front of the payload, and the one payload. */
export class PublishTemplates {
  readonly payload: Buffer
  /** Packet identifier: this many bytes before the payload; 0 at QoS 0. */
  readonly identifierBack: number
  readonly #heads: Buffer
  readonly #starts: Uint32Array
  readonly topics: number

  constructor(plan: LoadPlan, settings: ConnectionSettings) {
    this.topics = plan.topics
    this.payload = Buffer.alloc(plan.sizeBytes, "promptmq ")
    this.payload.writeUInt32LE(stampMark, stamp.mark)
    const heads: Array<Buffer> = []
    this.#starts = new Uint32Array(plan.topics + 1)
    let size = 0
    const properties = settings.protocolVersion === 5 ? settings.properties.publish : undefined
    for (let index = 0; index < plan.topics; index++) {
      const packet: IPublishPacket = {
        cmd: "publish",
        topic: plan.topicOf(index),
        qos: plan.qos,
        retain: plan.retain,
        dup: false,
        messageId: 1,
        payload: this.payload,
        ...(properties === undefined ? {} : { properties })
      }
      const whole = generate(packet, { protocolVersion: settings.protocolVersion })
      const head = whole.subarray(0, whole.length - plan.sizeBytes)
      heads.push(head)
      this.#starts[index] = size
      size += head.length
    }
    this.#starts[plan.topics] = size
    this.#heads = Buffer.concat(heads, size)
    this.identifierBack = plan.qos === 0 ? 0 : propertiesBytes(heads[0] as Buffer, plan.topicOf(0)) + 2
  }

  sizeBytes(topic: number): number {
    return (this.#starts[topic + 1] as number) - (this.#starts[topic] as number) + this.payload.length
  }

  /** Writes one PUBLISH and answers where its payload begins. */
  write(topic: number, target: Buffer, at: number): number {
    const payloadAt = at + this.#heads.copy(target, at, this.#starts[topic], this.#starts[topic + 1])
    this.payload.copy(target, payloadAt)
    return payloadAt
  }
}

/** What stands behind the packet identifier in `head`: the property section of MQTT 5. */
function propertiesBytes(head: Buffer, topic: string): number {
  let at = 1
  while ((head[at] as number) >= 0x80) at++
  return head.length - (at + 1 + 2 + Buffer.byteLength(topic) + 2)
}
