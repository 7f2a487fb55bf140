/**
 * Tokens: which signatures count, what a token must say, what becomes of its claims; keys that change at their address.
 * Tokens are made by jose with keys made here; the key set is served by a real HTTP server.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as jose from "jose"
import { makeProvider } from "../../src/access/jwt-provider.ts"
import type { ProviderContext } from "../../src/access/providers.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { type OpenedProvider, openProvider, providerContract, request, withPassword } from "../contract/provider.ts"
import { Certificates, hasOpenssl } from "../listener/certificates.ts"
import { json, LoopbackServer } from "./loopback-server.ts"

type JwtInput = NonNullable<NonNullable<SettingsInput["auth"]>["jwt"]>

const folder = mkdtempSync(join(tmpdir(), "promptmq-jwt-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content, { mode: 0o600 })
  return join(folder, name)
}

const secret = "a shared secret of more than 32 bytes, for tests"
const secretFile = file("secret", `${secret}\n`)
const nowMs = Date.parse("2026-06-01T12:00:00Z")
const now = nowMs / 1000
const at = { wallClockMs: () => nowMs }
type SigningKey = jose.CryptoKey | jose.KeyObject | Uint8Array

const hmac = new TextEncoder().encode(secret)
const sign = (claims: jose.JWTPayload, alg = "HS256", key: SigningKey = hmac, kid?: string): Promise<string> =>
  new jose.SignJWT(claims).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(key)
const alice = { sub: "alice", exp: now + 60 }

const settingsOf = (jwt: JwtInput): SettingsInput => ({ auth: { chain: ["jwt"], jwt } })
const withSecret: JwtInput = { "hmac-key-file": secretFile }

/** What a provider with these settings says to a token. */
const ask = async (jwt: JwtInput, token: string, more: Partial<ProviderContext> = at) => {
  const opened = await openProvider(makeProvider, settingsOf(jwt), more)
  const answer = await opened.ask(withPassword("bob", token))
  await opened.close()
  return answer
}
const identityFor = async (jwt: JwtInput, claims: jose.JWTPayload) => {
  const answer = await ask({ ...withSecret, ...jwt }, await sign({ ...alice, ...claims }))
  return answer.kind === "allowed" ? answer.identity : answer.kind === "denied" ? answer.why : answer.kind
}

providerContract("jwt", async () => {
  const good = await sign({ sub: "alice", exp: Math.floor(Date.now() / 1000) + 600 })
  const bad = `${good.slice(0, -4)}AAAA`
  return {
    make: makeProvider,
    settings: settingsOf(withSecret),
    good: withPassword("somebody", good),
    username: "alice",
    bad: withPassword("alice", bad),
    foreign: withPassword("alice", "no token"),
    secrets: [good, secret, good.split(".")[2] ?? "", good.split(".")[1] ?? ""],
    unusable: settingsOf({ "hmac-key-file": file("short", "short") }),
    breakSource: () => void file("secret", "short now")
  }
})

