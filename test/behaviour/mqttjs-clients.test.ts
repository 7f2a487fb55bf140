/**
 * Goal: MQTT.js 5 works with the broker: versions 4 and 5, over TCP and over WebSocket on both paths.
 * Method: the same conversation over each way in: QoS 0, 1, 2, retained, will, a session that is resumed.
 */
import { once } from "node:events"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { connect, connectAsync, type IClientOptions, type MqttClient } from "mqtt"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

let broker: WholeBroker
beforeAll(async () => {
  broker = await startWhole({ server: { bind: ["127.0.0.1:0"], "ws-bind": ["127.0.0.1:0"] } })
})
afterAll(() => broker.stop())

const ways = {
  tcp: () => `mqtt://127.0.0.1:${broker.portOf("tcp")}`,
  "WebSocket /mqtt": () => `ws://127.0.0.1:${broker.portOf("websocket")}/mqtt`,
  "WebSocket /": () => `ws://127.0.0.1:${broker.portOf("websocket")}/`
}

/** Resolves with the next messages once `count` have come. Ask before they can come. */
const messages = (client: MqttClient, count: number): Promise<ReadonlyArray<string>> =>
  new Promise((resolve) => {
    const seen: Array<string> = []
    client.on("message", (topic, payload, { qos, retain }) => {
      seen.push(`${topic} ${qos} ${retain} ${payload}`)
      if (seen.length === count) resolve(seen)
    })
  })

for (const [way, url] of Object.entries(ways)) {
  for (const protocolVersion of [4, 5] as const) {
    const open = (clientId: string, options: IClientOptions = {}) =>
      connectAsync(url(), { protocolVersion, reconnectPeriod: 0, clientId, ...options })

    describe(`MQTT.js, version ${protocolVersion}, ${way}`, () => {
      it("publishes and receives at every QoS", async () => {
        const client = await open("both")
        await client.subscribeAsync("a/#", { qos: 2 })
        const came = messages(client, 3)
        for (const qos of [0, 1, 2] as const) await client.publishAsync(`a/${qos}`, "x", { qos })
        assert.deepEqual(await came, ["a/0 0 false x", "a/1 1 false x", "a/2 2 false x"])
        await client.endAsync()
      })

      it("gets retained messages and wills", async () => {
        const watcher = await open("watcher")
        await watcher.publishAsync("kept", "value", { retain: true, qos: 1 })
        const came = messages(watcher, 2)
        await watcher.subscribeAsync(["kept", "wills"], { qos: 1 })
        const dying = await open("dying", {
          will: { topic: "wills", payload: Buffer.from("bye"), qos: 1, retain: false }
        })
        dying.stream.destroy()
        assert.deepEqual([...(await came)].sort(), ["kept 1 true value", "wills 1 false bye"])
        await watcher.publishAsync("kept", "", { retain: true })
        await watcher.endAsync()
      })

      it("resumes its session, and gets what waited", async () => {
        const session =
          protocolVersion === 5 ? { clean: false, properties: { sessionExpiryInterval: 60 } } : { clean: false }
        const first = await open(`session ${way}`, session)
        await first.subscribeAsync("queue", { qos: 2 })
        await first.endAsync()
        const publisher = await open("publisher")
        for (const qos of [1, 2] as const) await publisher.publishAsync("queue", "waited", { qos })
        const again = connect(url(), { protocolVersion, reconnectPeriod: 0, clientId: `session ${way}`, ...session })
        const came = messages(again, 2)
        const [connack] = (await once(again as never, "connect")) as [{ sessionPresent: boolean }]
        assert.isTrue(connack.sessionPresent)
        assert.deepEqual(await came, ["queue 1 false waited", "queue 2 false waited"])
        await Promise.all([again.endAsync(), publisher.endAsync()])
      })

      it("carries a megabyte", async () => {
        const client = await open("large")
        await client.subscribeAsync("large", { qos: 1 })
        const came = new Promise<Buffer>((resolve) => client.on("message", (_, payload) => resolve(payload)))
        const payload = Buffer.alloc(1_048_576, "0123456789abcdefg")
        await client.publishAsync("large", payload, { qos: 1 })
        assert.isTrue(payload.equals(await came))
        await client.endAsync()
      })
    })
  }
}
