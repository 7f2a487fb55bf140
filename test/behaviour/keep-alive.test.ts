/**
 * Goal: a client that is silent for one and a half times its Keep Alive is disconnected with 0x8D, and its will
 * published; one that sends anything, or asked for no Keep Alive, stays.
 * Method: Keep Alive of a second; the silent one's end is awaited while the others go on.
 */
import { assert } from "@effect/vitest"
import { timedScenario } from "../support/scenario.ts"

const will = { topic: "wills", payload: Buffer.from("silent"), qos: 0, retain: false } as const

timedScenario("Keep Alive", ({ it, start }) => {
  it("ends silent clients only", async () => {
    await using broker = await start()
    const watcher = await broker.join("watcher")
    await watcher.subscribe("wills")
    const unlimited = await broker.join("unlimited", { keepalive: 0 })
    const patient = await broker.join("patient", { keepalive: 60 })
    const talking = await broker.join("talking", { keepalive: 1 })
    const talk = setInterval(() => talking.send({ cmd: "pingreq" }), 300)
    try {
      const silent = await broker.join("silent", { keepalive: 1, will })
      const old = await broker.join("old", { keepalive: 1, version: 4 })
      await silent.refused(0x8d)
      await old.refused(0x8d)
      assert.deepEqual(await watcher.payloads(1), ["silent"])
    } finally {
      clearInterval(talk)
    }
    assert.isFalse(talking.isClosed)
    await unlimited.quiet()
    await patient.quiet()
  })

  it("does not count what the broker sends: only the client's packets are a sign of life", async () => {
    await using broker = await start()
    const silent = await broker.join("silent", { keepalive: 1 })
    await silent.subscribe("t")
    const publisher = await broker.join("publisher")
    const publishing = setInterval(() => void publisher.publish("t", "x"), 200)
    try {
      const { reasonCode } = await silent.find("disconnect")
      assert.strictEqual(reasonCode, 0x8d)
    } finally {
      clearInterval(publishing)
    }
  })
})
