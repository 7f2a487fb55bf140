/**
 * Goal: who asks is told with PUBACK and PUBREC what is kept at that moment, and for how many; nobody else is told
 * anything, and nothing leaves earlier, larger or later for it.
 * Method: a durable store whose promise the test moves by hand; the bytes of the acknowledgements.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Client } from "../../src/broker/client.ts"
import { receiptsOf } from "../../src/broker/receipts.ts"
import type { ConnectPacket } from "../../src/codec/codec.ts"
import { KeepLane } from "../../src/store/ports.ts"
import type { Received } from "./client-packets.ts"
import { slowWorld } from "./slow-world.ts"

const PUBACK = 4

const setUp = () => {
  const slow = slowWorld()
  const briefly = (clientIdentifier: string) => slow.connect(clientIdentifier, { sessionExpirySeconds: 0 })
  const publisher = briefly("publisher")
  const client = slow.world.core.sessions.get("publisher")?.connection as Client
  client.receipts = new Map()
  const told = () => publisher.of(PUBACK).map(({ told }: Received) => told)
  return { ...slow, briefly, client, publisher, told }
}

describe("receipts", () => {
  it("are wished with CONNECT of MQTT 5 that wants problem information", () => {
    const connect = (version: number, properties: ConnectPacket["properties"]) =>
      receiptsOf({ version, properties } as ConnectPacket)
    const userProperties = [["promptmq-receipts", ""]] as const
    assert.isDefined(connect(5, { userProperties }))
    assert.isUndefined(connect(5, { userProperties, requestProblemInformation: 0 }))
    assert.isUndefined(connect(5, { userProperties: [["other", ""]] }))
    assert.isUndefined(connect(5, {}))
    assert.isUndefined(connect(4, { userProperties }))
  })

  it("tell of receivers who are there, of those who are away, and of what is synced, when it is", () => {
    const { briefly, connect, publisher, settle, told, world } = setUp()
    briefly("there").subscribe("t", { qos: 1 })
    settle()
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    assert.deepEqual(told(), ["1 receiver"])
    const away = connect("away")
    away.subscribe("t/#", { qos: 1 })
    away.subscribe("t", { qos: 1 })
    settle()
    away.disconnect()
    settle()
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    assert.deepEqual(told(), ["1 receiver"], "nothing is told before the log keeps it")
    settle()
    assert.deepEqual(told(), ["1 receiver", "durable, 2 receivers"])
  })

  it("say so where the promise is less than a sync", () => {
    const { connect, publisher, settle, store, told, world } = setUp()
    const away = connect("away")
    away.subscribe("t", { qos: 1 })
    settle()
    away.disconnect()
    settle()
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    store.keep(Number.POSITIVE_INFINITY, KeepLane.policy)
    world.run()
    assert.deepEqual(told(), ["not synced yet, 1 receiver"])
  })

  it("are left out where the client takes no packet of that size, and of what nobody gets", () => {
    const { briefly, client, publisher, settle, told, world } = setUp()
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    briefly("there").subscribe("t", { qos: 1 })
    settle()
    client.maximumPacketSizeBytes = 18
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    client.maximumPacketSizeBytes = 19
    publisher.publish("t", "x", { qos: 1 })
    world.run()
    assert.deepEqual(told(), ["", "", "1 receiver"])
  })
})
