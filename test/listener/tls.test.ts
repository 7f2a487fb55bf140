/**
 * TLS: the contract; which versions, suites and certificates of clients are accepted; certificates that change
 * while clients stay.
 */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import type { ConnectionOptions } from "node:tls"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { alternativeNames } from "../../src/listener/peer-certificate.ts"
import { listenTls } from "../../src/listener/tls.ts"
import type { TlsSettings } from "../../src/listener/tls-load.ts"
import { TlsMaterial, WATCH_INTERVAL_MS, watchTlsMaterial } from "../../src/listener/tls-material.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { transportContract, until } from "../contract/transport.ts"
import { Certificates, hasOpenssl, type Pair, tlsSettings } from "./certificates.ts"
import { TcpPeer, TlsPeer } from "./peers.ts"

const files = new Certificates()
afterAll(() => files.remove())
const none: Pair = { certificate: "", key: "" }
const authority = hasOpenssl ? files.authority("authority") : none
const stranger = hasOpenssl ? files.authority("stranger") : none
const own = hasOpenssl ? files.server("own", authority) : none
const renewed = hasOpenssl ? files.server("renewed", authority) : none
const client = hasOpenssl
  ? files.make("client", {
      by: authority,
      subject: "/O=Ours/CN=one+CN=two",
      alternativeNames: "URI:urn:a,DNS:b.example"
    })
  : none
const unknownClient = hasOpenssl ? files.make("unknown", { by: stranger }) : none

const listen = (material: TlsMaterial) =>
  Effect.gen(function* () {
    const accepted: Array<Transport> = []
    const onTransport = (transport: Transport): void => void accepted.push(transport)
    const { port } = yield* listenTls({ host: "127.0.0.1", port: 0, name: "secure", material, onTransport })
    return { accepted, port }
  }).pipe(Effect.provide(Logger.layer([])))

const start = (more: Partial<TlsSettings> = {}, pair = own) =>
  Effect.flatMap(TlsMaterial.open(tlsSettings(pair, more)), listen)

const trusting = (more: ConnectionOptions = {}): ConnectionOptions => ({
  ca: [readFileSync(authority.certificate)],
  ...more
})
const showing = (pair: Pair): ConnectionOptions =>
  trusting({ cert: readFileSync(pair.certificate), key: readFileSync(pair.key) })

/** How a handshake ends: the server has a transport, or the client is gone. The one or the other must happen. */
const attempt = (port: number, accepted: ReadonlyArray<Transport>, options: ConnectionOptions) =>
  Effect.promise(async () => {
    const before = accepted.length
    const peer = new TlsPeer(port, options)
    await until(() => accepted.length > before || peer.closed)
    const transport = accepted[before]
    const outcome = { peer, transport, protocol: peer.tls.getProtocol(), cipher: peer.tls.getCipher()?.name }
    transport?.destroy()
    return outcome
  })

