/**
 * Goal: a supervisor can tell starting from dead and ready from busy. During recovery: live yes, started no, ready no;
 * then all yes; in the graceful stop not ready any more; a failed log is not alive.
 * Method: the whole broker with a door to its disk that the test opens, and HTTP from outside.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { diskFs } from "../../src/wal/disk-fs.ts"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const root = mkdtempSync(join(tmpdir(), "promptmq-health-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0))
    })
  })

const ask = async (port: number, path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close", ...headers } })
  return { status: response.status, text: await response.text() }
}

/** The first answer; until then nobody listens. */
const firstAnswer = async (port: number, path: string): Promise<Awaited<ReturnType<typeof ask>>> => {
  for (;;) {
    const answer = await ask(port, path).catch(() => undefined)
    if (answer !== undefined) return answer
    await new Promise(setImmediate)
  }
}

const statuses = async (port: number): Promise<ReadonlyArray<number>> =>
  Promise.all(
    ["/livez", "/startupz", "/readyz", "/health", "/healthz"].map(async (path) => (await ask(port, path)).status)
  )

const settingsOf = (name: string, port: number) => ({
  admin: { enabled: true, bind: `127.0.0.1:${port}`, "token-file": join(root, `${name}-token`) },
  storage: { engine: "wal" as const, "data-dir": join(root, name) }
})

