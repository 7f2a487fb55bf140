/**
 * Goal: with a chain of providers only who proves who he is gets in, with the standard's reason codes, and the password
 * file can change while the broker runs; one that is broken opens nothing.
 * Method: a whole broker; password files written by mosquitto_passwd itself and by our own format; mosquitto_pub,
 * mosquitto_sub and MQTT.js as clients, and raw packets where codes are looked at.
 */
import { execFileSync } from "node:child_process"
import * as crypto from "node:crypto"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connectAsync } from "mqtt"
import { derive, formatPasswordHash, newRecipe } from "../../src/access/password-hash.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { Child } from "../support/child.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-authentication-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const fileOf = (text: string, mode = 0o600): string => {
  const file = join(folder, `passwords-${files++}`)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}
const lineOf = (username: string, password: string, kind: "argon2id" | "scrypt" = "argon2id"): string => {
  const recipe = newRecipe(kind, crypto.randomBytes(16))
  return `${username}:${formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from(password), recipe) })}\n`
}
const alice = lineOf("alice", "wonderland")
const settingsOf = (file: string, auth: SettingsInput["auth"] = {}): SettingsInput => ({
  auth: { chain: ["password-file"], "password-file": file, ...auth },
  log: { level: "debug" }
})
interface Shown {
  readonly username?: string
  readonly password?: string
}
const shown = ({ password, username }: Shown) => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password: Buffer.from(password) })
})
const codeOf = async (broker: WholeBroker, fields: Shown, version: 3 | 4 | 5 = 5): Promise<number | undefined> => {
  const client = await broker.dial(version)
  const { reasonCode, returnCode } = await client.connect("c", shown(fields))
  client.wire.destroy()
  return reasonCode ?? returnCode
}

