/**
 * What systemd is told: in order, only when it asked, and a sign of life only while the broker is alive. The last test
 * sends through the real systemd-notify to a real socket, where both are there (socat listens: Node cannot).
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { sendByProgram, serviceManager } from "../../src/cli/service-manager.ts"
import { eventually } from "../support/eventually.ts"

const hasPrograms = ["systemd-notify", "socat"].every((name) => spawnSync(name, ["-h"]).error === undefined)

const manager = (environment: Readonly<Record<string, string>>, send?: (text: string) => Promise<void>) => {
  const sent: Array<string> = []
  const made = serviceManager({
    environment,
    processId: 7,
    monotonicMicroseconds: () => 123_456n,
    send: async (variables) => {
      sent.push(variables.join(" "))
      await send?.(variables.join(" "))
    }
  })
  return { made, sent }
}

afterEach(() => void vi.useRealTimers())

describe("the service manager", () => {
  it("is told nothing when it did not ask", async () => {
    const { made, sent } = manager({})
    made.starting()
    made.ready("x", () => true)
    made.reloading()
    made.reloaded("x")
    made.stopping()
    await made.sent()
    assert.deepEqual(sent, [])
  })

  it("hears of start, reload and stop, in order", async () => {
    const { made, sent } = manager({ NOTIFY_SOCKET: "/run/x" })
    made.starting()
    made.ready("ready on mqtt://a", () => true)
    made.reloading()
    made.reloaded("read\nagain")
    made.stopping()
    await made.sent()
    assert.deepEqual(sent, [
      "STATUS=reading the store EXTEND_TIMEOUT_USEC=30000000",
      "READY=1 STATUS=ready on mqtt://a",
      "RELOADING=1 MONOTONIC_USEC=123456 STATUS=reading the configuration",
      "READY=1 STATUS=read again",
      "STOPPING=1 STATUS=stopping"
    ])
  })

  it("hears how far a recovery is, again and again until it is over", async () => {
    vi.useFakeTimers()
    const { made, sent } = manager({ NOTIFY_SOCKET: "/run/x" })
    let percent = 1
    made.starting(() => `recovering: ${percent} %`)
    percent = 42
    await vi.advanceTimersByTimeAsync(2000)
    made.ready("r", () => true)
    await vi.advanceTimersByTimeAsync(60_000)
    assert.deepEqual(sent, [
      "STATUS=recovering: 1 % EXTEND_TIMEOUT_USEC=30000000",
      "STATUS=recovering: 42 % EXTEND_TIMEOUT_USEC=30000000",
      "READY=1 STATUS=r"
    ])
  })

  it("gets a sign of life at half its patience, only while the broker is alive", async () => {
    vi.useFakeTimers()
    const { made, sent } = manager({ NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "2000000", WATCHDOG_PID: "7" })
    let isAlive = true
    made.ready("r", () => isAlive)
    await vi.advanceTimersByTimeAsync(999)
    assert.strictEqual(sent.length, 1)
    await vi.advanceTimersByTimeAsync(2002)
    assert.deepEqual(sent.slice(1), ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"])
    isAlive = false
    await vi.advanceTimersByTimeAsync(5000)
    assert.strictEqual(sent.length, 4, "NOTIFY-1")
    made.stopping()
  })

  it("waits for another process's watchdog in vain", async () => {
    vi.useFakeTimers()
    const { made, sent } = manager({ NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "2000", WATCHDOG_PID: "8" })
    made.ready("r", () => true)
    await vi.advanceTimersByTimeAsync(1000)
    assert.strictEqual(sent.length, 1)
  })

  it("that does not answer does not hold the stop up", async () => {
    vi.useFakeTimers()
    const { made } = manager({ NOTIFY_SOCKET: "/run/x" }, () => new Promise(() => {}))
    made.stopping()
    let isOver = false
    void made.sent().then(() => {
      isOver = true
    })
    await vi.advanceTimersByTimeAsync(2000)
    assert.isTrue(isOver, "NOTIFY-3")
  })

  it("that does not answer costs a bounded number of messages", async () => {
    const { made, sent } = manager({ NOTIFY_SOCKET: "/run/x" }, () => new Promise(() => {}))
    for (let count = 0; count < 1000; count++) made.reloading()
    await new Promise((resolve) => setImmediate(resolve))
    assert.strictEqual(sent.length, 1)
  })

  // Skipped without systemd-notify or socat, because nothing else sends to, or reads from, such a socket.
  it.skipIf(!hasPrograms)("is reached through systemd-notify", async () => {
    const folder = mkdtempSync(join(tmpdir(), "promptmq-notify-"))
    const socket = join(folder, "notify")
    const listener = spawn("socat", ["-u", `UNIX-RECV:${socket}`, "STDOUT"])
    try {
      await eventually(() => existsSync(socket) || undefined)
      const before = process.env["NOTIFY_SOCKET"]
      process.env["NOTIFY_SOCKET"] = socket
      const sending = sendByProgram(["READY=1", "STATUS=ready"])
      if (before === undefined) delete process.env["NOTIFY_SOCKET"]
      const [data] = (await once(listener.stdout, "data")) as [Buffer]
      assert.match(data.toString(), /READY=1\nSTATUS=ready/)
      listener.kill()
      await sending
    } finally {
      listener.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
