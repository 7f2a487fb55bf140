/** Topics, retained messages and publishing over the admin API, against a whole broker: what it says is what clients see. */
import { assert, describe, it } from "@effect/vitest"
import { asker, startAdmin } from "./whole.ts"

const levels = ({ items }: { items: ReadonlyArray<{ level: string; topics: number }> }): ReadonlyArray<string> =>
  items.filter(({ level }) => level !== "$SYS").map(({ level, topics }) => `${level}:${topics}`)

describe("topics over the admin API", () => {
  it("publish reaches subscribers with all its properties, and answers what a client would be told", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const reader = await broker.join("reader")
    await reader.subscribe("plant/#", 1)
    const message = {
      topic: "plant/ü",
      payload: Buffer.from([0, 255]).toString("base64"),
      encoding: "base64",
      qos: 1,
      retain: true,
      messageExpirySeconds: 60,
      contentType: "application/x",
      responseTopic: "answers/1",
      correlationData: Buffer.from("id").toString("base64"),
      userProperties: [{ name: "k", value: "v" }]
    }
    const { body, status } = await ask("POST /publish", message)
    assert.strictEqual(status, 200)
    assert.deepEqual([body.reasonCode, typeof body.sequence], [0, "number"])
    const got = await reader.message()
    assert.deepEqual([got.topic, [...(got.payload as Buffer)], got.qos], ["plant/ü", [0, 255], 1])
    assert.deepInclude(got.properties, { contentType: "application/x", responseTopic: "answers/1" })
    assert.strictEqual(String(got.properties?.correlationData), "id")
    assert.deepEqual({ ...got.properties?.userProperties }, { k: "v" })
    assert.isAtMost(got.properties?.messageExpiryInterval ?? 99, 60)
    const kept = (await ask(`GET /retained/value?topic=${encodeURIComponent("plant/ü")}`)).body
    assert.deepInclude(kept, { topic: "plant/ü", retain: true, contentType: "application/x", correlationData: "aWQ=" })
    assert.deepEqual(kept.payload, { encoding: "base64", value: "AP8=", sizeBytes: 2, isCut: false })
    assert.deepEqual(kept.userProperties, [{ name: "k", value: "v" }])
    const nobody = await ask("POST /publish", { topic: "nobody/there", payload: "x", qos: 1 })
    assert.deepInclude(nobody.body, { reasonCode: 0x10, sequence: null })
  })

  it("what a client could not publish, the API cannot either", async () => {
    await using broker = await startAdmin({ mqtt: { "max-qos": 1, "max-topic-len": 20, "max-packet-size": 2000 } })
    const ask = asker(broker)
    for (const [fault, message] of [
      ["a wildcard", { topic: "a/#", payload: "" }],
      ["no topic", { topic: "", payload: "" }],
      ["a topic of the broker's", { topic: "$SYS/x", payload: "" }],
      ["too long a topic", { topic: "x".repeat(21), payload: "" }],
      ["too high a QoS", { topic: "a", payload: "", qos: 2 }],
      ["too large a packet", { topic: "a", payload: "x".repeat(2000) }],
      ["a response topic with a wildcard", { topic: "a", payload: "", responseTopic: "b/+" }],
      ["half a second", { topic: "a", payload: "", messageExpirySeconds: 0.5 }],
      ["NUL in a property", { topic: "a", payload: "", contentType: "a\u0000b" }]
    ] as const) {
      const { body, status } = await ask("POST /publish", message)
      assert.deepEqual([status, body.errors?.[0].code], [422, "E2133"], fault)
    }
    assert.strictEqual((await ask("POST /publish", { topic: "a", payload: "?", encoding: "base64" })).status, 400)
    assert.strictEqual((await ask("POST /publish", { topic: "a", payload: "x", quality: 1 })).status, 400)
  })

  it("the tree is shown level by level, topics with strange levels too", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const client = await broker.join("c")
    for (const topic of ["plant/1/temp", "plant/1/state", "plant/2", "plant", "/lead", "a b/..%/x"]) {
      await client.publish(topic, "x", { qos: 1, retain: true })
    }
    const top = (await ask("GET /topics?filter=")).body
    assert.deepEqual(levels(top), [":1", "a b:1", "plant:4"])
    assert.deepInclude(top.items.at(-1), { topic: "plant", isTopic: true, hasChildren: true, isRetained: true })
    assert.deepEqual(levels((await ask("GET /topics?prefix=plant")).body), ["1:2", "2:1"])
    assert.deepEqual(levels((await ask("GET /topics?prefix=plant%2F1&sort=-level")).body), ["temp:1", "state:1"])
    assert.deepEqual(levels((await ask(`GET /topics?prefix=${encodeURIComponent("a b")}`)).body), ["..%:1"])
    assert.deepEqual((await ask("GET /topics?prefix=nothing")).body.items, [])
    assert.deepEqual((await ask("GET /topics?prefix=%2B")).body.items, [])
    const reader = await broker.join("r")
    await reader.subscribe("plant/+", 0)
    const { body } = await ask("GET /topics/value?topic=plant%2F2")
    assert.deepInclude(body, { topic: "plant/2", subscribers: 1, subscriberNames: ["r"] })
    assert.strictEqual(body.last.payload.value, "x")
    assert.strictEqual((await ask("GET /topics/value?topic=never")).status, 404)
    assert.strictEqual((await ask("GET /topics/value?topic=a%2F%23")).status, 400)
  })

  it("what nobody keeps is counted and shown from the first question on, long values cut between characters", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const reader = await broker.join("reader")
    await reader.subscribe("demo/#", 0)
    await ask("GET /topics")
    const writer = await broker.join("writer")
    await writer.publish("demo/hi", "hello", { qos: 0 })
    await writer.publish("demo/hi", "again", { qos: 0 })
    await writer.publish("demo/long", "ü".repeat(3000), { qos: 0 })
    for (let i = 0; i < 3; i++) await reader.message()
    const { items } = (await ask("GET /topics?prefix=demo")).body
    assert.deepInclude(items[0], { level: "hi", messages: 2 })
    assert.deepEqual(items[0].last, { encoding: "utf8", value: "again", sizeBytes: 5, isCut: false })
    assert.deepEqual(items[1].last, { encoding: "utf8", value: "ü".repeat(50), sizeBytes: 6000, isCut: true })
    const [top] = (await ask("GET /topics?filter=demo")).body.items
    assert.deepInclude(top, { isTopic: false, messages: 3, last: null })
    const { body } = await ask("GET /topics/value?topic=demo%2Fhi")
    assert.deepInclude(body, { messages: 2, records: 0, retained: null })
    assert.deepInclude(body.last, { qos: 0, sequence: null })
    assert.strictEqual(body.last.payload.value, "again")
    const { payload } = (await ask("GET /topics/value?topic=demo%2Flong")).body.last
    assert.deepInclude(payload, { encoding: "utf8", sizeBytes: 6000, isCut: true })
    assert.match(payload.value, /^ü{2000,2048}$/)
  })

  it("retained messages are listed by filter, sorted, and cleared for all to see", async () => {
    await using broker = await startAdmin()
    const ask = asker(broker)
    const client = await broker.join("writer")
    for (let i = 0; i < 5; i++) await client.publish(`s/${i}`, "x".repeat(i + 1), { retain: true, qos: 1 })
    await client.publish("other", "x", { retain: true, qos: 1 })
    const { body } = await ask("GET /retained?filter=s%2F%2B&sort=-sizeBytes&limit=2")
    assert.deepEqual(
      body.items.map(({ sizeBytes, topic }: { sizeBytes: number; topic: string }) => `${topic} ${sizeBytes}`),
      ["s/4 5", "s/3 4"]
    )
    assert.deepEqual([body.total, body.isTotalExact], [5, true])
    assert.strictEqual((await ask("GET /retained")).body.total, 6)
    assert.strictEqual((await ask("GET /retained?filter=a%23")).status, 400)
    const watcher = await broker.join("watcher")
    await watcher.subscribe("s/0", 0)
    await watcher.message()
    assert.deepEqual((await ask("DELETE /retained?filter=s%2F%23&dry-run=true")).body, { matched: 5, cleared: 0 })
    assert.deepEqual((await ask("DELETE /retained?filter=s%2F%23")).body, { matched: 5, cleared: 5 })
    assert.strictEqual(String((await watcher.message()).payload), "")
    assert.strictEqual((await ask("GET /retained")).body.total, 1)
    assert.strictEqual((await ask("GET /retained/value?topic=s%2F1")).body.errors[0].code, "E6132")
    assert.strictEqual((await ask("DELETE /retained?filter=%24SYS%2F%23")).status, 400)
    assert.strictEqual((await ask("DELETE /retained")).status, 400)
  })

  it("on the disk: an answer stands for what is kept, and what was cleared does not come back", async () => {
    const settings = { storage: { engine: "wal" } } as const
    await using broker = await startAdmin(settings)
    const ask = asker(broker)
    const { body } = await ask("POST /publish", { topic: "kept", payload: "x", qos: 1, retain: true })
    assert.isAtMost(body.sequence, broker.core.log.next - 1)
    assert.strictEqual(broker.core.log.kept, broker.core.log.ticket)
    assert.strictEqual((await ask("POST /storage/snapshot")).status, 200)
    const segments = (await ask("GET /storage/segments")).body
    assert.strictEqual(segments.items.at(-1).state, "active")
    assert.strictEqual(segments.items.at(-1).lastTicket, broker.core.log.ticket)
  })
})
