/**
 * What clients see of each setting of `mqtt`, `limits`, `auth` and `topics`: announced in CONNACK, refused with a
 * reason code, or done. One row per key.
 */
import { assert } from "@effect/vitest"
import type { IConnackPacket } from "mqtt-packet"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import type { ConnectFields } from "./raw-client.ts"
import type { WholeBroker } from "./whole-broker.ts"

export interface Seen {
  readonly settings: SettingsInput
  readonly see: (broker: WholeBroker) => Promise<void>
}

type Announced = NonNullable<IConnackPacket["properties"]>

/** CONNACK says it. */
const announced = (key: string, value: unknown, expected: Partial<Announced>, fields?: ConnectFields): Seen => ({
  settings: { mqtt: { [key]: value } },
  see: async (broker) => {
    const { properties } = await (await broker.dial()).connect("client", fields)
    assert.deepInclude({ ...properties }, expected)
  }
})

const connectRefused = (settings: SettingsInput, name: string, reasonCode: number, before = 0): Seen => ({
  settings,
  see: async (broker) => {
    for (let i = 0; i < before; i++) await broker.join(`before ${i}`)
    const client = await broker.dial()
    assert.strictEqual((await client.connect(name)).reasonCode, reasonCode)
    await client.closed()
  }
})

const keys = [..."abcdefgh"]

/** Two members of one group, and the keys of what each of them gets of two messages per key, all on one topic. */
const sharedOut = async (broker: WholeBroker): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const members = [await broker.join("one"), await broker.join("two")]
  for (const member of members) await member.subscribe("$share/group/t", 1)
  const publisher = await broker.join("publisher")
  for (const key of [...keys, ...keys]) {
    await publisher.publish("t", key, { qos: 1, properties: { userProperties: { key } } })
  }
  const got = await Promise.all(members.map((member) => member.pending()))
  return got.map((packets) => packets.map(({ payload }) => String(payload)))
}

const retainedCount = async (broker: WholeBroker): Promise<void> => {
  const client = await broker.join("client")
  for (const topic of ["a", "b"]) await client.publish(topic, "x".repeat(1000), { retain: true, qos: 1 })
  assert.strictEqual(broker.core.retained.count, 1)
  assert.strictEqual(broker.drops["retained-limit"], 1)
}

