/**
 * Goal: what stands before a listener lets in whom it should, under the address that the proxy named, and nobody else.
 * Method: real sockets to TCP, TLS, WebSocket and secure WebSocket listeners with a door; the client's bytes sent
 * together with the header, byte by byte, and without one.
 */
import { connect } from "node:net"
import { connect as connectTls } from "node:tls"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { AcceptLimits, type AcceptPolicy } from "../../src/listener/accept-limits.ts"
import { Door, type DoorOptions, type TurnedAway } from "../../src/listener/door.ts"
import { type ListenerSettings, openListeners } from "../../src/listener/listeners.ts"
import { TlsMaterial } from "../../src/listener/tls-material.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { NetworkSet } from "../../src/settings/network-set.ts"
import { until } from "../contract/transport.ts"
import { Certificates, hasOpenssl, tlsSettings } from "./certificates.ts"
import { SocketPeer, TcpPeer, WebSocketPeer } from "./peers.ts"
import { proxyV2, tlsTlv } from "./proxy-wire.ts"

const open: AcceptPolicy = {
  socketsMax: 1000,
  perAddressMax: 0,
  ratePerSecond: 0,
  burst: 1,
  isExempt: () => false,
  isBanned: () => false,
  isOverloaded: () => false
}

interface Seen {
  readonly transports: Array<Transport>
  readonly bytes: Array<Buffer>
  readonly away: Array<TurnedAway>
  readonly limits: AcceptLimits
}

const behindDoor = (
  listener: ListenerSettings,
  options: Partial<DoorOptions> = {},
  policy: Partial<AcceptPolicy> = {}
): Effect.Effect<Seen & { readonly port: number }, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const limits = new AcceptLimits(
      () => ({ ...open, ...policy }),
      () => performance.now()
    )
    const seen: Seen = { transports: [], bytes: [], away: [], limits }
    const door = new Door({
      listener: listener.name,
      limits,
      trusted: new NetworkSet(["127.0.0.1"]),
      isProxied: false,
      isForwarded: false,
      headerTimeoutMs: 60_000,
      nowMs: () => performance.now(),
      onTurnedAway: (why) => void seen.away.push(why),
      ...options
    })
    const [opened] = yield* openListeners([{ ...listener, door }], (transport) => {
      transport.onData = (chunk) => void seen.bytes.push(Buffer.from(chunk))
      seen.transports.push(transport)
    })
    return { ...seen, port: opened?.port ?? 0 }
  })

const tcp = { kind: "tcp" as const, name: "tcp", host: "127.0.0.1", port: 0 }
const web = {
  kind: "websocket" as const,
  name: "websocket",
  host: "127.0.0.1",
  port: 0,
  paths: ["/mqtt"],
  maxPacketBytes: 1000
}
const hello = Buffer.from("hello broker")
const arrived = (seen: Seen) => until(() => Buffer.concat(seen.bytes).equals(hello))