describe("signatures", () => {
  beforeAll(() => void file("secret", secret))

  for (const alg of ["RS256", "PS512", "ES256", "ES384", "EdDSA"]) {
    it(`${alg}: by a public key, in PEM, as certificate's key or in a key set; not by another's`, async () => {
      const own = await jose.generateKeyPair(alg, { extractable: true })
      const other = await jose.generateKeyPair(alg, { extractable: true })
      const pem = file("public.pem", `${await jose.exportSPKI(other.publicKey)}${await jose.exportSPKI(own.publicKey)}`)
      const jwk = { ...(await jose.exportJWK(own.publicKey)), kid: "one", alg }
      const set = file("set.json", JSON.stringify({ keys: [jwk] }))
      const token = await sign(alice, alg, own.privateKey, "one")
      assert.strictEqual((await ask({ "public-key-file": pem }, token)).kind, "allowed")
      assert.strictEqual((await ask({ "public-key-file": set }, token)).kind, "allowed")
      const stranger = await jose.generateKeyPair(alg)
      const forged = await sign(alice, alg, stranger.privateKey, "one")
      assert.strictEqual((await ask({ "public-key-file": pem }, forged)).kind, "denied")
      assert.strictEqual((await ask({ "public-key-file": set }, forged)).kind, "denied")
    })
  }

  it("none is no algorithm, whatever is around the dots", async () => {
    const unsigned = new jose.UnsecuredJWT(alice).encode()
    for (const token of [unsigned, `${unsigned}AAAA`]) {
      assert.strictEqual((await ask(withSecret, token)).kind, "denied")
    }
  })

  it("a public key is never a secret: HMAC with the PEM file's bytes opens nothing", async () => {
    const { publicKey } = await jose.generateKeyPair("RS256", { extractable: true })
    const pem = await jose.exportSPKI(publicKey)
    const publicFile = file("confusion.pem", pem)
    for (const bytes of [pem, pem.trimEnd(), `${pem}\n`]) {
      const forged = await sign(alice, "HS256", new TextEncoder().encode(bytes))
      assert.strictEqual((await ask({ "public-key-file": publicFile }, forged)).kind, "denied")
    }
    const refused = await openProvider(
      makeProvider,
      settingsOf({ "public-key-file": publicFile, algorithms: ["HS256", "RS256"] })
    ).then(
      () => "made",
      (cause: Error) => cause.message
    )
    assert.include(refused, "E3545")
  })

  it("an algorithm that is not listed is refused; secrets in base64 are read as such", async () => {
    const algorithms = ["HS512"]
    assert.strictEqual((await ask({ ...withSecret, algorithms }, await sign(alice))).kind, "denied")
    assert.strictEqual((await ask({ ...withSecret, algorithms }, await sign(alice, "HS512"))).kind, "allowed")
    const encoded = file("base64", Buffer.from(hmac).toString("base64"))
    const settings: JwtInput = { "hmac-key-file": encoded, "hmac-key-encoding": "base64" }
    assert.strictEqual((await ask(settings, await sign(alice))).kind, "allowed")
  })

  it("keys that would be no keys keep the broker from starting", async () => {
    const { privateKey, publicKey } = await jose.generateKeyPair("ES256", { extractable: true })
    const jwk = await jose.exportJWK(privateKey)
    const bad: ReadonlyArray<JwtInput> = [
      {},
      { "hmac-key-file": secretFile, "public-key-file": secretFile },
      { "public-key-file": file("none.pem", "") },
      { "public-key-file": file("private.pem", await jose.exportPKCS8(privateKey)) },
      { "public-key-file": file("private.json", JSON.stringify({ keys: [jwk] })) },
      { "public-key-file": file("secret.json", JSON.stringify({ keys: [{ kty: "oct", k: "AAAA" }] })) },
      { "public-key-file": file("ok.pem", await jose.exportSPKI(publicKey)), algorithms: ["HS256"] },
      { "jwks-url": "http://id.example.com/keys" },
      { "jwks-url": "https://169.254.169.254/keys" },
      { "jwks-url": "https://id.example.com/keys", egress: ["other.example.com"] }
    ]
    for (const jwt of bad) {
      const made = await openProvider(makeProvider, settingsOf(jwt)).then(
        () => "made",
        (cause: Error) => cause.message
      )
      assert.match(made, /^E354\d/, JSON.stringify(jwt))
    }
  })
})

describe("what a token must say", () => {
  it("it must not have expired, and must end at all; the identity ends with it", async () => {
    assert.include(await identityFor({}, { exp: now - 31 }), "expired" as never)
    const tolerated = await identityFor({}, { exp: now - 29 })
    assert.strictEqual(typeof tolerated === "object" ? tolerated.expiresAtMs : tolerated, nowMs + 1000)
    const endless = await sign({ sub: "alice" })
    assert.strictEqual((await ask(withSecret, endless)).kind, "denied")
    assert.strictEqual((await ask({ ...withSecret, "require-expiry": false }, endless)).kind, "allowed")
    assert.strictEqual(typeof (await identityFor({}, { nbf: now + 31 })), "string")
  })

  it("issuer and audience, once they are configured", async () => {
    const settings = { issuers: ["https://id"], audiences: ["mqtt", "other"] }
    for (const claims of [
      {},
      { iss: "https://id" },
      { iss: "https://id/", aud: "mqtt" },
      { iss: "https://id", aud: "web" }
    ]) {
      assert.strictEqual(typeof (await identityFor(settings, claims)), "string", JSON.stringify(claims))
    }
    assert.strictEqual(typeof (await identityFor(settings, { iss: "https://id", aud: ["web", "mqtt"] })), "object")
  })

  it("the client identifier, where a claim is for one", async () => {
    const settings = { "client-id-claim": "cid" }
    assert.strictEqual(typeof (await identityFor(settings, { cid: "client-1" })), "object")
    for (const cid of ["client-2", undefined, ["client-1"]]) {
      assert.strictEqual(typeof (await identityFor(settings, { cid })), "string")
    }
  })

  it("a token that is too large is not looked at", async () => {
    const large = await sign({ ...alice, padding: "x".repeat(400) })
    assert.strictEqual((await ask({ ...withSecret, "max-token-size": 512 }, large)).kind, "denied")
  })

  it("from the user name, when it is configured to be there", async () => {
    const opened = await openProvider(makeProvider, settingsOf({ ...withSecret, "token-from": "username" }), at)
    const token = await sign(alice)
    assert.strictEqual((await opened.ask(request({ username: token }))).kind, "allowed")
    assert.strictEqual((await opened.ask(withPassword("alice", token))).kind, "unknown")
    await opened.close()
  })
})

