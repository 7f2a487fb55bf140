/** What the API says of the broker as a whole: the snapshot's rates, the security page, a checked document, the log. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { payloadView } from "../../src/admin/views/message-view.ts"
import { OverviewMeter } from "../../src/admin/views/overview.ts"
import { Counter } from "../../src/metrics/counters.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { knownSources } from "./support.ts"
import { asker, startAdmin } from "./whole.ts"

describe("the snapshot", () => {
  it.live("rates are since the snapshot before, by the broker's own counters", () =>
    Effect.gen(function* () {
      const sources = yield* knownSources()
      const { core } = sources
      let nowMs = 5000
      let cpuMs = 100
      const world = {
        wallClockMs: () => nowMs,
        monotonicMs: () => nowMs,
        memory: () => ({ rss: 7, heapUsed: 3 }),
        cpuMs: () => cpuMs
      }
      const meter = new OverviewMeter(sources, world)
      nowMs += 2000
      cpuMs += 500
      core.count[Counter.messagesIn + 1] = 30
      core.count[Counter.messagesOut] = 8
      core.count[Counter.connectionsAccepted + 2] = 4
      core.count[Counter.connectionsRefused] = 100
      core.ledger.add(DropReason.overtaken, "c", "t", 10, nowMs)
      core.counters.meter.of("publishAck").observeMany(0.004, 100)
      sources.failing.set("log", "the log is full")
      const overview = meter.take()
      assert.deepInclude(overview, {
        at: "1970-01-01T00:00:07.000Z",
        status: "failing",
        messagesInPerSecond: 15,
        messagesOutPerSecond: 4,
        connectsPerSecond: 2,
        dropsPerSecond: 5,
        dropsByReason: { overtaken: 10 },
        syncP99Ms: null,
        loopLagP99Ms: 1.5,
        diskBytes: 3000,
        diskSpace: "low",
        notDurable: 2,
        rssBytes: 7,
        cpuRatio: 0.25
      })
      assert.closeTo(overview.publishAckP50Ms ?? 0, 4, 3)
      nowMs += 1000
      assert.deepInclude(meter.take(), { messagesInPerSecond: 0, dropsPerSecond: 0, connectsPerSecond: 0 })
    })
  )

  it("counts sessions and clients as they are", async () => {
    await using broker = await startAdmin()
    const { core } = broker
    const client = await broker.join("c1", { clean: false, properties: { sessionExpiryInterval: 60 } })
    await client.subscribe("a", 0)
    await client.subscribe("b", 0)
    await (await broker.join("c2", { version: 4, clean: false })).leave()
    const storage = () => ({ pressure: 0, appended: 0, durable: 0 }) as never
    const overview = new OverviewMeter({ core, checks: [], storage, loopLagP99Ms: () => 0 }).take()
    assert.deepInclude(overview, { clientsConnected: 1, sessions: 2, subscriptions: 2, status: "ok" })
  })

  it("what waits for who is away is the backlog", async () => {
    await using broker = await startAdmin()
    const away = await broker.join("away", { clean: false, properties: { sessionExpiryInterval: 60 } })
    await away.subscribe("jobs/#", 1)
    await away.leave()
    const publisher = await broker.join("publisher")
    for (const payload of ["1", "2", "3"]) await publisher.publish("jobs/a", payload, { qos: 1 })
    const storage = () => ({ pressure: 0, appended: 0, durable: 0 }) as never
    const { core } = broker
    const { waitingMessages } = new OverviewMeter({ core, checks: [], storage, loopLagP99Ms: () => 0 }).take()
    assert.strictEqual(waitingMessages, 3)
  })
})

describe("the API about the broker", () => {
  it("security says what is open, and who was refused", async () => {
    await using broker = await startAdmin({ auth: { chain: ["user-database"] } })
    const ask = asker(broker)
    const stranger = await broker.dial()
    await stranger.connect("intruder", { username: "mallory", password: Buffer.from("a secret guess") })
    const { body } = await ask("GET /security")
    assert.deepInclude(body.listeners[0], { name: "tcp", isTls: false, clientCertificates: "none" })
    assert.deepEqual([body.isAnonymousAllowed, body.rules, body.noMatch], [false, 0, "allow"])
    assert.deepEqual(body.chain, [{ name: "user-database", allowed: 0, denied: 0, failed: 0 }])
    assert.deepInclude(body.refusals[0], { clientIdentifier: "intruder", listener: "tcp", reasonCode: 0x86 })
    assert.notInclude(JSON.stringify(body), "secret guess")
  })

  it("a document is checked as a whole, with places", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const yaml = "server:\n  bind: 127.0.0.1:1883\nlog:\n  level: loud\nmqtt:\n  max-qos: 7\n"
    const { body } = await ask("POST /config/check", { yaml })
    assert.deepEqual(
      body.problems.map(({ key, place, severity }: Record<string, string>) => `${severity} ${key} ${place}`),
      ["error log.level document:4:10", "error mqtt.max-qos document:6:12"]
    )
    assert.deepEqual((await ask("POST /config/check", { yaml: "log: {level: debug}\n" })).body, { problems: [] })
    // Started without a file: nothing to read again.
    assert.strictEqual((await ask("GET /config/diff")).status, 409)
    assert.strictEqual((await ask("POST /config/reload")).body.errors[0].code, "E1133")
  })

  it("the log's last entries, by level, by client, and since the last one seen", async () => {
    await using broker = await startAdmin({ log: { level: "debug" } })
    const ask = asker(broker)
    await (await broker.join("c1")).leave()
    await (await broker.join("c2")).leave()
    const { body: all } = await ask("GET /logs?client=c1")
    assert.sameMembers([...new Set(all.map((entry: Record<string, unknown>) => entry["clientIdentifier"]))], ["c1"])
    assert.isAtLeast(all.length, 2)
    const { number } = all[0]
    const { body: later } = await ask(`GET /logs?client=c1&after=${number}`)
    assert.strictEqual(later.length, all.length - 1)
    assert.deepEqual((await ask("GET /logs?level=error")).body, [])
    assert.strictEqual((await ask("GET /logs?level=loud")).status, 400)
  })

  it("a payload is text where it is, else base64, and cut between two characters", () => {
    assert.deepEqual(payloadView(Buffer.from("ü")), { encoding: "utf8", value: "ü", sizeBytes: 2, isCut: false })
    assert.deepInclude(payloadView(Buffer.from([0xc3])), { encoding: "base64", value: "ww==" })
    for (let shift = 0; shift < 4; shift++) {
      const long = Buffer.from(`${"x".repeat(shift)}${"\u{1f600}".repeat(20_000)}`)
      const { encoding, isCut, sizeBytes, value } = payloadView(long)
      assert.deepEqual([encoding, isCut, sizeBytes], ["utf8", true, long.length])
      assert.isAtMost(Buffer.byteLength(value), 65_536)
      assert.isTrue(long.toString().startsWith(value))
    }
  })
})
