/**
 * The HTTP callback against a real server: what is asked, which answers let somebody in, and that nothing else does.
 */
import { readFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { makeProvider } from "../../src/access/http-provider.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { type OpenedProvider, openProvider, providerContract, request, withPassword } from "../contract/provider.ts"
import { Certificates, hasOpenssl, type Pair } from "../listener/certificates.ts"
import { json, LoopbackServer } from "./loopback-server.ts"

type HttpInput = NonNullable<NonNullable<SettingsInput["auth"]>["http"]>

const settingsOf = (http: HttpInput): SettingsInput => ({ auth: { chain: ["http"], http: { timeout: "2s", ...http } } })

/** A service that knows alice. */
const directory: LoopbackServer["answer"] = (asked, response) => {
  const { password, username } = JSON.parse(asked.body)
  const result = username === "alice" ? (password === "secret-of-alice" ? "allow" : "deny") : "ignore"
  json({ result })(asked, response)
}

providerContract("http", async () => {
  const server = await LoopbackServer.start(directory)
  return {
    make: makeProvider,
    settings: settingsOf({
      url: server.url("/auth"),
      authorization: "Bearer key-of-the-broker",
      "breaker-failures": 1000
    }),
    good: withPassword("alice", "secret-of-alice"),
    username: "alice",
    bad: withPassword("alice", "wrong-secret"),
    foreign: withPassword("bob", "x"),
    secrets: ["secret-of-alice", "wrong-secret", "key-of-the-broker"],
    unusable: settingsOf({ url: "http://auth.example.com/" }),
    breakSource: () => server.stop()
  }
})

const within = async (
  answer: LoopbackServer["answer"],
  http: HttpInput,
  use: (opened: OpenedProvider, server: LoopbackServer) => Promise<void>
): Promise<void> => {
  await using server = await LoopbackServer.start(answer)
  const opened = await openProvider(makeProvider, settingsOf({ url: server.url("/auth"), ...http }))
  try {
    await use(opened, server)
  } finally {
    await opened.close()
  }
}

describe("the question", () => {
  it("[row 8] what the client did not send is null; what it sent is there as it is", () =>
    within(json({ result: "ignore" }), {}, async (opened, server) => {
      await opened.ask(request())
      assert.deepEqual(JSON.parse(server.asked[0]?.body ?? ""), {
        clientid: "client-1",
        username: null,
        password: null,
        peer: "127.0.0.1:50000",
        listener: "tcp",
        certificate: null,
        psk_identity: null
      })
      await opened.ask(request({ username: "", password: Buffer.of(0xff, 0), pskIdentity: "p" }))
      const second = JSON.parse(server.asked[1]?.body ?? "")
      assert.deepInclude(second, { username: "", password: null, password_base64: "/wA=", psk_identity: "p" })
    }))

  it("[row 33] nothing of the client is in the address or a header, whatever it contains", () =>
    within(json({ result: "deny" }), { authorization: "Bearer x" }, async (opened, server) => {
      const hostile = "a\r\nx-admin: 1\0/../?b#c"
      const asked = { ...withPassword(hostile, hostile), clientIdentifier: hostile }
      assert.strictEqual(await opened.kindOf(asked), "denied")
      const [{ body, headers, method, url }] = server.asked as [(typeof server.asked)[0]]
      assert.deepEqual([method, url], ["POST", "/auth"])
      assert.sameMembers(Object.keys(headers), [
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host"
      ])
      assert.strictEqual(headers.authorization, "Bearer x")
      assert.deepInclude(JSON.parse(body), { username: hostile, password: hostile, clientid: hostile })
    }))
})

describe("the answer", () => {
  const answers = (answer: LoopbackServer["answer"], http: HttpInput = {}) =>
    new Promise<Awaited<ReturnType<OpenedProvider["ask"]>> | "failed">((resolve, reject) => {
      const use = async (opened: OpenedProvider) => {
        const kind = await opened.kindOf(withPassword("alice", "x"))
        resolve(kind === "failed" ? kind : await opened.ask(withPassword("alice", "x")))
      }
      within(answer, http, use).catch(reject)
    })

  it("allow brings groups, rules, an end, a name, and superusers", async () => {
    const end = Math.floor(Date.now() / 1000) + 100
    const whole = { username: "carol", groups: ["a"], is_superuser: true, acl: { pub: ["x"] }, expire_at: end }
    const answer = await answers(json({ result: "allow", ...whole }))
    assert.deepEqual(answer, {
      kind: "allowed",
      identity: {
        clientIdentifier: "client-1",
        username: "carol",
        groups: ["a"],
        isSuperuser: true,
        rules: [{ effect: "allow", actions: ["publish"], topics: ["x"], source: "http acl[0]" }],
        expiresAtMs: end * 1000,
        provider: "http"
      }
    })
  })

  it("deny says why; 401 and 403 deny; what has expired denies", async () => {
    assert.deepInclude(await answers(json({ result: "deny", reason: "locked" })), { kind: "denied", why: "locked" })
    assert.deepInclude(await answers(json({ result: "deny", reason: "a\r\nb" })), { why: "the service denied it" })
    for (const status of [401, 403]) assert.deepInclude(await answers(json({}, status)), { kind: "denied" })
    assert.deepInclude(await answers(json({ result: "allow", expire_at: 1 })), { kind: "denied" })
  })

  it("everything else fails, and lets nobody in", async () => {
    const text =
      (body: string, status = 200): LoopbackServer["answer"] =>
      (_, response) =>
        void response.writeHead(status).end(body)
    const allow = { result: "allow" }
    const bad: ReadonlyArray<readonly [string, LoopbackServer["answer"]]> = [
      ["nothing", text("")],
      ["204", text("", 204)],
      ["201", json(allow, 201)],
      ["404", json(allow, 404)],
      ["500", json(allow, 500)],
      ["a redirect to an allow", (_, response) => void response.writeHead(307, { location: "/auth" }).end()],
      ["text", text("allow")],
      ["true", json(true)],
      ["another word", json({ result: "Allow" })],
      ["a list", json([allow])],
      ["groups of another type", json({ ...allow, groups: "admin" })],
      ["a superuser of another type", json({ ...allow, is_superuser: "false" })],
      ["rules that are none", json({ ...allow, acl: [{ permission: "deny" }] })],
      ["an end that is no number", json({ ...allow, expire_at: "tomorrow" })],
      ["a name with control characters", json({ ...allow, username: "a\nb" })],
      ["too much", json({ ...allow, padding: "x".repeat(5000) })],
      ["half of it", (_, response) => halfOf(response)],
      ["deflated", (_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x")],
      ["no UTF-8", (_, response) => void response.end(Buffer.from('{"result":"allow","reason":"\xff"}', "latin1"))]
    ]
    for (const [name, answer] of bad) {
      assert.strictEqual(await answers(answer, { "max-response-size": 4096 }), "failed", name)
    }
  })

  const halfOf = (response: ServerResponse): void => {
    response.writeHead(200, { "content-length": 1000 })
    response.write('{"result":"allow"}', () => response.destroy())
  }
})

describe("limits", () => {
  it("silence ends with the time limit; the breaker then spares the service, and finds out when it is back", () =>
    within(
      () => undefined,
      { timeout: "50ms", "breaker-failures": 2, "breaker-pause": "100ms" },
      async (opened, server) => {
        const kind = () => opened.kindOf(withPassword("alice", "secret-of-alice"))
        assert.deepEqual([await kind(), await kind()], ["failed", "failed"])
        server.answer = directory
        assert.strictEqual(await kind(), "failed")
        assert.lengthOf(server.asked, 2, "while it is left alone it is not asked")
        // Asked again and again until the pause is over: then one question finds out.
        let seen = await kind()
        while (seen === "failed") {
          await new Promise((resolve) => setImmediate(resolve))
          seen = await kind()
        }
        assert.strictEqual(seen, "allowed")
        assert.lengthOf(server.asked, 3)
      }
    ))

  it("no more questions at once than configured; who finds no place to wait is told that it is busy", () => {
    const open: Array<() => void> = []
    let most = 0
    const answer: LoopbackServer["answer"] = (asked, response) => {
      open.push(() => json({ result: "allow" })(asked, response))
      most = Math.max(most, open.length)
    }
    return within(answer, { "max-in-flight": 2, "max-waiting": 1 }, async (opened, server) => {
      const asked = Array.from({ length: 4 }, () => opened.kindOf(withPassword("alice", "x")))
      assert.strictEqual(await Promise.race(asked), "failed", "the fourth")
      while (server.asked.length < 2) await new Promise((resolve) => setImmediate(resolve))
      open.shift()?.()
      while (server.asked.length < 3) await new Promise((resolve) => setImmediate(resolve))
      for (const go of open.splice(0)) go()
      assert.deepEqual((await Promise.all(asked)).sort(), ["allowed", "allowed", "allowed", "failed"])
      assert.strictEqual(most, 2)
    })
  })

  it("a kept connection that the service ended meanwhile is no failure", () =>
    within(directory, { "breaker-failures": 1 }, async (opened) => {
      const kind = () => opened.kindOf(withPassword("alice", "secret-of-alice"))
      for (let i = 0; i < 5; i++) assert.strictEqual(await kind(), "allowed")
    }))
})

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("over TLS", () => {
  const files = new Certificates()
  afterAll(() => files.remove())
  const none: Pair = { certificate: "", key: "" }
  const authority = hasOpenssl ? files.authority("authority") : none
  const own = hasOpenssl ? files.server("own", authority) : none
  const broker = hasOpenssl ? files.make("broker", { by: authority }) : none

  it("the certificate is verified, and ours is shown where it is configured", async () => {
    const pem = ({ certificate, key }: Pair) => ({ cert: readFileSync(certificate), key: readFileSync(key) })
    const ca = readFileSync(authority.certificate)
    await using server = await LoopbackServer.start(directory, { ...pem(own), ca, requestCert: true })
    const kind = async (http: HttpInput) => {
      const opened = await openProvider(makeProvider, settingsOf({ url: server.url(), ...http }))
      const seen = await opened.kindOf(withPassword("alice", "secret-of-alice"))
      await opened.close()
      return seen
    }
    const shown = { cert: broker.certificate, key: broker.key }
    assert.strictEqual(await kind({ ca: authority.certificate, ...shown }), "allowed")
    assert.strictEqual(await kind({ ca: authority.certificate }), "failed")
    assert.strictEqual(await kind({ ...shown }), "failed", "signed by somebody unknown")
    assert.strictEqual(await kind({ ca: files.authority("stranger").certificate, ...shown }), "failed")
  })
})
