/**
 * Goal: the broker embedded in this program: what a host may ask, what it is told when that is wrong, and that
 * nothing it does hangs or harms the broker.
 * Method: the facade and the layer from the sources, against MQTT.js over TCP where another client is needed.
 */
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { connectAsync } from "mqtt"
import { Access, accessOf, hostListener } from "../../src/access/access.ts"
import {
  Broker,
  BrokerError,
  BrokerService,
  ConfigInvalid,
  type EmbeddedBroker,
  ListenError,
  type Message,
  type SettingsInput
} from "../../src/index.ts"
import { memoryPair } from "../../src/listener/memory.ts"
import { settingsInputTexts } from "./settings-input.ts"

const local: SettingsInput = { server: { bind: "127.0.0.1:0", "ws-bind": "" } }

describe("the facade", () => {
  it("delivers what it publishes to its own subscriptions, at every QoS and in order", async () => {
    await using broker = await Broker.start(local)
    const inbox = new Inbox()
    await broker.subscribe("a/+", inbox.take, { qos: 2 })
    for (const qos of [0, 1, 2] as const) await broker.publish(`a/${qos}`, `at ${qos}`, { qos })
    const messages = await inbox.next(3)
    assert.deepEqual(
      messages.map(({ topic, payload, qos, retain }) => [topic, payload.toString(), qos, retain]),
      [
        ["a/0", "at 0", 0, false],
        ["a/1", "at 1", 1, false],
        ["a/2", "at 2", 2, false]
      ]
    )
  })

  it("takes bytes, copies them, and keeps retained messages", async () => {
    await using broker = await Broker.start(local)
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
    const published = broker.publish("state", bytes, { retain: true })
    bytes.fill(9)
    await published
    const inbox = new Inbox()
    await broker.subscribe("state", inbox.take)
    const [message] = await inbox.next(1)
    assert.deepEqual([...(message?.payload ?? [])], [2, 3])
    assert.isTrue(message?.retain)
  })

  it("meets clients over TCP, both ways", async () => {
    await using broker = await Broker.start(local)
    const client = await connectAsync(urlOf(broker))
    const inbox = new Inbox()
    await broker.subscribe("up", inbox.take)
    await client.subscribeAsync("down", { qos: 1 })
    const down = new Promise<string>((resolve) => client.on("message", (_topic, payload) => resolve(String(payload))))
    await client.publishAsync("up", "hello", { qos: 1 })
    await broker.publish("down", "there", { qos: 1 })
    assert.strictEqual(String((await inbox.next(1))[0]?.payload), "hello")
    assert.strictEqual(await down, "there")
    await client.endAsync()
  })

  it("ends a subscription when asked, once", async () => {
    await using broker = await Broker.start(local)
    const ended = new Inbox()
    const other = new Inbox()
    const end = await broker.subscribe("x", ended.take)
    await broker.subscribe("x", other.take)
    await end()
    await end()
    await broker.publish("x", "after", { qos: 1 })
    await other.next(1)
    assert.strictEqual(ended.messages.length, 0)
  })
})

describe("what is wrong is told", () => {
  const wrong: ReadonlyArray<readonly [string, (broker: EmbeddedBroker) => Promise<unknown>, Partial<BrokerError>]> = [
    ["a wildcard in a topic", (b) => b.publish("a/+", ""), { reason: "invalid-topic", code: "E2002" }],
    ["an empty topic", (b) => b.publish("", ""), { reason: "invalid-topic" }],
    ["a $ topic", (b) => b.publish("$SYS/x", ""), { reason: "invalid-topic" }],
    ["too many levels", (b) => b.publish("/".repeat(200), ""), { reason: "invalid-topic" }],
    ["a topic above its limit", (b) => b.publish("x".repeat(101), ""), { reason: "refused", code: "E5001" }],
    ["a packet above its limit", (b) => b.publish("x", "y".repeat(1024)), { reason: "refused" }],
    ["a QoS above its limit", (b) => b.publish("x", "", { qos: 2 }), { reason: "refused" }],
    ["retain where it is switched off", (b) => b.publish("x", "", { retain: true }), { reason: "refused" }],
    ["a bad filter", (b) => b.subscribe("a/#/b", () => {}), { reason: "invalid-filter", code: "E2002" }],
    ["a filter the broker refuses", (b) => b.subscribe("+/x", () => {}), { reason: "refused", reasonCode: 0xa2 }]
  ]
  const limits = {
    "max-topic-len": 100,
    "max-packet-size": 1024,
    "max-qos": 1,
    "retain-available": false,
    "wildcard-available": false
  } as const

  for (const [name, ask, expected] of wrong) {
    it(name, async () => {
      await using broker = await Broker.start({ ...local, mqtt: limits })
      const error = await rejection(ask(broker))
      assert.instanceOf(error, BrokerError)
      assert.deepInclude(error, expected)
      assert.isNotEmpty(error.fix)
      assert.include(error.message, error.code)
      // It goes on working, and one byte less would have been fine.
      await broker.publish("x".repeat(100), "y".repeat(1024 - 1 - 2 - 2 - 100 - 2 - 1), { qos: 1 })
    })
  }

  it("and a refused subscription leaves no session behind", async () => {
    const log: Array<string> = []
    const settings = { ...local, mqtt: { "wildcard-available": false }, log: { level: "debug" } } as const
    await using broker = await Broker.start(settings, { onLog: (line) => log.push(line) })
    await rejection(broker.subscribe("#", () => {}))
    assert.include(log.join(""), "disconnected (client)")
  })

  it("all problems of the settings, each with code, key and fix", async () => {
    const settings = { log: { level: "loud" }, mqtt: { "max-qos": 3 }, server: { bnd: 1 } } as unknown as SettingsInput
    const error = await rejection(Broker.start(settings))
    assert.instanceOf(error, ConfigInvalid)
    assert.sameMembers(
      error.problems.map(({ code, key }) => `${code} ${key}`),
      ["E3107 log.level", "E3105 mqtt.max-qos", "E3101 server.bnd"]
    )
    for (const { fix, place } of error.problems) {
      assert.isNotEmpty(fix)
      assert.isUndefined(place)
    }
    assert.include(error.message, "log.level")
  })

  it("a port that is taken; and nothing is left open", async () => {
    await using first = await Broker.start(local)
    const bind = [`127.0.0.1:0`, urlOf(first).replace("mqtt://", "")]
    const error = await rejection(Broker.start({ server: { bind, "ws-bind": "" } }))
    assert.instanceOf(error, ListenError)
    assert.strictEqual(error.reason, "port-in-use")
  })
})

