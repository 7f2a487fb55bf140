/**
 * The exit codes as a script sees them. On real processes: success, wrong usage, signals, the broker's stop
 * and its port in use; the others in process. 7 (data damaged) has no command yet that could end with it.
 */

import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { RunningBroker } from "../../src/app.ts"
import { runUntilSignal } from "../../src/cli/server-life.ts"
import { load } from "../../src/cli/settings-options.ts"
import type { LoadedSettings } from "../../src/config/load.ts"
import { repository, run, testWorld } from "./recorded-world.ts"
import { freePort, hasMosquitto, promptmq, startMosquitto } from "./tools.ts"

const olderNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => {
  const { stdout, error } = spawnSync(path, ["--version"], { encoding: "utf8" })
  return error === undefined && Number.parseInt(stdout.slice(1), 10) < 26
})

describe("exit codes of clients", () => {
  it("4 when there is no broker, quickly and with a way out", async () => {
    const port = String(await freePort())
    for (const words of [["pub", "-t", "a", "-m", "x"], ["sub", "-t", "a"], ["ping"]]) {
      const { code, out, err } = await run([...words, "-h", "127.0.0.1", "-p", port])
      assert.deepEqual({ code, out }, { code: 4, out: "" })
      assert.match(
        err,
        /E4001 {2}cannot reach the broker at 127\.0\.0\.1:\d+: connection refused\n.*promptmq starts one/
      )
      assert.strictEqual((await run([...words, "-h", "127.0.0.1", "-p", port, "--quiet"])).err, "")
    }
    assert.match((await run(["ping", "-h", "no-such-host.invalid"])).err, /E4001/)
    assert.match((await run(["ping", "--unix", "/nowhere/socket"])).err, /no such socket/)
  })

  it("4 when what answers is no MQTT broker", async () => {
    const server = net.createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as net.AddressInfo
    const { code, err } = await run(["ping", "-h", "127.0.0.1", "-p", String(port)])
    assert.strictEqual(code, 4)
    assert.match(err, /what answers there does not speak MQTT/)
    server.close()
  })

  // Skipped without Mosquitto, because it is the broker that refuses.
  it.skipIf(!hasMosquitto)("5 when the broker refuses the user, whatever the version", async () => {
    const broker = await startMosquitto(["allow_anonymous false"])
    for (const version of ["mqttv31", "mqttv311", "mqttv5"]) {
      const words = ["-h", "127.0.0.1", "-p", String(broker.port), "-V", version]
      for (const command of [["pub", "-t", "a", "-m", "x"], ["sub", "-t", "a"], ["ping"]]) {
        const { code, err } = await run([...command, ...words])
        assert.strictEqual(code, 5, `${command[0]} ${version}: ${err}`)
        assert.match(err, /E5001 {2}.*(not authorized|bad user name or password)/i)
      }
    }
    await broker.stop()
  })

  // Skipped without Mosquitto, because it is the broker that refuses.
  it.skipIf(!hasMosquitto)("5 when access rules refuse a publish or a subscription", async () => {
    const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    writeFileSync(join(folder, "acl"), "topic readwrite open\n")
    // Started by root, Mosquitto reads it as a user of its own.
    chmodSync(folder, 0o755)
    const broker = await startMosquitto(["allow_anonymous true", `acl_file ${join(folder, "acl")}`])
    const at = ["-h", "127.0.0.1", "-p", String(broker.port)]
    const published = await run(["pub", ...at, "-t", "closed", "-m", "x", "-q", "1"])
    assert.strictEqual(published.code, 5)
    assert.match(published.err, /E5001 {2}closed: not published, 0x87 not authorized/)
    assert.strictEqual((await run(["pub", ...at, "-t", "open", "-m", "x", "-q", "1"])).code, 0)
    await broker.stop()
    rmSync(folder, { recursive: true })
  })
})

