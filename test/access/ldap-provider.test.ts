/**
 * LDAP against a real slapd, in plain text on loopback, with StartTLS and over ldaps: who gets in and in which groups,
 * names that try to be more than names, the empty password, a directory that is gone and comes back.
 */
import { createServer, type Socket } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Directory } from "../../src/access/ldap-directory.ts"
import { escapeDnValue } from "../../src/access/ldap-escape.ts"
import { makeProvider } from "../../src/access/ldap-provider.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { type OpenedProvider, openProvider, providerContract, request, withPassword } from "../contract/provider.ts"
import { Certificates, hasOpenssl, type Pair } from "../listener/certificates.ts"
import { entry, groups, people, person, reader, Slapd } from "./slapd.ts"

type LdapInput = NonNullable<NonNullable<SettingsInput["auth"]>["ldap"]>

/** Each is somebody's whole name; to a program that pastes texts together it is something else. */
const hostile = [
  "*",
  "a*",
  "x)(uid=*",
  "x)(|(uid=*",
  "a\\",
  "#a",
  " a ",
  "a,ou=groups",
  "a+cn=x",
  'a"b',
  "a;b<c>=d",
  "é€"
]

const dnOf = (uid: string): string => `uid=${escapeDnValue(uid)},${people}`
const memberOf = (name: string, ...dns: ReadonlyArray<string>): string =>
  entry(
    `cn=${name},${groups}`,
    "objectClass: groupOfNames",
    `cn: ${name}`,
    ...dns.map((dn) => `member:: ${Buffer.from(dn).toString("base64")}`)
  )

const entries = [
  person("alice", dnOf("alice"), "secret-of-alice"),
  person("bob", dnOf("bob"), "secret-of-bob"),
  ...hostile.map((uid) => person(uid, dnOf(uid), "secret-of-hostile")),
  person("twice", `cn=one,${people}`, "secret-of-twice"),
  person("twice", `cn=two,${people}`, "secret-of-twice"),
  memberOf("sensors", dnOf("alice"), dnOf("x)(uid=*")),
  memberOf("operators", dnOf("alice"), dnOf("bob"))
]

