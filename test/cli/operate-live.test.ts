/**
 * The operating commands on a real broker, each at least once, as its operator would: a subscriber that is there, one that is
 * away, retained values. What they ask and print in every case is in operate.test.ts.
 */
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { runCommandLine } from "../../src/cli/run.ts"
import { type LiveBroker, startLiveBroker } from "./live-broker.ts"
import { type Ran, run, testWorld } from "./recorded-world.ts"
import { promptmq } from "./tools.ts"

let broker: LiveBroker

beforeAll(async () => {
  broker = await startLiveBroker()
})
afterAll(() => broker.stop())

const ask = (...words: ReadonlyArray<string>): Promise<Ran> => broker.ask(...words)
const json = async (...words: ReadonlyArray<string>) => JSON.parse((await ask(...words, "--json")).out)

/** A subscriber that stays until its end is asked for, or forced. */
const subscriber = async (id: string, ...words: ReadonlyArray<string>) => {
  const world = testWorld()
  const code = runCommandLine(["sub", ...broker.at, "-i", id, "-v", "-q", "1", ...words], world)
  await world.stderr.until(/subscribed/)
  return { world, code }
}
/** A session of which the client is gone. */
const leave = async (id: string, filter: string): Promise<void> => {
  const words = ["-i", id, "-c", "-x", "3600", "-q", "1", "-t", filter, "-E"]
  assert.strictEqual((await run(["sub", ...broker.at, ...words])).code, 0)
}
const publish = async (topic: string, message: string): Promise<void> => {
  const { code, err } = await run(["pub", ...broker.at, "-q", "1", "-t", topic, "-m", message])
  assert.strictEqual(code, 0, err)
}

