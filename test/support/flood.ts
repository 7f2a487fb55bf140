/** Many numbered messages to one topic, for tests of what is lost, repeated or out of order. */
import type { IPublishPacket } from "mqtt-packet"
import type { RawClient } from "./raw-client.ts"

const HEAD_BYTES = 4

/** Payloads that begin with their number. */
export const numbered = (first: number, count: number, payloadBytes: number): ReadonlyArray<Buffer> =>
  Array.from({ length: count }, (_, i) => {
    const payload = Buffer.alloc(Math.max(HEAD_BYTES, payloadBytes))
    payload.writeUInt32BE(first + i)
    return payload
  })

export const numberOf = ({ payload }: IPublishPacket): number => (payload as Buffer).readUInt32BE(0)

/** At QoS 1 to topic `t`, in one write; resolves when each one is accepted. */
export const publishBatch = async (publisher: RawClient, payloads: ReadonlyArray<Buffer>): Promise<void> => {
  const fields = { cmd: "publish", topic: "t", qos: 1, dup: false, retain: false } as const
  publisher.send(...payloads.map((payload, i) => ({ ...fields, payload, messageId: i + 1 })))
  for (const _ of payloads) {
    const { reasonCode = 0 } = await publisher.take("puback")
    if (reasonCode >= 0x80) throw new Error(`PUBLISH was refused with 0x${reasonCode.toString(16)}`)
  }
}
