/**
 * Goal: the broker and its data folder as somebody at a terminal meets them: what a start after kill -9 says, who holds
 * the folder, what is refused and with which exit code, and that the thread pool is as large as the store needs.
 * Method: real processes of the built command, each with a folder of its own.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { builtCommand, Child } from "../support/child.ts"
import { RawClient } from "../support/raw-client.ts"
import { tcpWire } from "../support/wire.ts"

const folders: Array<string> = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-data-"))
  folders.push(folder)
  return join(folder, "data")
}

const broker = (folder: string, ...words: ReadonlyArray<string>): Child => {
  const quiet = ["--bind", "127.0.0.1:0", "--ws-bind", "", "--no-admin"]
  return new Child(process.execPath, [
    ...[builtCommand, "server", ...quiet],
    ...["--storage-engine", "wal", "--data-dir", folder, ...words]
  ])
}

const dial = async (running: Child, name: string): Promise<RawClient> => {
  const port = Number(/:(\d+)$/.exec(await running.line(/mqtt:\/\//))?.[1])
  const client = RawClient.over(await tcpWire(port), 5)
  const properties = { sessionExpiryInterval: 3600 }
  assert.strictEqual((await client.connect(name, { clean: false, properties })).reasonCode, 0)
  return client
}

describe("a start on a data folder", () => {
  it("after kill -9 says what it recovered, and the session gets everything", async () => {
    const folder = newFolder()
    {
      await using first = broker(folder)
      assert.match(await first.line(/recovered/), /recovered {2}0 messages, 0 sessions, 0 bytes cut, \d+ ms/)
      assert.match(await first.line(/promise/), /a crash loses nothing acknowledged, nor does a power cut/)
      const subscriber = await dial(first, "subscriber")
      await subscriber.subscribe("t/#", 1)
      await subscriber.leave()
      const publisher = await dial(first, "publisher")
      for (let i = 0; i < 10; i++) await publisher.publish("t/x", `message ${i}`, { qos: 1 })
      first.kill("SIGKILL")
      await first.ended()
    }
    await using second = broker(folder)
    assert.match(await second.line(/recovered/), /recovered {2}10 messages, 2 sessions, 0 bytes cut, \d+ ms/)
    const subscriber = await dial(second, "subscriber")
    for (let i = 0; i < 10; i++) {
      const { payload } = await subscriber.take("publish")
      assert.strictEqual(String(payload), `message ${i}`)
    }
  })

  it("keeps its files to itself", async () => {
    const folder = newFolder()
    await using running = broker(folder)
    const client = await dial(running, "somebody")
    await client.publish("t", "x", { qos: 1, retain: true })
    running.kill("SIGTERM")
    assert.strictEqual((await running.ended()).code, 0)
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    assert.isAbove(files.length, 4)
    for (const file of files) {
      const { mode } = statSync(join(file.parentPath, file.name))
      assert.strictEqual(mode & 0o777, file.isDirectory() ? 0o700 : 0o600, file.name)
    }
    assert.strictEqual(statSync(folder).mode & 0o777, 0o700)
  })

  it("that another broker holds ends with 8 and names the holder", async () => {
    const folder = newFolder()
    await using first = broker(folder)
    await first.line(/ready in/)
    await using second = broker(folder)
    const { code } = await second.ended()
    assert.strictEqual(code, 8)
    const line = await second.line(/E8002/)
    assert.include(line, "--data-dir  storage.data-dir: ")
    assert.match(line, new RegExp(`already running, pid ${first.process.pid}, since \\d{4}-`))
    first.kill("SIGKILL")
    await first.ended()
    await using third = broker(folder)
    await third.line(/ready in/)
  })

  it("that cannot be made ends with 1 and the reason", async () => {
    const folder = newFolder()
    writeFileSync(folder, "a file")
    await using running = broker(folder)
    assert.strictEqual((await running.ended()).code, 1)
    assert.match(await running.line(/E1301/), /storage\.data-dir: .*(no folder|EEXIST)/)
  })

  it("whose safe bytes are damaged: refused with 7 when asked for, salvaged otherwise", async () => {
    const folder = newFolder()
    {
      await using first = broker(folder)
      const client = await dial(first, "somebody")
      for (let i = 0; i < 5; i++) await client.publish("t", "precious".repeat(100), { qos: 1, retain: true })
      await client.publish("u", "more", { qos: 1, retain: true })
      first.kill("SIGTERM")
      await first.ended()
    }
    const log = join(folder, "log")
    const [name = ""] = readdirSync(log).filter((file) => /^\d+\.0\.wal$/.test(file))
    const bytes = readFileSync(join(log, name))
    const at = bytes.lastIndexOf("precious")
    bytes[at] = (bytes[at] as number) ^ 1
    writeFileSync(join(log, name), bytes)
    {
      await using refusing = broker(folder, "--on-corruption", "refuse")
      assert.strictEqual((await refusing.ended()).code, 7)
      await refusing.line(/E7001/)
    }
    await using salvaging = broker(folder)
    assert.match(await salvaging.line(/damaged/), new RegExp(`damaged +${name} at byte \\d+: 1 record lost`))
    assert.isAbove(readdirSync(join(folder, "quarantine")).length, 0)
  })

  // Skipped elsewhere, because nothing tells the threads of a process there.
  it.skipIf(process.platform !== "linux")(
    "has a thread pool of eight, so that nobody waits behind a sync",
    async () => {
      await using running = broker(newFolder())
      const client = await dial(running, "somebody")
      await client.publish("t", "x", { qos: 1, retain: true })
      const tasks = `/proc/${running.process.pid}/task`
      const names = readdirSync(tasks).map((task) => readFileSync(join(tasks, task, "comm"), "utf8").trim())
      assert.lengthOf(
        names.filter((name) => name === "libuv-worker"),
        8
      )
    }
  )
})
