/**
 * Chapter 3.1.3 of 3.1.1: the payload of CONNECT, above all the Client Identifier.
 */
import assert from "node:assert/strict"
import { illFormed } from "../support/samples.ts"
import { guarded, NotOffered } from "../support/target.ts"
import { connectBytes } from "../support/write.ts"
import { closesUnanswered, section } from "./section.ts"

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

export const payload = section("3.1.3 Payload of CONNECT", (rule) => {
  rule("MQTT-3.1.3-1", "every field of the payload takes effect", async (stage) => {
    const watcher = await stage.join("watcher")
    await watcher.subscribed(stage.topic("will"), { qos: 1 })
    const will = { topic: stage.topic("will"), payload: "gone", qos: 1 }
    const client = await stage.join("client", { clean: false, will, username: "alice", password: "secret" })
    await client.lost()
    const { topic, text } = await watcher.delivered()
    assert.deepEqual([topic, text], [stage.topic("will"), "gone"])
    await stage.resume("client")
  })

  rule("MQTT-3.1.3-1", "user name and password are the fourth and fifth field", async (stage) => {
    const { username, password } = guarded
    const will = { topic: stage.topic("will"), payload: "gone" }
    const client = await stage.join("client", { makeUp: "guarded", will, username, password })
    await client.left()
    const swapped = { clientId: stage.id("client"), will, username: password, password: username }
    await stage.rejects(connectBytes(4, swapped), [0x04, 0x05], { makeUp: "guarded" })
  })

  rule("MQTT-3.1.3-10", "an ill-formed Will Topic is refused", async (stage) => {
    for (const topic of illFormed) {
      await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), will: { topic, payload: "x" } }))
    }
  })

  rule("MQTT-3.1.3-11", "an ill-formed user name is refused", async (stage) => {
    for (const username of illFormed) {
      await closesUnanswered(stage, connectBytes(4, { clientId: stage.id("x"), username }))
    }
  })
})

export const clientIdentifier = section("3.1.3.1 Client Identifier", (rule) => {
  rule("MQTT-3.1.3-2", "the identifier is the session's, and nobody else's", async (stage) => {
    const client = await stage.join("client", { clean: false })
    await client.subscribed(stage.topic("a"), { qos: 1 })
    await client.left()
    const publisher = await stage.join("publisher")
    await publisher.published(stage.topic("a"), "for client", { qos: 1 })
    const other = await stage.resume("other", false)
    await other.quiet()
    const again = await stage.resume("client")
    assert.deepEqual(await again.texts(1), ["for client"])
  })

  rule("MQTT-3.1.3-4", "an ill-formed identifier is refused", async (stage) => {
    for (const clientId of illFormed) {
      await stage.rejects(connectBytes(4, { clientId }), 0x02, { mayBeSilent: true })
    }
  })

  rule("MQTT-3.1.3-5", "1 to 23 letters and digits are an identifier", async (stage) => {
    const shortest = await stage.join("x", { clientId: "Z" })
    await shortest.left()
    for (let at = 0; at < alphabet.length; at += 23) {
      const clientId = (alphabet.slice(at) + alphabet).slice(0, 23)
      const client = await stage.join("x", { clientId })
      await client.left()
    }
  })

  rule("MQTT-3.1.3-6", "the server tells clients without identifier apart", async (stage) => {
    const clients = [await stage.join("x", { clientId: "" }), await stage.join("x", { clientId: "" })]
    for (const client of clients) await client.subscribed(stage.topic("a"))
    await clients[0]?.published(stage.topic("a"), "for both")
    for (const client of clients) assert.deepEqual(await client.texts(1), ["for both"])
  })

  rule("MQTT-3.1.3-8", "no identifier and CleanSession 0: refused with 0x02", async (stage) => {
    await stage.rejects(connectBytes(4, { clientId: "", clean: false }), 0x02)
  })

  rule("MQTT-3.1.3-9", "an identifier that the server does not want: refused with 0x02", async (stage) => {
    const { longestClientId } = stage.features
    if (longestClientId === undefined) throw new NotOffered("it takes every identifier")
    const accepted = await stage.join("x", { makeUp: "narrow", clientId: stage.id("x").padEnd(longestClientId, "x") })
    await accepted.left()
    const clientId = stage.id("x").padEnd(longestClientId + 1, "x")
    await stage.rejects(connectBytes(4, { clientId }), 0x02, { makeUp: "narrow" })
  })
})