describe("health", () => {
  it("tells how far the recovery is, segment by segment", async () => {
    const settings = {
      ...settingsOf("progress", 0),
      storage: { engine: "wal" as const, "data-dir": join(root, "progress") }
    }
    const small = { ...settings, storage: { ...settings.storage, wal: { "segment-size": "4MiB" } } }
    {
      await using before = await startWhole({ ...small, admin: { enabled: false } })
      const reader = await before.join("reader", { clean: false, properties: { sessionExpiryInterval: 3600 } })
      await reader.subscribe("t", 1)
      await reader.leave()
      const writer = await before.join("writer")
      for (let i = 0; i < 10; i++) await writer.publish("t", Buffer.alloc(1_000_000, i), { qos: 1 })
    }
    const port = await freePort()
    const gates: Array<() => void> = []
    const seen: Array<string> = []
    // Each segment waits until somebody has asked how far it is.
    const held: StoreFs = {
      ...diskFs,
      open: (path, mode) =>
        path.endsWith(".wal")
          ? Effect.andThen(
              Effect.promise(() => new Promise<void>((resolve) => void gates.push(resolve))),
              diskFs.open(path, mode)
            )
          : diskFs.open(path, mode)
    }
    const starting = startWhole({ ...small, admin: { ...settings.admin, bind: `127.0.0.1:${port}` } }, { fs: held })
    let isStarted = false
    void starting.then(() => {
      isStarted = true
    })
    await firstAnswer(port, "/livez")
    while (!isStarted) {
      const { text } = await ask(port, "/startupz?verbose")
      const [, words] = /recovery failed: (.*)/.exec(text) ?? []
      if (words !== undefined && seen.at(-1) !== words) seen.push(words)
      gates.shift()?.()
    }
    await using broker = await starting
    assert.strictEqual(broker.core.sessions.size, 1)
    assert.strictEqual(seen[0], "the store is being recovered")
    const percents = seen.slice(1).map((words) => Number(/: (\d+) % of the log read$/.exec(words)?.[1]))
    assert.isAtLeast(percents.length, 2)
    assert.deepEqual(
      percents,
      [...new Set(percents)].sort((a, b) => a - b)
    )
    assert.isAbove(percents[0] ?? 0, 0)
    assert.isBelow(percents[0] ?? 100, 100)
  })

  it("is live but neither started nor ready while the store is recovered, then all of it", async () => {
    const port = await freePort()
    const gate = Promise.withResolvers<void>()
    const held: StoreFs = {
      ...diskFs,
      list: (path) =>
        Effect.andThen(
          Effect.promise(() => gate.promise),
          diskFs.list(path)
        )
    }
    const starting = startWhole(settingsOf("recovery", port), { fs: held })
    assert.strictEqual((await firstAnswer(port, "/livez")).status, 200)
    assert.deepEqual(await statuses(port), [200, 503, 503, 503, 503])
    const told = await ask(port, "/readyz?verbose")
    assert.include(told.text, "[-]recovery failed: the store is being recovered\n")
    assert.include(told.text, "[-]listeners failed")
    assert.deepEqual(await ask(port, "/api/v1/system"), { status: 503, text: "the broker is starting\n" })
    gate.resolve()
    await using broker = await starting
    assert.strictEqual(broker.running.admin?.port, port)
    assert.deepEqual(await statuses(port), [200, 200, 200, 200, 200])
    assert.strictEqual((await ask(port, "/api/v1/system")).status, 401)
  })

  it("answers in words, in JSON, and check by check", async () => {
    await using broker = await startWhole(settingsOf("words", await freePort()))
    const port = broker.running.admin?.port ?? 0
    assert.strictEqual((await ask(port, "/health", { accept: "text/plain" })).text, "OK\n")
    assert.strictEqual((await ask(port, "/readyz")).text, "ok\n")
    const names = ["recovery", "listeners", "log", "log-synced", "storage", "event-loop", "accepting"]
    const health = JSON.parse((await ask(port, "/health")).text)
    assert.deepEqual(health, { status: "ok", checks: names.map((name) => ({ name, status: "ok" })) })
    const started = JSON.parse((await ask(port, "/startupz", { accept: "application/json" })).text)
    assert.deepEqual(
      started.checks.map(({ name }: { readonly name: string }) => name),
      ["recovery", "listeners"]
    )
    const verbose = (await ask(port, "/readyz?verbose")).text
    for (const name of names) assert.include(verbose, `[+]${name} ok`)
    assert.strictEqual((await ask(port, "/livez?verbose")).text, "[+]log ok\nlivez check passed\n")
  })

  it("is not ready while the broker drains, and says so to the end", async () => {
    const port = await freePort()
    const broker = await startWhole(settingsOf("drain", port))
    // A client that takes nothing holds the drain up.
    const stuck = await broker.joinInMemory("stuck")
    await stuck.subscribe("flood")
    stuck.wire.stopReading()
    const writer = await broker.join("writer")
    for (let i = 0; i < 20; i++) await writer.publish("flood", Buffer.alloc(100_000))
    await writer.quiet()
    const stopped = broker.stop()
    while (!broker.core.draining) await new Promise(setImmediate)
    const { status, text } = await ask(port, "/readyz?verbose")
    assert.strictEqual(status, 503)
    assert.include(text, "[-]accepting failed: the broker is shutting down")
    assert.strictEqual((await ask(port, "/livez")).status, 200)
    assert.strictEqual((await ask(port, "/api/v1/system")).status, 503)
    stuck.wire.destroy()
    await stopped
    assert.isUndefined(await ask(port, "/livez").catch(() => undefined))
  })

  it("is neither alive nor ready when the log has failed", async () => {
    await using broker = await startWhole(settingsOf("failed", await freePort()))
    const port = broker.running.admin?.port ?? 0
    const failing = async (): Promise<ReadonlyArray<string>> => {
      const { checks } = JSON.parse((await ask(port, "/health")).text)
      return checks.filter((each: Check) => each.status === "failing").map(({ name }: Check) => name)
    }
    await breakLog(broker)
    assert.deepEqual(await failing(), ["log", "accepting"])
    assert.strictEqual((await ask(port, "/livez")).status, 503)
    assert.strictEqual((await ask(port, "/readyz")).status, 503)
  })

  it("keeps to itself what is wrong where strangers may ask, unless they have the token", async () => {
    const { answerProbe } = await import("../../src/admin/probes.ts")
    const checks = [{ name: "storage", check: () => "the disk is full" }]
    const answer = (isTrusted: boolean, path: string) =>
      answerProbe(checks, path, new URLSearchParams("verbose"), { accept: "", isTrusted }).text
    for (const path of ["/health", "/readyz"]) {
      assert.include(answer(true, path), "the disk is full")
      assert.notInclude(answer(false, path), "full")
      assert.include(answer(false, path), "storage")
    }
  })
})

interface Check {
  readonly name: string
  readonly status: string
}

/** As a sync that fails: the broker is told, and closes its sockets. */
const breakLog = async ({ core, running }: WholeBroker): Promise<void> => {
  const log = core.log as unknown as { readonly wal: { readonly appender: { abort(fault: unknown): void } } }
  const failed = Effect.runPromise(Effect.flip(running.failure))
  log.wal.appender.abort({ operation: "datasync", path: "x", code: "EIO", cause: "the test" })
  await failed
}
