/**
 * Chapters 3.1.3 and 3.1.4: client identifiers, credentials, what the server does with a CONNECT.
 */
import assert from "node:assert/strict"
import { field, section } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { holdsNull, illFormed, notUtf8 } from "../support/samples.ts"
import { guarded, NotOffered, narrow } from "../support/target.ts"
import { connectBytes, frame, hex, publishBytes, subscribeBytes } from "../support/write.ts"

const { password, username } = guarded

export const connectPayload = chapter("3.1.3 CONNECT payload", 5, (rule) => {
  rule("MQTT-3.1.3-1", "every field is read in its order and takes effect", async (stage) => {
    const watcher = await stage.join("watcher", { makeUp: "guarded", username, password })
    await watcher.subscribed(stage.topic("will"), { qos: 1 })
    const properties = { contentType: "text/plain", userProperty: [["a", "b"]] } as const
    const will = { topic: stage.topic("will"), payload: "words", qos: 1, properties }
    await stage.fuse("client", will, { makeUp: "guarded", username, password, expiry: 60, keepAlive: 30 })
    const message = await watcher.delivered()
    assert.deepEqual([message.text, message.properties], ["words", properties])
    await stage.resume("client", true, { makeUp: "guarded", username, password })
  })

  rule("MQTT-3.1.3-2", "a session belongs to its client identifier", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.left()
    const other = await stage.resume("other", false)
    await other.published(stage.topic("a"), "x", { qos: 1 })
    await other.quiet()
    const again = await stage.resume("client", true)
    assert.deepEqual(await again.texts(1), ["x"])
  })

  rule("MQTT-3.1.3-3", "CONNECT without Client Identifier is refused", async (stage) => {
    await stage.rejects(frame(0x10, field("MQTT"), hex("05 02 00 00"), section({})), 0x81)
  })

  rule("MQTT-3.1.3-4", "an ill-formed Client Identifier is refused", async (stage) => {
    for (const clientId of [...illFormed, holdsNull]) {
      await stage.rejects(connectBytes(5, { clientId }), 0x81, { tolerated: [0x85] })
    }
  })

  rule("MQTT-3.1.3-5", "identifiers of 1 to 23 letters and digits are accepted", async (stage) => {
    for (const clientId of ["0", "a", "Z", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ"]) {
      await (await stage.join("", { clientId })).left()
    }
  })

  rule(["MQTT-3.1.3-6", "MQTT-3.2.2-16"], "empty identifiers are accepted, each as another client", async (stage) => {
    const stored = await stage.join("", { clientId: "", expiry: 60 })
    await stored.left()
    const one = await stage.join("", { clientId: "" })
    const two = await stage.join("", { clientId: "" })
    await one.quiet()
    await two.quiet()
    const assigned = [stored, one, two].map(({ announced }) => announced.assignedClientIdentifier ?? "")
    assert.ok(!assigned.includes(""), "an assigned identifier is missing")
    assert.equal(new Set(assigned).size, 3)
  })

  rule("MQTT-3.1.3-7", "the assigned identifier is told, and names the session", async (stage) => {
    const client = await stage.join("", { clientId: "", expiry: 60 })
    const clientId = client.announced.assignedClientIdentifier ?? ""
    await client.left()
    await stage.resume("", true, { clientId })
  })

  rule("MQTT-3.1.3-8", "an identifier that the server does not take is refused with 0x85", async (stage) => {
    const { longestClientId } = stage.features
    if (longestClientId === undefined) throw new NotOffered("takes identifiers of any length")
    const clientId = "x".repeat(longestClientId + 1)
    await stage.rejects(connectBytes(5, { clientId }), 0x85, { makeUp: "narrow" })
  })

  rule("MQTT-3.1.3-12", "an ill-formed User Name is refused", async (stage) => {
    for (const name of [notUtf8, holdsNull]) {
      await stage.rejects(connectBytes(5, { clientId: stage.id("x"), username: name, password: "p" }), 0x81, {
        tolerated: [0x86]
      })
    }
  })
})