describe("operating a broker", () => {
  it("status and health are well", async () => {
    const status = await ask("status")
    assert.strictEqual(status.code, 0, status.err)
    assert.match(
      status.out,
      new RegExp(`^ok  promptmq [\\s\\S]*address +mqtt://127\\.0\\.0\\.1:${broker.port}\n[\\s\\S]*promise +`)
    )
    assert.strictEqual((await ask("status", "--quiet")).code, 0)
    const health = await ask("health")
    assert.deepEqual([health.code, health.out], [0, "ok\n"])
    // As Docker does: a process of its own, with the configuration in the environment.
    const env = { PROMPTMQ_ADMIN_BIND: broker.url.replace("http://", ""), PROMPTMQ_STORAGE_DATA_DIR: broker.folder }
    const { code, err, out } = await promptmq(["health"], env).finished
    assert.deepEqual([code, out], [0, "ok\n"], err)
  })

  it("clients, client and subs show who is there and who is away", async () => {
    const here = await subscriber("here", "-t", "plant/#", "-t", "$share/pool/jobs/+")
    await leave("away", "plant/+")
    const { items } = await json("clients", "--sort", "clientIdentifier")
    const states = items.map((row: { clientIdentifier: string; state: string }) => [row.clientIdentifier, row.state])
    assert.deepEqual(states, [
      ["away", "absent"],
      ["here", "connected"]
    ])
    assert.match((await ask("clients", "--filter", "her")).out, /\nhere +connected .* 127\.0\.0\.1:\d+ +5\.0 /)
    const client = await json("client", "here")
    assert.sameMembers(
      client.subscriptionList.map(({ filter }: { filter: string }) => filter.replace("$share/pool/", "")),
      ["plant/#", "jobs/+"]
    )
    assert.strictEqual(client.events.at(-1).what, "connected")
    assert.strictEqual((await ask("client", "nobody")).code, 6)
    const matching = (await json("subs", "--topic", "plant/1")).items
    assert.sameMembers(
      matching.map(({ clientIdentifier }: { clientIdentifier: string }) => clientIdentifier),
      ["here", "away"]
    )
    assert.lengthOf((await json("subs", "--client", "here")).items, 2)
    here.world.signal("SIGINT")
    await here.code
  })

  it("queues shows who is behind; drop-queue asks back, then forgets; unsubscribe takes a filter", async () => {
    await leave("slow", "line/#")
    await publish("line/1", "one")
    await publish("line/2", "two")
    const { sessions } = await json("queues")
    const slow = sessions.find((row: { clientIdentifier: string }) => row.clientIdentifier === "slow")
    assert.isAtLeast(slow.behindRecords, 2)
    const asked = await ask("drop-queue", "slow")
    assert.strictEqual(asked.code, 2)
    assert.strictEqual((await ask("drop-queue", "slow", "--force")).out, "slow: 2 messages dropped\n")
    const gone = await ask("unsubscribe", "slow", "line/#")
    assert.strictEqual(gone.out, "slow: no longer subscribed to line/#\n", gone.err)
    assert.strictEqual((await ask("unsubscribe", "slow", "line/#")).code, 6)
    assert.lengthOf((await json("subs", "--client", "slow")).items, 0)
  })

  it("topics, topic and retained follow what is published", async () => {
    const watching = await subscriber("watching", "-t", "shop/#")
    // For it the log keeps what is published.
    await leave("later", "shop/#")
    const set = await ask("retained", "set", "shop/1/mode", "-m", "auto", "--content-type", "text/plain")
    assert.strictEqual(set.code, 0, set.err)
    await watching.world.stdout.until(/shop\/1\/mode auto/)
    await publish("shop/1/door", "open")
    const topics = await ask("topics")
    assert.match(topics.out, /\nshop\/ +2 +2 /, topics.out)
    const level = await json("topics", "shop/1")
    assert.sameMembers(
      level.items.map(({ topic }: { topic: string }) => topic),
      ["shop/1/mode", "shop/1/door"]
    )
    const topic = await json("topic", "shop/1/door")
    assert.deepEqual([topic.subscribers, topic.last.payload.value], [2, "open"])
    assert.deepEqual(await json("topic", "shop/9"), {
      ...topic,
      version: 1,
      topic: "shop/9",
      messages: 0,
      records: 0,
      retained: null,
      last: null
    })
    assert.match((await ask("retained", "ls", "shop/#")).out, /\nshop\/1\/mode +1 +4 B /)
    const got = await ask("retained", "get", "shop/1/mode")
    assert.deepEqual([got.code, got.out], [0, "auto"])
    assert.strictEqual((await json("retained", "get", "shop/1/mode")).contentType, "text/plain")
    assert.strictEqual((await ask("retained", "rm", "shop/#")).code, 2)
    assert.strictEqual(
      (await ask("retained", "rm", "shop/#", "--dry-run")).out,
      "1 retained message would be cleared\n"
    )
    assert.strictEqual((await ask("retained", "rm", "shop/#", "--force")).out, "1 retained message cleared\n")
    assert.strictEqual((await ask("retained", "get", "shop/1/mode")).code, 6)
    watching.world.signal("SIGINT")
    await watching.code
  })

  it("kick ends a connection with 0x98, --end-session the session, too", async () => {
    const victim = await subscriber("victim", "-c", "-t", "plant/#")
    const kicked = await ask("kick", "victim")
    assert.strictEqual(kicked.code, 0, kicked.err)
    await victim.code
    assert.match(victim.world.stderr.text, /0x98 administrative action/)
    assert.notInclude(victim.world.stderr.text, "trying again")
    assert.strictEqual((await ask("kick", "nobody")).code, 6)
    await leave("victim", "plant/#")
    assert.strictEqual((await ask("kick", "victim", "--end-session")).out, "victim: session ended\n")
    assert.strictEqual((await ask("client", "victim")).code, 6)
  })

  it("ban keeps a client away until unban", async () => {
    const banned = await ask("ban", "pest", "--for", "1h", "--reason", "scans")
    assert.match(banned.out, /^client pest is banned until .*: ban \S+\n$/, banned.err)
    assert.match((await ask("bans")).out, /\S+ +client +pest .* scans\n/)
    const words = ["pub", ...broker.at, "-i", "pest", "-t", "a", "-m", "x"]
    assert.strictEqual((await run(words)).code, 5)
    assert.strictEqual((await ask("unban", "pest")).code, 0)
    assert.strictEqual((await run(words)).code, 0)
    assert.strictEqual((await ask("unban", "pest")).code, 6)
    assert.strictEqual((await ask("ban", "--address", "nonsense")).code, 2)
  })

  it("log-level changes, and --for holds for a time", async () => {
    assert.strictEqual((await ask("log-level", "warn")).code, 0)
    assert.strictEqual((await ask("log-level")).out, "warn\n")
    assert.match((await ask("log-level", "info", "--for", "1h")).out, /^warn; info until /)
    assert.match((await ask("log-level", "trace", "--for", "1h", "--client", "c1")).out, /; trace for "c1" until /)
    const { level, raises } = JSON.parse((await ask("log-level", "--json")).out)
    assert.deepEqual([level, raises.length], ["warn", 2])
    assert.strictEqual((await ask("log-level", "warn", "--for", "1ms")).code, 0)
  })

  it("top is live, completion knows the clients, a wrong token is refused", async () => {
    const here = await subscriber("here", "-t", "plant/#")
    const top = await ask("top", "--rounds", "1")
    assert.match(top.out, /\nhere +connected /)
    const names = await run(["complete-names", "clients", `promptmq client ${broker.admin.join(" ")}`])
    assert.include(names.out.split("\n"), "here")
    here.world.signal("SIGINT")
    await here.code
    const stranger = await run(["clients", "--url", broker.url, "--token-file", join(broker.folder, "..", "none")])
    assert.strictEqual(stranger.code, 5)
  })
})
