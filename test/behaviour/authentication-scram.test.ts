/**
 * Goal: enhanced authentication with SCRAM-SHA-256, at CONNECT and again on a connection that lasts, as MQTT 5.0 (4.12)
 * carries it; who fails it is out, with the standard's reason codes.
 * Method: a whole broker with a password file; raw packets, and a SCRAM client that shares nothing with the server.
 */
import * as crypto from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import type { IAuthPacket, IConnackPacket } from "mqtt-packet"
import { derive, formatPasswordHash, newRecipe } from "../../src/access/password-hash.ts"
import { formatScramKeys, makeScramKeys } from "../../src/access/scram-keys.ts"
import type { RawClient } from "../support/raw-client.ts"
import { type ScramClient, scramClient } from "../support/scram-client.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-scram-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const lineOf = (username: string, password: string): string => {
  const recipe = newRecipe("argon2id", crypto.randomBytes(16))
  const hash = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from(password), recipe) })
  return `${username}:${hash}:${formatScramKeys(makeScramKeys(password, crypto.randomBytes(16)))}\n`
}
const file = join(folder, "passwords")
writeFileSync(file, lineOf("alice", "wonderland") + lineOf("bob", "builder"), { mode: 0o600 })

const authenticationMethod = "SCRAM-SHA-256"
const again = 0x19
const goOn = 0x18

describe("SCRAM-SHA-256", () => {
  let broker: WholeBroker
  beforeEach(async () => {
    broker = await startWhole({ auth: { chain: ["password-file"], "password-file": file } })
  })
  afterEach(() => broker.stop())

  const properties = (text: string) => ({ authenticationMethod, authenticationData: Buffer.from(text) })
  const dataOf = (packet: IAuthPacket | IConnackPacket): string => String(packet.properties?.authenticationData)
  const connect = async (scram: ScramClient, username?: string) => {
    const client = await broker.dial(5)
    const named = username === undefined ? {} : { username }
    client.send(client.connectPacket("c", { ...named, properties: properties(scram.first) }))
    return client
  }
  const answer = (client: RawClient, text: string) =>
    client.send({ cmd: "auth", reasonCode: goOn, properties: properties(text) })
  const login = async (scram: ScramClient) => {
    const client = await connect(scram)
    const challenge = await client.take("auth")
    assert.strictEqual(challenge.reasonCode, goOn)
    const { expects, text } = scram.final(dataOf(challenge))
    answer(client, text)
    const connack = await client.take("connack")
    assert.strictEqual(connack.reasonCode, 0)
    assert.strictEqual(connack.properties?.authenticationMethod, authenticationMethod)
    assert.strictEqual(dataOf(connack), expects)
    return client
  }
  const reauthenticate = async (client: RawClient, scram: ScramClient) => {
    client.send({ cmd: "auth", reasonCode: again, properties: properties(scram.first) })
    const { expects, text } = scram.final(dataOf(await client.take("auth")))
    answer(client, text)
    return expects
  }

  it("both sides prove themselves, and the client is in", async () => {
    const client = await login(scramClient("alice", "wonderland"))
    assert.strictEqual(await client.subscribe("a"), 0)
    await client.leave()
  })

  it("again on the same connection, as often as it likes", async () => {
    const client = await login(scramClient("alice", "wonderland"))
    for (let times = 0; times < 3; times++) {
      const expects = await reauthenticate(client, scramClient("alice", "wonderland"))
      const done = await client.take("auth")
      assert.strictEqual(done.reasonCode, 0)
      assert.strictEqual(dataOf(done), expects)
    }
    await client.quiet()
  })

  for (const [what, scram] of [
    ["a wrong password", () => scramClient("alice", "builder")],
    ["nobody", () => scramClient("mallory", "wonderland")]
  ] as const) {
    it(`${what}: challenged like everybody, refused with 0x87`, async () => {
      const client = scram()
      const connection = await connect(client)
      answer(connection, client.final(dataOf(await connection.take("auth"))).text)
      assert.strictEqual((await connection.take("connack")).reasonCode, 0x87)
      await connection.closed()
    })
  }

  it("a re-authentication that fails, or is somebody else's, ends the connection", async () => {
    for (const other of [scramClient("alice", "builder"), scramClient("bob", "builder")]) {
      const client = await login(scramClient("alice", "wonderland"))
      await reauthenticate(client, other)
      await client.refused(0x87)
    }
  })

  it("the user name of CONNECT is not another one", async () => {
    const client = await connect(scramClient("alice", "wonderland"), "bob")
    assert.strictEqual((await client.take("connack")).reasonCode, 0x87)
  })

  it("an answer that was heard elsewhere opens nothing", async () => {
    const scram = scramClient("alice", "wonderland")
    const heard = await connect(scram)
    const { text } = scram.final(dataOf(await heard.take("auth")))
    const client = await connect(scram)
    await client.take("auth")
    answer(client, text)
    assert.strictEqual((await client.take("connack")).reasonCode, 0x87)
  })

  it("other methods are unknown", async () => {
    const client = await broker.dial(5)
    const { reasonCode } = await client.connect("c", { properties: { authenticationMethod: "SCRAM-SHA-1" } })
    assert.strictEqual(reasonCode, 0x8c)
  })
})
