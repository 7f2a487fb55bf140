/**
 * Goal: `$replay/<from>/<filter>` begins with the history of the topics that keep theirs, and goes on live.
 * Method: publish to topics whose policy says replay, at every QoS and with nobody there; subscribe; publish more.
 * Engines without history refuse it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Access, type AccessDecisions, Verdict } from "../../src/access/access.ts"
import { Folder } from "../support/durable-broker.ts"
import { scenario } from "../support/scenario.ts"
import { startWhole } from "../support/whole-broker.ts"

/** Only the filter kept/a is allowed; about kept/asked somebody has to be asked. */
const guarded: AccessDecisions = {
  generation: 0,
  allowsEverything: false,
  admitsEverybody: false,
  methods: new Map(),
  authenticate: ({ clientIdentifier, username }) => Effect.succeed({ clientIdentifier, username }),
  publishVerdict: () => Verdict.allow,
  readVerdict: () => Verdict.allow,
  decidePublish: () => Effect.succeed(true),
  subscribeVerdict: (_, filter) =>
    filter === "kept/a" ? Verdict.allow : filter === "kept/asked" ? Verdict.ask : Verdict.deny,
  decideSubscribe: (_, filter) => Effect.succeed(filter !== "kept/asked")
}

const policies = { topics: { policies: [{ filter: "kept/#", replay: "1h" as const }] } }

scenario("replay", ({ environment, it, start }) => {
  if (environment.name !== "disk") {
    it("is refused where the engine keeps no history", async () => {
      await using broker = await start(policies)
      const client = await broker.join("client")
      assert.strictEqual(await client.subscribe("$replay/earliest/kept/#"), 0x83)
      await client.publish("kept/a", "x", { qos: 1 })
      await client.quiet()
      const older = await broker.join("older", { version: 4 })
      assert.strictEqual(await older.subscribe("$replay/earliest/kept/#"), 0x80)
    })
    return
  }

  it("begins with what was published before, at every QoS, and goes on live", async () => {
    await using broker = await start(policies)
    const publisher = await broker.join("publisher")
    for (const [i, topic] of ["kept/a", "kept/b", "other", "kept/a"].entries()) {
      for (const qos of [0, 1, 2] as const) await publisher.publish(topic, `${i}.${qos}`, { qos })
    }
    const client = await broker.join("client")
    assert.strictEqual(await client.subscribe("$replay/earliest/#", 1, { subscriptionIdentifier: 9 }), 1)
    const expected = [0, 1, 3].flatMap((i) => [0, 1, 2].map((qos) => `${i}.${qos}`))
    const taken: Array<string> = []
    for (const _ of expected) {
      const { payload, properties, qos, retain, topic } = await client.message()
      taken.push(String(payload))
      assert.strictEqual(properties?.subscriptionIdentifier, 9)
      assert.isFalse(retain)
      assert.isTrue(topic.startsWith("kept/"))
      assert.strictEqual(qos, Math.min(1, Number(String(payload).at(-1))))
    }
    assert.deepEqual(taken, expected)
    await publisher.publish("other", "live", { qos: 0 })
    await publisher.publish("kept/a", "live too", { qos: 2 })
    assert.deepEqual(await client.payloads(2), ["live", "live too"])
    await client.quiet()
    assert.deepEqual(broker.drops, { "no-subscriber": 2 })
  })

  it("takes pipelined QoS 0 messages one by one", async () => {
    await using broker = await start(policies)
    const publisher = await broker.join("publisher")
    const numbers = Array.from({ length: 200 }, (_, i) => `${i}`)
    publisher.send(
      ...numbers.map((payload) => {
        return { cmd: "publish" as const, topic: "kept/run", payload, qos: 0 as const, retain: false, dup: false }
      })
    )
    await publisher.quiet()
    const client = await broker.join("client")
    await client.subscribe("$replay/earliest/kept/run")
    assert.deepEqual(await client.payloads(200), numbers)
  })

  it("begins where it is told", async () => {
    await using broker = await start(policies)
    const publisher = await broker.join("publisher")
    for (let i = 0; i < 4; i++) await publisher.publish("kept/a", `${i}`, { qos: 1 })
    const client = await broker.join("client")
    const year = 366 * 86_400_000
    const later = Date.now() + year
    for (const [from, first] of [
      ["1h", 0],
      ["@2", 2],
      ["@4", 4],
      ["0", 0],
      [String(later), 4],
      ["2026-01-01", 0],
      ["2026-01-01T00:00:00Z", 0],
      ["2026-01-01T00:00:00.5-05:00", 0],
      [new Date(later).toISOString(), 4]
    ] as const) {
      const text = `$replay/${from}/kept/#`
      assert.strictEqual(await client.subscribe(text, 1), 1, text)
      assert.deepEqual(await client.payloads(4 - first), ["0", "1", "2", "3"].slice(first), text)
      await client.quiet()
      assert.strictEqual(await client.unsubscribe(text), 0)
    }
  })

  it("is refused when it says not from when on, or to what", async () => {
    await using broker = await start(policies)
    const client = await broker.join("client")
    for (const text of [
      "$replay/#",
      "$replay/earliest",
      "$replay/earliest/",
      "$replay//kept",
      "$replay/+/kept",
      "$replay/latest/kept",
      "$replay/-1h/kept",
      "$replay/@x/kept",
      "$replay/2026-02-30/kept",
      "$replay/earliest/$share/g/kept",
      "$replay/earliest/$replay/earliest/kept",
      "$share/g/$replay/earliest/kept"
    ]) {
      assert.strictEqual(await client.subscribe(text), 0x8f, text)
    }
  })

  it("is decided about as its filter is", async () => {
    await using broker = await start(policies, [Layer.succeed(Access, guarded)])
    const client = await broker.join("client")
    assert.strictEqual(await client.subscribe("$replay/earliest/kept/#"), 0x87)
    assert.strictEqual(await client.subscribe("$replay/earliest/kept/asked"), 0x87)
    assert.strictEqual(await client.subscribe("$replay/earliest/kept/a"), 0)
  })

  it("does not wait for a sync that nobody will make", async () => {
    await using broker = await start({ ...policies, storage: { wal: { "no-sync": true } } })
    const client = await broker.join("client")
    await client.publish("kept/a", "0", { qos: 1 })
    await client.subscribe("$replay/earliest/kept/#", 1)
    assert.deepEqual(await client.payloads(1), ["0"])
  })

  it("sends nothing retained", async () => {
    await using broker = await start(policies)
    const publisher = await broker.join("publisher")
    await publisher.publish("other", "retained", { qos: 1, retain: true })
    await publisher.publish("kept/a", "kept", { qos: 1, retain: true })
    const client = await broker.join("client")
    await client.subscribe("$replay/earliest/#", 1)
    const { payload, retain } = await client.message()
    assert.deepEqual([String(payload), retain], ["kept", false])
    await client.quiet()
  })

  it("goes on after a reconnect where it was", async () => {
    await using broker = await start(policies)
    const publisher = await broker.join("publisher")
    for (let i = 0; i < 10; i++) await publisher.publish("kept/a", `${i}`, { qos: 1 })
    const session = { clean: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 3 } }
    const first = await broker.join("client", session)
    await first.subscribe("$replay/@2/kept/#", 1)
    assert.deepEqual(texts(await first.pending()), ["2", "3", "4"])
    await first.vanish()
    await publisher.publish("kept/a", "10", { qos: 1 })
    const second = await broker.join("client", session)
    assert.deepEqual(await second.payloads(9), ["2", "3", "4", "5", "6", "7", "8", "9", "10"])
    await second.quiet()
  })
})

