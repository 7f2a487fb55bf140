/**
 * A store that takes nothing now: CONNECT and SUBSCRIBE are refused and leave no trace, UNSUBSCRIBE is not confirmed,
 * what was there before stays as it was.
 */
import { assert, describe, it } from "@effect/vitest"
import { CrashStore } from "../support/crash-store.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const stage = () => {
  const store = new CrashStore("plain")
  const world = new World({ log: store.log, sessionStore: store })
  const join = (clientIdentifier: string, version: 4 | 5 = 5) => {
    const client = new TestClient(world, { clientIdentifier, version, sessionExpirySeconds: 1000 })
    settle(store, world)
    return client
  }
  return { store, world, join }
}

const settle = (store: CrashStore, world: World): void => {
  world.run()
  store.promise()
  world.run()
}

describe("a store that takes nothing now", () => {
  it("refuses a new session with 0x97, 3.x with code 3, and no session stays", () => {
    const { join, store, world } = stage()
    store.refuses = true
    assert.strictEqual(join("A").of(2)[0]?.reasonCode, 0x97)
    assert.strictEqual(join("B", 4).of(2)[0]?.reasonCode, 3)
    assert.strictEqual(world.core.sessions.size, 0)
  })

  it("refuses the return to a session, which stays as it was", () => {
    const { join, store, world } = stage()
    const before = join("A")
    before.subscribe("a", { qos: 1 })
    before.disconnect()
    store.refuses = true
    assert.strictEqual(join("A").of(2)[0]?.reasonCode, 0x97)
    store.refuses = false
    assert.isTrue(join("A").of(2)[0]?.sessionPresent)
    assert.deepEqual([...(world.core.sessions.get("A")?.subscriptions.keys() ?? [])], ["a"])
  })

  it("refuses a subscription with 0x97, 3.x with 0x80, and nothing is subscribed", () => {
    const { join, store, world } = stage()
    for (const [version, code] of [
      [5, 0x97],
      [4, 0x80]
    ] as const) {
      const client = join(`V${version}`, version)
      store.refuses = true
      client.subscribe("a", { qos: 1 })
      client.subscribe("$share/g/a", { qos: 1 })
      settle(store, world)
      assert.deepEqual(
        client.of(9).map(({ codes }) => codes),
        [[code], [code]]
      )
      store.refuses = false
    }
    assert.strictEqual(world.core.router.statistics().filters, 0)
    assert.strictEqual(world.core.groups.size, 0)
  })

  it("leaves the options of a subscription that cannot be changed", () => {
    const { join, store, world } = stage()
    const client = join("A")
    client.subscribe("a", { qos: 1, subscriptionIdentifier: 7 })
    settle(store, world)
    store.refuses = true
    client.subscribe("a", { qos: 0 })
    settle(store, world)
    store.refuses = false
    client.publish("a", "1", { qos: 1 })
    settle(store, world)
    assert.strictEqual(client.of(9)[1]?.codes[0], 0x97)
    assert.deepEqual([client.messages[0]?.qos, client.messages[0]?.identifiers], [1, [7]])
  })

  it("does not confirm UNSUBSCRIBE, and 3.x, which cannot be told, is disconnected", () => {
    const { join, store, world } = stage()
    for (const version of [5, 4] as const) {
      const client = join(`V${version}`, version)
      client.subscribe("a", { qos: 1 })
      settle(store, world)
      store.refuses = true
      client.unsubscribe("a")
      settle(store, world)
      store.refuses = false
      if (version === 5) assert.deepEqual(client.of(11)[0]?.codes, [0x83])
      else assert.deepEqual([client.of(11).length, client.peer.closed], [0, true])
      assert.isTrue(world.core.sessions.get(`V${version}`)?.subscriptions.get("a")?.active)
    }
  })
})