export const connectActions = chapter("3.1.4 CONNECT actions", 5, (rule) => {
  rule("MQTT-3.1.4-1", "a CONNECT that is not well-formed never succeeds", async (stage) => {
    const whole = connectBytes(5, {
      clientId: stage.id("x"),
      will: { topic: "will" },
      username: "alice",
      password: "p"
    })
    const body = whole.subarray(2)
    for (const length of [9, 11, 14, body.length - 1]) await stage.rejects(frame(0x10, body.subarray(0, length)), 0x81)
    await stage.rejects(frame(0x10, body, hex("00")), 0x81)
    // Cut off before the version there is no form in which to answer.
    await stage.rejects(frame(0x10, body.subarray(0, 5)), 0x81, { mayBeSilent: true })
    await stage.rejects(connectBytes(5, { clientId: stage.id("x"), properties: { receiveMaximum: 0 } }), 0x82)
  })

  rule("MQTT-3.1.4-2", "wrong credentials are refused", async (stage) => {
    for (const credentials of [{}, { username }, { username, password: "wrong" }, { username: "bob", password }]) {
      const bytes = connectBytes(5, { clientId: stage.id("x"), ...credentials })
      await stage.rejects(bytes, [0x86, 0x87], { makeUp: "guarded" })
    }
  })

  rule("MQTT-3.1.4-3", "a second client of the same identifier takes over", async (stage) => {
    const first = await stage.join("client")
    const second = await stage.join("client")
    await first.refused(0x8e)
    await second.quiet()
  })

  rule("MQTT-3.1.4-4", "take-over with Clean Start 0 keeps the session", async (stage) => {
    const first = await stage.join("client", { expiry: 60 })
    await first.subscribed(stage.topic("a"), { qos: 1 })
    const second = await stage.resume("client", true)
    await first.refused(0x8e)
    await second.published(stage.topic("a"), "x", { qos: 1 })
    assert.deepEqual(await second.texts(1), ["x"])
  })

  rule("MQTT-3.1.4-4", "take-over with Clean Start 1 begins anew", async (stage) => {
    const first = await stage.join("client", { expiry: 60 })
    await first.subscribed(stage.topic("a"), { qos: 1 })
    const second = await stage.resume("client", false, { clean: true })
    await first.refused(0x8e)
    await second.published(stage.topic("a"), "x", { qos: 1 })
    await second.quiet()
  })

  rule("MQTT-3.1.4-5", "a CONNECT that is in order succeeds", async (stage) => {
    const peer = await stage.dial()
    const { code } = await peer.connected({ clientId: stage.id("client"), username: "anybody", password: "anything" })
    assert.equal(code, 0)
  })

  rule("MQTT-3.1.4-6", "nothing behind a refused CONNECT takes effect", async (stage) => {
    const topic = stage.topic("a")
    const watcher = await stage.join("watcher", { makeUp: "guarded", username, password })
    await watcher.subscribed(topic)
    await stage.rejects(
      Buffer.concat([
        connectBytes(5, { clientId: stage.id("stranger"), username, password: "wrong" }),
        publishBytes(5, { topic, payload: "smuggled", qos: 1, id: 1, retain: true }),
        subscribeBytes(5, 2, [{ filter: topic }])
      ]),
      [0x86, 0x87],
      { makeUp: "guarded" }
    )
    await watcher.quiet()
    assert.equal(await watcher.subscribed(topic), 0)
    await watcher.quiet()
  })
})

