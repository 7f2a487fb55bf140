/**
 * Goal: a directory decides who comes in, and rules can speak of its groups.
 * Method: a whole broker, a real slapd over ldaps, raw packets.
 */
import { writeFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { entry, groups, people, person, reader, Slapd } from "../access/slapd.ts"
import { Certificates, hasOpenssl } from "../listener/certificates.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

// Skipped where there is no openssl command, because the directory's certificate is made with it.
describe.skipIf(!hasOpenssl)("a directory", () => {
  const files = new Certificates()
  let slapd: Slapd
  let broker: WholeBroker

  beforeAll(async () => {
    const authority = files.authority("authority")
    const own = files.server("own", authority)
    const dnOf = (uid: string) => `uid=${uid},${people}`
    const users = ["alice", "bob"].map((uid) => person(uid, dnOf(uid), `secret-of-${uid}`))
    const lines = ["objectClass: groupOfNames", "cn: operators", `member: ${dnOf("alice")}`]
    slapd = await Slapd.start([...users, entry(`cn=operators,${groups}`, ...lines)], own, authority.certificate)
    const rules = files.path("rules.yaml")
    writeFileSync(rules, "rules:\n  - effect: allow\n    groups: operators\n    topics: plant/#\n")
    broker = await startWhole({
      auth: {
        chain: ["ldap"],
        ldap: {
          url: slapd.secureUrl,
          ca: authority.certificate,
          "bind-dn": reader.dn,
          "bind-password": reader.password,
          "user-base": people,
          "group-base": groups
        }
      },
      acl: { "rules-file": rules },
      log: { level: "trace" }
    })
  })
  afterAll(async () => {
    await broker?.stop()
    await slapd?.[Symbol.asyncDispose]()
    files.remove()
  })

  const shown = (username: string, password: string) => ({ username, password: Buffer.from(password) })
  const codeOf = async (username: string, password: string) => {
    const client = await broker.dial()
    const { reasonCode } = await client.connect(`c-${username}`, shown(username, password))
    client.wire.destroy()
    return reasonCode
  }

  it("knows who has which password; an empty one is nobody's", async () => {
    assert.strictEqual(await codeOf("alice", "secret-of-alice"), 0)
    assert.strictEqual(await codeOf("alice", "secret-of-bob"), 0x86)
    assert.strictEqual(await codeOf("alice", ""), 0x86)
    assert.strictEqual(await codeOf("*", "secret-of-alice"), 0x86)
  })

  it("its groups are those that rules name", async () => {
    const alice = await broker.join("alice", shown("alice", "secret-of-alice"))
    assert.strictEqual(await alice.subscribe("plant/1"), 0)
    assert.strictEqual(await alice.subscribe("other"), 0x87)
    const bob = await broker.join("bob", shown("bob", "secret-of-bob"))
    assert.strictEqual(await bob.subscribe("plant/1"), 0x87)
  })

  it("gone, nobody new comes in, and whoever is there stays", async () => {
    const alice = await broker.join("stays", shown("alice", "secret-of-alice"))
    await slapd.halt()
    assert.strictEqual(await codeOf("bob", "secret-of-bob-again"), 0x88)
    await alice.quiet()
  })

  it("no password is in the log", () => {
    for (const secret of ["secret-of", reader.password]) assert.notInclude(broker.log.join("\n"), secret)
  })
})
