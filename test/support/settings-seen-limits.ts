/**
 * What is seen of the settings that keep one from taking everybody's share: `limits`, and `server`'s words about proxies.
 * One row per key.
 */
import { connect } from "node:net"
import { assert } from "@effect/vitest"
import { lookAtMemory } from "../../src/broker/memory-ceiling.ts"
import { Counter } from "../../src/metrics/counters.ts"
import { until } from "../contract/transport.ts"
import { WebSocketPeer } from "../listener/peers.ts"
import { RawClient } from "./raw-client.ts"
import type { Seen } from "./settings-seen-mqtt.ts"
import type { WholeBroker } from "./whole-broker.ts"
import { tcpWire, type Wire } from "./wire.ts"

/** An address of this machine that is not exempt, where the test says so. */
const nobodyExempt = { "exempt-addresses": [] }

const turnedAway = (broker: WholeBroker, why: string): number =>
  broker.core.counters
    .samples()
    .find((each) => each.family === "promptmq_sockets_turned_away_total" && each.labels["why"] === why)?.value ?? 0

const awaySoon = (broker: WholeBroker, why: string): Promise<void> => until(() => turnedAway(broker, why) > 0)

/** So many sockets at once, all from one address. */
const crowd = async (broker: WholeBroker, count: number): Promise<ReadonlyArray<Wire>> => {
  const wires: Array<Wire> = []
  for (let i = 0; i < count; i++) wires.push(await tcpWire(broker.portOf("tcp")))
  return wires
}

const refusedByAddress = (limits: object, why: string): Seen => ({
  settings: { limits: { ...nobodyExempt, ...limits } },
  see: async (broker) => {
    const wires = await crowd(broker, 4)
    await awaySoon(broker, why)
    for (const wire of wires) wire.destroy()
  }
})

/** Publishes ten and waits until the broker has done what is seen then; how many a reader has by then. */
const publishTen = async (broker: WholeBroker, isSeen: () => boolean): Promise<number> => {
  const reader = await broker.join("reader")
  await reader.subscribe("t")
  const publisher = await broker.join("publisher")
  for (let i = 0; i < 10; i++) await publisher.publish("t", Buffer.alloc(100))
  await until(isSeen)
  return (await reader.pending()).length
}

/** Some publisher is not read from. */
const isWaiting = ({ core }: WholeBroker): boolean => core.clients.some((each) => each?.publishing?.isAwaited === true)

const connectCode = async (broker: WholeBroker, name: string, username?: string): Promise<number> => {
  const client = await broker.dial()
  const { reasonCode = -1 } = await client.connect(name, username === undefined ? {} : { username })
  return reasonCode
}

const flap = async (broker: WholeBroker, times: number): Promise<ReadonlyArray<number>> => {
  const codes: Array<number> = []
  for (let i = 0; i < times; i++) codes.push(await connectCode(broker, "flaps"))
  return codes
}

/** Messages that a client with a small window does not acknowledge, and how many of them the log has: 0 while memory takes them. */
const loggedForSlow = async (broker: WholeBroker): Promise<number> => {
  const reader = await broker.join("reader", { properties: { receiveMaximum: 1 } })
  await reader.subscribe("t", 1)
  const publisher = await broker.join("publisher")
  for (let i = 0; i < 3; i++) await publisher.publish("t", String(i), { qos: 1 })
  return broker.core.log.next
}

/** Messages for a session that is away, and how many it finds. */
const foundBack = async (broker: WholeBroker): Promise<number> => {
  const lasting = { properties: { sessionExpiryInterval: 100 }, clean: false }
  const reader = await broker.join("reader", lasting)
  await reader.subscribe("t", 1)
  await reader.leave()
  const publisher = await broker.join("publisher")
  for (let i = 0; i < 10; i++) await publisher.publish("t", Buffer.alloc(1000), { qos: 1 })
  await until(() => (broker.drops["queue-full"] ?? 0) > 0)
  const back = await broker.join("reader", lasting)
  const found: Array<unknown> = []
  await back.pending().then((first) => found.push(...first))
  await back.pending().then((second) => found.push(...second))
  return found.length
}

