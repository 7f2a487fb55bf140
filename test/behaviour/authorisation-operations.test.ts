/**
 * Goal: an operator changes rules while clients stay, is told why somebody may or may not, and what a change would take
 * away; by file, by the admin API and by the command.
 * Method: the whole broker with a rules file; the file is exchanged; questions over HTTP and by `promptmq explain`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { makeAclDesk } from "../../src/broker/acl-desk.ts"
import { run } from "../cli/recorded-world.ts"
import { timePasses } from "../support/time.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-rules-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rules = `rules:
  - effect: deny
    topics: s/#
  - effect: allow
    topics: ["#"]
`
const fileOf = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const started = async (
  name: string
): Promise<{ readonly broker: WholeBroker; readonly file: string; readonly token: string }> => {
  const file = fileOf(`${name}.yaml`, rules)
  const token = join(folder, `${name}.token`)
  const broker = await startWhole({
    acl: { "rules-file": file },
    admin: { enabled: true, bind: "127.0.0.1:0", "token-file": token },
    log: { level: "info" }
  })
  return { broker, file, token: readFileSync(token, "utf8").trim() }
}

const asking =
  (broker: WholeBroker, token: string) =>
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says is looked at by the assertions
  async (path: string, body?: unknown): Promise<{ readonly status: number; readonly answer: any }> => {
    const response = await fetch(`http://127.0.0.1:${broker.running.admin?.port}/api/v1/acl${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, answer: await response.json() }
  }

describe("rules of a running broker", () => {
  it("follow their file, and a bad file changes nothing but the log", async () => {
    const { broker, file, token } = await started("follow")
    await using _ = broker
    const ask = asking(broker, token)
    const reader = await broker.join("reader")
    const writer = await broker.join("writer")
    assert.strictEqual(await reader.subscribe("#", 1), 1)
    writeFileSync(file, "rules:\n  - effect: alow\n")
    const refused = await ask("/reload", {})
    assert.strictEqual(refused.status, 422)
    assert.match(refused.answer.errors[0].fact, /"alow" is not an effect/)
    assert.match(refused.answer.errors[0].place, /follow\.yaml:2:13$/)
    assert.strictEqual(await writer.publish("s/x", "no", { qos: 1 }), 0x87)
    writeFileSync(file, "rules: [{effect: deny, topics: t/#}, {effect: allow}]\n")
    assert.deepEqual(await ask("/reload", {}), { status: 200, answer: { rules: 2 } })
    assert.strictEqual(await writer.publish("s/x", "now", { qos: 1 }), 0)
    assert.deepEqual(await reader.payloads(1), ["now"])
    assert.strictEqual(await writer.publish("t/x", "no", { qos: 1 }), 0x87)
    await reader.quiet()
  })

  it("are looked after without being asked", async () => {
    const { broker, file } = await started("watched")
    await using _ = broker
    const writer = await broker.join("writer")
    const wait = async (words: string): Promise<void> => {
      while (!broker.log.some((line) => line.includes(words))) await timePasses(20)
    }
    writeFileSync(file, "rules:\n  - effect: alow\n")
    await wait("the old rules stay in force: E3522")
    assert.strictEqual(await writer.publish("s/x", "no", { qos: 1 }), 0x87)
    writeFileSync(file, "rules: [{effect: allow}]\n")
    await wait("the rules were read again")
    assert.notStrictEqual(await writer.publish("s/x", "yes", { qos: 1 }), 0x87)
  })

  it("are listed and explained over the admin API", async () => {
    const { broker, file, token } = await started("explained")
    await using _ = broker
    const ask = asking(broker, token)
    await broker.join("c1", { username: "alice", password: Buffer.from("x") })
    const { answer: list } = await ask("?limit=1&offset=1")
    assert.deepEqual(list, {
      items: [{ number: 2, effect: "allow", text: "allow everything on #", source: `${file}:4` }],
      total: 2,
      isTotalExact: true
    })
    const question = { client: "c1", action: "publish", topic: "s/x" }
    const { answer } = await ask("/explain", question)
    assert.deepEqual(answer, {
      verdict: "deny",
      decidedBy: `${file}:2`,
      rule: { number: 1, effect: "deny", text: "deny everything on s/#", source: `${file}:2` },
      identity: { clientIdentifier: "c1", username: "alice", groups: [], provider: null, isConnected: true }
    })
    const other = await ask("/explain", { ...question, username: "bob" })
    assert.deepEqual([other.answer.identity.username, other.answer.identity.isConnected], ["bob", false])
    const shared = await ask("/explain", { client: "new", action: "subscribe", topic: "$share/g/s/+" })
    assert.deepEqual([shared.answer.verdict, shared.answer.decidedBy], ["deny", `${file}:2`])
    const server = await ask("/explain", { client: "new", action: "publish", topic: "$SYS/x" })
    assert.match(server.answer.decidedBy, /are the server's/)
    for (const bad of [{}, [], { ...question, topic: "#" }, { ...question, action: "fly" }, { ...question, qos: 3 }]) {
      assert.strictEqual((await ask("/explain", bad)).status, 400, JSON.stringify(bad))
    }
  })

  it("tell before a reload what it would take away", async () => {
    const { broker, file } = await started("preview")
    await using _ = broker
    const preview = async () => {
      const effect = await makeAclDesk(broker.core, broker.running.access.rules).preview()
      return "summary" in effect ? effect : assert.fail("the file has errors")
    }
    const reader = await broker.join("reader")
    await reader.subscribe("plant/#", 1)
    const wide = await broker.join("wide")
    await wide.subscribe("#", 0)
    const writer = await broker.join("writer")
    await writer.publish("plant/1", "x")
    await writer.publish("other", "x")
    await writer.quiet()
    assert.strictEqual((await preview()).summary, "no connected client loses anything")
    writeFileSync(file, `rules:\n  - {effect: deny, topics: "plant/#"}\n  - {effect: allow, topics: "#"}\n`)
    const { losses, summary } = await preview()
    assert.strictEqual(summary, "3 clients lose access to 2 topics")
    assert.deepEqual(
      losses.map(({ action, because, clientIdentifier, topic }) => [clientIdentifier, action, topic, because]).sort(),
      [
        ["reader", "read", "plant/1", `${file}:2 denies it`],
        ["reader", "subscribe", "plant/#", `${file}:2 denies it`],
        ["wide", "read", "plant/1", `${file}:2 denies it`],
        ["writer", "publish", "plant/1", `${file}:2 denies it`]
      ]
    )
    assert.strictEqual(await writer.publish("plant/1", "still", { qos: 1 }), 0)
  })
})

describe("promptmq explain", () => {
  const explain = (config: string, ...words: ReadonlyArray<string>) =>
    run(["explain", "-c", config, ...words], { workingDirectory: folder })

  it("asks the running broker, who knows the client", async () => {
    const { broker } = await started("command")
    await using _ = broker
    await broker.join("c1", { username: "alice", password: Buffer.from("x") })
    const admin = {
      enabled: true,
      bind: `127.0.0.1:${broker.running.admin?.port}`,
      "token-file": join(folder, "command.token")
    }
    const config = fileOf("live.yaml", JSON.stringify({ admin }))
    const { code, err, out } = await explain(config, "--client", "c1", "--publish", "s/x")
    assert.deepEqual([code, err], [5, ""])
    assert.match(
      out,
      /^deny {2}c1 \(user alice\) may not publish to s\/x\n {3}.*command\.yaml:2: deny everything on s\/#\n$/
    )
    const json = await explain(config, "--client", "c1", "--subscribe", "#", "--json")
    assert.deepEqual([json.code, JSON.parse(json.out).verdict], [0, "allow"])
  })

  it("reads the configuration where no broker answers", async () => {
    const grouped = fileOf(
      "offline-acl.yaml",
      `rules:\n  - effect: allow\n    groups: staff\n    users: alice\n    topics: "own/\${clientid}/#"\n`
    )
    const config = fileOf(
      "offline.yaml",
      JSON.stringify({ acl: { "rules-file": grouped }, admin: { bind: "127.0.0.1:1" } })
    )
    const alone = ["--client", "c1", "--username", "alice", "--publish", "own/c1/x"]
    const denied = await explain(config, ...alone)
    assert.deepEqual(
      [denied.code, denied.out],
      [5, "deny  c1 (user alice) may not publish to own/c1/x\n   no rule holds (acl.no-match: deny)\n"]
    )
    assert.match(denied.err, /no running broker answers/)
    const allowed = await explain(config, ...alone, "--group", "staff")
    assert.match(
      allowed.out,
      /^allow .*\n {3}.*offline-acl\.yaml:2: allow everything on own\/\$\{clientid\}\/# for users alice and groups staff\n$/
    )
    assert.strictEqual((await explain(config, "--client", "c1", "--will", "$SYS/x", "--offline")).code, 5)
    assert.strictEqual((await explain(config, "--client", "c1")).code, 2)
    assert.strictEqual((await explain(config, "--publish", "t")).code, 2)
    assert.strictEqual((await explain(config, "--client", "c1", "--publish", "a/#")).code, 2)
    writeFileSync(grouped, "rules:\n  - effect: alow\n")
    const bad = await explain(config, ...alone, "--offline")
    assert.strictEqual(bad.code, 3)
    assert.match(bad.err, /error E3522 {2}.*offline-acl\.yaml:2:13/)
  })
})
