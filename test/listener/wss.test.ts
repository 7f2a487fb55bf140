/**
 * WebSocket over TLS: the contract, certificates of clients judged as on the TLS port, certificates that change.
 */
import { copyFileSync, readFileSync } from "node:fs"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { ClientOptions } from "ws"
import type { TlsSettings } from "../../src/listener/tls-load.ts"
import { TlsMaterial } from "../../src/listener/tls-material.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { listenWebSocket } from "../../src/listener/websocket.ts"
import { transportContract, until } from "../contract/transport.ts"
import { Certificates, hasOpenssl, type Pair, tlsSettings } from "./certificates.ts"
import { TlsPeer, WebSocketPeer } from "./peers.ts"

const files = new Certificates()
afterAll(() => files.remove())
const none: Pair = { certificate: "", key: "" }
const authority = hasOpenssl ? files.authority("authority") : none
const own = hasOpenssl ? files.server("own", authority) : none
const renewed = hasOpenssl ? files.server("renewed", authority) : none
/** What the listener reads; the last test changes it. */
const served: Pair = hasOpenssl
  ? {
      certificate: files.write("served.pem", readFileSync(own.certificate)),
      key: files.write("served.key", readFileSync(own.key))
    }
  : none
const client = hasOpenssl ? files.make("client", { by: authority }) : none
const unknownClient = hasOpenssl ? files.make("unknown") : none

const listen = (more: Partial<TlsSettings> = {}) =>
  Effect.gen(function* () {
    const material = yield* TlsMaterial.open(tlsSettings(served, more))
    const accepted: Array<Transport> = []
    const { port } = yield* listenWebSocket({
      host: "127.0.0.1",
      port: 0,
      name: "wss",
      paths: ["/mqtt"],
      maxPacketBytes: 2_000_000,
      tls: { material },
      onTransport: (transport) => void accepted.push(transport)
    })
    return { accepted, material, port, url: `wss://127.0.0.1:${port}/mqtt` }
  }).pipe(Effect.provide(Logger.layer([])))

const trusting = (shown?: Pair): ClientOptions => {
  const ca = [readFileSync(authority.certificate)]
  return shown === undefined ? { ca } : { ca, cert: readFileSync(shown.certificate), key: readFileSync(shown.key) }
}

const open = Effect.gen(function* () {
  const { accepted, url } = yield* listen()
  const peer = new WebSocketPeer(url, ["mqtt"], trusting())
  yield* Effect.addFinalizer(() => Effect.sync(() => peer.webSocket.terminate()))
  yield* Effect.promise(() => until(() => accepted.length > 0 && peer.opened))
  return { transport: accepted[0] as Transport, peer }
})

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("wss", () => {
  transportContract("wss", { kind: "websocket", listener: "wss", peerAddress: /^127\.0\.0\.1:\d+$/, open })

  /** Opened, refused by HTTP status, or ended by TLS. */
  const attempt = (url: string, options: ClientOptions) =>
    Effect.promise(async () => {
      const peer = new WebSocketPeer(url, ["mqtt"], options)
      await until(() => peer.opened || peer.closed || peer.refusedStatus !== undefined)
      const outcome = peer.opened ? "opened" : (peer.refusedStatus ?? "ended")
      peer.webSocket.terminate()
      return outcome
    })

  for (const [mode, bare, foreign] of [
    ["none", "opened", "opened"],
    ["request", "opened", 403],
    ["require", "ended", "ended"]
  ] as const) {
    it.live(`certificates of clients, ${mode}: none ${bare}, unknown ${foreign}, ours opened`, () =>
      Effect.gen(function* () {
        const authorityFile = mode === "none" ? "" : authority.certificate
        const { accepted, url } = yield* listen({ clientAuthentication: mode, authorityFile })
        assert.strictEqual(yield* attempt(url, trusting()), bare)
        assert.strictEqual(yield* attempt(url, trusting(unknownClient)), foreign)
        assert.isTrue(accepted.every(({ peerCertificate }) => peerCertificate === undefined))
        assert.strictEqual(yield* attempt(url, trusting(client)), "opened")
        assert.strictEqual(accepted.at(-1)?.peerCertificate?.subject, mode === "none" ? undefined : "CN=client")
      })
    )
  }

  it.live("plain WebSocket on this port ends", () =>
    Effect.gen(function* () {
      const { accepted, url } = yield* listen()
      assert.strictEqual(yield* attempt(url.replace("wss:", "ws:"), {}), "ended")
      assert.deepStrictEqual(accepted, [])
    })
  )

  it.live("serves a certificate that was changed, and keeps who was there", () =>
    Effect.gen(function* () {
      const { accepted, material, port, url } = yield* listen()
      const first = new WebSocketPeer(url, ["mqtt"], trusting())
      yield* Effect.promise(() => until(() => first.opened && accepted.length > 0))
      copyFileSync(renewed.certificate, served.certificate)
      copyFileSync(renewed.key, served.key)
      assert.deepStrictEqual(material.reload(), [])
      const second = new TlsPeer(port, { ca: [readFileSync(authority.certificate)] })
      yield* Effect.promise(() => until(() => second.secured))
      assert.strictEqual(second.tls.getPeerX509Certificate()?.subject, "CN=renewed")
      second.socket.destroy()
      accepted[0]?.write(Buffer.from("still here"), () => undefined)
      yield* Effect.promise(() => until(() => Buffer.concat(first.received).toString() === "still here"))
      first.webSocket.terminate()
    })
  )
})
