/**
 * Pre-shared keys: the file, handshakes of TLS 1.2 and 1.3 with them, beside certificates and without, and identities
 * that are offered without their key.
 */
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { listenTls } from "../../src/listener/tls.ts"
import type { TlsSettings } from "../../src/listener/tls-load.ts"
import { TlsMaterial } from "../../src/listener/tls-material.ts"
import { ciphersWithPsk, readPskFile } from "../../src/listener/tls-psk.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { until } from "../contract/transport.ts"
import { Child } from "../support/child.ts"
import { Certificates, hasOpenssl, type Pair, tlsSettings } from "./certificates.ts"

const files = new Certificates()
afterAll(() => files.remove())
const none: Pair = { certificate: "", key: "" }
const authority = hasOpenssl ? files.authority("authority") : none
const own = hasOpenssl ? files.server("own", authority) : none
const clientPair = hasOpenssl ? files.make("client", { by: authority }) : none

const keyOf = (identity: string): string => Buffer.from(`${identity}, a key for tests`).toString("hex")
const lines = (...identities: ReadonlyArray<string>): string =>
  `# keys\n\n${identities.map((identity) => `${identity}:${keyOf(identity)}\n`).join("")}`
const fileWith = (content: string, name = "keys"): string => {
  const file = files.write(name, content)
  chmodSync(file, 0o600)
  return file
}
const pskFile = fileWith(lines("sensor-7", "admin", "urn:with:colons"))