describe("stop", () => {
  it("is the same promise each time, and everything asked later is refused", async () => {
    const broker = await Broker.start(local)
    await broker.publish("x", "")
    const end = await broker.subscribe("x", () => {})
    const stopped = broker.stop()
    assert.strictEqual(broker.stop(), stopped)
    await stopped
    for (const ask of [() => broker.publish("x", ""), () => broker.subscribe("x", () => {})]) {
      const error = await rejection(ask())
      assert.instanceOf(error, BrokerError)
      assert.deepInclude(error, { reason: "stopped", code: "E4002" })
    }
    await end()
    assert.isFalse(await accepts(urlOf(broker)))
  })

  it("settles what is under way", async () => {
    const broker = await Broker.start(local)
    await broker.publish("warm", "", { qos: 1 })
    const asked = [
      ...Array.from({ length: 100 }, () => broker.publish("x", "y", { qos: 2 })),
      broker.subscribe("x", () => {})
    ]
    const [outcomes] = await Promise.all([Promise.allSettled(asked), broker.stop()])
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []))
    assert.isNotEmpty(refused)
    for (const error of refused) assert.strictEqual((error as BrokerError).reason, "stopped", String(error))
  })
})

describe("handlers", () => {
  it("that throw or reject are logged, and everything goes on", async () => {
    const log: Array<string> = []
    await using broker = await Broker.start(local, { onLog: (line) => log.push(line) })
    const inbox = new Inbox()
    await broker.subscribe("x", (message) => {
      inbox.take(message)
      if (inbox.messages.length === 1) throw new Error("on purpose, at once")
      return inbox.messages.length === 2 ? Promise.reject(new Error("on purpose, later")) : undefined
    })
    for (const payload of ["1", "2", "3"]) await broker.publish("x", payload, { qos: 1 })
    assert.deepEqual((await inbox.next(3)).map(payloadOf), ["1", "2", "3"])
    assert.include(log.join(""), "on purpose, at once")
    assert.include(log.join(""), "on purpose, later")
  })

  it("may publish, and end their own subscription", async () => {
    await using broker = await Broker.start(local)
    const inbox = new Inbox()
    await broker.subscribe("answers", inbox.take)
    const ended = new Promise<void>((resolve) => {
      const end = broker.subscribe("questions", async ({ payload }) => {
        await broker.publish("answers", payload, { qos: 2 })
        await (await end)()
        resolve()
      })
    })
    await broker.publish("questions", "1", { qos: 1, retain: true })
    // More than the streams in between hold, so that the end of the stream is out of sight.
    for (let i = 0; i < 20; i++) await broker.publish("questions", "x".repeat(100_000), { qos: 1 })
    await ended
    assert.deepEqual((await inbox.next(1)).map(payloadOf), ["1"])
  })

  it("that never come to an end do not keep the broker from stopping", async () => {
    const broker = await Broker.start({ server: { ...local.server, "shutdown-timeout": "100ms" } })
    const called = new Promise<void>((resolve) => {
      void broker.subscribe("x", () => {
        resolve()
        return new Promise(() => {})
      })
    })
    await broker.publish("x", "retained, so that it does not matter when", { retain: true })
    await called
    await broker.publish("x", "another one waits", { qos: 1 })
    await broker.stop()
  })

  it("that are slow get one message at a time and all of them", async () => {
    await using broker = await Broker.start({ ...local, mqtt: { "max-inflight": 2 } })
    const inbox = new Inbox()
    const atOnce = { now: 0, most: 0 }
    await broker.subscribe("x", async (message) => {
      atOnce.most = Math.max(atOnce.most, ++atOnce.now)
      await new Promise(setImmediate)
      atOnce.now -= 1
      inbox.take(message)
    })
    const payloads = Array.from({ length: 200 }, (_, i) => String(i))
    await Promise.all(payloads.map((payload) => broker.publish("x", payload, { qos: 1 })))
    assert.deepEqual((await inbox.next(200)).map(payloadOf), payloads)
    assert.strictEqual(atOnce.most, 1)
  })
})

