/**
 * The providers that ask nobody, because the handshake has proved everything: x509 and psk pass the contract of all
 * providers. What a handshake proves: test/listener/tls-psk.test.ts, tls-crl.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import type { ConnectRequest } from "../../src/access/access.ts"
import { makeProvider as makePsk } from "../../src/access/psk-provider.ts"
import { ResultCache } from "../../src/access/result-cache.ts"
import { makeProvider as makeX509 } from "../../src/access/x509-provider.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { openProvider, providerContract, request, withPassword } from "../contract/provider.ts"

const server = { tls: true, "tls-cert": "/cert.pem", "tls-key": "/key.pem", "tls-ca": "/ca.pem" }
const mutual = { ...server, "tls-client-auth": "request" as const }

const certificate = {
  subject: "O=Example\nCN=alice",
  commonNames: ["alice"],
  alternativeNames: ["DNS:device.example"],
  fingerprint: "AB:CD",
  expiresAtMs: 4_000_000_000_000
}

providerContract("x509", () => ({
  make: makeX509,
  settings: { server: mutual, auth: { chain: ["x509"] } },
  good: request({ certificate }),
  username: "alice",
  bad: request({ certificate: { ...certificate, commonNames: ["alice", "admin"] } }),
  foreign: withPassword("alice", "x"),
  secrets: [],
  unusable: { server, auth: { chain: ["x509"] } }
}))

providerContract("psk", () => ({
  make: makePsk,
  settings: { server, auth: { chain: ["psk"], psk: { file: "/keys" } } },
  good: request({ pskIdentity: "alice" }),
  username: "alice",
  bad: undefined,
  foreign: withPassword("alice", "x"),
  secrets: [],
  unusable: { server, auth: { chain: ["psk"] } }
}))

describe("what is remembered of a client", () => {
  it("counts for its whole certificate: two that a proxy tells of differ in nothing but their names [CACHE-CERT]", () => {
    const cache = new ResultCache({
      entriesMax: 9,
      ttlMs: 1000,
      deniedTtlMs: 1000,
      key: Buffer.alloc(32),
      wallClockMs: () => 0
    })
    const told = (name: string): ConnectRequest =>
      request({ certificate: { ...certificate, fingerprint: "", subject: `CN=${name}`, commonNames: [name] } })
    const identity = { clientIdentifier: "client-1", username: "alice", provider: "x509" }
    cache.set(told("alice"), { kind: "allowed", identity }, cache.epoch)
    assert.deepEqual(cache.get(told("alice")), { kind: "allowed", identity })
    assert.isUndefined(cache.get(told("bob")))
  })
})

describe("x509", () => {
  it("a proxy in front is somebody who asks for certificates; one of which nothing else is known has no end", async () => {
    const proxied = { "proxy-protocol": ["tcp"], "proxy-trusted": ["127.0.0.1/32"] }
    const opened = await openProvider(makeX509, { server: proxied, auth: { chain: ["x509"] } })
    const answer = await opened.ask(request({ certificate: { ...certificate, expiresAtMs: Number.POSITIVE_INFINITY } }))
    await opened.close()
    assert.deepEqual(answer.kind === "allowed" ? [answer.identity.username, answer.identity.expiresAtMs] : answer, [
      "alice",
      undefined
    ])
  })

  const identity = async (x509: NonNullable<SettingsInput["auth"]>["x509"] & object, asked: ConnectRequest) => {
    const opened = await openProvider(makeX509, { server: mutual, auth: { chain: ["x509"], x509 } })
    const answer = await opened.ask(asked)
    await opened.close()
    return answer.kind === "allowed" ? answer.identity : answer.kind
  }

  it("names are the certificate's where they are mapped, CONNECT's where they are not; it ends with the certificate", async () => {
    const asked = request({ username: "admin", certificate })
    const { expiresAtMs } = certificate
    const common = { expiresAtMs, provider: "x509" }
    assert.deepEqual(await identity({}, asked), { ...common, username: "alice", clientIdentifier: "client-1" })
    const mapped = { username: "dn", "client-id": "san-dns" } as const
    assert.deepEqual(await identity(mapped, asked), {
      ...common,
      username: "CN=alice,O=Example",
      clientIdentifier: "device.example"
    })
    assert.deepInclude(await identity({ username: "none", "client-id": "cn" }, asked), {
      username: "admin",
      clientIdentifier: "alice"
    })
    assert.strictEqual(await identity({ "client-id": "san-uri" }, asked), "denied")
  })
})
