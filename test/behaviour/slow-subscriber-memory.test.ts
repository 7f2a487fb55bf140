/**
 * Goal: what a persistent subscriber that has stopped can make the broker hold is bounded by the memory budget.
 * Method: the released command as a process with a ring of 16 MiB; twice 96 MiB published to one subscriber
 * that reads nothing and one that does; the process's own figures in between.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { startProcess } from "../support/child.ts"
import { numbered, numberOf, publishBatch } from "../support/flood.ts"
import { RawClient } from "../support/raw-client.ts"
import { tcpWire } from "../support/wire.ts"

const MIB = 1024 * 1024
const RING_MIB = 16
/** Published to come to a plateau, and then again. A queue per subscriber would grow by it each time. */
const PUBLISHED_MIB = 96
/** To the plateau, beside the ring: output slabs, and read chunks until the collector comes. */
const MARGIN_MIB = 80
/** On the plateau. */
const DRIFT_MIB = 24
const PAYLOAD_BYTES = 4096
const BATCH = 256

const folder = mkdtempSync(join(tmpdir(), "promptmq-slow-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("a subscriber that reads nothing", () => {
  it("cannot make the broker grow beyond its memory budget", async () => {
    const words = ["--bind", "127.0.0.1:0", "--ws-bind", "", "--admin-bind", "127.0.0.1:0", "--data-dir", folder]
    const { child, port } = await startProcess([
      ...words,
      "--storage-engine",
      "memory",
      "--memory-buffer",
      `${RING_MIB}MiB`
    ])
    await using _ = child
    const address = /http:\/\/\S+/.exec(await child.line(/^ +admin /))?.[0] ?? ""
    const authorization = `Bearer ${readFileSync(join(folder, "admin-token"), "utf8").trim()}`
    const system = async (): Promise<System> =>
      (await (await fetch(`${address}/api/v1/system`, { headers: { authorization } })).json()) as System

    const join5 = async (name: string) => {
      const client = RawClient.over(await tcpWire(port), 5)
      await client.connect(name, { clean: false, properties: { sessionExpiryInterval: 600 } })
      return client
    }
    const slow = await join5("slow")
    await slow.subscribe("t", 1)
    slow.wire.stopReading()
    // Somebody has to read: what only full subscribers want is refused with 0x97.
    const reader = await join5("reader")
    await reader.subscribe("t", 1)
    const publisher = await join5("publisher")
    const publishAll = async () => {
      for (let batch = 0; batch < (PUBLISHED_MIB * MIB) / PAYLOAD_BYTES / BATCH; batch++) {
        await publishBatch(publisher, numbered(batch * BATCH, BATCH, PAYLOAD_BYTES))
        for (let i = 0; i < BATCH; i++) assert.strictEqual(numberOf(await reader.message()), batch * BATCH + i)
      }
    }
    const before = await system()
    await publishAll()
    const plateau = await system()
    await publishAll()
    const after = await system()

    const grown = (from: System, to: System) => (to.memory.rssBytes - from.memory.rssBytes) / MIB
    assert.isBelow(grown(before, plateau), RING_MIB + MARGIN_MIB, "MiB to the plateau")
    assert.isBelow(grown(plateau, after), DRIFT_MIB, "MiB on the plateau")
    assert.isAtMost(after.log.bytes, RING_MIB * MIB)
    slow.wire.destroy()
    child.kill("SIGTERM")
    assert.strictEqual((await child.ended()).code, 0)
  })
})

interface System {
  readonly memory: { readonly rssBytes: number }
  readonly log: { readonly bytes: number }
}