describe("the file of keys", () => {
  const codeOf = (content: string) => {
    const read = readPskFile(fileWith(content, "judged"))
    return "code" in read ? `${read.code} ${read.fact}` : [...read.keys()].join()
  }

  it("identities and keys, with comments and empty lines; the last colon ends an identity", () => {
    assert.strictEqual(codeOf(lines("a", "urn:b:c", "d e")), "a,urn:b:c,d e")
    assert.strictEqual(codeOf(""), "")
  })

  it("a line that is none spoils the whole, by its number and without its content", () => {
    const key = keyOf("x")
    for (const line of [
      "x",
      `:${key}`,
      `x:${key}z`,
      `x:${key}0`,
      "x:abcd",
      `x\u0007:${key}`,
      `${"x".repeat(129)}:${key}`
    ]) {
      const told = codeOf(`a:${keyOf("a")}\n${line}\n`)
      assert.match(told, /^E3508 line 2 /, line)
      assert.notInclude(told, key.slice(0, 16))
    }
    assert.match(codeOf(lines("a", "a")), /^E3508 line 4 /)
  })

  it("[row 36] others may not read it", () => {
    const file = fileWith(lines("a"), "open")
    chmodSync(file, 0o644)
    assert.include(JSON.stringify(readPskFile(file)), "chmod 600")
    chmodSync(file, 0o640)
    assert.instanceOf(readPskFile(file), Map)
    assert.include(JSON.stringify(readPskFile(files.path("missing"))), "does not exist")
  })

  it("suites: ours before the others, unless the operator names some", () => {
    assert.match(ciphersWithPsk("AES128-SHA"), /^TLS_AES_128_GCM_SHA256:.*:ECDHE-PSK-.*:AES128-SHA$/)
    assert.notInclude(ciphersWithPsk(""), "!PSK")
    assert.match(ciphersWithPsk("PSK-AES128-GCM-SHA256"), /^TLS_[^-]*:PSK-AES128-GCM-SHA256$/)
    const both = "TLS_AES_256_GCM_SHA384:PSK-AES128-GCM-SHA256"
    assert.strictEqual(ciphersWithPsk(both), both)
  })
})

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("handshakes with a key", () => {
  const start = (more: Partial<TlsSettings> = {}, pair = own) =>
    Effect.gen(function* () {
      const material = yield* TlsMaterial.open(tlsSettings(pair, { pskFile, ...more }))
      const accepted: Array<Transport> = []
      const onTransport = (transport: Transport): void => void accepted.push(transport)
      const { port } = yield* listenTls({ host: "127.0.0.1", port: 0, name: "tls", material, onTransport })
      return { accepted, material, port }
    }).pipe(Effect.provide(Logger.layer([])))

  type Started = Effect.Success<ReturnType<typeof start>>

  /** The transport that a client gets; undefined = it is turned away. */
  const attempt = ({ accepted, port }: Pick<Started, "accepted" | "port">, options: ConnectionOptions) =>
    Effect.promise(async () => {
      const before = accepted.length
      const socket: TLSSocket = connect({
        port,
        host: "127.0.0.1",
        ca: readFileSync(authority.certificate),
        checkServerIdentity: () => undefined,
        ...options
      })
      let isGone = false
      socket.on("error", () => undefined)
      socket.on("close", () => {
        isGone = true
      })
      await until(() => accepted.length > before || isGone)
      const transport = accepted[before]
      const seen = { transport, protocol: socket.getProtocol(), cipher: socket.getCipher()?.name }
      socket.destroy()
      transport?.destroy()
      return seen
    })

  const showing = (identity: string, hex = keyOf(identity), more: ConnectionOptions = {}): ConnectionOptions => ({
    pskCallback: () => ({ identity, psk: Buffer.from(hex, "hex") }),
    ciphers: "PSK:ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
    ...more
  })

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const only = { minVersion: version, maxVersion: version }

    it.live(`${version}: who has the key is the identity; who has another key, or an unknown identity, is nobody`, () =>
      Effect.gen(function* () {
        const started = yield* start()
        for (const identity of ["sensor-7", "urn:with:colons"]) {
          const { protocol, transport } = yield* attempt(started, showing(identity, undefined, only))
          assert.deepEqual([transport?.pskIdentity, protocol], [identity, version])
        }
        assert.isUndefined((yield* attempt(started, showing("admin", keyOf("sensor-7"), only))).transport)
        const stranger = yield* attempt(started, showing("stranger", undefined, only))
        assert.isUndefined(stranger.transport?.pskIdentity)
      })
    )

    it.live(`${version}: beside it clients come by certificate, without an identity`, () =>
      Effect.gen(function* () {
        const started = yield* start()
        const { protocol, transport } = yield* attempt(started, only)
        assert.deepEqual([transport?.kind, transport?.pskIdentity, protocol], ["tls", undefined, version])
      })
    )

    it.live(`${version}: a key does where a client's certificate is necessary, and an offer without one does not`, () =>
      Effect.gen(function* () {
        const strict = { clientAuthentication: "require", authorityFile: authority.certificate } as const
        const started = yield* start(strict)
        const { transport } = yield* attempt(started, showing("sensor-7", undefined, only))
        assert.deepEqual([transport?.pskIdentity, transport?.peerCertificate], ["sensor-7", undefined])
        assert.isUndefined((yield* attempt(started, only)).transport)
        const pem = { cert: readFileSync(clientPair.certificate), key: readFileSync(clientPair.key) }
        const shown = yield* attempt(started, { ...only, ...pem })
        assert.deepEqual(
          [shown.transport?.peerCertificate?.commonNames, shown.transport?.pskIdentity],
          [["client"], undefined]
        )
      })
    )
  }

  it.live(
    "[PSK-1] an identity that is offered with a suite it does not go with is none: the handshake is by certificate",
    () =>
      Effect.gen(function* () {
        const started = yield* start()
        // TLS 1.3 alone, and only the suite whose hash a key of this kind has not: OpenSSL passes the offer over.
        const offered = showing("admin", "00".repeat(32), {
          minVersion: "TLSv1.3",
          ciphers: "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
        })
        const { cipher, transport } = yield* attempt(started, offered)
        if (transport !== undefined) assert.isUndefined(transport.pskIdentity, `made with ${cipher}`)
        const s_client = [
          "s_client",
          "-connect",
          `127.0.0.1:${started.port}`,
          "-psk_identity",
          "admin",
          "-psk",
          "00".repeat(32)
        ]
        const before = started.accepted.length
        const openssl = new Child("openssl", [...s_client, "-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"])
        yield* Effect.promise(() => until(() => started.accepted.length > before))
        assert.isUndefined(started.accepted[before]?.pskIdentity)
        started.accepted[before]?.destroy()
        yield* Effect.promise(() => openssl.ended())
      })
  )

  it.live("[PSK-1] no tickets: nobody comes back as somebody by a session", () =>
    Effect.gen(function* () {
      const started = yield* start()
      const first = yield* Effect.promise(async () => {
        const socket = connect({
          port: started.port,
          host: "127.0.0.1",
          rejectUnauthorized: false,
          maxVersion: "TLSv1.2"
        })
        await until(() => started.accepted.length > 0)
        return socket
      })
      assert.isUndefined(first.getTLSTicket())
      first.destroy()
    })
  )

  it.live("with keys alone, no certificate: they come in, all others do not", () =>
    Effect.gen(function* () {
      const started = yield* start({}, none)
      assert.strictEqual((yield* attempt(started, showing("sensor-7"))).transport?.pskIdentity, "sensor-7")
      assert.isUndefined((yield* attempt(started, {})).transport)
    })
  )

  it.live("keys that changed count from the next handshake on; a file that is spoilt leaves them as they are", () =>
    Effect.gen(function* () {
      const changing = fileWith(lines("old"), "changing")
      const started = yield* start({ pskFile: changing })
      assert.strictEqual((yield* attempt(started, showing("old"))).transport?.pskIdentity, "old")
      writeFileSync(changing, "new\n")
      assert.strictEqual(started.material.reload()[0]?.code, "E3508")
      assert.strictEqual((yield* attempt(started, showing("old"))).transport?.pskIdentity, "old")
      writeFileSync(changing, lines("new"))
      assert.deepEqual(started.material.reload(), [])
      assert.strictEqual((yield* attempt(started, showing("new"))).transport?.pskIdentity, "new")
      const old = yield* attempt(started, showing("old", undefined, { maxVersion: "TLSv1.2", ciphers: "PSK" }))
      assert.isUndefined(old.transport)
    })
  )

  it.live("the hint is told", () =>
    Effect.gen(function* () {
      const started = yield* start({ pskHint: "ask the office" })
      let hint: string | null = null
      const options = showing("sensor-7", undefined, { maxVersion: "TLSv1.2" })
      const heard: ConnectionOptions = {
        ...options,
        pskCallback: (told) => {
          hint = told
          return options.pskCallback?.(told) ?? null
        }
      }
      assert.isDefined((yield* attempt(started, heard)).transport)
      assert.strictEqual(hint, "ask the office" as never)
    })
  )
})