describe("what becomes of claims", () => {
  it("user name and groups, by name or by path", async () => {
    const settings = { "username-claim": "https://x/name", "groups-claim": "realm.roles" }
    const identity = await identityFor(settings, { "https://x/name": "carol", realm: { roles: ["a", "b"] } })
    assert.deepInclude(identity, { username: "carol", groups: ["a", "b"], isSuperuser: false })
    assert.deepInclude(await identityFor({}, { groups: "a b" }), { username: "alice", groups: ["a", "b"] })
  })

  it("a claim of another form than expected is a denial, never left out", async () => {
    const odd: ReadonlyArray<readonly [JwtInput, jose.JWTPayload]> = [
      [{}, { sub: "" }],
      [{}, { sub: "a\r\nb" }],
      [{ "username-claim": "name" }, { name: 7 }],
      [{ "username-claim": "constructor" }, {}],
      [{}, { groups: [1] }],
      [{}, { groups: { a: true } }],
      [{}, { acl: "#" }],
      [{}, { acl: [{ permission: "deny" }] }],
      [{ "max-rules": 1 }, { acl: { pub: ["a"], sub: ["b"] } }]
    ]
    for (const [settings, claims] of odd) {
      assert.strictEqual(typeof (await identityFor(settings, claims)), "string", JSON.stringify(claims))
    }
  })

  it("rules, with their source; a superuser only where a claim was named for that", async () => {
    const acl = [{ permission: "allow", action: "publish", topic: "a/${clientid}" }]
    const rules = [
      {
        effect: "allow" as const,
        actions: ["publish" as const],
        topics: ["a/${clientid}"],
        source: "token claim acl[0]"
      }
    ]
    assert.deepInclude(await identityFor({}, { acl, superuser: true }), { rules, isSuperuser: false })
    const settings = { "superuser-claim": "superuser" }
    assert.deepInclude(await identityFor(settings, { superuser: true }), { isSuperuser: true })
    assert.deepInclude(await identityFor(settings, { superuser: "true" }), { isSuperuser: false })
  })
})

class OwnCertificates extends Certificates implements Disposable {
  [Symbol.dispose](): void {
    this.remove()
  }
}

