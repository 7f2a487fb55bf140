/**
 * Goal: a will is published when its connection ends in any way but DISCONNECT 0x00, at most once, with the
 * QoS, RETAIN and properties it was given.
 * Method: end connections in every way while somebody watches the will's topic.
 */
import { assert } from "@effect/vitest"
import type { RawClient } from "../support/raw-client.ts"
import { scenario } from "../support/scenario.ts"

const will = { topic: "wills", payload: Buffer.from("bye"), qos: 1, retain: false } as const

scenario("wills", ({ it, start }) => {
  const endings: ReadonlyArray<readonly [name: string, end: (client: RawClient) => Promise<void>]> = [
    ["a lost connection", (client) => client.vanish()],
    ["DISCONNECT 0x04", (client) => client.leave({ reasonCode: 4 })],
    ["DISCONNECT 0x81", (client) => client.leave({ reasonCode: 0x81 })],
    [
      "a second CONNECT",
      (client) => {
        client.send(client.connectPacket("again"))
        return client.refused(0x82)
      }
    ]
  ]
  for (const [name, end] of endings) {
    it(`are published after ${name}`, async () => {
      await using broker = await start()
      const watcher = await broker.join("watcher")
      await watcher.subscribe("wills", 2)
      const client = await broker.join("client", { will })
      await end(client)
      const { payload, qos, retain } = await watcher.message()
      assert.deepEqual({ payload: String(payload), qos, retain }, { payload: "bye", qos: 1, retain: false })
      await watcher.quiet()
    })
  }

  it("are not published after DISCONNECT 0x00", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("wills", 2)
    for (const version of [3, 4, 5] as const) {
      const client = await broker.join("client", { will, version })
      await client.leave()
    }
    await watcher.quiet()
  })

  it("are published when another connection takes the session over", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("wills", 2)
    const client = await broker.join("client", { will })
    await broker.join("client")
    await client.refused(0x8e)
    assert.deepEqual(await watcher.payloads(1), ["bye"])
    await watcher.quiet()
  })

  it("can be retained, and 3.1.1 has them too", async () => {
    await using broker = await start()
    const client = await broker.join("client", { will: { ...will, retain: true }, version: 4 })
    const watcher = await broker.join("watcher")
    await watcher.subscribe("wills")
    await client.vanish()
    assert.isFalse((await watcher.message()).retain)
    const late = await broker.join("late")
    await late.subscribe("wills")
    const { payload, retain } = await late.message()
    assert.deepEqual({ payload: String(payload), retain }, { payload: "bye", retain: true })
  })

  it("carry their properties, and not the delay", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("wills")
    const properties = { contentType: "text/plain", responseTopic: "r", willDelayInterval: 0 }
    const client = await broker.join("client", { will: { ...will, properties } })
    await client.vanish()
    const received = (await watcher.message()).properties
    assert.deepEqual<object>({ ...received }, { contentType: "text/plain", responseTopic: "r" })
  })
})
