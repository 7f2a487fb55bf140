/**
 * What the broker says when it is ready about its store: the promise, what was recovered, what is damaged; quiet with
 * the memory engine. And why a store was not opened: code, exit code, key, place, fact and fix for each reason.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { StoreFound } from "../../src/admin/store-view.ts"
import type { RunningBroker, StartError } from "../../src/app.ts"
import { runUntilSignal } from "../../src/cli/server-life.ts"
import { load } from "../../src/cli/settings-options.ts"
import { startLines } from "../../src/cli/start-lines.ts"
import { storeFormatVersion } from "../../src/cli/version.ts"
import { errorCodes } from "../../src/config/error-codes.ts"
import type { LoadedSettings } from "../../src/config/load.ts"
import { STORE_VERSION } from "../../src/wal/format-file.ts"
import { RefusalReason, refuse, StoreFailed } from "../../src/wal/store-error.ts"
import { StoreFault } from "../../src/wal/store-fs.ts"
import { testWorld } from "./recorded-world.ts"

const loadedFrom = async (text: string): Promise<LoadedSettings> => {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-start-"))
  writeFileSync(join(folder, "broker.yaml"), text)
  const loaded = await load("broker.yaml", new Map(), testWorld({ workingDirectory: folder }))
  rmSync(folder, { recursive: true })
  return "problems" in loaded ? assert.fail(loaded.message) : loaded
}

const found: StoreFound = {
  records: 12,
  messages: 10,
  sessions: 1,
  bytesCut: 0,
  milliseconds: 41.3,
  wasClosed: false,
  damages: []
}
const damage = (index: number, isNew = true) => ({
  segment: `0000000000000000000${index}.0.wal`,
  offset: 4096,
  lengthBytes: 64,
  recordsLost: index,
  lost: [],
  isNew
})

const linesOf = async (text: string, what: StoreFound | undefined): Promise<string> => {
  const started = { listeners: [], admin: undefined, found: what, failure: Effect.never }
  return startLines(started as unknown as RunningBroker, await loadedFrom(text), testWorld())
}

describe("start lines", () => {
  it("have a link into the dashboard that can be followed, wherever it listens", async () => {
    const admin = { host: "0.0.0.0", port: 9090, tokenFile: "/t", loginCode: "c0de" }
    const started = { listeners: [], admin, found: undefined, failure: Effect.never }
    const lines = startLines(started as unknown as RunningBroker, await loadedFrom("log: {}\n"), testWorld())
    assert.match(lines, /^ {2}admin +http:\/\/0\.0\.0\.0:9090 {2}/m)
    assert.match(lines, /^ {2}dashboard +http:\/\/127\.0\.0\.1:9090\/#login=c0de {2}good once/m)
  })

  it("say in one line what was recovered, and in one what is promised", async () => {
    const lines = await linesOf("storage:\n  engine: wal\n", found)
    assert.match(lines, /^ {2}recovered {2}10 messages, 1 session, 0 bytes cut, 41 ms$/m)
    assert.notMatch(lines, /^ {2}format/m)
    const raised = await linesOf("storage:\n  engine: wal\n", { ...found, formatBefore: STORE_VERSION - 1 })
    assert.match(
      raised,
      /^ {2}format +0 -> 1: earlier versions .* the way back is promptmq store export\n {2}recovered/m
    )
    assert.match(lines, /^ {2}promise +immediate, acknowledged when synced: /m)
    assert.notInclude(lines, "damaged")
    const one = await linesOf("storage:\n  engine: wal\n", { ...found, messages: 1, sessions: 0, bytesCut: 1 })
    assert.match(one, /recovered {2}1 message, 0 sessions, 1 byte cut, 41 ms/)
  })

  it("are quiet about recovery with the memory engine", async () => {
    assert.notInclude(await linesOf("storage:\n  engine: memory\n", undefined), "recovered")
  })

  it("name damage that no start has reported before, a few places of it", async () => {
    const damages = [damage(1), damage(2), damage(3, false)]
    const lines = await linesOf("storage:\n  engine: wal\n", { ...found, damages })
    assert.deepEqual(
      lines.split("\n").filter((line) => line.includes("damaged")),
      [
        "  damaged    00000000000000000001.0.wal at byte 4096: 1 record lost, its bytes are in quarantine/",
        "  damaged    00000000000000000002.0.wal at byte 4096: 2 records lost, its bytes are in quarantine/"
      ]
    )
    const many = await linesOf("storage:\n  engine: wal\n", { ...found, damages: Array(8).fill(damage(1)) })
    assert.match(many, /damaged +3 more places: promptmq store verify/)
  })
})

const yaml = "storage:\n  engine: wal\n  data-dir: /data\n  wal-dir: /log\n"

const told = async (error: StartError) => {
  const world = testWorld()
  const exitCode = await runUntilSignal(Effect.fail(error), await loadedFrom(yaml), world)
  return { exitCode, text: world.stderr.text }
}

describe("the version line", () => {
  it("names the store format that this version writes", () => assert.strictEqual(storeFormatVersion, STORE_VERSION))
})

describe("a store that is not opened", () => {
  const table = {
    locked: ["E8002", 8],
    "network-file-system": ["E3601", 3],
    "foreign-store": ["E3602", 3],
    "newer-version": ["E3603", 3],
    "unknown-record-type": ["E3604", 3],
    corrupt: ["E7001", 7],
    unreadable: ["E7002", 7]
  } as const

  for (const reason of RefusalReason.literals) {
    const [code, exit] = table[reason]
    it(`${reason} is ${code}, exit code ${exit}, at the key that chose the folder`, async () => {
      const { exitCode, text } = await told(refuse(reason, "/data/LOCK", "already running, pid 17", "do something"))
      assert.strictEqual(exitCode, exit)
      const head = `error ${code}  broker.yaml:3:3  storage.data-dir: /data/LOCK: already running, pid 17`
      assert.strictEqual(text.split("\n")[0], head)
      assert.match(text, /fix: do something/)
      assert.strictEqual(text.includes("--data-dir"), reason === "locked" || reason === "network-file-system")
      assert.strictEqual(Number(code[1]), exit)
      assert.isDefined(errorCodes[code])
    })
  }

  it("what lies in the log's own folder is told at storage.wal-dir", async () => {
    const { text } = await told(refuse("foreign-store", "/log/1.wal", "it belongs to another", "sort them"))
    assert.match(text, /^error E3602 {2}broker\.yaml:4:3 {2}storage\.wal-dir: \/log\/1\.wal: it belongs/)
  })

  it("the operating system's refusal is E1301, in words", async () => {
    const fault = new StoreFault({ operation: "make-directory", path: "/data", code: "EACCES", cause: undefined })
    const { exitCode, text } = await told(fault)
    assert.strictEqual(exitCode, 1)
    assert.match(text, /^error E1301 {2}broker\.yaml:3:3 {2}storage\.data-dir: \/data: .*permission denied/)
  })
})

describe("a log that fails", () => {
  it("ends the broker with one clear line and 1; the line comes before anything is closed", async () => {
    const world = testWorld()
    const said: Array<string> = []
    const fault = new StoreFault({ operation: "datasync", path: "/log/1.wal", code: "EIO", cause: undefined })
    const started = {
      listeners: [],
      admin: undefined,
      found: undefined,
      failure: Effect.fail(new StoreFailed({ fault, durableLsn: 17 }))
    }
    const running = Effect.acquireRelease(Effect.succeed(started as unknown as RunningBroker), () =>
      Effect.sync(() => said.push(world.stderr.text))
    )
    assert.strictEqual(await runUntilSignal(running, await loadedFrom(yaml), world), 1)
    const lines = world.stderr.text.split("\n").filter((line) => line.includes("E1302  "))
    assert.lengthOf(lines, 1)
    assert.match(lines[0] ?? "", /datasync of \/log\/1\.wal failed: EIO; records up to 17 are safe/)
    assert.include(said[0] ?? "", lines[0] ?? "nothing")
  })
})
