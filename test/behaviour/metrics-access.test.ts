/**
 * Goal: decisions about clients and topics are counted, each once, also where a packet waits for its verdict and is read
 * again.
 * Method: a broker whose rules know one password and one forbidden topic, and take their time over a third.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Access, type AccessDecisions, ConnectRefused, Verdict } from "../../src/access/access.ts"
import { environments } from "../support/environments.ts"
import type { TestBroker } from "../support/test-broker.ts"

const verdictOn = (topic: string): number =>
  topic === "slow" ? Verdict.ask : topic === "forbidden" ? Verdict.deny : Verdict.allow

const decisions: AccessDecisions = {
  generation: 0,
  allowsEverything: false,
  admitsEverybody: false,
  authenticate: ({ clientIdentifier, password, username }) =>
    password === undefined || String(Buffer.from(password)) === "right"
      ? Effect.succeed({ clientIdentifier, username })
      : Effect.fail(new ConnectRefused({ reasonCode: 0x86, why: "wrong" })),
  methods: new Map(),
  readVerdict: () => Verdict.allow,
  publishVerdict: (_, topic) => verdictOn(topic),
  decidePublish: () => Effect.succeed(true),
  subscribeVerdict: (_, filter) => verdictOn(filter),
  decideSubscribe: () => Effect.succeed(false)
}

const counted = (broker: TestBroker, family: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    broker.core.counters
      .samples()
      .filter((sample) => sample.family === family && sample.value > 0)
      .map(({ labels, value }) => [Object.values(labels).join(" "), value])
  )

describe("metrics of access", () => {
  it("count who was let in, and what was allowed, once each", async () => {
    const [tcp] = environments
    assert.isDefined(tcp)
    await using broker = await tcp.start({}, [Layer.succeed(Access, decisions)])
    const client = await broker.join("client", { username: "u", password: Buffer.from("right") })
    await broker.join("nobody")
    const wrong = await broker.dial()
    assert.strictEqual(
      (await wrong.connect("wrong", { username: "u", password: Buffer.from("wrong") })).reasonCode,
      0x86
    )
    await wrong.closed()
    assert.deepEqual(counted(broker, "promptmq_auth_total"), {
      "none allowed": 1,
      "password allowed": 1,
      "password denied": 1
    })

    await client.subscribe("free")
    await client.subscribe("forbidden")
    await client.subscribe("slow")
    await client.publish("free", "x", { qos: 1 })
    await client.take("publish")
    await client.publish("forbidden", "x", { qos: 1 })
    await client.publish("slow", "12345", { qos: 1 })
    await client.publish("slow", "12345", { qos: 0 })
    await client.quiet()
    assert.deepEqual(counted(broker, "promptmq_acl_total"), {
      "publish allowed": 3,
      "publish denied": 1,
      "subscribe allowed": 1,
      "subscribe denied": 2
    })
    assert.deepEqual(counted(broker, "promptmq_messages_total"), { "in 0": 1, "in 1": 3, "out 0": 1 })
    assert.strictEqual(counted(broker, "promptmq_packets_total")["in publish"], 4)
    assert.strictEqual(counted(broker, "promptmq_payload_bytes_total")["in"], 12)
  })
})
