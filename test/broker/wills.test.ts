/**
 * When a will is published, and when it is not: how the connection ended, the delay, the session's end, a return.
 */
import { assert, describe, it } from "@effect/vitest"
import type { ConnectOptions } from "./client-packets.ts"
import * as packets from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

const will = { topic: "will/c", payload: "gone", qos: 1 }

const scene = (options: Partial<ConnectOptions>) => {
  const world = new World()
  const watcher = new TestClient(world, { clientIdentifier: "w" })
  watcher.subscribe("will/#", { qos: 1 })
  const connect = (more: Partial<ConnectOptions> = {}): TestClient => {
    const client = new TestClient(world, { clientIdentifier: "c", will, ...options, ...more })
    world.run()
    return client
  }
  const heard = (): number => {
    world.run()
    return watcher.messages.length
  }
  const pass = (seconds: number): void => {
    world.advance(seconds * 1000)
    world.run()
  }
  return { client: connect(), connect, heard, pass, watcher, world }
}

describe("a will without delay", () => {
  it("is published when the connection is lost, once", () => {
    const { client, heard, pass } = scene({ sessionExpirySeconds: 50 })
    client.peer.cut()
    assert.strictEqual(heard(), 1)
    pass(100)
    assert.strictEqual(heard(), 1)
  })

  it("is forgotten after DISCONNECT 0x00", () => {
    const { client, heard, pass } = scene({ sessionExpirySeconds: 5 })
    client.disconnect()
    pass(100)
    assert.strictEqual(heard(), 0)
  })

  it("is published after DISCONNECT 0x04", () => {
    const { client, heard } = scene({})
    client.disconnect(4)
    assert.strictEqual(heard(), 1)
  })

  it("is published when the client breaks the protocol or is silent too long", () => {
    const broken = scene({})
    broken.client.peer.send(packets.connect({ clientIdentifier: "c" }))
    assert.strictEqual(broken.heard(), 1)
    const silent = scene({ keepAliveSeconds: 2 })
    for (let i = 0; i < 40; i++) silent.pass(0.1)
    assert.strictEqual(silent.heard(), 1)
  })

  it("is published when another connection takes the session over", () => {
    const { connect, heard } = scene({ sessionExpirySeconds: 50 })
    const second = connect({ will: undefined })
    assert.strictEqual(heard(), 1)
    second.peer.cut()
    assert.strictEqual(heard(), 1, "the second one had none")
  })

  it("does not come to the client itself, whose session ended with it", () => {
    const { client, watcher, world } = scene({})
    client.subscribe("will/#", { qos: 1 })
    world.run()
    client.peer.cut()
    world.run()
    assert.strictEqual(watcher.messages.length, 1)
    assert.strictEqual(client.messages.length, 0)
  })
})

describe("a delayed will", () => {
  const delayed = { ...will, delaySeconds: 10 }

  it("is published when its delay has passed", () => {
    const { client, heard, pass } = scene({ will: delayed, sessionExpirySeconds: 50 })
    client.peer.cut()
    pass(9.9)
    assert.strictEqual(heard(), 0)
    pass(0.2)
    assert.strictEqual(heard(), 1)
    pass(100)
    assert.strictEqual(heard(), 1)
  })

  it("is published when the session ends before that", () => {
    const { client, heard, pass } = scene({ will: delayed, sessionExpirySeconds: 5 })
    client.peer.cut()
    pass(4.9)
    assert.strictEqual(heard(), 0)
    pass(0.2)
    assert.strictEqual(heard(), 1)
    pass(100)
    assert.strictEqual(heard(), 1)
  })

  it("is published at once where the session ends with the connection", () => {
    const { client, heard } = scene({ will: delayed })
    client.peer.cut()
    assert.strictEqual(heard(), 1)
  })

  it("is published at once where a clean start ends the session", () => {
    const { client, connect, heard, pass } = scene({ will: delayed, sessionExpirySeconds: 50 })
    client.peer.cut()
    assert.strictEqual(heard(), 0)
    connect({ cleanStart: true, will: undefined })
    assert.strictEqual(heard(), 1)
    pass(100)
    assert.strictEqual(heard(), 1)
  })

  it("is cancelled when the client comes back in time", () => {
    const { client, connect, heard, pass } = scene({ will: delayed, sessionExpirySeconds: 50 })
    client.peer.cut()
    pass(9)
    connect({ will: undefined })
    pass(100)
    assert.strictEqual(heard(), 0)
  })

  it("is cancelled when the session is taken over", () => {
    const { connect, heard, pass } = scene({ will: delayed, sessionExpirySeconds: 50 })
    const second = connect({ will: undefined })
    pass(20)
    assert.strictEqual(heard(), 0)
    second.disconnect()
    pass(100)
    assert.strictEqual(heard(), 0)
  })

  it("is the will of the last connection", () => {
    const { client, connect, pass, watcher } = scene({ will: delayed, sessionExpirySeconds: 50 })
    client.peer.cut()
    pass(1)
    connect({ will: { ...delayed, payload: "gone again" } }).peer.cut()
    pass(11)
    assert.deepEqual(watcher.texts, ["gone again"])
  })
})

describe("a retained will", () => {
  it("is there for those who come later", () => {
    const { client, world } = scene({ will: { ...will, retain: true } })
    client.peer.cut()
    const later = new TestClient(world, { clientIdentifier: "later" })
    later.subscribe("will/+", { qos: 1 })
    world.run()
    assert.deepEqual(
      later.messages.map(({ retain, qos }) => [retain, qos]),
      [[true, 1]]
    )
  })
})