describe("the host needs no credentials, everybody else does", () => {
  const closed: SettingsInput = { ...local, auth: { "allow-anonymous": false } }

  it("over TCP nobody gets in while the facade works", async () => {
    await using broker = await Broker.start(closed)
    const error = await rejection(connectAsync(urlOf(broker), { reconnectPeriod: 0, protocolVersion: 5 }))
    assert.strictEqual((error as Error & { code?: unknown }).code, 0x87)
    const inbox = new Inbox()
    await broker.subscribe("#", inbox.take)
    await broker.publish("x", "from the host", { qos: 1 })
    assert.strictEqual(payloadOf((await inbox.next(1))[0] as Message), "from the host")
  })

  it("a memory transport of another listener is refused, and so is a socket listener of the host's name", async () => {
    const { server } = memoryPair()
    const { server: host } = memoryPair({ listener: hostListener })
    const decisions = await Effect.runPromise(Effect.provide(Access, Access.layerDenyAll))
    assert.strictEqual(accessOf(server, decisions), decisions)
    for (const kind of ["tcp", "tls", "websocket", "unix"] as const) {
      assert.strictEqual(accessOf({ ...host, kind, listener: hostListener } as never, decisions), decisions, kind)
    }
    assert.isTrue(accessOf(host, decisions).allowsEverything)
  })
})

describe("the layer", () => {
  it.live("gives the broker for the length of a scope", () =>
    Effect.gen(function* () {
      const url = yield* Effect.gen(function* () {
        const broker = yield* BrokerService
        const taken = yield* Effect.forkChild(
          broker.messages("x/#", { qos: 2 }).pipe(Stream.take(40), Stream.runCollect)
        )
        // The subscription has no sign of its own: a retained message arrives whenever it is made.
        yield* broker.publish("x/first", "retained", { qos: 1, retain: true })
        const sent = Array.from({ length: 60 }, (_, i) => String(i))
        yield* broker.messages("x/first").pipe(Stream.take(1), Stream.runDrain)
        for (const payload of sent) yield* broker.publish("x/more", payload, { qos: 1 })
        const messages = yield* Fiber.join(taken)
        assert.strictEqual(messages.length, 40)
        const more = messages.filter(({ topic }) => topic === "x/more").map(payloadOf)
        assert.deepEqual(more, sent.slice(Number(more[0]), Number(more[0]) + more.length))
        const error = yield* Effect.flip(broker.publish("#", ""))
        assert.strictEqual(error.reason, "invalid-topic")
        const filterError = yield* Effect.flip(Stream.runDrain(broker.messages("a#")))
        assert.strictEqual(filterError.reason, "invalid-filter")
        return `mqtt://127.0.0.1:${broker.listeners[0]?.port}`
      }).pipe(Effect.provide(Broker.layer(local)))
      assert.isFalse(yield* Effect.promise(() => accepts(url)))
    })
  )

  it.live("fails with the settings' problems", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Layer.build(Broker.layer({ mqtt: { "max-qos": 3 } })))
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("E3105"))
    }).pipe(Effect.scoped)
  )
})

it("the type of the settings is the one their declaration gives", () => {
  const isSame = [...settingsInputTexts()].every(([file, text]) => readFileSync(file, "utf8") === text)
  assert.isTrue(isSame, "src/settings/settings-input.ts is old: node test/config/regenerate.ts")
})

class Inbox {
  readonly messages: Array<Message> = []
  #arrived: () => void = () => {}

  readonly take = (message: Message): void => {
    this.messages.push(message)
    this.#arrived()
  }

  /** The first `count` messages, once they are here. */
  async next(count: number): Promise<ReadonlyArray<Message>> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    return this.messages
  }
}

function payloadOf(message: Message): string {
  return message.payload.toString()
}

function urlOf({ listeners }: Pick<EmbeddedBroker, "listeners">): string {
  return `mqtt://127.0.0.1:${listeners[0]?.port}`
}

function accepts(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error
  )
  assert.instanceOf(outcome, Error, "it was expected to be refused")
  return outcome
}