describe("a door with the PROXY protocol", () => {
  it.live("version 1 and 2: the address of the header, and every byte behind it", () =>
    Effect.gen(function* () {
      const seen = yield* behindDoor(tcp, { isProxied: true })
      const one = new TcpPeer(seen.port)
      one.send(Buffer.concat([Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n"), hello]))
      yield* Effect.promise(() => arrived(seen))
      assert.strictEqual(seen.transports[0]?.peer, "192.0.2.7:56324")
      seen.bytes.length = 0
      const two = new TcpPeer(seen.port)
      two.send(Buffer.concat([proxyV2("2001:db8:0:0:0:0:0:7", 9, [tlsTlv("sensor-7")]), hello]))
      yield* Effect.promise(() => arrived(seen))
      assert.strictEqual(seen.transports[1]?.peer, "[2001:db8::7]:9")
      assert.deepStrictEqual(seen.transports[1]?.peerCertificate?.commonNames, ["sensor-7"])
      // What is written goes to the client, and the end is seen.
      seen.transports[1]?.write(Buffer.from("answer"), () => undefined)
      yield* Effect.promise(() => until(() => Buffer.concat(two.received).equals(Buffer.from("answer"))))
      one.socket.destroy()
      two.socket.destroy()
      yield* Effect.promise(() => until(() => seen.limits.open === 0))
    })
  )

  it.live("one byte at a time", () =>
    Effect.gen(function* () {
      const seen = yield* behindDoor(tcp, { isProxied: true })
      const peer = new TcpPeer(seen.port)
      const all = Buffer.concat([proxyV2("192.0.2.7", 5, [tlsTlv("x")]), hello])
      for (const byte of all) {
        peer.send(Buffer.from([byte]))
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      yield* Effect.promise(() => arrived(seen))
      assert.strictEqual(seen.transports[0]?.peer, "192.0.2.7:5")
      peer.socket.destroy()
    })
  )

  it.live("row 32: a header from somebody who is no trusted proxy, no header, and a bad one end the connection", () =>
    Effect.gen(function* () {
      const strangers = yield* behindDoor(tcp, { isProxied: true, trusted: new NetworkSet(["192.0.2.0/24"]) })
      const spoofed = new TcpPeer(strangers.port)
      spoofed.send(Buffer.concat([proxyV2("127.0.0.1", 5, []), hello]))
      yield* Effect.promise(() => until(() => spoofed.closed))
      assert.deepStrictEqual(strangers.transports, [])

      const seen = yield* behindDoor(tcp, { isProxied: true })
      for (const bytes of [hello, proxyV2("192.0.2.7", 1, [tlsTlv("a\r\nb")]), Buffer.from("PROXY TCP4 x\r\n")]) {
        const peer = new TcpPeer(seen.port)
        peer.send(bytes)
        yield* Effect.promise(() => until(() => peer.closed))
      }
      const quiet = yield* behindDoor(tcp, { isProxied: true, headerTimeoutMs: 20 })
      const slow = new TcpPeer(quiet.port)
      slow.send(Buffer.from("PROXY TCP4 "))
      yield* Effect.promise(() => until(() => slow.closed))
      const gone = new TcpPeer(seen.port)
      gone.sendAndClose(Buffer.from("PROXY TCP4 "))
      yield* Effect.promise(() => until(() => gone.closed && seen.limits.open === 0))
      assert.deepStrictEqual(seen.transports, [])
      assert.deepStrictEqual(seen.away, ["proxy", "proxy", "proxy"])
    })
  )

  it.live("a health check of the proxy keeps the proxy's own address", () =>
    Effect.gen(function* () {
      const seen = yield* behindDoor(tcp, { isProxied: true })
      const header = proxyV2("192.0.2.7", 1, [])
      header[12] = 0x20
      const peer = new TcpPeer(seen.port)
      peer.send(Buffer.concat([header, hello]))
      yield* Effect.promise(() => arrived(seen))
      assert.strictEqual(seen.transports[0]?.peer, `127.0.0.1:${peer.socket.localPort}`)
      peer.socket.destroy()
    })
  )

  it.live("WebSocket: the upgrade in the same segment as the header", () =>
    Effect.gen(function* () {
      const seen = yield* behindDoor(web, { isProxied: true })
      const socket = connect({ port: seen.port, host: "127.0.0.1" })
      const peer = new SocketPeer(socket)
      const upgrade = [
        "GET /mqtt HTTP/1.1",
        "Host: broker",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: mqtt",
        "\r\n"
      ].join("\r\n")
      const frame = Buffer.concat([Buffer.from([0x82, 0x80 | hello.length, 0, 0, 0, 0]), hello])
      peer.send(Buffer.concat([proxyV2("192.0.2.7", 5, []), Buffer.from(upgrade)]))
      yield* Effect.promise(() => until(() => Buffer.concat(peer.received).includes("101 Switching")))
      peer.send(frame)
      yield* Effect.promise(() => arrived(seen))
      assert.strictEqual(seen.transports[0]?.peer, "192.0.2.7:5")
      socket.destroy()
    })
  )

  // Skipped without openssl, because it makes the certificates.
  describe.skipIf(!hasOpenssl)("and TLS behind it", () => {
    const certificates = new Certificates()
    afterAll(() => certificates.remove())
    const authority = certificates.authority("authority")
    const server = certificates.server("server", authority)
    const material = TlsMaterial.open(tlsSettings(server))

    for (const kind of ["tls", "wss"] as const) {
      it.live(`${kind}: the handshake follows the header in the same segment`, () =>
        Effect.gen(function* () {
          const secure = { material: yield* material }
          const listener =
            kind === "tls"
              ? { ...tcp, kind: "tls" as const, name: "tls", ...secure }
              : { ...web, name: "wss", tls: secure }
          const seen = yield* behindDoor(listener, { isProxied: true })
          const raw = connect({ port: seen.port, host: "127.0.0.1", noDelay: true })
          raw.write(proxyV2("192.0.2.7", 77, [tlsTlv("sensor-7")]))
          const secured = connectTls({ socket: raw, rejectUnauthorized: false })
          const peer = new SocketPeer(secured)
          if (kind === "tls") {
            peer.send(hello)
            yield* Effect.promise(() => arrived(seen))
          } else {
            const lines = ["GET /mqtt HTTP/1.1", "Host: b", "Connection: Upgrade", "Upgrade: websocket"]
            const more = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
            peer.send(Buffer.from([...lines, ...more, "Sec-WebSocket-Protocol: mqtt", "\r\n"].join("\r\n")))
            yield* Effect.promise(() => until(() => seen.transports.length === 1))
          }
          assert.strictEqual(seen.transports[0]?.peer, "192.0.2.7:77")
          assert.deepStrictEqual(seen.transports[0]?.peerCertificate?.commonNames, ["sensor-7"])
          secured.destroy()
          raw.destroy()
        })
      )
    }
  })
})

describe("a door", () => {
  it.live("turns away above the connections of an address, and lets in again when one has left", () =>
    Effect.gen(function* () {
      const seen = yield* behindDoor(tcp, {}, { perAddressMax: 2 })
      const peers = [new TcpPeer(seen.port), new TcpPeer(seen.port)]
      yield* Effect.promise(() => until(() => seen.transports.length === 2))
      const third = new TcpPeer(seen.port)
      yield* Effect.promise(() => until(() => third.closed))
      assert.deepStrictEqual(seen.away, ["address-connections"])
      peers[0]?.socket.destroy()
      yield* Effect.promise(() => until(() => seen.limits.open === 1))
      const fourth = new TcpPeer(seen.port)
      yield* Effect.promise(() => until(() => seen.transports.length === 3))
      for (const peer of [...peers, fourth]) peer.socket.destroy()
    })
  )

  it.live("counts in total whoever it is, and turns away while the loop is late", () =>
    Effect.gen(function* () {
      let isOverloaded = false
      const policy = { socketsMax: 1, isExempt: () => true, isOverloaded: () => isOverloaded }
      const seen = yield* behindDoor(tcp, {}, policy)
      const first = new TcpPeer(seen.port)
      yield* Effect.promise(() => until(() => seen.transports.length === 1))
      const second = new TcpPeer(seen.port)
      yield* Effect.promise(() => until(() => second.closed))
      first.socket.destroy()
      yield* Effect.promise(() => until(() => seen.limits.open === 0))
      isOverloaded = true
      const third = new TcpPeer(seen.port)
      yield* Effect.promise(() => until(() => third.closed))
      assert.deepStrictEqual(seen.away, ["total", "busy"])
    })
  )

  it.live("X-Forwarded-For of a trusted proxy names the client, which counts as its own address", () =>
    Effect.gen(function* () {
      const seen = yield* behindDoor(web, { isForwarded: true }, { perAddressMax: 1 })
      const upgrade = (forwarded: string) =>
        new WebSocketPeer(`ws://127.0.0.1:${seen.port}/mqtt`, ["mqtt"], { headers: { "x-forwarded-for": forwarded } })
      const one = upgrade("1.2.3.4, 192.0.2.7")
      yield* Effect.promise(() => until(() => one.opened))
      assert.strictEqual(seen.transports[0]?.peer, "192.0.2.7:0")
      const again = upgrade("192.0.2.7")
      yield* Effect.promise(() => until(() => again.refusedStatus === 503))
      const bad = upgrade("192.0.2.7\tx")
      yield* Effect.promise(() => until(() => bad.refusedStatus === 400))
      const other = upgrade("[2001:db8::1]:99")
      yield* Effect.promise(() => until(() => other.opened))
      assert.strictEqual(seen.transports[1]?.peer, "[2001:db8::1]:0")
      for (const peer of [one, other]) peer.webSocket.terminate()
    })
  )

  it.live("X-Forwarded-For of anybody else is what anybody can write", () =>
    Effect.gen(function* () {
      const seen = yield* behindDoor(web, { isForwarded: true, trusted: new NetworkSet(["10.0.0.0/8"]) })
      const options = { headers: { "x-forwarded-for": "192.0.2.7" } }
      const peer = new WebSocketPeer(`ws://127.0.0.1:${seen.port}/mqtt`, ["mqtt"], options)
      yield* Effect.promise(() => until(() => peer.opened))
      assert.match(seen.transports[0]?.peer ?? "", /^127\.0\.0\.1:\d+$/)
      peer.webSocket.terminate()
    })
  )
})
