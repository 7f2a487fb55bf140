/**
 * Goal: no byte of one client's messages ends up in another's. All plain sockets are read into the same memory, so what a
 * broker keeps of it without a copy is overwritten by whoever sends next.
 * Method: four publishers send at once messages of 6 bytes to 1 MiB, each filled with what names its publisher and its number;
 * two subscribers get all of them. (What an outbox keeps while a client does not read: test/listener/outbox.test.ts.)
 */
import { assert } from "@effect/vitest"
import { scenario } from "../support/scenario.ts"

const PUBLISHERS = 4
const SIZES = [
  1, 40, 3_000, 16_384, 20_000, 16_380, 5, 65_530, 65_540, 70_000, 16_384, 300_000, 12, 16_384, 16_384, 16_384, 131_072,
  140_000, 7, 1_048_576, 262_144
]

/** Where packets come in pieces of a few bytes, that much smaller. */
const PIECES = 100

/** The size, who, the number: then one byte, the same all along, that follows from them. */
function payloadOf(publisher: number, number: number, divisor: number): Buffer {
  const size = Math.max(Math.ceil((SIZES[(number + publisher) % SIZES.length] ?? 1) / divisor), 6)
  const payload = Buffer.alloc(size, (publisher * 61 + number * 17) & 0xff)
  payload.writeUInt32BE(size)
  payload[4] = publisher
  payload[5] = number
  return payload
}

scenario("payloads", ({ environment, it, start }) => {
  const divisor = environment.name === "memory" ? PIECES : 1
  for (const qos of [0, 1] as const) {
    it(`of clients that send at once arrive as they were sent (QoS ${qos})`, async () => {
      await using broker = await start({ server: { "max-outgoing-bytes": "64MiB" } })
      const subscribers = [await broker.join("one"), await broker.join("two", { version: 4 })]
      for (const subscriber of subscribers) await subscriber.subscribe("p/#", qos)
      const publishers = await Promise.all(
        Array.from({ length: PUBLISHERS }, (_, i) => broker.join(`publisher ${i}`, { version: i % 2 === 0 ? 5 : 4 }))
      )
      for (const [index, publisher] of publishers.entries()) {
        publisher.send(
          ...SIZES.map(
            (_, number) =>
              ({
                cmd: "publish",
                topic: `p/${index}`,
                payload: payloadOf(index, number, divisor),
                qos,
                messageId: number + 1,
                dup: false,
                // A late log shows what is retained later: without, the order is the publisher's [MQTT-4.6.0-6].
                retain: environment.name !== "late log" && number % 4 === 0
              }) as const
          )
        )
      }
      for (const subscriber of subscribers) {
        const next = publishers.map(() => 0)
        for (let count = 0; count < PUBLISHERS * SIZES.length; count++) {
          const message = await subscriber.message()
          assert.isFalse(message.retain)
          const payload = message.payload as Buffer
          const publisher = payload[4] ?? -1
          const number = next[publisher] as number
          assert.isTrue(
            payload.equals(payloadOf(publisher, number, divisor)),
            `message ${number} of publisher ${publisher}`
          )
          next[publisher] = number + 1
        }
      }
    })
  }
})
