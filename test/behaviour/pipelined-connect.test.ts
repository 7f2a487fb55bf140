/**
 * Goal: packets take effect in the order in which they arrive, also where each needs a decision that takes time.
 * Method: CONNECT, SUBSCRIBE, PUBLISH and DISCONNECT in one write, with an authenticator and an authoriser that
 * take 100 ms for each answer.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Access, type AccessDecisions, ConnectRefused, Verdict } from "../../src/access/access.ts"
import { scenario } from "../support/scenario.ts"

const asked: Array<string> = []
const slowly = <A>(question: string, answer: A): Effect.Effect<A> =>
  Effect.sync(() => {
    asked.push(question)
    return answer
  }).pipe(Effect.delay("100 millis"))

const slow: AccessDecisions = {
  generation: 0,
  allowsEverything: false,
  admitsEverybody: false,
  methods: new Map(),
  authenticate: ({ clientIdentifier, username }) =>
    clientIdentifier === "stranger"
      ? slowly("connect", new ConnectRefused({ reasonCode: 0x86, why: "a stranger" })).pipe(Effect.flatMap(Effect.fail))
      : slowly("connect", { clientIdentifier, username }),
  publishVerdict: () => Verdict.ask,
  readVerdict: () => Verdict.allow,
  decidePublish: (_, topic) => slowly(`publish ${topic}`, topic !== "forbidden"),
  subscribeVerdict: () => Verdict.ask,
  decideSubscribe: (_, filter) => slowly(`subscribe ${filter}`, filter !== "forbidden")
}
const swaps = [Layer.succeed(Access, slow)]

scenario("a pipelined CONNECT", ({ it, start }) => {
  it("is answered in order, decision by decision", async () => {
    await using broker = await start({}, swaps)
    asked.length = 0
    const client = await broker.dial()
    client.send(
      client.connectPacket("client"),
      {
        cmd: "subscribe",
        messageId: 1,
        subscriptions: [
          { topic: "t", qos: 1 },
          { topic: "forbidden", qos: 1 }
        ]
      },
      { cmd: "publish", topic: "t", payload: "x", qos: 1, messageId: 2, dup: false, retain: false },
      { cmd: "publish", topic: "forbidden", payload: "x", qos: 1, messageId: 3, dup: false, retain: false },
      { cmd: "disconnect" }
    )
    assert.strictEqual((await client.take("connack")).reasonCode, 0)
    assert.deepEqual((await client.take("suback")).granted, [1, 0x87])
    const publish = await client.find("publish")
    const first = await client.find("puback")
    const second = await client.find("puback")
    await client.closed()
    assert.strictEqual(String(publish.payload), "x")
    assert.deepEqual([first.messageId, first.reasonCode ?? 0], [2, 0])
    assert.deepEqual([second.messageId, second.reasonCode], [3, 0x87])
    assert.deepEqual(asked, ["connect", "subscribe t", "subscribe forbidden", "publish t", "publish forbidden"])
  })

  it("that is refused leaves no trace of what stood behind it", async () => {
    await using broker = await start({}, swaps)
    const client = await broker.dial()
    asked.length = 0
    const will = { topic: "wills", payload: Buffer.from("x"), qos: 0, retain: true } as const
    client.send(
      client.connectPacket("stranger", { will }),
      { cmd: "publish", topic: "t", payload: "x", qos: 1, messageId: 2, dup: false, retain: true },
      { cmd: "disconnect" }
    )
    assert.strictEqual((await client.take("connack")).reasonCode, 0x86)
    await client.closed()
    assert.deepEqual(asked, ["connect"])
    assert.strictEqual(broker.core.retained.count, 0)
  })
})
