/**
 * Goal: what the API says of clients is what they are, and what it does to them they see: against a whole broker, with
 * clients over real sockets.
 */
import { assert, describe, it } from "@effect/vitest"
import { asker, startAdmin } from "./whole.ts"

const strange = 'a/b c?#%&"+ü\u{1f600}'
const pathOf = (id: string): string => `/clients/${encodeURIComponent(id)}`
const persistent = { clean: false, properties: { sessionExpiryInterval: 3600 } }

describe("clients over the admin API", () => {
  it("are listed while they are connected and while only their session is there, whatever their names", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const there = await broker.join(strange, { username: "alice", keepalive: 30 })
    await there.subscribe("plant/+/x", 1)
    const away = await broker.join("away", { version: 4, clean: false })
    await away.subscribe("plant/#", 1)
    await away.leave()
    const publisher = await broker.join("publisher")
    await publisher.publish("plant/1/x", "hello", { qos: 1 })
    await publisher.leave()
    await there.take("publish")
    const { body } = await ask("GET /clients?sort=clientIdentifier")
    assert.deepEqual([body.total, body.isTotalExact], [2, true])
    assert.deepInclude(body.items[0], {
      clientIdentifier: strange,
      state: "connected",
      username: "alice",
      listener: "tcp",
      protocol: "5.0",
      keepAliveSeconds: 30,
      sessionExpirySeconds: 0,
      subscriptions: 1,
      behindRecords: 0
    })
    assert.match(body.items[0].address, /^127\.0\.0\.1:\d+$/)
    const { connectedAt, disconnectedAt, ...absent } = body.items[1]
    assert.isNull(connectedAt)
    assert.isAtMost(Date.parse(disconnectedAt), Date.now())
    assert.deepInclude(absent, { clientIdentifier: "away", state: "absent", sessionExpirySeconds: 604_800 })
    assert.strictEqual(absent.behindRecords, 1)
    assert.deepEqual((await ask("GET /clients?filter=ALICE")).body.items.length, 1)
    const detail = (await ask(`GET ${pathOf(strange)}`)).body
    assert.deepEqual(detail.subscriptionList, [
      {
        clientIdentifier: strange,
        filter: "plant/+/x",
        share: null,
        qos: 1,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        subscriptionIdentifier: null
      }
    ])
    assert.deepInclude(detail.inFlightList[0], { qos: 1, topic: "plant/1/x", state: "sent" })
    assert.strictEqual(detail.events[0].what, "connected")
    assert.strictEqual((await ask("GET /clients/nobody")).body.errors[0].code, "E6130")
  })

  it("the will is shown with its size and never with its payload", async () => {
    await using broker = await startAdmin()
    const will = { topic: "gone", payload: Buffer.from("a secret word"), qos: 1, retain: true } as const
    await broker.join("willing", { will: { ...will, properties: { willDelayInterval: 5 } } })
    const { body } = await asker(broker)("GET /clients/willing")
    assert.deepEqual(body.will, { topic: "gone", qos: 1, retain: true, delaySeconds: 5, sizeBytes: 13 })
    assert.notInclude(JSON.stringify(body), "secret word")
  })

  it("kick ends the connection with 0x98, and the session stays", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const client = await broker.join("c", persistent)
    assert.strictEqual((await ask("POST /clients/c/kick")).status, 200)
    await client.refused(0x98)
    const { body } = await ask("GET /clients/c")
    assert.strictEqual(body.state, "absent")
    assert.strictEqual(body.events.at(-1).what, "kicked")
    assert.strictEqual((await ask("POST /clients/c/kick")).body.errors[0].code, "E1134")
    assert.strictEqual((await ask("POST /clients/nobody/kick")).status, 404)
    const { body: audit } = await ask("GET /audit")
    assert.deepEqual(
      audit.map(({ outcome, what }: { outcome: number; what: string }) => `${outcome} ${what}`),
      ["404 POST /api/v1/clients/nobody/kick", "409 POST /api/v1/clients/c/kick", "200 POST /api/v1/clients/c/kick"]
    )
  })

  it("DELETE ends the session and its connection; what waited has rows", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const client = await broker.join("c", persistent)
    await client.subscribe("t", 1)
    assert.strictEqual((await ask("DELETE /clients/c")).status, 200)
    await client.refused(0x98)
    assert.strictEqual((await ask("GET /clients/c")).status, 404)
    const again = await broker.dial()
    assert.strictEqual((await again.connect("c", persistent)).sessionPresent, false)
    assert.strictEqual((await ask("DELETE /clients/c")).status, 200)
    const brief = await broker.join("brief")
    assert.strictEqual((await ask("DELETE /clients/brief")).status, 200)
    await brief.refused(0x98)
  })

  it("drop-queue lets go what waits, with rows, and nothing that comes later", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const away = await broker.join("away", persistent)
    await away.subscribe("t/#", 1)
    await away.leave()
    const publisher = await broker.join("p")
    for (let i = 0; i < 5; i++) await publisher.publish("t/1", `old ${i}`, { qos: 1 })
    await publisher.publish("other", "none of its business", { qos: 1 })
    assert.deepEqual((await ask("POST /clients/away/drop-queue")).body, { dropped: 5 })
    assert.deepEqual((await ask("POST /clients/away/drop-queue")).body, { dropped: 0 })
    assert.strictEqual(broker.drops["queue-dropped"], 5)
    const row = (await ask("GET /drops?client=away&reason=queue-dropped")).body.rows[0]
    assert.deepInclude(row, { clientIdentifier: "away", topic: "t/1", count: 5 })
    assert.strictEqual((await ask("GET /clients/away")).body.drops, 5)
    await publisher.publish("t/1", "new", { qos: 1 })
    const back = await broker.join("away", persistent)
    assert.deepEqual(await back.payloads(1), ["new"])
    await back.quiet()
  })

  it("unsubscribe takes one subscription away, connected or not", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const client = await broker.join("c", persistent)
    await client.subscribe("a/+", 1)
    await client.subscribe("b", 1)
    await client.subscribe("$share/g/s/#", 1)
    const off = (filter: string) => ask("POST /clients/c/unsubscribe", { filter })
    assert.strictEqual((await off("a/+")).status, 200)
    assert.strictEqual((await off("a/+")).body.errors[0].code, "E6131")
    const publisher = await broker.join("p")
    await publisher.publish("a/1", "no")
    await publisher.publish("b", "yes")
    assert.deepEqual(await client.payloads(1), ["yes"])
    await client.leave()
    assert.strictEqual((await off("b")).status, 200)
    assert.strictEqual((await off("$share/g/s/#")).status, 200)
    assert.deepEqual((await ask("GET /shared")).body.items, [])
    await publisher.publish("b", "no", { qos: 1 })
    const back = await broker.join("c", persistent)
    await back.quiet()
    assert.deepEqual((await ask("GET /subscriptions?client=c")).body.items, [])
  })

  it("subscriptions to a topic, and the groups that share one", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const [one, two] = [await broker.join("one"), await broker.join("two")]
    await one.subscribe("plant/+", 1, { nl: true, rap: true, subscriptionIdentifier: 7 })
    await two.subscribe("other/#", 0)
    for (const member of [one, two]) await member.subscribe("$share/crew/plant/#", 2)
    const { body } = await ask("GET /subscriptions?topic=plant%2F1")
    assert.sameMembers(
      body.items.map((row: { clientIdentifier: string; filter: string }) => `${row.clientIdentifier} ${row.filter}`),
      ["one plant/+", "one $share/crew/plant/#", "two $share/crew/plant/#"]
    )
    const own = body.items.find(({ filter }: { filter: string }) => filter === "plant/+")
    assert.deepInclude(own, { qos: 1, noLocal: true, retainAsPublished: true, subscriptionIdentifier: 7 })
    const { items } = (await ask("GET /shared")).body
    assert.deepInclude(items[0], { share: "crew", filter: "plant/#", members: ["one", "two"], inFlight: 0 })
  })

  it("a page of 10,000 sessions is made of what it shows", async () => {
    await using broker = await startAdmin()
    const { core } = broker
    const model = await broker.join("model", persistent)
    await model.leave()
    const session = core.sessions.get("model")
    for (let i = 0; i < 10_000 && session !== undefined; i++) core.sessions.set(`c${i}`, session)
    const { body } = await asker(broker)("GET /clients?limit=50&offset=9000")
    assert.deepEqual([body.items.length, body.total], [50, 10_001])
    const sorted = (await asker(broker)("GET /clients?limit=50&sort=-clientIdentifier")).body
    assert.deepEqual([sorted.items.length, sorted.total, sorted.isTotalExact], [50, 10_001, true])
    for (let i = 0; i < 10_000; i++) core.sessions.delete(`c${i}`)
  })
})