describe("password file", () => {
  it("lets in who is right, and tells others nothing but no", async () => {
    await using broker = await startWhole(settingsOf(fileOf(alice + lineOf("bob", "builder", "scrypt"))))
    assert.strictEqual(await codeOf(broker, { username: "alice", password: "wonderland" }), 0)
    assert.strictEqual(await codeOf(broker, { username: "bob", password: "builder" }, 4), 0)
    const wrong = { username: "alice", password: "builder" }
    const nobody = { username: "mallory", password: "builder" }
    const bare = { username: "alice" }
    for (const fields of [wrong, nobody, bare]) {
      assert.strictEqual(await codeOf(broker, fields), 0x86)
      assert.strictEqual(await codeOf(broker, fields, 4), 4)
    }
    assert.strictEqual(await codeOf(broker, {}), 0x87)
    assert.strictEqual(await codeOf(broker, {}, 3), 5)
    assert.strictEqual(await codeOf(broker, { username: "ali\u0001ce", password: "x" }), 0x86)
  })

  it("the words for the client are the same whether the user exists or not", async () => {
    await using broker = await startWhole(settingsOf(fileOf(alice)))
    const words: Array<unknown> = []
    for (const username of ["alice", "mallory"]) {
      const client = await broker.dial(5)
      const answer = await client.connect("c", shown({ username, password: "no" }))
      words.push(answer.properties?.reasonString)
      client.wire.destroy()
    }
    assert.strictEqual(words[0], words[1])
    assert.match(String(words[0]), /bad user name or password/)
  })

  it("anonymous clients come in only where it is written", async () => {
    await using broker = await startWhole(settingsOf(fileOf(alice), { "allow-anonymous": true }))
    assert.strictEqual(await codeOf(broker, {}), 0)
    assert.strictEqual(await codeOf(broker, { username: "alice", password: "wrong" }), 0x86)
    assert.strictEqual(await codeOf(broker, { username: "alice" }), 0x86)
  })

  it("failed logins are told with all but the password, a few of many", async () => {
    await using broker = await startWhole(settingsOf(fileOf(alice), { cache: { "denied-ttl": "0s" } }))
    for (let index = 0; index < 8; index++) await codeOf(broker, { username: "alice", password: "open-sesame" })
    const lines = broker.log.filter((line) => line.includes("login refused"))
    assert.isAtLeast(lines.length, 1)
    assert.isAtMost(lines.length, 3)
    assert.match(lines[0] ?? "", /alice/)
    assert.match(lines[0] ?? "", /127\.0\.0\.1/)
    assert.match(lines[0] ?? "", /tcp/)
    assert.notInclude(broker.log.join(), "open-sesame")
  })

  it("takes users in and puts them out while it runs; a broken file changes nothing", async () => {
    const file = fileOf(alice)
    await using broker = await startWhole(settingsOf(file))
    const reload = () => Effect.runPromise(broker.running.access.reload)
    assert.strictEqual(await codeOf(broker, { username: "bob", password: "builder" }), 0x86)
    writeFileSync(file, lineOf("bob", "builder"))
    assert.deepEqual(await reload(), [])
    assert.strictEqual(await codeOf(broker, { username: "bob", password: "builder" }), 0)
    assert.strictEqual(await codeOf(broker, { username: "alice", password: "wonderland" }), 0x86)
    writeFileSync(file, "bob:secret-in-plain\n")
    const [problem] = await reload()
    assert.match(problem ?? "", /passwords-\d+:1/)
    assert.strictEqual(await codeOf(broker, { username: "bob", password: "builder" }), 0)
    assert.strictEqual(await codeOf(broker, { username: "bob", password: "secret-in-plain" }), 0x86)
    chmodSync(file, 0o604)
    assert.match((await reload())[0] ?? "", /mode is 604/)
    assert.strictEqual(await codeOf(broker, { username: "bob", password: "builder" }), 0)
    assert.notInclude(broker.log.join(), "secret-in-plain")
  })

  it("[attack: staying in as a user who was removed] removed or with another password, one is out; the others stay", async () => {
    const bob = lineOf("bob", "builder")
    const carol = lineOf("carol", "singer")
    const file = fileOf(alice + bob + carol)
    await using broker = await startWhole(settingsOf(file))
    const [removed, changed, same] = await Promise.all([
      broker.join("a", shown({ username: "alice", password: "wonderland" })),
      broker.join("b", shown({ username: "bob", password: "builder" })),
      broker.join("c", shown({ username: "carol", password: "singer" }))
    ])
    writeFileSync(file, lineOf("bob", "wrecker") + carol)
    assert.deepEqual(await Effect.runPromise(broker.running.access.reload), [])
    await removed.refused(0x87)
    await changed.refused(0x87)
    await same.subscribe("t")
    writeFileSync(file, "no line of a user\n")
    assert.lengthOf(await Effect.runPromise(broker.running.access.reload), 1)
    await same.subscribe("u")
    same.wire.destroy()
  })

  it("a change is seen without being told", async () => {
    const file = fileOf(alice)
    await using broker = await startWhole(settingsOf(file, { cache: { "denied-ttl": "0s" } }))
    writeFileSync(file, alice + lineOf("carol", "singer"))
    let code: number | undefined
    do code = await codeOf(broker, { username: "carol", password: "singer" })
    while (code !== 0)
  })

  for (const [what, text, mode] of [
    ["a line that is not user:hash", `${alice}bob\n`, 0o600],
    ["a plain password", "bob:builder\n", 0o600],
    ["a user twice", alice + alice, 0o600],
    [
      "a hash that wants all memory",
      "bob:$argon2id$v=19$m=9999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA\n",
      0o600
    ],
    ["a file that the world may read", alice, 0o644],
    ["a file that a group may write", alice, 0o660]
  ] as const) {
    it(`${what}: the broker does not start`, async () => {
      const started = await startWhole(settingsOf(fileOf(text, mode))).then(
        async (broker) => broker.stop().then(() => undefined),
        (error: Error) => error
      )
      assert.match(started?.message ?? "", /E351[12]/)
      assert.notInclude(started?.message ?? "", "builder")
    })
  }

  it("an empty file opens nothing", async () => {
    await using broker = await startWhole(settingsOf(fileOf("")))
    assert.strictEqual(await codeOf(broker, { username: "alice", password: "wonderland" }), 0x86)
    assert.strictEqual(await codeOf(broker, {}), 0x87)
  })

  it("who was cut off waits in no queue: others are not told that the server is busy", async () => {
    // A hash that takes longer than a client may take to log in.
    const slow = `slow:$7$3000000$${Buffer.alloc(12).toString("base64")}$${Buffer.alloc(64).toString("base64")}\n`
    const settings = settingsOf(fileOf(slow), { "hash-workers": 1, "hash-queue": 3 })
    await using broker = await startWhole({ ...settings, server: { "connect-timeout": "1s" } })
    const clients = await Promise.all(Array.from({ length: 4 }, () => broker.dial(5)))
    for (const [index, client] of clients.entries()) {
      client.send(client.connectPacket(`c${index}`, shown({ username: "slow", password: "wrong" })))
    }
    for (const client of clients) await client.closed()
    assert.strictEqual(broker.running.access.hashed(), 4)
    assert.strictEqual(broker.running.access.waiting(), 0)
  })

  it("a session is nobody else's to resume or to end", async () => {
    await using broker = await startWhole(settingsOf(fileOf(alice + lineOf("bob", "builder"))))
    const first = await broker.dial(5)
    await first.connect("mine", {
      ...shown({ username: "alice", password: "wonderland" }),
      properties: { sessionExpiryInterval: 100 }
    })
    for (const clean of [false, true]) {
      const thief = await broker.dial(5)
      const { reasonCode } = await thief.connect("mine", { ...shown({ username: "bob", password: "builder" }), clean })
      assert.strictEqual(reasonCode, 0x87)
      thief.wire.destroy()
    }
    await first.quiet()
    first.wire.destroy()
  })
})