export const connack = chapter("3.2 CONNACK", 5, (rule) => {
  rule("MQTT-3.2.0-1", "CONNACK comes first, what was queued after it", async (stage) => {
    const client = await stage.join("client", { expiry: 60 })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.left()
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "queued", { qos: 1 })
    const again = await stage.resume("client")
    assert.deepEqual(await again.texts(1), ["queued"])
    assert.deepEqual(
      again.history.map(({ kind }) => kind),
      ["connack", "publish"]
    )
  })

  rule("MQTT-3.2.0-2", "no second CONNACK answers a second CONNECT", async (stage) => {
    const client = await stage.join("client")
    client.connect({ clientId: stage.id("client") })
    await client.refused(0x82)
    assert.equal(client.history.filter(({ kind }) => kind === "connack").length, 1)
  })

  rule(
    ["MQTT-3.2.2-1", "MQTT-3.2.2-2", "MQTT-3.2.2-3"],
    "Session Present is the only flag, and true",
    async (stage) => {
      const fields = stage.connectFields("client", { expiry: 60 })
      for (const [clean, present] of [
        [false, 0],
        [false, 1],
        [true, 0],
        [false, 1]
      ] as const) {
        const peer = await stage.dial()
        const { bytes, code } = await peer.connected({ ...fields, clean })
        assert.deepEqual([bytes[0], bytes[2], code], [0x20, present, 0])
        await peer.left()
      }
    }
  )

  rule("MQTT-3.2.2-6", "a refusal never says Session Present", async (stage) => {
    const known = await stage.join("client", { makeUp: "guarded", username, password, expiry: 60 })
    await known.left()
    const peer = await stage.dial("guarded")
    const fields = stage.connectFields("client", { expiry: 60, username, password: "wrong" })
    const { bytes, code } = await peer.connected(fields)
    assert.ok(code >= 0x80)
    assert.equal(bytes[2], 0)
  })

  rule(["MQTT-3.2.2-7", "MQTT-3.2.2-8"], "a refusal names a code of the table and closes", async (stage) => {
    const refused = [
      stage.rejects(connectBytes(5, { clientId: stage.id("x"), username, password: "x" }), [0x86, 0x87], {
        makeUp: "guarded"
      }),
      stage.rejects(connectBytes(5, { clientId: stage.id("x"), flags: 1 }), 0x81),
      stage.rejects(connectBytes(5, { clientId: stage.id("x"), properties: { maximumPacketSize: 0 } }), 0x82),
      stage.rejects(connectBytes(5, { clientId: stage.id("x"), will: { topic: "a/#" } }), 0x90, {
        tolerated: [0x81, 0x82]
      })
    ]
    await Promise.all(refused)
  })

  rule("MQTT-3.2.2-9", "Maximum QoS is announced where it is limited, and only there", async (stage) => {
    assert.equal((await stage.join("plain")).announced.maximumQos, undefined)
    assert.equal((await stage.join("one", { makeUp: "qos1" })).announced.maximumQos, 1)
    assert.equal((await stage.join("zero", { makeUp: "qos0" })).announced.maximumQos, 0)
  })

  rule("MQTT-3.2.2-10", "SUBSCRIBE above the maximum QoS is granted the maximum", async (stage) => {
    const client = await stage.join("client", { makeUp: "qos1" })
    assert.equal(await client.subscribed(stage.topic("a"), { qos: 2 }), 1)
    await client.published(stage.topic("a"), "x", { qos: 1 })
    assert.equal((await client.delivered()).qos, 1)
  })

  rule("MQTT-3.2.2-11", "PUBLISH above the maximum QoS is refused with 0x9B", async (stage) => {
    const topic = stage.topic("a")
    await stage.refuses(publishBytes(5, { topic, qos: 2, id: 1 }), 0x9b, { makeUp: "qos1" })
    await stage.refuses(publishBytes(5, { topic, qos: 1, id: 1 }), 0x9b, { makeUp: "qos0" })
  })

  rule("MQTT-3.2.2-12", "a will above the maximum QoS is refused with 0x9B", async (stage) => {
    const bytes = connectBytes(5, { clientId: stage.id("x"), will: { topic: stage.topic("will"), qos: 2 } })
    await stage.rejects(bytes, 0x9b, { makeUp: "qos1" })
  })

  rule("MQTT-3.2.2-13", "a retained will is refused with 0x9A where retain is off", async (stage) => {
    const bytes = connectBytes(5, { clientId: stage.id("x"), will: { topic: stage.topic("will"), retain: true } })
    await stage.rejects(bytes, 0x9a, { makeUp: "no-retain" })
  })

  rule("MQTT-3.2.2-14", "RETAIN 1 is refused with 0x9A where retain is off", async (stage) => {
    assert.equal((await stage.join("client", { makeUp: "no-retain" })).announced.retainAvailable, 0)
    assert.notEqual((await stage.join("plain")).announced.retainAvailable, 0)
    await stage.refuses(publishBytes(5, { topic: stage.topic("a"), retain: true }), 0x9a, { makeUp: "no-retain" })
  })

  rule("MQTT-3.2.2-15", "a packet above the announced size is refused with 0x95", async (stage) => {
    const { announced } = await stage.join("client", { makeUp: "narrow" })
    assert.equal(announced.maximumPacketSize, narrow.packetBytes)
    const topic = stage.topic("a")
    const overhead = 3 + 2 + topic.length + 1
    const exactly = publishBytes(5, { topic, payload: "x".repeat(narrow.packetBytes - overhead) })
    assert.equal(exactly.length, narrow.packetBytes)
    const client = await stage.join("sender", { makeUp: "narrow" })
    client.raw(exactly)
    await client.quiet()
    const larger = publishBytes(5, { topic, payload: "x".repeat(narrow.packetBytes - overhead + 1) })
    await stage.refuses(larger, 0x95, { makeUp: "narrow" })
  })

  rule(
    ["MQTT-3.2.2-17", "MQTT-3.3.2-9"],
    "an alias above the announced maximum is refused with 0x94",
    async (stage) => {
      for (const makeUp of ["narrow", "plain"] as const) {
        const { announced } = await stage.join("client", { makeUp })
        const topicAlias = (announced.topicAliasMaximum ?? 0) + 1
        await stage.refuses(publishBytes(5, { topic: stage.topic("a"), properties: { topicAlias } }), 0x94, { makeUp })
      }
    }
  )

  rule("MQTT-3.2.2-18", "without Topic Alias Maximum any alias is refused with 0x94", async (stage) => {
    const { announced } = await stage.join("client", { makeUp: "no-alias" })
    assert.equal(announced.topicAliasMaximum ?? 0, 0)
    const bytes = publishBytes(5, { topic: stage.topic("a"), properties: { topicAlias: 1 } })
    await stage.refuses(bytes, 0x94, { makeUp: "no-alias" })
  })

  rule(["MQTT-3.2.2-19", "MQTT-3.2.2-20"], "CONNACK is not larger than the client takes", async (stage) => {
    const properties = { maximumPacketSize: 20 }
    const accepted = await stage.dial()
    const { bytes } = await accepted.connected({ clientId: stage.id("client"), properties })
    assert.ok(bytes.length <= 20)
    const refused = await stage.dial("guarded")
    refused.connect({ clientId: stage.id("client"), properties, username, password: "wrong" })
    await refused.rejected([0x86, 0x87])
    for (const packet of refused.history) assert.ok(packet.bytes.length <= 20)
    if (!stage.features.givesReasons) return
    const told = await stage.dial("guarded")
    const connack = await told.connected({ clientId: stage.id("client"), username, password: "wrong" })
    assert.ok(connack.properties.reasonString !== undefined, "with room there are words")
  })
})