// Skipped where there is no openssl command, because the directory's certificate is made with it.
describe.skipIf(!hasOpenssl)("LDAP", () => {
  const files = new Certificates()
  let authority: Pair
  let slapd: Slapd

  beforeAll(async () => {
    authority = files.authority("authority")
    slapd = await Slapd.start(entries, files.server("own", authority), authority.certificate)
  })
  afterAll(async () => {
    await slapd[Symbol.asyncDispose]()
    files.remove()
  })

  const settingsOf = (ldap: LdapInput): SettingsInput => ({
    auth: { chain: ["ldap"], ldap: { timeout: "3s", ...ldap } }
  })
  const searching = (more: LdapInput = {}): LdapInput => ({
    url: slapd.url,
    "bind-dn": reader.dn,
    "bind-password": reader.password,
    "user-base": people,
    "group-base": groups,
    ...more
  })
  const naming = (more: LdapInput = {}): LdapInput => ({
    url: slapd.url,
    "user-dn": `uid=\${username},${people}`,
    ...more
  })
  const within = async <A>(ldap: LdapInput, use: (opened: OpenedProvider) => Promise<A>): Promise<A> => {
    const opened = await openProvider(makeProvider, settingsOf(ldap))
    try {
      return await use(opened)
    } finally {
      await opened.close()
    }
  }

  providerContract("ldap", () => ({
    make: makeProvider,
    settings: settingsOf(searching({ "breaker-failures": 1000 })),
    good: withPassword("alice", "secret-of-alice"),
    username: "alice",
    bad: withPassword("alice", "secret-of-bob"),
    foreign: withPassword("nobody", "x"),
    secrets: ["secret-of-alice", "secret-of-bob", reader.password],
    unusable: settingsOf({ url: "ldap://ldap.example.com", "user-base": people })
  }))

  for (const [way, settings] of [
    ["looked up", searching],
    ["by template", naming]
  ] as const) {
    it(`[row 21] ${way}: every name is itself and nobody else, and its password is its own`, () =>
      within(settings(), async (opened) => {
        for (const uid of hostile) {
          assert.strictEqual(await opened.kindOf(withPassword(uid, "secret-of-hostile")), "allowed", uid)
          assert.strictEqual(await opened.kindOf(withPassword(uid, "secret-of-alice")), "denied", uid)
        }
        for (const uid of ["al*", "alice)(objectClass=*", "*)(uid=alice", "alice,ou=people", "ALICE\\2c", "alice\0"]) {
          assert.notStrictEqual(await opened.kindOf(withPassword(uid, "secret-of-alice")), "allowed", uid)
        }
      }))

    it(`${way}: an empty password, or none, is nobody's, though the directory would say yes`, () =>
      within(settings(), async (opened) => {
        assert.strictEqual(await opened.kindOf(request({ username: "alice", password: Buffer.alloc(0) })), "denied")
        assert.strictEqual(await opened.kindOf(request({ username: "alice" })), "unknown")
        assert.strictEqual(await opened.kindOf(request({ username: "", password: Buffer.from("x") })), "unknown")
        assert.strictEqual(await opened.kindOf(request({ username: "alice", password: Buffer.of(0xff) })), "denied")
      }))
  }

  for (const [way, settings] of [
    ["looked up", searching],
    ["by template", naming]
  ] as const) {
    it(`[attack: another spelling of a user's name] ${way}: whoever alice writes, to the rules she is alice`, () =>
      within(settings(), async (opened) => {
        for (const spelled of ["alice", "ALICE", "Alice", " alice", "alice ", "\uff41lice"]) {
          const answer = await opened.ask(withPassword(spelled, "secret-of-alice"))
          if (answer.kind === "allowed") assert.strictEqual(answer.identity.username, "alice", spelled)
        }
        const upper = await opened.ask(withPassword("ALICE", "secret-of-alice"))
        assert.strictEqual(upper.kind, "allowed", "the directory takes it")
      }))
  }

  it("the directory of this test does say yes to an empty password", async () => {
    const { Client } = await import("ldapts")
    const client = new Client({ url: slapd.url })
    await client.bind(dnOf("alice"), "")
    await client.unbind()
  })

  it("groups: of the user, by the searching entry or by the user itself, and of nobody else", async () => {
    const groupsOf = async (ldap: LdapInput, uid: string, password: string) =>
      within(ldap, async (opened) => {
        const answer = await opened.ask(withPassword(uid, password))
        return answer.kind === "allowed" ? [...(answer.identity.groups ?? ["none asked"])].sort() : answer.kind
      })
    for (const ldap of [searching(), naming({ "group-base": groups })]) {
      assert.deepEqual(await groupsOf(ldap, "alice", "secret-of-alice"), ["operators", "sensors"])
      assert.deepEqual(await groupsOf(ldap, "bob", "secret-of-bob"), ["operators"])
      assert.deepEqual(await groupsOf(ldap, "x)(uid=*", "secret-of-hostile"), ["sensors"])
      assert.deepEqual(await groupsOf(ldap, "*", "secret-of-hostile"), [])
    }
    assert.deepEqual(await groupsOf(naming(), "alice", "secret-of-alice"), ["none asked"])
    assert.strictEqual(await groupsOf(searching({ "max-groups": 1 }), "alice", "secret-of-alice"), "denied")
  })

  it("the scope of a search, and the attribute that names a group", async () => {
    const kind = (ldap: LdapInput) => within(ldap, (opened) => opened.kindOf(withPassword("alice", "secret-of-alice")))
    const base = people.slice(people.indexOf(",") + 1)
    assert.strictEqual(await kind(searching({ "user-base": base })), "allowed")
    assert.strictEqual(await kind(searching({ "user-base": base, scope: "one" })), "unknown")
    await within(searching({ "group-attribute": "objectClass" }), async (opened) => {
      const answer = await opened.ask(withPassword("bob", "secret-of-bob"))
      assert.deepEqual(answer.kind === "allowed" ? answer.identity.groups : answer, ["groupOfNames"])
    })
  })

  it("two entries for one name are nobody", () =>
    within(searching(), async (opened) => {
      assert.strictEqual(await opened.kindOf(withPassword("twice", "secret-of-twice")), "denied")
    }))

  it("many at once over few connections, each with its own password, right and wrong in turns", () =>
    within(searching({ "max-connections": 2 }), async (opened) => {
      const all = Array.from({ length: 40 }, (_, index) => {
        const [uid, password] = index % 2 === 0 ? ["alice", "secret-of-alice"] : ["bob", "secret-of-alice"]
        return opened.ask(withPassword(uid as string, password as string))
      })
      const seen = (await Promise.all(all)).map((answer) =>
        answer.kind === "allowed" ? answer.identity.username : answer.kind
      )
      assert.deepEqual(
        seen,
        seen.map((_, index) => (index % 2 === 0 ? "alice" : "denied"))
      )
    }))

  describe("TLS", () => {
    const kind = (ldap: LdapInput) => within(ldap, (opened) => opened.kindOf(withPassword("alice", "secret-of-alice")))

    it("ldaps and StartTLS, with an authority that is trusted and no other", async () => {
      for (const way of [{ url: slapd.secureUrl }, { "start-tls": true }]) {
        assert.strictEqual(await kind(searching({ ...way, ca: authority.certificate })), "allowed")
        assert.strictEqual(await kind(naming({ ...way, ca: authority.certificate })), "allowed")
        assert.strictEqual(await kind(searching(way)), "failed", "an authority nobody knows")
        assert.strictEqual(await kind(searching({ ...way, ca: files.authority("stranger").certificate })), "failed")
      }
    })

    it("a certificate for another host is refused", async () => {
      const other = files.make("other", { by: authority, alternativeNames: "DNS:elsewhere.example" })
      await using elsewhere = await Slapd.start(entries, other, authority.certificate)
      assert.strictEqual(await kind(searching({ url: elsewhere.secureUrl, ca: authority.certificate })), "failed")
      const upgraded = { url: elsewhere.url, "start-tls": true, ca: authority.certificate }
      assert.strictEqual(await kind(searching(upgraded)), "failed")
    })

    it("a connection that has ended is not made anew behind our back", async () => {
      const options = {
        url: slapd.url,
        startTls: false,
        authorities: undefined,
        timeoutMs: 3000,
        ldap: await import("ldapts")
      }
      const directory = new Directory(options)
      const outcome = await Effect.runPromise(
        Effect.flip(
          directory.use(async (connection) => {
            const { client } = connection
            await client.bind(reader.dn, reader.password)
            connection.destroy()
            while (client.isConnected) await new Promise((resolve) => setImmediate(resolve))
            await client.bind(reader.dn, reader.password)
          })
        )
      )
      assert.include(outcome.message, "the connection has ended")
      directory.close()
    })

    it("a connection that ends after StartTLS is not made anew in plain text with a password in it", async () => {
      const seen: Array<string> = []
      let sockets: Array<Socket> = []
      // Between broker and directory: writes down what is readable, and can cut everything.
      const relay = createServer((inner) => {
        const outer = new (inner.constructor as new () => Socket)()
        outer.connect(slapd.port, "127.0.0.1")
        inner.on("data", (chunk) => {
          seen.push(chunk.toString("latin1"))
          outer.write(chunk)
        })
        outer.on("data", (chunk) => inner.write(chunk))
        for (const socket of [inner, outer]) {
          sockets.push(socket)
          socket.on("error", () => undefined)
          socket.on("close", () => {
            inner.destroy()
            outer.destroy()
          })
        }
      })
      await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve))
      const address = relay.address()
      const port = typeof address === "object" ? address?.port : 0
      const url = `ldap://127.0.0.1:${port}`
      await within(searching({ url, "start-tls": true, ca: authority.certificate }), async (opened) => {
        const ask = () => opened.kindOf(withPassword("alice", "secret-of-alice"))
        assert.strictEqual(await ask(), "allowed")
        for (const socket of sockets) socket.destroy()
        sockets = []
        assert.strictEqual(await ask(), "allowed")
      })
      relay.close()
      for (const secret of ["secret-of-alice", reader.password]) assert.notInclude(seen.join(""), secret)
    })
  })

  it("settings that would send passwords in plain text, or mean nobody, keep the broker from starting", async () => {
    const bad: ReadonlyArray<LdapInput> = [
      {},
      searching({ url: "ldap://ldap.example.com" }),
      searching({ url: slapd.secureUrl, "start-tls": true }),
      searching({ "user-base": "" }),
      searching({ "user-filter": "(uid=alice)" }),
      searching({ "group-filter": "(objectClass=*)" }),
      searching({ "bind-password": "" }),
      naming({ "user-dn": `uid=alice,${people}` }),
      searching({ ca: files.path("none.pem") })
    ]
    for (const ldap of bad) {
      const made = await within(ldap, async () => "made").catch((cause: Error) => cause.message)
      assert.match(made, /^E354\d/, JSON.stringify(ldap))
    }
  })

  it("gone, it is a failure, then left alone; back, the next one that asks is answered", async () => {
    const settings = searching({ "breaker-failures": 2, "breaker-pause": "50ms", "max-connections": 1 })
    await within(settings, async (opened) => {
      const ask = () => opened.kindOf(withPassword("alice", "secret-of-alice"))
      assert.strictEqual(await ask(), "allowed")
      await slapd.halt()
      for (let i = 0; i < 4; i++) assert.strictEqual(await ask(), "failed")
      await slapd.resume()
      let seen = await ask()
      while (seen === "failed") {
        await new Promise((resolve) => setImmediate(resolve))
        seen = await ask()
      }
      assert.strictEqual(seen, "allowed")
    })
  })

  it("a directory that says nothing is a failure within the time limit", async () => {
    const sockets: Array<Socket> = []
    const silent = createServer((socket) => void sockets.push(socket))
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const address = silent.address()
    const url = `ldap://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
    await within(searching({ url, timeout: "50ms" }), async (opened) => {
      assert.strictEqual(await opened.kindOf(withPassword("alice", "secret-of-alice")), "failed")
    })
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
})