describe("clients of others", () => {
  it("mosquitto_passwd's own files, with mosquitto_pub -u -P and mosquitto_sub", async () => {
    const file = join(folder, "by-mosquitto")
    execFileSync("mosquitto_passwd", ["-c", "-b", file, "dave", "seven"])
    chmodSync(file, 0o600)
    assert.match(readFileSync(file, "utf8"), /^dave:\$7\$/)
    // The older form has no writer any more: SHA-512 of password and salt.
    const salt = crypto.randomBytes(12)
    const old = crypto.createHash("sha512").update("six").update(salt).digest("base64")
    writeFileSync(file, `${readFileSync(file, "utf8")}erin:$6$${salt.toString("base64")}$${old}\n`)
    await using broker = await startWhole(settingsOf(file))
    const place = ["-p", `${broker.portOf("tcp")}`, "-t", "a"]
    await using sub = new Child("stdbuf", [
      "-oL",
      "mosquitto_sub",
      ...place,
      "-d",
      "-q",
      "1",
      "-C",
      "2",
      "-u",
      "dave",
      "-P",
      "seven"
    ])
    await sub.line(/^Subscribed/)
    for (const [user, password] of [
      ["dave", "seven"],
      ["erin", "six"]
    ] as const) {
      await using pub = new Child("mosquitto_pub", [...place, "-q", "1", "-m", user, "-u", user, "-P", password])
      await pub.succeeded()
    }
    assert.includeMembers([...(await sub.succeeded())], ["dave", "erin"])
    await using wrong = new Child("mosquitto_pub", [...place, "-m", "x", "-u", "erin", "-P", "seven"])
    await wrong.line(/bad user name or password|not authori[sz]ed/i)
    assert.notStrictEqual((await wrong.ended()).code, 0)
  })

  for (const protocolVersion of [4, 5] as const) {
    it(`MQTT.js, version ${protocolVersion}`, async () => {
      await using broker = await startWhole(settingsOf(fileOf(alice)))
      const url = `mqtt://127.0.0.1:${broker.portOf("tcp")}`
      const options = { protocolVersion, reconnectPeriod: 0, username: "alice" }
      const client = await connectAsync(url, { ...options, password: "wonderland" })
      await client.publishAsync("a", "b", { qos: 1 })
      await client.endAsync()
      const refused = await connectAsync(url, { ...options, password: "no" }).then(
        () => undefined,
        (error: Error & { readonly code?: number }) => error
      )
      assert.strictEqual(refused?.code, protocolVersion === 5 ? 0x86 : 4)
    })
  }
})
