/**
 * Goal: hostile bytes over real sockets leave the process alive, its memory bounded and a healthy client unaffected.
 * Method: the server in a process of its own; connections over TCP and WebSocket, a batch at a time, that send what
 * hostile-packets.ts makes, inside WebSocket frames that are wrong themselves now and then, and end in every way.
 * PROMPTMQ_CONNECTIONS says how many (default 2,000), PROMPTMQ_SEED repeats the bytes, not their timing.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { limitsOf } from "../../src/broker/limits.ts"
import { defaultSettings } from "../../src/settings/settings.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { Child } from "../support/child.ts"
import { RawClient } from "../support/raw-client.ts"
import { tcpWire } from "../support/wire.ts"
import { type Knowledge, PacketMaker } from "./hostile-packets.ts"

const CONNECTIONS = Number(process.env["PROMPTMQ_CONNECTIONS"] ?? 2000)
const BATCH = 40
const MIB = 1_048_576
const RING_MIB = 16
/** Over the first look: the ring, retained messages, and a heap that is cleaned up late; 44,000 connections need 175. */
const GROWTH_MIB_MAX = RING_MIB + 200

const command = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "promptmq-hostile-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("hostile bytes over sockets", () => {
  it("leave the server alive and a healthy client unaffected", { timeout: 300_000 }, async () => {
    const random = new Random(seedOfRun("hostile sockets"))
    const binds = ["--bind", "127.0.0.1:0", "--ws-bind", "127.0.0.1:0", "--admin-bind", "127.0.0.1:0"]
    const words = [command, "server", ...binds, "--data-dir", folder, "--memory-buffer", `${RING_MIB}MiB`]
    // The server judges every variable of its name, and a test's are none of its own.
    for (const name of Object.keys(process.env)) if (name.startsWith("PROMPTMQ_")) delete process.env[name]
    await using child = new Child(process.execPath, words)
    const portOf = async (scheme: string) =>
      Number(new RegExp(`${scheme}://[^:]+:(\\d+)`).exec(await child.line(new RegExp(`${scheme}://`)))?.[1])
    const ports = { tcp: await portOf("mqtt"), webSocket: await portOf("ws") }
    const admin = /http:\/\/\S+/.exec(await child.line(/^ +admin /))?.[0] ?? ""
    const healthy = RawClient.over(await tcpWire(ports.tcp), 5)
    await healthy.connect("healthy")
    await healthy.subscribe("healthy/own", 1)

    const rssMib: Array<number> = []
    for (let opened = 0; opened < CONNECTIONS; opened += BATCH) {
      await Promise.all(Array.from({ length: BATCH }, () => attack(random, ports)))
      const text = `own ${opened}`
      assert.strictEqual(await healthy.publish("healthy/own", text, { qos: 1 }), 0)
      assert.strictEqual(String((await healthy.message()).payload), text)
      await healthy.quiet()
      if ((opened / BATCH) % 5 === 4) rssMib.push(await residentMib(admin))
    }
    process.stdout.write(`hostile sockets: ${CONNECTIONS} connections, resident MiB ${rssMib.join(" ")}\n`)
    assert.isBelow((rssMib.at(-1) ?? 0) - (rssMib[0] ?? 0), GROWTH_MIB_MAX)
    await healthy.leave()
    child.kill("SIGTERM")
    assert.strictEqual((await child.ended()).code, 0)
  })
})

/** One connection from its first byte to its end; resolves when the socket is closed. */
const attack = (random: Random, ports: { readonly tcp: number; readonly webSocket: number }): Promise<void> =>
  new Promise((resolve) => {
    const overWebSocket = random.chance(0.5)
    const chunks = overWebSocket ? webSocketBytes(random) : mqttBytes(random)
    const breaks = random.chance(0.4)
    const socket = connect({ host: "127.0.0.1", port: overWebSocket ? ports.webSocket : ports.tcp, noDelay: true })
    socket.on("error", () => undefined)
    socket.on("close", () => resolve())
    if (random.chance(0.8)) socket.resume()
    else setImmediate(() => socket.resume())
    socket.on("connect", () => {
      for (const chunk of chunks) socket.write(chunk)
      // Half-closed, the server ends it; broken, it finds the bytes or not.
      if (breaks) socket.write(Buffer.alloc(0), () => socket.resetAndDestroy())
      else socket.end()
    })
  })

const limits = limitsOf(defaultSettings)

const mqttBytes = (random: Random): ReadonlyArray<Buffer> => {
  const maker = new PacketMaker(random, random.pick([0, 0.01, 0.1]), limits)
  const knowledge: Knowledge = { version: random.pick([3, 4, 5]), heard: [1, 2], used: [], authenticates: false }
  const chunks = random.chance(0.95) ? [maker.connect(knowledge)] : []
  for (let i = random.below(8); i > 0; i--) {
    const packet = maker.any(knowledge)
    const at = random.chance(0.7) ? packet.length : random.below(packet.length)
    chunks.push(packet.subarray(0, at), packet.subarray(at))
  }
  return chunks
}

const handshake = (random: Random): Buffer => {
  const path = random.chance(0.95) ? "/mqtt" : "/%00"
  const fields = ["Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
  fields.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: mqtt")
  if (random.chance(0.05)) fields.splice(random.below(fields.length), 1)
  if (random.chance(0.02)) fields.push(`X: ${"y".repeat(20_000)}`)
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`)
}

const webSocketBytes = (random: Random): ReadonlyArray<Buffer> => {
  if (random.chance(0.05)) return mqttBytes(random)
  return [handshake(random), ...mqttBytes(random).map((bytes) => webSocketFrame(random, bytes))]
}

/** RFC 6455, 5.2; one in twenty is wrong: opcode, RSV, no mask, a length that is not kept. */
const webSocketFrame = (random: Random, bytes: Buffer): Buffer => {
  const wrong = random.chance(0.05) ? random.below(4) : -1
  const first = wrong === 0 ? random.below(256) : wrong === 1 ? 0xf2 : 0x82
  const masked = wrong === 2 ? 0 : 0x80
  const long = bytes.length > 125
  const head = long ? [first, masked | 126, bytes.length >> 8, bytes.length & 0xff] : [first, masked | bytes.length]
  if (wrong === 3)
    head.splice(
      1,
      head.length,
      masked | 127,
      ...random.pick([
        [255, 255, 255, 255, 255, 255, 255, 255],
        [0, 0, 0, 0, 127, 255, 255, 255]
      ])
    )
  const mask = Array.from({ length: 4 }, () => random.below(256))
  const body = masked === 0 ? bytes : bytes.map((byte, i) => byte ^ (mask[i % 4] as number))
  return Buffer.concat([Buffer.from(masked === 0 ? head : [...head, ...mask]), body])
}

const residentMib = async (admin: string): Promise<number> => {
  const authorization = `Bearer ${readFileSync(join(folder, "admin-token"), "utf8").trim()}`
  const system = await (await fetch(`${admin}/api/v1/system`, { headers: { authorization } })).json()
  return Math.round((system as { readonly memory: { readonly rssBytes: number } }).memory.rssBytes / MIB)
}