describe("exit codes of processes", () => {
  it("0 and 2", async () => {
    assert.strictEqual((await promptmq(["--version"]).finished).code, 0)
    const wrong = await promptmq(["pub", "-t", "a/#", "-m", "x"]).finished
    assert.deepEqual([wrong.code, wrong.out], [2, ""])
  })

  it("the broker: 8 on a taken port, 0 on SIGTERM and on Ctrl-C, clients 130 and 143", async () => {
    const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    const port = await freePort()
    const words = [
      "--bind",
      `127.0.0.1:${port}`,
      "--ws-bind",
      "",
      "--no-admin",
      "--storage-engine",
      "memory",
      "--data-dir",
      folder
    ]
    for (const [signal, clientCode] of [
      ["SIGTERM", 143],
      ["SIGINT", 130]
    ] as const) {
      const broker = promptmq(words)
      await broker.said(/ready in \d+ ms/)
      const client = promptmq(["sub", "-h", "127.0.0.1", "-p", String(port), "-t", "a"])
      await client.said(/subscribed to a, granted QoS 1/)
      client.child.kill(signal)
      assert.strictEqual((await client.finished).code, clientCode)
      if (signal === "SIGTERM") {
        const second = await promptmq(words).finished
        assert.strictEqual(second.code, 8)
        assert.match(second.err, new RegExp(`E8001 .*127\\.0\\.0\\.1:${port}.*\\n.*--bind 127\\.0\\.0\\.1:${port + 1}`))
        if (process.platform === "linux") assert.include(second.err, String(broker.child.pid))
      }
      broker.child.kill(signal)
      const stopped = await broker.finished
      assert.strictEqual(stopped.code, 0, stopped.err)
    }
    rmSync(folder, { recursive: true })
  })

  // Skipped without an older system Node, because the check is about being run by one.
  it.skipIf(olderNode === undefined)("1 with one clear sentence under an older Node", () => {
    const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    const main = join(folder, "main.mjs")
    writeFileSync(main, stripTypeScriptTypes(readFileSync(join(repository, "src", "main.ts"), "utf8")))
    const { status, stderr } = spawnSync(olderNode ?? "", [main, "--version"], { encoding: "utf8" })
    assert.strictEqual(status, 1)
    assert.match(stderr, /^error.*promptmq needs Node 26 or newer, this is Node \d+.*\n.*fix: .*\n$/)
    rmSync(folder, { recursive: true })
  })
})

describe("the second signal", () => {
  const loaded = async (): Promise<LoadedSettings> => {
    const settings = await load(undefined, new Map(), testWorld())
    if ("problems" in settings) return assert.fail(settings.message)
    return settings
  }

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it(`leaves at once with ${code} when the graceful stop hangs`, async () => {
      const world = testWorld()
      const hanging = Effect.acquireRelease(
        Effect.succeed({ listeners: [], admin: undefined, failure: Effect.never } as unknown as RunningBroker),
        () => Effect.never
      )
      void runUntilSignal(hanging, await loaded(), world)
      await world.stderr.until(/ready/)
      world.signal("SIGTERM")
      assert.deepEqual(world.left, [])
      world.signal(signal)
      assert.deepEqual(world.left, [code])
    })
  }

  it("the first one is also obeyed while the broker still starts", async () => {
    const world = testWorld()
    const { promise: began, resolve } = Promise.withResolvers<void>()
    const starting = Effect.andThen(Effect.sync(resolve), Effect.never)
    const code = runUntilSignal(starting, await loaded(), world)
    await began
    world.signal("SIGINT")
    assert.strictEqual(await code, 0)
  })

  it("a mistake of ours is 1, with the place", async () => {
    const world = testWorld()
    const code = await runUntilSignal(Effect.die(new Error("broken invariant")), await loaded(), world)
    assert.strictEqual(code, 1)
    assert.match(world.stderr.text, /E1001[\s\S]*broken invariant[\s\S]*please report/)
  })
})
