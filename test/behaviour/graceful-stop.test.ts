/**
 * Goal: SIGTERM stops the process gracefully: 5.0 clients are told 0x8B after everything that was sent before, no
 * will is published, the exit code is 0. A second signal leaves at once.
 * Method: the released command as a process, clients connected to it, signals. (A stop inside this process stands
 * at the end.)
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { builtCommand, Child, startProcess } from "../support/child.ts"
import { environments } from "../support/environments.ts"
import { RawClient } from "../support/raw-client.ts"
import { tcpWire } from "../support/wire.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-stop-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = (...more: ReadonlyArray<string>) =>
  startProcess(["--data-dir", folder, "--bind", "127.0.0.1:0", "--ws-bind", "", "--no-admin", ...more])

const join5 = async (port: number, name: string, version: 4 | 5 = 5): Promise<RawClient> => {
  const client = RawClient.over(await tcpWire(port), version)
  await client.connect(name, { will: { topic: "wills", payload: Buffer.from("no"), qos: 0, retain: false } })
  return client
}

describe("graceful stop", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`${signal}: clients are told 0x8B after what was sent, the exit code is 0`, async () => {
      const { child, port } = await start()
      await using _ = child
      const five = await join5(port, "five")
      const old = await join5(port, "old", 4)
      for (const client of [five, old]) await client.subscribe("#", 1)
      await five.publish("last", "word", { qos: 1 })
      child.kill(signal)
      for (const client of [five, old]) assert.strictEqual((await client.take("publish")).topic, "last")
      await five.refused(0x8b)
      await old.closed()
      assert.deepEqual(await child.ended(), { code: 0, signal: null })
    })
  }

  it("a second signal leaves at once", async () => {
    const { child, port } = await start("--server-shutdown-timeout", "10m")
    await using _ = child
    const stuck = await join5(port, "stuck")
    await stuck.subscribe("flood")
    stuck.wire.stopReading()
    const publisher = await join5(port, "publisher")
    for (let i = 0; i < 40; i++) await publisher.publish("flood", Buffer.alloc(1_000_000), { qos: 1 })
    child.kill("SIGTERM")
    await child.line(/once more leaves at once/)
    child.kill("SIGTERM")
    assert.deepEqual(await child.ended(), { code: 143, signal: null })
    stuck.wire.destroy()
  })

  it("a port in use is exit code 8", async () => {
    const { child, port } = await start()
    await using _ = child
    await using second = new Child(process.execPath, [
      builtCommand,
      "server",
      "--bind",
      `127.0.0.1:${port}`,
      "--ws-bind",
      "",
      "--no-admin",
      "--data-dir",
      join(folder, "second")
    ])
    assert.strictEqual((await second.ended()).code, 8)
    await second.line(/E8001/)
  })

  for (const environment of environments) {
    it(`inside this process too (${environment.name}); nobody comes in while it stops`, async () => {
      const broker = await environment.start()
      const client = await broker.join("client", { properties: { sessionExpiryInterval: 60 } })
      await client.subscribe("t", 1)
      await client.publish("t", "last", { qos: 1 })
      const stopped = broker.stop()
      assert.strictEqual(String((await client.take("publish")).payload), "last")
      await client.refused(0x8b)
      await stopped
      assert.isTrue(
        await broker.open().then(
          () => false,
          () => true
        ),
        "no listener is left"
      )
    })
  }
})
