/** Several listeners at once, all or none; the words of a refusal; who holds a port. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { formatAddress, formatPeer } from "../../src/listener/address.ts"
import { listenError } from "../../src/listener/listen-error.ts"
import { openListeners } from "../../src/listener/listeners.ts"
import { portOwner } from "../../src/listener/port-owner.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { until } from "../contract/transport.ts"
import { TcpPeer, WebSocketPeer } from "./peers.ts"

const tcp = (name: string, host: string, port: number) => ({ kind: "tcp" as const, name, host, port })
const web = (name: string, host: string, port: number) => ({
  kind: "websocket" as const,
  name,
  host,
  port,
  paths: ["/mqtt"],
  maxPacketBytes: 1_000
})

describe("listeners", () => {
  it.live("open together; each transport names the one it came through", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const accept = (transport: Transport): void => {
        seen.push(`${transport.listener} ${transport.kind}`)
        transport.destroy()
      }
      const settings = [tcp("plain", "127.0.0.1", 0), tcp("six", "::1", 0), web("web", "127.0.0.1", 0)]
      const opened = yield* openListeners(settings, accept)
      const [plain, six, browser] = opened.map(({ port }) => port)
      assert.deepStrictEqual(
        opened.map(({ url }) => url),
        [`mqtt://127.0.0.1:${plain}`, `mqtt://[::1]:${six}`, `ws://127.0.0.1:${browser}/mqtt`]
      )
      assert.deepStrictEqual(
        opened.map(({ kind, name, host }) => [kind, name, host]),
        [
          ["tcp", "plain", "127.0.0.1"],
          ["tcp", "six", "::1"],
          ["websocket", "web", "127.0.0.1"]
        ]
      )
      const peers = [
        new TcpPeer(plain ?? 0),
        new TcpPeer(six ?? 0, "::1"),
        new WebSocketPeer(`ws://127.0.0.1:${browser}/mqtt`)
      ]
      yield* Effect.promise(() => until(() => peers.every((peer) => peer.closed)))
      assert.deepStrictEqual(seen.sort(), ["plain tcp", "six tcp", "web websocket"])
    })
  )

  it.live("all addresses of both families may share a port", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const opened = yield* openListeners([tcp("four", "0.0.0.0", port), tcp("six", "::", port)], () => undefined)
      assert.strictEqual(opened.length, 2)
    })
  )

  it.live("when one cannot be opened, none stays open", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const [taken] = yield* openListeners([tcp("taken", "127.0.0.1", 0)], () => undefined)
      const settings = [tcp("first", "127.0.0.1", port), web("second", "127.0.0.1", taken?.port ?? 0)]
      const error = yield* Effect.flip(Effect.scoped(openListeners(settings, () => undefined)))
      assert.include(error.message, 'listener "second" cannot listen on 127.0.0.1:')
      yield* openListeners([tcp("first again", "127.0.0.1", port)], () => undefined)
    })
  )

  it.live("all that cannot be opened are reported at once", () =>
    Effect.gen(function* () {
      const [taken] = yield* openListeners([tcp("taken", "127.0.0.1", 0)], () => undefined)
      const port = taken?.port ?? 0
      const socket = { kind: "unix" as const, name: "file", path: "/nowhere/at/all.sock", mode: 0o660 }
      const settings = [
        tcp("first", "127.0.0.1", port),
        tcp("fine", "127.0.0.1", 0),
        socket,
        tcp("far", "192.0.2.1", 0)
      ]
      const error = yield* Effect.flip(Effect.scoped(openListeners(settings, () => undefined)))
      assert.deepStrictEqual(
        [error, ...error.others].map(({ listener, reason }) => [listener, reason]),
        [
          ["first", "port-in-use"],
          ["file", "other"],
          ["far", "address-not-available"]
        ]
      )
      for (const name of ["first", "file", "far"]) assert.include(error.message, `listener "${name}" cannot`)
    })
  )
})

/** A port that was free a moment ago. */
const freePort = Effect.scoped(
  Effect.map(
    openListeners([tcp("probe", "127.0.0.1", 0)], () => undefined),
    ([probe]) => probe?.port ?? 0
  )
)

describe("listen error", () => {
  it("names address, cause and fix, and carries the documented exit code", () => {
    const cause = Object.assign(new Error("bind EACCES"), { code: "EACCES" })
    const error = listenError("plain", "::", 80, cause)
    assert.strictEqual(error.reason, "permission-denied")
    assert.strictEqual(
      error.message,
      'listener "plain" cannot listen on [::]:80: permission denied (choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE)'
    )
    assert.strictEqual(error.exitCode, 8)
    assert.strictEqual(error.cause, cause)
  })

  it("keeps the system's words for a cause it does not know", () => {
    assert.include(listenError("plain", "h", 1, new Error("out of luck")).message, "out of luck")
  })
})

describe("port owner", () => {
  it("is found through the socket's inode, among listening sockets only", () => {
    const proc = mkdtempSync(join(tmpdir(), "promptmq-proc-"))
    const row = (port: string, state: string, inode: string) =>
      `   0: 0100007F:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 ${inode} 1\n`
    mkdirSync(join(proc, "net"))
    writeFileSync(join(proc, "net", "tcp"), `  sl local_address\n${row("075B", "01", "11")}${row("075B", "0A", "22")}`)
    for (const [pid, inode] of [
      ["7", "11"],
      ["8", "22"]
    ]) {
      mkdirSync(join(proc, pid ?? "", "fd"), { recursive: true })
      symlinkSync(`socket:[${inode}]`, join(proc, pid ?? "", "fd", "3"))
      writeFileSync(join(proc, pid ?? "", "comm"), `program-${pid}\n`)
    }
    assert.deepStrictEqual(portOwner(1883, proc), { processId: 8, command: "program-8" })
    assert.isUndefined(portOwner(1884, proc))
    assert.isUndefined(portOwner(1883, join(proc, "nowhere")))
    rmSync(proc, { recursive: true })
  })
})

describe("addresses", () => {
  it("are written with brackets around IPv6, and IPv4 as itself", () => {
    assert.strictEqual(formatAddress("127.0.0.1", 1883), "127.0.0.1:1883")
    assert.strictEqual(formatAddress("::1", 53210), "[::1]:53210")
    assert.strictEqual(formatAddress("::ffff:10.0.0.7", 9), "10.0.0.7:9")
    assert.strictEqual(formatPeer({}), "unknown")
  })
})
