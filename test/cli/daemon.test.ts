/**
 * Goal: --daemon leaves a broker behind that belongs to no terminal, and the command says how it went.
 * Method: the built command as a process; the broker is found by its pid file, asked over MQTT, and stopped by its number.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { runningHolder } from "../../src/telemetry/pid-file.ts"
import { builtCommand } from "../support/child.ts"
import { timePasses } from "../support/time.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-daemon-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Variables of the test run are none of the broker's. */
const plainEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PROMPTMQ_")))

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })

const words = (name: string, port: number, ...more: ReadonlyArray<string>) => [
  builtCommand,
  "server",
  "--daemon",
  ...["--bind", `127.0.0.1:${port}`, "--ws-bind", "", "--no-admin"],
  ...["--data-dir", join(folder, name), "--log-file", join(folder, `${name}.log`)],
  ...(more.includes("--pid-file") ? [] : ["--pid-file", join(folder, `${name}.pid`)]),
  ...more
]

const detach = (...given: Parameters<typeof words>) =>
  spawnSync(process.execPath, words(...given), { encoding: "utf8", timeout: 30_000, env: plainEnv })

const pidOf = (name: string): number => Number(readFileSync(join(folder, `${name}.pid`), "utf8"))

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const stop = async (pid: number): Promise<void> => {
  process.kill(pid, "SIGTERM")
  while (isRunning(pid)) await timePasses(20)
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })

describe("--daemon", () => {
  it("ends when the broker is ready; the broker has a session of its own, a pid file and a log", async () => {
    const port = await freePort()
    const { status, stderr, stdout } = detach("one", port)
    assert.strictEqual(status, 0, stderr)
    assert.strictEqual(stdout, "")
    const pid = pidOf("one")
    try {
      assert.include(stderr, `detached: it runs as process ${pid}`)
      assert.include(stderr, `mqtt://127.0.0.1:${port}`)
      assert.isTrue(await answers(port), "ready means ready")
      if (existsSync("/proc/self/stat")) {
        const [, , , , session] = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/\(.*\)/, "x")
          .split(" ")
        const own = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/\(.*\)/, "x")
          .split(" ")
        assert.strictEqual(own[5], String(pid), `session ${session}`)
        assert.notInclude(readFileSync(`/proc/${pid}/environ`, "utf8"), "PROMPTMQ_DETACH")
      }
      process.kill(pid, "SIGHUP")
      while (!readFileSync(join(folder, "one.log"), "utf8").includes("was read again")) await timePasses(20)
      const again = detach("one", port)
      assert.strictEqual(again.status, 8, again.stderr)
      assert.match(again.stderr, /E8\d{3}/)
      assert.isTrue(isRunning(pid))
    } finally {
      await stop(pid)
    }
    assert.isFalse(existsSync(join(folder, "one.pid")), "taken away at the end")
    assert.isFalse(await answers(port))
    assert.match(readFileSync(join(folder, "one.log"), "utf8"), /^\{"time":/)
  })

  it("passes the broker's message and exit code on when it cannot start", async () => {
    const held = net.createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => held.once("listening", resolve))
    const { port } = held.address() as net.AddressInfo
    const { status, stderr } = await new Promise<{ status: number | null; stderr: string }>((resolve) => {
      const child = spawn(process.execPath, words("two", port), { env: plainEnv })
      let text = ""
      child.stderr.on("data", (data: Buffer) => {
        text += data.toString()
      })
      child.on("close", (code) => resolve({ status: code, stderr: text }))
    })
    held.close()
    assert.strictEqual(status, 8, stderr)
    assert.match(stderr, /E8001 .*listener tcp cannot listen/)
    assert.notInclude(stderr, "detached")
    assert.isFalse(existsSync(join(folder, "two.pid")))
    const invalid = detach("two", port, "--max-qos", "7")
    assert.strictEqual(invalid.status, 3)
    assert.strictEqual(invalid.stderr.match(/E3105 /g)?.length, 1, "told once")
  })

  it("writes over a pid file that names nobody, or another program", async () => {
    const gone = spawnSync(process.execPath, ["-e", ""]).pid
    for (const text of [`${gone}\n`, "1\n", "no number\n", ""]) {
      const file = join(folder, "stale.pid")
      writeFileSync(file, text)
      assert.isUndefined(runningHolder(file), JSON.stringify(text))
    }
    const port = await freePort()
    writeFileSync(join(folder, "three.pid"), `${gone}\n`)
    const { status, stderr } = detach("three", port)
    assert.strictEqual(status, 0, stderr)
    await stop(pidOf("three"))
  })

  it("does not take the pid file of a broker that runs", async () => {
    const [first, second] = [await freePort(), await freePort()]
    assert.strictEqual(detach("four", first).status, 0)
    const pid = pidOf("four")
    try {
      const other = detach("other", second, "--pid-file", join(folder, "four.pid"))
      assert.strictEqual(other.status, 8, other.stderr)
      assert.match(other.stderr, new RegExp(`E8002 .*four\\.pid belongs to process ${pid}`))
      assert.strictEqual(pidOf("four"), pid, "PIDFILE-1")
      assert.isFalse(await answers(second))
    } finally {
      await stop(pid)
    }
  })
})
