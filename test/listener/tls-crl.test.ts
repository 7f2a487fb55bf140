/**
 * Revocation lists, made by openssl: who is on one stays outside, on both listeners with TLS, from the next handshake
 * after a reload on; a list that is over, or missing, lets nobody in.
 */
import { execFileSync } from "node:child_process"
import { copyFileSync, readFileSync, writeFileSync } from "node:fs"
import { type ConnectionOptions, connect } from "node:tls"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { listenTls } from "../../src/listener/tls.ts"
import { readRevocationLists } from "../../src/listener/tls-crl.ts"
import { loadTls } from "../../src/listener/tls-load.ts"
import { TlsMaterial } from "../../src/listener/tls-material.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { listenWebSocket } from "../../src/listener/websocket.ts"
import { until } from "../contract/transport.ts"
import { Certificates, hasOpenssl, type Pair, tlsSettings } from "./certificates.ts"
import { WebSocketPeer } from "./peers.ts"

const DAY_MS = 86_400_000

// Skipped where there is no openssl command, because these tests make certificates and lists with it.
describe.skipIf(!hasOpenssl)("revocation lists", () => {
  const files = new Certificates()
  afterAll(() => files.remove())
  const none: Pair = { certificate: "", key: "" }
  const authority = hasOpenssl ? files.authority("authority") : none
  const own = hasOpenssl ? files.server("own", authority) : none
  const good = hasOpenssl ? files.make("good", { by: authority }) : none
  const bad = hasOpenssl ? files.make("bad", { by: authority }) : none
  const empty = hasOpenssl ? files.revocations("empty.crl", authority) : ""
  const withBad = hasOpenssl ? files.revocations("bad.crl", authority, [bad]) : ""
  const settings = (revocationFile: string) =>
    tlsSettings(own, { authorityFile: authority.certificate, clientAuthentication: "require", revocationFile })
  const codes = (revocationFile: string, nowMs = Date.now()) => {
    const loaded = loadTls(settings(revocationFile), nowMs)
    return "context" in loaded ? [] : loaded.map(({ code }) => code)
  }

  it("times are those that openssl reads", () => {
    const [list] = readRevocationLists(readFileSync(withBad, "latin1")) ?? []
    const told = execFileSync("openssl", ["crl", "-in", withBad, "-noout", "-lastupdate", "-nextupdate"]).toString()
    const times = [...told.matchAll(/=(.*)/g)].map(([, time]) => Date.parse(time ?? ""))
    assert.deepEqual([list?.thisUpdateMs, list?.nextUpdateMs], times)
  })

  it("a list that is over or not yet in force, damaged, none, or not there is told before the first client", () => {
    assert.deepEqual(codes(withBad), [])
    assert.deepEqual(codes(withBad, Date.now() + 2 * DAY_MS), ["E3507"])
    assert.include(codes(withBad, Date.now() - DAY_MS), "E3507")
    assert.deepEqual(codes(files.path("missing.crl")), ["E3501"])
    assert.deepEqual(codes(files.write("certificate.crl", readFileSync(own.certificate))), ["E3502"])
    const text = readFileSync(withBad, "latin1")
    assert.deepEqual(codes(files.write("cut.crl", text.replace(/\n.{20}/, "\n"))), ["E3502"])
    assert.deepEqual(codes(files.write("two.crl", text + readFileSync(empty, "latin1"))), [])
  })

  const showing = (pair: Pair) => ({
    ca: readFileSync(authority.certificate),
    cert: readFileSync(pair.certificate),
    key: readFileSync(pair.key)
  })

  const start = (revocationFile: string) =>
    Effect.gen(function* () {
      const material = yield* TlsMaterial.open(settings(revocationFile))
      const accepted: Array<Transport> = []
      const onTransport = (transport: Transport): void => void accepted.push(transport)
      const place = { host: "127.0.0.1", port: 0, onTransport }
      const { port } = yield* listenTls({ ...place, name: "tls", material })
      const web = { ...place, name: "wss", paths: ["/mqtt"], maxPacketBytes: 1000 }
      const wss = yield* listenWebSocket({ ...web, tls: { material } })
      return { accepted, material, port, webPort: wss.port }
    }).pipe(Effect.provide(Logger.layer([])))
  type Started = Effect.Success<ReturnType<typeof start>>

  /** Whether the client is let in; the last ticket it got. */
  const attempt = ({ accepted, port }: Started, options: ConnectionOptions) =>
    Effect.promise(async () => {
      const before = accepted.length
      const socket = connect({ port, host: "127.0.0.1", ...options })
      let isGone = false
      let session: Buffer | undefined
      socket.on("session", (ticket: Buffer) => {
        session = ticket
      })
      socket.on("error", () => undefined)
      socket.on("close", () => {
        isGone = true
      })
      await until(() => (accepted.length > before && session !== undefined) || isGone)
      accepted[before]?.destroy()
      socket.destroy()
      return { isIn: accepted.length > before, session }
    })

  const attemptWeb = ({ accepted, webPort }: Started, pair: Pair) =>
    Effect.promise(async () => {
      const before = accepted.length
      const peer = new WebSocketPeer(`wss://127.0.0.1:${webPort}/mqtt`, ["mqtt"], showing(pair))
      await until(() => peer.closed || peer.opened)
      const isIn = peer.opened && accepted.length > before
      accepted[before]?.destroy()
      peer.webSocket.terminate()
      return isIn
    })

  it.live("who is on a list stays outside, on TLS and on WSS; the others come in", () =>
    Effect.gen(function* () {
      const started = yield* start(withBad)
      assert.isTrue((yield* attempt(started, showing(good))).isIn)
      assert.isFalse((yield* attempt(started, showing(bad))).isIn)
      assert.isTrue(yield* attemptWeb(started, good))
      assert.isFalse(yield* attemptWeb(started, bad))
    })
  )

  it.live("a list that was exchanged counts from the next handshake on, for tickets of before as well [CRL-1]", () =>
    Effect.gen(function* () {
      const changing = files.path("changing.crl")
      copyFileSync(empty, changing)
      const started = yield* start(changing)
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        copyFileSync(empty, changing)
        assert.deepEqual(started.material.reload(), [])
        const { isIn, session } = yield* attempt(started, { ...showing(bad), maxVersion })
        assert.isTrue(isIn)
        copyFileSync(withBad, changing)
        assert.notStrictEqual(started.material.look(), started.material.filesState, "the watch sees it")
        assert.deepEqual(started.material.reload(), [])
        assert.isFalse((yield* attempt(started, { ...showing(bad), maxVersion })).isIn)
        const resumed = { ...showing(bad), maxVersion, ...(session === undefined ? {} : { session }) }
        assert.isFalse((yield* attempt(started, resumed)).isIn, `by a ticket of ${maxVersion}`)
      }
      writeFileSync(changing, "nothing")
      assert.strictEqual(started.material.reload()[0]?.code, "E3502")
      assert.isFalse((yield* attempt(started, showing(bad))).isIn, "a file that is spoilt leaves the old list in force")
      assert.isTrue((yield* attempt(started, showing(good))).isIn)
    })
  )

  it.live("an authority of which there is no list: its clients stay outside", () =>
    Effect.gen(function* () {
      const other = files.authority("other")
      const started = yield* start(files.revocations("other.crl", other))
      assert.isFalse((yield* attempt(started, showing(good))).isIn)
    })
  )
})
