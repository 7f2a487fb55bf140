/**
 * Goal: a token opens the door for as long as it is good, and what it says about topics holds.
 * Method: a whole broker with tokens signed by a shared secret; raw packets.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { type JWTPayload, SignJWT } from "jose"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-tokens-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const secret = "a shared secret of more than 32 bytes"
const file = join(folder, "secret")
writeFileSync(file, secret)
chmodSync(file, 0o600)

const token = (claims: JWTPayload, key = secret): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(key))
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds
const start = (): Promise<WholeBroker> =>
  startWhole({
    auth: { chain: ["jwt"], jwt: { "hmac-key-file": file, "clock-tolerance": "0s", "client-id-claim": "cid" } }
  })
const shown = (password: string) => ({ username: "x", password: Buffer.from(password) })

describe("tokens", () => {
  it("a good one comes in; a forged, an expired, one for another client and none do not", async () => {
    await using broker = await start()
    const alice = { sub: "alice", cid: "c", exp: inSeconds(600) }
    const codeOf = async (password: string, version: 4 | 5 = 5) => {
      const client = await broker.dial(version)
      const { reasonCode, returnCode } = await client.connect("c", shown(password))
      client.wire.destroy()
      return reasonCode ?? returnCode
    }
    assert.strictEqual(await codeOf(await token(alice)), 0)
    assert.strictEqual(await codeOf(await token(alice), 4), 0)
    assert.strictEqual(await codeOf(await token(alice, `${secret}!`)), 0x86)
    assert.strictEqual(await codeOf(await token(alice, `${secret}!`), 4), 4)
    assert.strictEqual(await codeOf(await token({ ...alice, exp: inSeconds(-1) })), 0x86)
    assert.strictEqual(await codeOf(await token({ ...alice, cid: "d" })), 0x86)
    assert.strictEqual(await codeOf("password"), 0x86)
    const nobody = await broker.dial()
    assert.strictEqual((await nobody.connect("c")).reasonCode, 0x87)
  })

  it("what it says about topics holds, for this client", async () => {
    await using broker = await start()
    const acl = [
      { permission: "allow", action: "publish", topic: "out/${clientid}" },
      { permission: "allow", action: "subscribe", topic: "in/#" },
      { permission: "deny", action: "all", topic: "#" }
    ]
    const client = await broker.join("c", shown(await token({ sub: "alice", cid: "c", exp: inSeconds(600), acl })))
    assert.strictEqual(await client.subscribe("in/a"), 0)
    assert.strictEqual(await client.subscribe("out/c"), 0x87)
    const codes: Array<number | undefined> = []
    for (const topic of ["out/c", "out/d"]) {
      client.send({ cmd: "publish", topic, payload: "x", qos: 1, messageId: 7, dup: false, retain: false })
      codes.push((await client.find("puback")).reasonCode)
    }
    assert.deepEqual(codes, [0x10, 0x87])
  })

  it("when it expires the connection ends with 0x87", async () => {
    await using broker = await start()
    const client = await broker.join("c", shown(await token({ sub: "alice", cid: "c", exp: inSeconds(2) })))
    await client.refused(0x87)
  })

  it("a token in the place of the user name is not in the log either, nor in the list of refused logins", async () => {
    const jwt = { "hmac-key-file": file, "token-from": "username", "client-id-claim": "cid" } as const
    await using broker = await startWhole({ auth: { chain: ["jwt"], jwt }, log: { level: "trace" } })
    const good = await token({ sub: "alice", cid: "c", exp: inSeconds(600) })
    await broker.join("c", { username: good })
    assert.strictEqual((await (await broker.dial()).connect("other", { username: good })).reasonCode, 0x86)
    assert.include(broker.log.join("\n"), "(a token)")
    assert.notInclude(broker.log.join("\n") + JSON.stringify(broker.core.failedLogins), good)
  })

  it("neither token nor secret is in the log", async () => {
    await using broker = await startWhole({
      auth: { chain: ["jwt"], jwt: { "hmac-key-file": file } },
      log: { level: "trace" }
    })
    const good = await token({ sub: "alice", exp: inSeconds(600) })
    await broker.join("c", shown(good))
    const bad = `${good.slice(0, -3)}AAA`
    await (await broker.dial()).connect("d", shown(bad))
    for (const part of [secret, good, bad, good.split(".")[1] ?? ""]) assert.notInclude(broker.log.join("\n"), part)
  })
})
