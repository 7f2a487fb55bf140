/**
 * Goal: what the disk does to the broker's clients: a sync that fails ends everything without a false acknowledgement, a
 * sync that takes long is waited for, and whoever asks /health hears of it.
 * Method: the whole broker over a real folder, through a door to the disk that a test can close.
 */
import fs, { mkdtempSync, rmSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Broker, type BrokerError } from "../../src/index.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { StoreFault, type StoreFile, type StoreFs } from "../../src/wal/store-fs.ts"
import { startWhole } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-failure-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const onDisk = (name: string) => ({ storage: { engine: "wal" as const, "data-dir": join(folder, name) } })

/** A disk whose syncs go through, wait, or fail. */
class Door {
  state: "open" | "closed" | "broken" = "open"
  #waiting: Array<() => void> = []

  readonly fs: StoreFs = {
    ...diskFs,
    open: (path, mode) => Effect.map(diskFs.open(path, mode), (file) => this.#file(file))
  }

  open(): void {
    this.state = "open"
    for (const go of this.#waiting.splice(0)) go()
  }

  #file(file: StoreFile): StoreFile {
    const datasync: StoreFile["datasync"] = (done) => {
      if (this.state === "open") return file.datasync(done)
      if (this.state === "closed") return void this.#waiting.push(() => file.datasync(done))
      setImmediate(() => done(new StoreFault({ operation: "datasync", path: file.path, code: "EIO", cause: "test" })))
    }
    const { close, path, size } = file
    return {
      path,
      size,
      close,
      datasync,
      writeSome: (...words) => file.writeSome(...words),
      readSome: (...words) => file.readSome(...words),
      read: (...words) => file.read(...words),
      truncate: (sizeBytes) => file.truncate(sizeBytes)
    }
  }
}

/** What an embedded broker calls, and nobody can replace from outside. */
const breakSyncs = (): (() => void) => {
  const { fdatasync } = fs
  const broken = (_: number, done: (error: Error) => void) =>
    setImmediate(() => done(Object.assign(new Error("broken by a test"), { code: "EIO" })))
  fs.fdatasync = broken as unknown as typeof fdatasync
  syncBuiltinESMExports()
  return () => {
    fs.fdatasync = fdatasync
    syncBuiltinESMExports()
  }
}

describe("the disk", () => {
  it("that fails a sync: nothing is acknowledged, the sockets close, failure says so, a new start has the rest", async () => {
    const door = new Door()
    await using broker = await startWhole(onDisk("failed"), { fs: door.fs })
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "safe", { qos: 1, retain: true })
    door.state = "broken"
    publisher.send({ cmd: "publish", topic: "u", payload: "x", qos: 1, messageId: 99, dup: false, retain: true })
    const failed = await Effect.runPromise(Effect.flip(broker.running.failure))
    assert.match(failed.message, /datasync.*EIO/)
    // Which also says that nothing came before: no PUBACK.
    await publisher.closed()
    await broker.stop()
    await using second = await startWhole(onDisk("failed"))
    assert.strictEqual(second.core.retained.get("t")?.topic, "t")
  })

  it("that keeps a sync waiting: no acknowledgement meanwhile, all of them afterwards", async () => {
    const door = new Door()
    await using broker = await startWhole(onDisk("slow"), { fs: door.fs })
    const publisher = await broker.join("publisher")
    door.state = "closed"
    for (const messageId of [1, 2, 3]) {
      publisher.send({ cmd: "publish", topic: "t", payload: "x", qos: 1, messageId, dup: false, retain: true })
    }
    await publisher.quiet()
    assert.strictEqual(broker.core.retained.get("t")?.topic, "t")
    assert.lengthOf(await publisher.pending(), 0)
    door.open()
    for (const messageId of [1, 2, 3]) assert.strictEqual((await publisher.take("puback")).messageId, messageId)
  })

  it("that is slow: said in the log, told by health, waited for; from when on is settings", async () => {
    const door = new Door()
    const wal = { "slow-sync": "10ms", "stalled-sync": "100ms" }
    const { storage } = onDisk("stalled")
    const admin = { enabled: true, bind: "127.0.0.1:0", "token-file": join(folder, "stalled-token") }
    const settings = { storage: { ...storage, wal }, admin, health: { "max-sync-delay": "100ms" } }
    await using broker = await startWhole(settings, { fs: door.fs })
    const ready = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${broker.running.admin?.port}/readyz?verbose`)).text()
    const publisher = await broker.join("publisher")
    assert.include(await ready(), "[+]log-synced ok")
    door.state = "closed"
    publisher.send({ cmd: "publish", topic: "t", payload: "x", qos: 1, messageId: 1, dup: false, retain: true })
    const failing = [
      "[-]log-synced failed: the log is written and not synced",
      "[-]storage failed: the disk is stalled"
    ]
    for (let told = ""; !failing.every((line) => told.includes(line)); told = await ready());
    assert.include(broker.log.join(""), "a sync of the log takes more than 10 ms")
    door.open()
    assert.strictEqual((await publisher.take("puback")).messageId, 1)
    while (!(await ready()).includes("readyz check passed"));
  })

  it("that fails: an embedded broker ends, says why once, and rejects what is asked", async () => {
    const settings = { ...onDisk("embedded"), server: { bind: "127.0.0.1:0", "ws-bind": "" } }
    const failed = Promise.withResolvers<BrokerError>()
    const log: Array<string> = []
    const broker = await Broker.start(settings, { onLog: (line) => log.push(line), onFailure: failed.resolve })
    await broker.publish("t", "safe", { qos: 1, retain: true })
    const restore = breakSyncs()
    const answer = await broker.publish("u", "in doubt", { qos: 1, retain: true }).then(
      () => "acknowledged",
      (error: BrokerError) => error.reason
    )
    const { code, reason } = await failed.promise
    restore()
    assert.deepEqual([reason, code], ["store-failed", "E1302"])
    assert.include(["connection-lost", "store-failed"], answer)
    assert.lengthOf(
      log.filter((line) => line.includes("level=fatal")),
      1
    )
    const late = await broker.publish("t", "late").catch((error: BrokerError) => error.reason)
    assert.strictEqual(late, "store-failed")
    await broker.stop()
    await using again = await Broker.start(settings)
    const got = Promise.withResolvers<string>()
    await again.subscribe("t", ({ payload }) => got.resolve(payload.toString()))
    assert.strictEqual(await got.promise, "safe")
  })
})