describe("a replay and a restart", () => {
  it("goes on where it was, and history is there still", { timeout: 60_000 }, async () => {
    using folder = new Folder()
    const settings = { ...policies, storage: { engine: "wal" as const, "data-dir": folder.path } }
    const session = { clean: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 3 } }
    {
      await using broker = await startWhole(settings)
      const publisher = await broker.join("publisher")
      for (let i = 0; i < 10; i++) await publisher.publish("kept/a", `${i}`, { qos: i % 2 === 0 ? 2 : 0 })
      const client = await broker.join("client", session)
      await client.subscribe("$replay/1h/kept/#", 2, { subscriptionIdentifier: 5 })
      assert.deepEqual(texts(await client.pending()), ["0", "1", "2", "3", "4"])
    }
    await using broker = await startWhole(settings)
    const publisher = await broker.join("publisher")
    await publisher.publish("kept/a", "10", { qos: 1 })
    const client = await broker.join("client", session)
    const taken = []
    for (let i = 0; i < 9; i++) taken.push(await client.message())
    assert.deepEqual(texts(taken), ["0", "2", "4", "5", "6", "7", "8", "9", "10"])
    assert.deepEqual(
      taken.map(({ dup }) => dup),
      [true, true, true, false, false, false, false, false, false]
    )
    for (const { properties } of taken) assert.strictEqual(properties?.subscriptionIdentifier, 5)
    await client.quiet()
    const late = await broker.join("late")
    await late.subscribe("$replay/1h/kept/#", 0)
    assert.deepEqual(
      await late.payloads(11),
      Array.from({ length: 11 }, (_, i) => `${i}`)
    )
    await late.subscribe(`$replay/${Date.now() + 5000}/kept/#`, 0)
    await late.quiet()
  })
})

const texts = (messages: ReadonlyArray<{ readonly payload: string | Buffer }>): ReadonlyArray<string> =>
  messages.map(({ payload }) => String(payload))
