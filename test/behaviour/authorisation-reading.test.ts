/**
 * Goal: what a rule denies is handed over on no path: live, retained, queued, shared, from a resumed session
 * (security.md, rows 23, 25, 26); a subscription is judged by its filter, a message by its topic.
 * Method: wide subscriptions under narrow denials; rules that are taken away while messages are under way.
 */
import { assert } from "@effect/vitest"
import { ruled } from "../support/ruled-access.ts"
import { scenario } from "../support/scenario.ts"

const writer = { effect: "allow", "client-ids": "writer" }
const narrow = [writer, { effect: "deny", topics: "s/#" }, { effect: "allow", topics: "#" }]
const open = [{ effect: "allow" }]
const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } } as const

scenario("rules about reading", ({ it, start }) => {
  it("row 23: deny live messages to a wide subscription, at every QoS", async () => {
    await using broker = await start({}, ruled(...narrow).swaps)
    const reader = await broker.join("reader")
    assert.strictEqual(await reader.subscribe("#", 2), 2)
    assert.strictEqual(await reader.subscribe("+/x", 2), 2)
    const publisher = await broker.join("writer")
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish("s/x", "secret", { qos })
      await publisher.publish("t/x", `${qos}`, { qos })
    }
    await publisher.quiet()
    assert.deepEqual(await reader.payloads(3), ["0", "1", "2"])
    await reader.quiet()
    // To the publisher there is nobody.
    assert.deepEqual(broker.drops, { "no-subscriber": 2, "not-authorized": 3 })
    const rows = broker.core.ledger.rows()
    assert.deepEqual(
      rows
        .filter(({ clientIdentifier }) => clientIdentifier !== "")
        .map(({ clientIdentifier, topic }) => [clientIdentifier, topic]),
      [["reader", "s/x"]]
    )
  })

  it("answer 0x87 in SUBACK for what no rule covers, and the others take effect", async () => {
    const rules = [writer, { effect: "allow", topics: ["a/+", "b/#"] }]
    await using broker = await start({}, ruled(...rules).swaps)
    const reader = await broker.join("reader")
    assert.strictEqual(await reader.subscribe("a/+", 1), 1)
    assert.strictEqual(await reader.subscribe("a/x", 1), 1)
    assert.strictEqual(await reader.subscribe("b", 1), 1)
    for (const filter of ["a/#", "#", "+/x", "c", "$SYS/#"]) {
      assert.strictEqual(await reader.subscribe(filter, 1), 0x87, filter)
    }
    const older = await broker.join("older", { version: 4 })
    assert.strictEqual(await older.subscribe("a/#", 1), 0x80)
  })

  it("row 25: deny a shared subscription like a plain one, and hand no member what it may not read", async () => {
    const rules = [
      writer,
      { effect: "deny", "client-ids": "guest", topics: "s/x" },
      { effect: "allow", topics: ["s/#", "t"] }
    ]
    await using broker = await start({}, ruled(...rules).swaps)
    const guest = await broker.join("guest")
    assert.strictEqual(await guest.subscribe("$share/g/u", 1), 0x87)
    assert.strictEqual(await guest.subscribe("$share/g/s/x", 1), 0x87)
    assert.strictEqual(await guest.subscribe("$share/g/#", 1), 0x87)
    assert.strictEqual(await guest.subscribe("$share/g/s/#", 1), 1)
    const publisher = await broker.join("writer")
    await publisher.publish("s/x", "nobody may", { qos: 1 })
    await publisher.publish("s/x", "nobody may", { qos: 0 })
    await publisher.publish("s/y", "guest", { qos: 1 })
    assert.deepEqual(await guest.payloads(1), ["guest"])
    const member = await broker.join("member")
    assert.strictEqual(await member.subscribe("$share/g/s/#", 1), 1)
    for (let i = 0; i < 6; i++) await publisher.publish("s/x", `${i}`, { qos: i % 2 === 0 ? 0 : 1 })
    await publisher.quiet()
    assert.deepEqual(await member.payloads(6), ["0", "1", "2", "3", "4", "5"])
    await guest.quiet()
    assert.deepEqual(broker.drops, { "not-authorized": 2 })
  })

  it("row 23: deny retained messages", async () => {
    await using broker = await start({}, ruled(...narrow).swaps)
    const publisher = await broker.join("writer")
    for (const topic of ["s/x", "t/x", "s/y"]) await publisher.publish(topic, topic, { qos: 1, retain: true })
    const reader = await broker.join("reader")
    for (const qos of [0, 1] as const) {
      await reader.subscribe("#", qos)
      assert.deepEqual(await reader.payloads(1), ["t/x"])
    }
    await reader.quiet()
    assert.deepEqual(broker.drops, { "not-authorized": 4 })
  })

  it("may speak of retained messages alone", async () => {
    const rules = [writer, { effect: "deny", topics: "t", actions: "subscribe", retain: true }, { effect: "allow" }]
    await using broker = await start({}, ruled(...rules).swaps)
    const publisher = await broker.join("writer")
    await publisher.publish("t", "retained", { qos: 1, retain: true })
    const reader = await broker.join("reader")
    assert.strictEqual(await reader.subscribe("t", 1), 1)
    await publisher.publish("t", "live", { qos: 1 })
    assert.deepEqual(await reader.payloads(1), ["live"])
    await reader.quiet()
  })

  it("row 26: that are made later keep from a session what waits for it", async () => {
    const access = ruled(...open)
    await using broker = await start({}, access.swaps)
    const reader = await broker.join("reader", kept)
    await reader.subscribe("#", 1)
    await reader.leave()
    const publisher = await broker.join("writer")
    for (const topic of ["s/x", "t/x", "s/y", "t/y"]) await publisher.publish(topic, topic, { qos: 1 })
    access.use(...narrow)
    const again = await broker.join("reader", kept)
    assert.deepEqual(await again.payloads(2), ["t/x", "t/y"])
    await publisher.publish("s/z", "secret", { qos: 1 })
    await publisher.publish("t/z", "t/z", { qos: 1 })
    assert.deepEqual(await again.payloads(1), ["t/z"])
    await again.quiet()
    assert.deepEqual(broker.drops, { "not-authorized": 3 })
  })

  it("row 26: end a live subscription's messages at once, and bring them back", async () => {
    const access = ruled(...open)
    await using broker = await start({}, access.swaps)
    const reader = await broker.join("reader")
    await reader.subscribe("s/x", 1)
    const publisher = await broker.join("writer")
    await publisher.publish("s/x", "before", { qos: 1 })
    access.use(...narrow)
    for (const qos of [0, 1, 2] as const) await publisher.publish("s/x", "revoked", { qos })
    access.use(...open)
    await publisher.publish("s/x", "after", { qos: 1 })
    assert.deepEqual(await reader.payloads(2), ["before", "after"])
    await reader.quiet()
  })

  it("row 27: are asked before an unfinished message is repeated", async () => {
    const access = ruled(...open)
    await using broker = await start({}, access.swaps)
    const reader = await broker.join("reader", kept)
    await reader.subscribe("#", 2)
    const publisher = await broker.join("writer")
    await publisher.publish("s/x", "secret", { qos: 2 })
    await publisher.publish("t/x", "open", { qos: 1 })
    assert.strictEqual((await reader.take("publish")).qos, 2)
    assert.strictEqual((await reader.take("publish")).qos, 1)
    await reader.vanish()
    access.use(...narrow)
    const again = await broker.join("reader", kept)
    const repeated = await again.take("publish")
    assert.deepEqual([repeated.topic, repeated.dup], ["t/x", true])
    again.send({ cmd: "puback", messageId: repeated.messageId ?? 0 })
    await again.quiet()
    assert.deepEqual(broker.drops, { "not-authorized": 1 })
  })

  it("row 26: keep a retained message whose publisher lost the right to it", async () => {
    const access = ruled(...open)
    await using broker = await start({}, access.swaps)
    const publisher = await broker.join("writer")
    const other = await broker.join("other")
    await publisher.publish("r/1", "revoked", { qos: 1, retain: true })
    await other.publish("r/2", "fine", { qos: 1, retain: true })
    await publisher.leave()
    access.use({ effect: "deny", "client-ids": "writer" }, { effect: "allow" })
    const reader = await broker.join("reader")
    await reader.subscribe("r/#")
    assert.deepEqual(await reader.payloads(1), ["fine"])
    await reader.quiet()
    access.use(...open)
    await reader.subscribe("r/1")
    assert.deepEqual(await reader.payloads(1), ["revoked"])
  })

  it("differ from client to client, on the same topic, in turn", async () => {
    const rules = [
      { effect: "deny", "client-ids": "one", actions: "publish", topics: "a" },
      { effect: "deny", "client-ids": "two", actions: "subscribe", topics: "a" },
      { effect: "allow" }
    ]
    await using broker = await start({}, ruled(...rules).swaps)
    const one = await broker.join("one")
    const two = await broker.join("two")
    assert.strictEqual(await one.subscribe("#", 1), 1)
    assert.strictEqual(await two.subscribe("#", 1), 1)
    for (let i = 0; i < 4; i++) {
      assert.strictEqual(await one.publish("a", "no", { qos: 1 }), 0x87)
      assert.strictEqual(await two.publish("a", `${i}`, { qos: 1 }), 0)
      assert.deepEqual(await one.payloads(1), [`${i}`])
    }
    await two.quiet()
    assert.deepEqual(broker.drops, { "not-authorized": 8 })
  })

  it("ask nothing of a superuser, and a client's own rules come before the file's", async () => {
    await using broker = await start({}, ruled({ effect: "deny" }).swaps)
    const root = await broker.join("root", { username: "root", password: Buffer.from("x") })
    const guest = await broker.join("guest", { username: "guest", password: Buffer.from("x") })
    const nobody = await broker.join("nobody")
    assert.strictEqual(await root.subscribe("#", 1), 1)
    assert.strictEqual(await guest.subscribe("guest/1", 1), 1)
    assert.strictEqual(await guest.subscribe("#", 1), 0x87)
    assert.strictEqual(await nobody.subscribe("guest/1", 1), 0x87)
    assert.strictEqual(await nobody.publish("guest/1", "no", { qos: 1 }), 0x87)
    assert.strictEqual(await guest.publish("other", "no", { qos: 1 }), 0x87)
    assert.strictEqual(await guest.publish("guest/1", "mine", { qos: 1 }), 0)
    assert.deepEqual(await root.payloads(1), ["mine"])
    assert.deepEqual(await guest.payloads(1), ["mine"])
  })

  it("flood no ledger: many denied topics share a row", async () => {
    await using broker = await start({}, ruled(...narrow).swaps)
    const reader = await broker.join("reader")
    await reader.subscribe("#")
    const publisher = await broker.join("writer")
    for (let i = 0; i < 100; i++) await publisher.publish(`s/${i}`, "x")
    for (let i = 0; i < 100; i++) await publisher.publish(`s/${i}`, "x", { qos: 1 })
    await publisher.quiet()
    await reader.quiet()
    assert.strictEqual(broker.drops["not-authorized"], 200)
    const rows = broker.core.ledger.rows().filter(({ clientIdentifier }) => clientIdentifier === "reader")
    assert.strictEqual(rows.length, 17)
  })
})