describe("a key set at an address", () => {
  class Issuer {
    nowMs = nowMs
    server!: LoopbackServer
    opened!: OpenedProvider
    keys: Array<jose.JWK> = []

    async start(more: JwtInput = {}): Promise<void> {
      this.server = await LoopbackServer.start((asked, response) => json({ keys: this.keys })(asked, response))
      const settings = { "jwks-url": this.server.url("/keys"), "jwks-timeout": "200ms", ...more }
      this.opened = await openProvider(makeProvider, settingsOf(settings), { wallClockMs: () => this.nowMs })
    }

    async [Symbol.asyncDispose](): Promise<void> {
      await this.opened?.close()
      await this.server?.stop()
    }

    /** A key that is in the set from now on, and a token signed by it. */
    async key(kid: string): Promise<string> {
      const { privateKey, publicKey } = await jose.generateKeyPair("ES256", { extractable: true })
      this.keys.push({ ...(await jose.exportJWK(publicKey)), kid, alg: "ES256" })
      return sign({ sub: kid, exp: nowMs }, "ES256", privateKey, kid)
    }

    kindOf(token: string): Promise<string> {
      return this.opened.kindOf(withPassword("x", token))
    }
  }

  it("is fetched once for many, and not at all while nobody shows a token", async () => {
    await using issuer = new Issuer()
    await issuer.start()
    const token = await issuer.key("one")
    assert.lengthOf(issuer.server.asked, 0)
    const kinds = await Promise.all(Array.from({ length: 20 }, () => issuer.kindOf(token)))
    assert.deepEqual([...new Set(kinds)], ["allowed"])
    assert.lengthOf(issuer.server.asked, 1)
  })

  it("a new key is found after the cooldown; keys that strangers invent cause no more than one fetch in it", async () => {
    await using issuer = new Issuer()
    await issuer.start()
    assert.strictEqual(await issuer.kindOf(await issuer.key("one")), "allowed")
    const rotated = await issuer.key("two")
    assert.strictEqual(await issuer.kindOf(rotated), "denied")
    issuer.nowMs += 30_000
    assert.strictEqual(await issuer.kindOf(rotated), "allowed")
    const { privateKey } = await jose.generateKeyPair("ES256")
    for (let i = 0; i < 10; i++) {
      assert.strictEqual(await issuer.kindOf(await sign(alice, "ES256", privateKey, `made-up-${i}`)), "denied")
    }
    assert.lengthOf(issuer.server.asked, 2)
  })

  it("a key that left the set opens nothing after the next fetch", async () => {
    await using issuer = new Issuer()
    await issuer.start()
    const old = await issuer.key("old")
    assert.strictEqual(await issuer.kindOf(old), "allowed")
    issuer.keys.length = 0
    await issuer.key("new")
    issuer.nowMs += 600_000
    assert.strictEqual(await issuer.kindOf(old), "denied")
  })

  it("while it cannot be fetched the old set is good for a while, and then nobody gets in", async () => {
    await using issuer = new Issuer()
    await issuer.start({ "jwks-keep": "1h" })
    const token = await issuer.key("one")
    assert.strictEqual(await issuer.kindOf(token), "allowed")
    issuer.server.answer = json({}, 500)
    issuer.nowMs += 600_000
    assert.strictEqual(await issuer.kindOf(token), "allowed")
    issuer.nowMs += 3_600_000
    assert.strictEqual(await issuer.kindOf(token), "failed")
  })

  it("answers that are none: a redirect, another form, private keys, too much, silence, no server", async () => {
    const bad: ReadonlyArray<readonly [string, LoopbackServer["answer"]]> = [
      ["redirect", (_, response) => void response.writeHead(302, { location: "/elsewhere" }).end()],
      ["not JSON", (_, response) => void response.end("keys")],
      ["no set", json({ keys: "all" })],
      ["no keys", json({ keys: [] })],
      ["secret", json({ keys: [{ kty: "oct", k: "AAAA" }] })],
      ["too much", json({ keys: [{ kty: "RSA", n: "x".repeat(2000) }] })],
      ["silence", () => undefined]
    ]
    for (const [name, answer] of bad) {
      await using issuer = new Issuer()
      await issuer.start({ "max-jwks-size": 1024 })
      const token = await issuer.key("one")
      issuer.server.answer = answer
      assert.strictEqual(await issuer.kindOf(token), "failed", name)
      assert.lengthOf(issuer.server.asked, 1, name)
      await issuer.server.stop()
      issuer.nowMs += 30_000
      assert.strictEqual(await issuer.kindOf(token), "failed", name)
    }
  })

  // Skipped without openssl, because it makes the certificates.
  it.skipIf(!hasOpenssl)("over TLS, with an authority that is trusted and no other", async () => {
    // Skipped where there is no openssl command, because the certificates are made with it.
    using files = new OwnCertificates()
    const authority = files.authority("authority")
    const own = files.server("own", authority)
    const { privateKey, publicKey } = await jose.generateKeyPair("EdDSA", { extractable: true })
    const set = { keys: [{ ...(await jose.exportJWK(publicKey)), kid: "one" }] }
    const tls = { cert: readFileSync(own.certificate), key: readFileSync(own.key) }
    await using server = await LoopbackServer.start(json(set), tls)
    const token = await sign(alice, "EdDSA", privateKey, "one")
    const url = server.url("/keys")
    const kind = async (jwt: JwtInput) => {
      const opened = await openProvider(makeProvider, settingsOf({ "jwks-url": url, ...jwt }), at)
      const seen = await opened.kindOf(withPassword("x", token))
      await opened.close()
      return seen
    }
    assert.strictEqual(await kind({ "jwks-ca": authority.certificate }), "allowed")
    assert.strictEqual(await kind({ "jwks-ca": files.authority("stranger").certificate }), "failed")
    assert.strictEqual(await kind({}), "failed")
  })

  it("its age and the time between two fetches are as configured", async () => {
    await using issuer = new Issuer()
    await issuer.start({ "jwks-refresh": "20s", "jwks-cooldown": "1s" })
    const token = await issuer.key("one")
    for (const [stepMs, fetches] of [
      [0, 1],
      [19_999, 1],
      [1, 2]
    ] as const) {
      issuer.nowMs += stepMs
      assert.strictEqual(await issuer.kindOf(token), "allowed")
      assert.lengthOf(issuer.server.asked, fetches)
    }
    const rotated = await issuer.key("two")
    assert.strictEqual(await issuer.kindOf(rotated), "denied")
    issuer.nowMs += 1000
    assert.strictEqual(await issuer.kindOf(rotated), "allowed")
  })

  it("a set that has become unreadable leaves the old one in force", async () => {
    await using issuer = new Issuer()
    await issuer.start()
    const token = await issuer.key("one")
    assert.strictEqual(await issuer.kindOf(token), "allowed")
    issuer.server.answer = json({ keys: [{ kty: "oct", k: "AAAA" }] })
    issuer.nowMs += 600_000
    assert.strictEqual(await issuer.kindOf(token), "allowed")
  })
})