export const seenByMqtt: Readonly<Record<string, Seen>> = {
  "mqtt.max-packet-size": announced("max-packet-size", "3MiB", { maximumPacketSize: 3_145_728 }),
  "mqtt.max-qos": announced("max-qos", 1, { maximumQoS: 1 }),
  "mqtt.receive-maximum": announced("receive-maximum", 7, { receiveMaximum: 7 }),
  "mqtt.topic-alias-maximum": announced("topic-alias-maximum", 7, { topicAliasMaximum: 7 }),
  "mqtt.retain-available": announced("retain-available", false, { retainAvailable: false }),
  "mqtt.wildcard-available": announced("wildcard-available", false, { wildcardSubscriptionAvailable: false }),
  "mqtt.shared-sub-available": announced("shared-sub-available", false, { sharedSubscriptionAvailable: false }),
  "mqtt.max-session-expiry": announced(
    "max-session-expiry",
    "10s",
    { sessionExpiryInterval: 10 },
    {
      properties: { sessionExpiryInterval: 60 }
    }
  ),
  "mqtt.max-keep-alive": announced("max-keep-alive", 20, { serverKeepAlive: 20 }, { keepalive: 21 }),
  "mqtt.keep-alive": {
    settings: { mqtt: { "keep-alive": 30, "max-keep-alive": 100 } },
    see: async (broker) => {
      for (const keepalive of [0, 101]) {
        const { properties } = await (await broker.dial()).connect("client", { keepalive })
        assert.strictEqual(properties?.serverKeepAlive, 30)
      }
    }
  },
  "mqtt.response-information": announced(
    "response-information",
    "answers/",
    { responseInformation: "answers/" },
    {
      properties: { requestResponseInformation: true }
    }
  ),
  "mqtt.server-reference": {
    settings: { mqtt: { "server-reference": "other.example:1883" } },
    see: async (broker) => {
      const client = await broker.join("client")
      const stopped = broker.stop()
      const { properties, reasonCode } = await client.take("disconnect")
      assert.deepEqual([reasonCode, properties?.serverReference], [0x9c, "other.example:1883"])
      await stopped
    }
  },
  "mqtt.max-client-id-len": connectRefused({ mqtt: { "max-client-id-len": 23 } }, "x".repeat(24), 0x85),
  "mqtt.max-connections": connectRefused({ mqtt: { "max-connections": 1 } }, "second", 0x97, 1),
  "limits.max-sessions": connectRefused({ limits: { "max-sessions": 1 } }, "second", 0x97, 1),
  "auth.allow-anonymous": connectRefused({ auth: { "allow-anonymous": false } }, "anybody", 0x87),
  "limits.max-connect-packet-size": {
    settings: { limits: { "max-connect-packet-size": "64B" } },
    see: async (broker) => {
      await broker.join("short")
      const client = await broker.dial()
      client.send(client.connectPacket("x".repeat(100)))
      await client.closed()
    }
  },
  "mqtt.max-topic-len": {
    settings: { mqtt: { "max-topic-len": 10 } },
    see: async (broker) => {
      const client = await broker.join("client")
      assert.strictEqual(await client.subscribe("0123456789", 0), 0)
      assert.strictEqual(await client.subscribe("0123456789x", 0), 0x8f)
      client.send({ cmd: "publish", topic: "0123456789x", payload: "", qos: 0, dup: false, retain: false })
      await client.refused(0x90)
    }
  },
  "mqtt.max-topic-levels": {
    settings: { mqtt: { "max-topic-levels": 3 } },
    see: async (broker) => {
      const subscriber = await broker.join("subscriber")
      assert.strictEqual(await subscriber.subscribe("a/b/c", 0), 0)
      subscriber.send({ cmd: "subscribe", messageId: 9, subscriptions: [{ topic: "a/b/c/d", qos: 0 }] })
      await subscriber.refused(0x8f)
      const publisher = await broker.join("publisher")
      await publisher.publish("a/b/c", "")
      publisher.send({ cmd: "publish", topic: "a/b/c/d", payload: "", qos: 0, dup: false, retain: false })
      await publisher.refused(0x90)
    }
  },
  "mqtt.max-inflight": {
    settings: { mqtt: { "max-inflight": 2 } },
    see: async (broker) => {
      const client = await broker.join("client")
      await client.subscribe("t", 1)
      const publisher = await broker.join("publisher")
      for (let i = 0; i < 5; i++) await publisher.publish("t", "x", { qos: 1 })
      assert.lengthOf(await client.pending(), 2)
    }
  },
  "mqtt.shared-strategy": {
    settings: { mqtt: { "shared-strategy": "sticky" } },
    see: async (broker) => {
      const got = await sharedOut(broker)
      assert.sameMembers(
        got.map(({ length }) => length),
        [2 * keys.length, 0]
      )
    }
  },
  "mqtt.shared-key-property": {
    settings: { mqtt: { "shared-strategy": "key-ordered", "shared-key-property": "key" } },
    see: async (broker) => {
      // By its topic everything would go to one member; by the property each member has keys of its own.
      const [one = [], two = []] = await sharedOut(broker)
      assert.isAbove(one.length, 0)
      assert.isAbove(two.length, 0)
      assert.deepEqual(
        one.filter((key) => two.includes(key)),
        []
      )
      assert.lengthOf([...one, ...two], 2 * keys.length)
    }
  },
  "mqtt.max-subscriptions-per-client": {
    settings: { mqtt: { "max-subscriptions-per-client": 1 } },
    see: async (broker) => {
      const client = await broker.join("client")
      assert.deepEqual(
        [await client.subscribe("a"), await client.subscribe("b"), await client.subscribe("a")],
        [0, 0x97, 0]
      )
    }
  },
  "limits.max-filters-per-packet": {
    settings: { limits: { "max-filters-per-packet": 1 } },
    see: async (broker) => {
      const client = await broker.join("client")
      const subscriptions = [
        { topic: "a", qos: 0 as const },
        { topic: "b", qos: 0 as const }
      ]
      client.send({ cmd: "subscribe", messageId: 1, subscriptions })
      await client.refused(0x97)
    }
  },
  "mqtt.max-retained-messages": { settings: { mqtt: { "max-retained-messages": 1 } }, see: retainedCount },
  "mqtt.max-retained-bytes": { settings: { mqtt: { "max-retained-bytes": "1500B" } }, see: retainedCount },
  "mqtt.max-retained-publishers": {
    settings: { mqtt: { "max-retained-publishers": 1 } },
    see: async (broker) => {
      for (const name of ["first", "second"]) {
        const client = await broker.join(name)
        await client.publish(name, "x", { qos: 1, retain: true })
      }
      const publisherOf = (topic: string) => {
        const { publisher = 0 } = broker.core.retained.get(topic) ?? {}
        return broker.core.publishers.nameOf(publisher)?.clientIdentifier
      }
      assert.deepEqual([publisherOf("first"), publisherOf("second")], [undefined, "second"], "RET-2")
    }
  },
  "topics.cached-entries": {
    settings: { topics: { "cached-entries": 1024 } },
    see: async (broker) => {
      const client = await broker.join("client")
      for (let i = 0; i < 3000; i++) await client.publish(`t/${i}`, "")
      await client.quiet()
      assert.isAtMost(broker.core.router.statistics().cachedEntries, 1024)
      assert.isAbove(broker.core.router.statistics().cachedEntries, 0)
    }
  }
}
