/**
 * MQTT 3.1 (MQIsdp, level 3) where it differs from 3.1.1, and that the rest is the same. Its specification numbers
 * no statements: the ids here are ours, `[v3.1 <chapter>-<what>]`.
 *
 * Where its text and its practice differ practice counts: identifiers longer than 23 characters are accepted.
 */
import assert from "node:assert/strict"
import { field, twoBytes } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import { guarded, NotOffered } from "../support/target.ts"
import { connectBytes, frame, hex, publishBytes, subscribeBytes, unsubscribeBytes } from "../support/write.ts"

/** CONNECT of 3.1 written field by field: flags, then whatever should stand in the payload. */
const connectWith = (flags: number, ...payload: ReadonlyArray<Buffer>): Buffer =>
  frame(0x10, field("MQIsdp"), Buffer.from([3, flags]), twoBytes(0), ...payload)

const connecting = chapter("3.1 CONNECT", 3, (rule) => {
  rule("v3.1 3.1-level", "MQIsdp goes with level 3, and with no other", async (stage) => {
    const client = await stage.join("client")
    await client.quiet()
    for (const level of [0, 2, 4, 5]) await stage.rejects(connectBytes(3, { clientId: stage.id("x"), level }), 0x01)
    await stage.rejects(connectBytes(3, { clientId: stage.id("x"), protocolName: "MQTT" }), 0x01)
  })

  rule("v3.1 3.1-identifier", "an identifier has a character at least", async (stage) => {
    for (const clean of [true, false]) await stage.rejects(connectBytes(3, { clientId: "", clean }), 0x02)
  })

  rule("v3.1 3.1-identifier", "23 characters and more are accepted", async (stage) => {
    for (const length of [23, 24, 60]) {
      const client = await stage.join("x", { clientId: stage.id("x").padEnd(length, "x") })
      await client.left()
    }
  })

  rule("v3.1 3.1-identifier", "an identifier that is too long for the server is refused with 0x02", async (stage) => {
    const { longestClientId } = stage.features
    if (longestClientId === undefined) throw new NotOffered("it takes every identifier")
    const clientId = stage.id("x").padEnd(longestClientId + 1, "x")
    await stage.rejects(connectBytes(3, { clientId }), 0x02, { makeUp: "narrow" })
  })

  rule("v3.1 3.1-credentials", "user name and password may be missing although announced", async (stage) => {
    for (const payload of [[], [field("alice")], [field("alice"), field("secret")]]) {
      const client = await stage.dial()
      client.raw(connectWith(0xc2, field(stage.id("client")), ...payload))
      assert.equal((await client.take("connack")).code, 0)
      await client.quiet()
      await client.left()
    }
  })

  rule("v3.1 3.1-credentials", "wrong ones are refused", async (stage) => {
    const { username, password } = guarded
    const client = await stage.join("client", { makeUp: "guarded", username, password })
    await client.left()
    const wrong = connectBytes(3, { clientId: stage.id("client"), username, password: "wrong" })
    await stage.rejects(wrong, [0x04, 0x05], { makeUp: "guarded" })
  })

  rule("v3.1 3.2-reserved", "CONNACK does not tell whether there was a session", async (stage) => {
    for (const _ of ["new", "old"]) {
      const client = await stage.dial()
      client.connect({ clientId: stage.id("client"), clean: false })
      assert.deepEqual((await client.take("connack")).bytes, hex("20 02 00 00"))
      await client.left()
    }
  })

  rule("v3.1 3.1-malformed", "a malformed CONNECT ends the connection without CONNACK", async (stage) => {
    const id = field(stage.id("x"))
    for (const bytes of [connectWith(0x06, id), connectWith(0x1e, id, field("t"), field("")), connectWith(0x02)]) {
      const client = await stage.dial()
      client.raw(bytes)
      await client.ended()
    }
  })
})

const subscribing = chapter("3.8 SUBSCRIBE", 3, (rule) => {
  rule("v3.1 3.9-granted", "SUBACK holds granted QoS, and nothing else", async (stage) => {
    const client = await stage.join("client")
    const entries = [2, 0, 1].map((qos) => ({ filter: stage.topic(`${qos}`), qos }))
    assert.deepEqual((await client.suback(entries)).codes, [2, 0, 1])
  })

  rule("v3.1 3.9-granted", "there is no word for a refusal: the wish is repeated, nothing comes", async (stage) => {
    if (!stage.features.deniesFilters) throw new NotOffered("it refuses no single filter")
    const { forbidden, username, password } = guarded
    const client = await stage.join("client", { makeUp: "guarded", username, password })
    const filters = [stage.topic(forbidden, "+"), stage.topic("+", "a")]
    assert.deepEqual((await client.suback(filters.map((filter) => ({ filter, qos: 1 })))).codes, [1, 1])
    await client.published(stage.topic("b", "a"), "heard", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["heard"])
    await client.quiet()
  })
})