const open = Effect.gen(function* () {
  const { accepted, port } = yield* start()
  const peer = new TlsPeer(port, trusting())
  yield* Effect.addFinalizer(() => Effect.sync(() => peer.socket.destroy()))
  yield* Effect.promise(() => until(() => accepted.length > 0 && peer.secured))
  return { transport: accepted[0] as Transport, peer }
})

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("tls", () => {
  transportContract("tls", { kind: "tls", listener: "secure", peerAddress: /^127\.0\.0\.1:\d+$/, open })

  describe("handshake", () => {
    it.live("prefers TLS 1.3, accepts 1.2, refuses 1.1", () =>
      Effect.gen(function* () {
        // Security level 0 on both sides: nothing but the oldest version accepted stands in the way of 1.1.
        const { accepted, port } = yield* start({ ciphers: "DEFAULT@SECLEVEL=0" })
        const weak = { ciphers: "DEFAULT@SECLEVEL=0", minVersion: "TLSv1" } as const
        const newest = yield* attempt(port, accepted, trusting())
        assert.strictEqual(newest.protocol, "TLSv1.3")
        const older = yield* attempt(port, accepted, trusting({ ...weak, maxVersion: "TLSv1.2" }))
        assert.strictEqual(older.protocol, "TLSv1.2")
        assert.isDefined(older.transport)
        const old = yield* attempt(port, accepted, trusting({ ...weak, maxVersion: "TLSv1.1" }))
        assert.isUndefined(old.transport)
      })
    )

    it.live("with tls-min-version 1.3 a client of 1.2 stays outside", () =>
      Effect.gen(function* () {
        const { accepted, port } = yield* start({ minimumVersion: "TLSv1.3" })
        assert.isUndefined((yield* attempt(port, accepted, trusting({ maxVersion: "TLSv1.2" }))).transport)
        assert.isDefined((yield* attempt(port, accepted, trusting())).transport)
      })
    )

    it.live("a list of suites for TLS 1.2 is obeyed there and leaves TLS 1.3 alone", () =>
      Effect.gen(function* () {
        const { accepted, port } = yield* start({ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })
        const older = yield* attempt(port, accepted, trusting({ maxVersion: "TLSv1.2" }))
        assert.strictEqual(older.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256")
        assert.strictEqual((yield* attempt(port, accepted, trusting())).protocol, "TLSv1.3")
        const chacha = trusting({ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305" })
        assert.isUndefined((yield* attempt(port, accepted, chacha)).transport)
      })
    )

    it.live("plain text on the TLS port ends, and the listener goes on", () =>
      Effect.gen(function* () {
        const { accepted, port } = yield* start()
        const plain = new TcpPeer(port)
        plain.send(Buffer.from("\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02ab"))
        yield* Effect.promise(() => until(() => plain.closed))
        assert.deepStrictEqual(accepted, [])
        assert.isDefined((yield* attempt(port, accepted, trusting())).transport)
      })
    )

    it.live("a handshake that does not come to an end is cut off", () =>
      Effect.gen(function* () {
        const material = yield* TlsMaterial.open(tlsSettings(own))
        const onTransport = () => undefined
        const place = { host: "127.0.0.1", port: 0, name: "secure" }
        const ended: Array<unknown> = []
        const logger = Logger.make(({ message }) => void ended.push(message))
        const { port } = yield* listenTls({ ...place, material, handshakeTimeoutMs: 20, onTransport }).pipe(
          Effect.provide(Logger.layer([logger]))
        )
        const silent = new TcpPeer(port)
        yield* Effect.promise(() => until(() => silent.closed && ended.length > 0))
        assert.include(JSON.stringify(ended), '"why":"TLS handshake timeout"')
      })
    )

    it.live("failed ones are told, but a scan does not fill the log", () =>
      Effect.gen(function* () {
        const material = yield* TlsMaterial.open(tlsSettings(own))
        const told: Array<unknown> = []
        const logger = Logger.make(({ message }) => void told.push(message))
        const place = { host: "127.0.0.1", port: 0, name: "secure" }
        const { port } = yield* listenTls({ ...place, material, onTransport: () => undefined }).pipe(
          Effect.provide(Logger.layer([logger]))
        )
        const scan = Array.from({ length: 30 }, () => new TcpPeer(port))
        for (const peer of scan) peer.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"))
        yield* Effect.promise(() => until(() => scan.every(({ closed }) => closed) && told.length > 0))
        assert.isBelow(told.length, scan.length)
        assert.include(JSON.stringify(told[0]), '"why":"http request"')
      })
    )
  })

  describe("certificates of clients", () => {
    const asking = (clientAuthentication: "request" | "require") =>
      start({ clientAuthentication, authorityFile: authority.certificate })

    for (const [mode, showsNone] of [
      ["require", "refused"],
      ["request", "accepted"]
    ] as const) {
      it.live(`${mode}: none is ${showsNone}, an unknown one refused, one of ours accepted`, () =>
        Effect.gen(function* () {
          const { accepted, port } = yield* asking(mode)
          for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
            const bare = yield* attempt(port, accepted, trusting({ maxVersion }))
            assert.strictEqual(bare.transport === undefined, showsNone === "refused")
            assert.isUndefined(bare.transport?.peerCertificate)
            const foreign = yield* attempt(port, accepted, { ...showing(unknownClient), maxVersion })
            assert.isUndefined(foreign.transport)
            const ours = yield* attempt(port, accepted, { ...showing(client), maxVersion })
            assert.strictEqual(ours.transport?.peerCertificate?.subject, "O=Ours\nCN=one + CN=two")
          }
        })
      )
    }

    it.live("what the certificate says is on the transport, and nothing when none is asked for", () =>
      Effect.gen(function* () {
        const secure = yield* asking("require")
        const { transport } = yield* attempt(secure.port, secure.accepted, showing(client))
        const { peerCertificate } = transport ?? {}
        assert.deepStrictEqual(peerCertificate?.commonNames, ["one", "two"])
        assert.deepStrictEqual(peerCertificate?.alternativeNames, ["URI:urn:a", "DNS:b.example"])
        assert.match(peerCertificate?.fingerprint ?? "", /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
        assert.isAbove(peerCertificate?.expiresAtMs ?? 0, Date.now())
        const open = yield* start()
        const unasked = yield* attempt(open.port, open.accepted, showing(client))
        assert.isDefined(unasked.transport)
        assert.isUndefined(unasked.transport?.peerCertificate)
      })
    )

    it("names with commas stay whole", () => {
      const names = alternativeNames('DNS:a.example, URI:"urn:x, DNS:admin", IP Address:10.0.0.1')
      assert.deepStrictEqual(names, ["DNS:a.example", 'URI:"urn:x, DNS:admin"', "IP Address:10.0.0.1"])
      assert.deepStrictEqual(alternativeNames(""), [])
    })
  })

  describe("material", () => {
    /** A pair of its own that a test may overwrite. */
    const copyOf = (name: string, source: Pair): Pair => {
      const pair = { certificate: files.path(`${name}-copy.pem`), key: files.path(`${name}-copy.key`) }
      replace(pair, source)
      return pair
    }
    const replace = (pair: Pair, source: Pair): void => {
      copyFileSync(source.certificate, pair.certificate)
      copyFileSync(source.key, pair.key)
    }
    const shown = (port: number, accepted: ReadonlyArray<Transport>) =>
      Effect.promise(async () => {
        const before = accepted.length
        const peer = new TlsPeer(port, trusting())
        await until(() => peer.secured && accepted.length > before)
        const subject = peer.tls.getPeerX509Certificate()?.subject
        return { peer, subject, transport: accepted[before] as Transport }
      })

    it.live("a reload drops nobody, and new clients meet the new certificate", () =>
      Effect.gen(function* () {
        const pair = copyOf("reload", own)
        const material = yield* TlsMaterial.open(tlsSettings(pair))
        const { accepted, port } = yield* listen(material)
        const first = yield* shown(port, accepted)
        assert.strictEqual(first.subject, "CN=own")
        replace(pair, renewed)
        assert.deepStrictEqual(material.reload(), [])
        assert.strictEqual(material.subject, "CN=renewed")
        const second = yield* shown(port, accepted)
        assert.strictEqual(second.subject, "CN=renewed")
        first.transport.write(Buffer.from("still here"), () => undefined)
        yield* Effect.promise(() => until(() => Buffer.concat(first.peer.received).toString() === "still here"))
        first.transport.destroy()
        second.transport.destroy()
      })
    )

    it.live("a reload is all or nothing: with a bad file everything old stays in force", () =>
      Effect.gen(function* () {
        const pair = copyOf("bad", own)
        const material = yield* TlsMaterial.open(tlsSettings(pair))
        const { accepted, port } = yield* listen(material)
        copyFileSync(renewed.certificate, pair.certificate)
        const { expiresAtMs, fingerprint } = material
        assert.deepStrictEqual(
          material.reload().map(({ code }) => code),
          ["E3503"]
        )
        assert.deepStrictEqual([material.expiresAtMs, material.fingerprint], [expiresAtMs, fingerprint])
        const met = yield* shown(port, accepted)
        assert.strictEqual(met.subject, "CN=own")
        met.transport.destroy()
      })
    )

    it.live("an authority that was taken away lets nobody in any more, not with an old ticket either", () =>
      Effect.gen(function* () {
        const trusted = files.path("trusted.pem")
        copyFileSync(authority.certificate, trusted)
        const material = yield* TlsMaterial.open(
          tlsSettings(own, { authorityFile: trusted, clientAuthentication: "require" })
        )
        const { accepted, port } = yield* listen(material)
        const first = new TlsPeer(port, { ...showing(client), maxVersion: "TLSv1.2" })
        let ticket: Buffer | undefined
        first.tls.on("session", (session) => {
          ticket = session
        })
        yield* Effect.promise(() => until(() => ticket !== undefined && accepted.length === 1))
        const again = { ...showing(client), maxVersion: "TLSv1.2", session: ticket as Buffer } as const
        const resumed = yield* attempt(port, accepted, again)
        assert.isTrue(resumed.peer.tls.isSessionReused())
        copyFileSync(stranger.certificate, trusted)
        assert.deepStrictEqual(material.reload(), [])
        assert.isUndefined((yield* attempt(port, accepted, again)).transport)
        assert.isFalse(first.closed)
        accepted[0]?.destroy()
      })
    )

    it.live("a listener that was closed is not given new certificates", () =>
      Effect.gen(function* () {
        const material = yield* TlsMaterial.open(tlsSettings(own))
        let contexts = 0
        const follower = { setSecureContext: () => void contexts++ }
        yield* Effect.scoped(
          Effect.andThen(
            material.followedBy(follower),
            Effect.sync(() => assert.deepStrictEqual(material.reload(), []))
          )
        )
        material.reload()
        assert.strictEqual(contexts, 1)
      })
    )

    it.effect("the watch reloads what has changed and come to rest, and reports what is bad once", () =>
      Effect.gen(function* () {
        const pair = copyOf("watch", own)
        const material = yield* TlsMaterial.open(tlsSettings(pair))
        let reloads = 0
        const reload = material.reload.bind(material)
        material.reload = () => {
          reloads++
          return reload()
        }
        const looks = (count: number) => TestClock.adjust(count * WATCH_INTERVAL_MS)
        yield* Effect.forkScoped(watchTlsMaterial(material))
        yield* looks(3)
        assert.strictEqual(reloads, 0)
        writeFileSync(pair.key, "half a k")
        yield* looks(1)
        assert.strictEqual(reloads, 0, "a file that has just changed may change again")
        replace(pair, renewed)
        yield* looks(1)
        assert.strictEqual(reloads, 0)
        yield* looks(1)
        assert.deepStrictEqual([reloads, material.subject], [1, "CN=renewed"])
        rmSync(pair.certificate)
        yield* looks(5)
        assert.deepStrictEqual([reloads, material.subject], [2, "CN=renewed"])
        replace(pair, own)
        yield* looks(2)
        assert.deepStrictEqual([reloads, material.subject], [3, "CN=own"])
      })
    )

    it.live("files that cannot be served are refused at the start, with the documented exit code", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          TlsMaterial.open(tlsSettings({ certificate: own.certificate, key: renewed.key }))
        )
        assert.strictEqual(error._tag, "TlsMaterialError")
        assert.include(error.message, "E3503")
        assert.include(error.message, renewed.key)
      })
    )
  })
})