export const seenByLimits: Readonly<Record<string, Seen>> = {
  "limits.max-unauthenticated-bytes": {
    settings: { limits: { "max-unauthenticated-bytes": "64KiB", "max-connect-packet-size": "256KiB" } },
    see: async (broker) => {
      const wire = await tcpWire(broker.portOf("tcp"))
      // A CONNECT of 200,000 bytes that does not end.
      wire.send(Buffer.concat([Buffer.from([0x10, 0xc0, 0x9a, 0x0c]), Buffer.alloc(150_000, 1)]))
      await awaySoon(broker, "held-bytes")
      assert.strictEqual(broker.core.fairness.held.bytes, 0)
    }
  },
  "limits.exempt-addresses": {
    settings: { limits: { "exempt-addresses": ["127.0.0.1"], "max-connections-per-address": 1 } },
    see: async (broker) => {
      for (const name of ["a", "b", "c"]) assert.strictEqual(await connectCode(broker, name), 0)
      assert.strictEqual(turnedAway(broker, "address-connections"), 0)
    }
  },
  "limits.max-connections-per-address": refusedByAddress({ "max-connections-per-address": 2 }, "address-connections"),
  "limits.connect-rate-per-address": refusedByAddress(
    { "connect-rate-per-address": 1, "connect-burst-per-address": 2 },
    "address-rate"
  ),
  "limits.connect-burst-per-address": refusedByAddress(
    { "connect-rate-per-address": 1, "connect-burst-per-address": 3 },
    "address-rate"
  ),
  "limits.max-user-properties": {
    settings: { limits: { "max-user-properties": 2 } },
    see: async (broker) => {
      const client = await broker.join("client")
      await client.publish("t", "x", { qos: 1, properties: { userProperties: { a: "1", b: "2" } } })
      client.send({
        cmd: "publish",
        topic: "t",
        payload: "x",
        qos: 0,
        dup: false,
        retain: false,
        properties: { userProperties: { a: "1", b: "2", c: "3" } }
      })
      await client.refused(0x97)
    }
  },
  "limits.publish-rate": {
    settings: { limits: { "publish-rate": 1, "publish-burst": "2s" } },
    see: async (broker) => assert.isBelow(await publishTen(broker, () => isWaiting(broker)), 10)
  },
  "limits.publish-rate-bytes": {
    settings: { limits: { "publish-rate-bytes": "50B", "publish-burst": "2s" } },
    see: async (broker) => assert.isBelow(await publishTen(broker, () => isWaiting(broker)), 10)
  },
  "limits.publish-burst": {
    settings: { limits: { "publish-rate": 1, "publish-burst": "1h" } },
    see: async (broker) => {
      const isRead = () => broker.core.count[Counter.messagesIn] === 10
      assert.strictEqual(await publishTen(broker, isRead), 10)
    }
  },
  "limits.on-publish-rate": {
    settings: { limits: { "publish-rate": 1, "publish-burst": "10ms", "on-publish-rate": "disconnect" } },
    see: async (broker) => {
      const client = await broker.join("client")
      for (let i = 0; i < 3; i++) await client.publish("t", "x")
      await client.refused(0x96)
    }
  },
  "limits.delivery-rate": {
    settings: { limits: { "delivery-rate": 2 } },
    see: async (broker) => {
      assert.isBelow(await publishTen(broker, () => (broker.drops["delivery-rate"] ?? 0) > 0), 10)
    }
  },
  "limits.max-queued-messages": {
    settings: { limits: { "max-queued-messages": 4 } },
    see: async (broker) => assert.strictEqual(await foundBack(broker), 4)
  },
  "limits.max-queued-bytes": {
    settings: { limits: { "max-queued-bytes": "5KiB" } },
    see: async (broker) => assert.isBelow(await foundBack(broker), 6)
  },
  "limits.max-waiting-bytes": {
    settings: { limits: { "max-waiting-bytes": "0B" } },
    see: async (broker) => assert.isAbove(await loggedForSlow(broker), 0)
  },
  "limits.waiting-memory": {
    settings: { limits: { "waiting-memory": "0B" } },
    see: async (broker) => assert.isAbove(await loggedForSlow(broker), 0)
  },
  "limits.max-connections-per-user": {
    settings: { limits: { "max-connections-per-user": 1 } },
    see: async (broker) => {
      assert.strictEqual(await connectCode(broker, "a", "alice"), 0)
      assert.strictEqual(await connectCode(broker, "b", "alice"), 0x97)
      assert.strictEqual(await connectCode(broker, "c", "bob"), 0)
    }
  },
  "limits.max-subscriptions-per-user": {
    settings: { limits: { "max-subscriptions-per-user": 1 } },
    see: async (broker) => {
      const client = await broker.join("a", { username: "alice" })
      assert.strictEqual(await client.subscribe("x"), 0)
      assert.strictEqual(await client.subscribe("y"), 0x97)
    }
  },
  "limits.quota-warning-percent": {
    settings: { limits: { "max-connections-per-user": 4, "quota-warning-percent": 50 } },
    see: async (broker) => {
      await connectCode(broker, "a", "alice")
      assert.notInclude(broker.log.join(""), "near its quota")
      await connectCode(broker, "b", "alice")
      assert.include(broker.log.join(""), "near its quota")
    }
  },
  "limits.max-user-messages-per-day": {
    settings: { limits: { "max-user-messages-per-day": 1 } },
    see: async (broker) => {
      const client = await broker.join("a", { username: "alice" })
      assert.strictEqual(await client.publish("t", "x", { qos: 1 }), 0x10)
      assert.strictEqual(await client.publish("t", "x", { qos: 1 }), 0x97)
    }
  },
  "limits.max-user-bytes-per-day": {
    settings: { limits: { "max-user-bytes-per-day": "20B" } },
    see: async (broker) => {
      const client = await broker.join("a", { username: "alice" })
      assert.strictEqual(await client.publish("t", "x", { qos: 1 }), 0x10)
      assert.strictEqual(await client.publish("t", "x".repeat(20), { qos: 1 }), 0x97)
    }
  },
  "limits.max-quota-users": {
    settings: { limits: { "max-user-messages-per-day": 9, "max-quota-users": 1 } },
    see: async (broker) => {
      const { quotas } = broker.core.fairness
      for (const username of ["alice", "bob"]) await (await broker.join(username, { username })).leave()
      assert.deepEqual(
        [...quotas.values()].map(({ username }) => username),
        ["bob"]
      )
    }
  },
  "limits.flapping-connects": {
    settings: { limits: { ...nobodyExempt, "flapping-connects": 3 } },
    see: async (broker) => assert.deepEqual(await flap(broker, 4), [0, 0, 0, 0x8a])
  },
  "limits.flapping-window": {
    settings: { limits: { ...nobodyExempt, "flapping-connects": 3, "flapping-window": "1h" } },
    see: async (broker) => assert.deepEqual(await flap(broker, 4), [0, 0, 0, 0x8a])
  },
  "limits.flapping-ban": {
    settings: { limits: { ...nobodyExempt, "flapping-connects": 2, "flapping-ban": "2h" } },
    see: async (broker) => {
      await flap(broker, 2)
      const [ban] = broker.running.bans.list()
      assert.strictEqual((ban?.untilMs ?? 0) - (ban?.createdAtMs ?? 0), 7_200_000)
    }
  },
  "limits.max-bans": {
    settings: { limits: { "max-bans": 1 } },
    see: async ({ running }) => {
      const ban = (value: string) => running.bans.add({ kind: "client", value, why: "", by: "test", forMs: undefined })
      assert.isObject(ban("a"))
      assert.strictEqual(ban("b"), "full")
    }
  },
  "limits.max-memory": {
    settings: { limits: { "max-memory": "1B" } },
    see: async (broker) => {
      await until(() => broker.core.fairness.memoryLevel > 0)
      assert.strictEqual(await connectCode(broker, "late"), 0x89)
    }
  },
  "limits.max-loop-lag": {
    settings: { limits: { "max-loop-lag": "1s" } },
    see: async (broker) => {
      broker.core.fairness.loopLagMs = 2000
      assert.strictEqual(await connectCode(broker, "late"), 0x89)
      lookAtMemory(broker.core, 0, 1)
    }
  },
  "server.ws-origins": {
    settings: { server: { "ws-bind": ["127.0.0.1:0"], "ws-origins": ["https://app.example"] } },
    see: async (broker) => {
      const url = `ws://127.0.0.1:${broker.portOf("websocket")}/mqtt`
      const foreign = new WebSocketPeer(url, ["mqtt"], { origin: "https://evil.example" })
      await until(() => foreign.refusedStatus === 403)
      const own = new WebSocketPeer(url, ["mqtt"], { origin: "https://app.example" })
      await until(() => own.opened)
      own.webSocket.terminate()
    }
  },
  "server.proxy-protocol": {
    settings: { server: { "proxy-protocol": ["tcp"], "proxy-trusted": ["127.0.0.1"] } },
    see: async (broker) => {
      const wire = await tcpWire(broker.portOf("tcp"))
      wire.send(Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.1 4711 1883\r\n"))
      const client = RawClient.over(wire, 5)
      assert.strictEqual((await client.connect("behind")).reasonCode, 0)
      assert.strictEqual(
        broker.core.clients.find((each) => each !== undefined)?.connection.transport.peer,
        "192.0.2.7:4711"
      )
    }
  },
  "server.proxy-trusted": {
    settings: { server: { "proxy-protocol": ["tcp"], "proxy-trusted": ["192.0.2.0/24"] } },
    see: async (broker) => {
      const socket = connect({ port: broker.portOf("tcp"), host: "127.0.0.1" })
      socket.on("error", () => undefined)
      socket.write("PROXY TCP4 192.0.2.7 192.0.2.1 4711 1883\r\n")
      await awaySoon(broker, "proxy")
      socket.destroy()
    }
  },
  "server.forwarded-for": {
    settings: { server: { "ws-bind": ["127.0.0.1:0"], "forwarded-for": true, "proxy-trusted": ["127.0.0.1"] } },
    see: async (broker) => {
      const url = `ws://127.0.0.1:${broker.portOf("websocket")}/mqtt`
      const peer = new WebSocketPeer(url, ["mqtt"], { headers: { "x-forwarded-for": "192.0.2.7" } })
      await until(() => broker.core.clients.some((each) => each?.connection.transport.peer === "192.0.2.7:0"))
      peer.webSocket.terminate()
    }
  }
}