const repeating = chapter("2.1 DUP", 3, (rule) => {
  rule("v3.1 2.1-dup", "PUBREL, SUBSCRIBE and UNSUBSCRIBE may have it", async (stage) => {
    const client = await stage.join("client")
    const topic = stage.topic("a")
    const repeated = (bytes: Buffer) => Buffer.concat([Buffer.from([(bytes[0] as number) | 8]), bytes.subarray(1)])
    client.raw(repeated(subscribeBytes(3, 500, [{ filter: topic }])))
    assert.equal((await client.take("suback")).id, 500)
    client.publish({ topic, qos: 2, id: 9 })
    await client.find("pubrec")
    client.raw(hex("6A 02 00 09"))
    assert.equal((await client.find("pubcomp")).id, 9)
    client.raw(repeated(unsubscribeBytes(3, 501, [topic])))
    assert.equal((await client.find("unsuback")).id, 501)
  })

  rule("v3.1 2.1-dup", "other flags end the connection", async (stage) => {
    for (const bytes of ["60 02 00 01", "63 02 00 01", "C1 00", "E1 00"].map(hex)) await stage.refuses(bytes, [])
  })
})

const messages = chapter("4 Flows", 3, (rule) => {
  rule("v3.1 4.1-flows", "each QoS goes its way, between all versions", async (stage) => {
    const topic = stage.topic("a")
    const old = await stage.join("old")
    await old.subscribed(topic, { qos: 2 })
    for (const version of [4, 5] as const) {
      const other = await stage.dial("plain", version)
      await other.connected({ clientId: stage.id(`other${version}`) })
      await other.subscribed(topic, { qos: 2 })
      for (const from of [old, other]) {
        for (const qos of [0, 1, 2]) {
          await from.published(topic, `QoS ${qos}`, { qos })
          for (const to of [old, other]) {
            const message = await to.delivered()
            assert.deepEqual([message.text, message.qos], [`QoS ${qos}`, qos])
          }
        }
      }
      await other.left()
    }
  })

  rule("v3.1 4.2-retry", "what is open is repeated with DUP when the client comes back", async (stage) => {
    const topic = stage.topic("a")
    const publisher = await stage.join("publisher")
    const client = await stage.join("client", { clean: false })
    await client.subscribed(topic, { qos: 2 })
    for (const qos of [1, 2]) await publisher.published(topic, `QoS ${qos}`, { qos })
    const ids = [(await client.take("publish")).id, (await client.take("publish")).id]
    await client.lost()
    const again = await stage.join("client", { clean: false })
    for (const id of ids) {
      const message = await again.delivered()
      assert.deepEqual([message.id, message.dup], [id, true])
    }
    await again.quiet()
  })

  rule("v3.1 3.1-will", "a broken connection publishes the will, DISCONNECT does not", async (stage) => {
    const topic = stage.topic("will")
    const watcher = await stage.join("watcher")
    await watcher.subscribed(topic, { qos: 1 })
    const client = await stage.join("client", { will: { topic, payload: "left" } })
    await client.left()
    await stage.fuse("client", { topic, payload: "lost", qos: 1 })
    assert.deepEqual(await watcher.texts(1), ["lost"])
  })

  rule("v3.1 3.3-forbidden", "a PUBLISH that is not allowed is acknowledged and dropped", async (stage) => {
    const { forbidden, username, password } = guarded
    const client = await stage.join("client", { makeUp: "guarded", username, password })
    await client.subscribed(stage.topic("#"), { qos: 1 })
    for (const qos of [1, 2]) await client.published(stage.topic(forbidden), "unheard", { qos })
    await client.published(stage.topic("a"), "heard", { qos: 1 })
    assert.deepEqual(await client.texts(1), ["heard"])
  })

  rule("v3.1 3.3-malformed", "a malformed PUBLISH ends the connection", async (stage) => {
    await stage.refuses(frame(0x36, field("t"), hex("00 01")), [])
    await stage.refuses(publishBytes(3, { topic: "a/#" }), [])
  })
})

export const rulesV31 = [connecting, subscribing, repeating, messages].flat()
