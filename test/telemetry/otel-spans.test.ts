/**
 * Goal: with tracing on, a published message is a span and each of its deliveries a child of it, at a collector; the trace
 * of the publisher goes on in what subscribers get; a collector that is away costs a warning.
 * Method: the whole broker over TCP, and a receiver of OTLP/HTTP that decodes what comes. Waiting is for what arrives,
 * never for time.
 */
import { assert, describe, it } from "@effect/vitest"
import type { IPublishPacket } from "mqtt-packet"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { parseTraceparent } from "../../src/telemetry/traceparent.ts"
import { Folder } from "../support/durable-broker.ts"
import { OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts"
import { startWhole } from "../support/whole-broker.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const spanId = "00f067aa0ba902b7"
const sampled = `00-${traceId}-${spanId}-01`

const start = async (tracing: SettingsInput["tracing"] = {}, more: SettingsInput = {}) => {
  const collector = await OtlpReceiver.open()
  const own = { enabled: true, endpoint: collector.endpoint, "sample-ratio": "1", ...tracing }
  const broker = await startWhole({ ...more, tracing: own })
  const end = async () => {
    await broker[Symbol.asyncDispose]()
    await collector[Symbol.asyncDispose]()
  }
  return { collector, broker, [Symbol.asyncDispose]: end }
}

const named = (spans: ReadonlyArray<ReceivedSpan>, name: string) => spans.filter((span) => span.name === name)
const receives = (spans: ReadonlyArray<ReceivedSpan>) => named(spans, "mqtt receive")
const delivers = (spans: ReadonlyArray<ReceivedSpan>) => named(spans, "mqtt deliver")
const userProperties = ({ properties }: IPublishPacket) => (properties?.userProperties ?? {}) as Record<string, unknown>
const withTrace = (...parents: ReadonlyArray<string>) => ({
  properties: {
    userProperties: { traceparent: parents.length === 1 ? (parents[0] as string) : [...parents], color: "red" }
  }
})

describe("spans", () => {
  it("of a message and its deliveries are parent and children, and the subscriber is given the broker's span", async () => {
    await using scene = await start({ headers: "authorization=Bearer secret,x-scope=a", "service-name": "factory" })
    const { broker, collector } = scene
    const zero = await broker.join("zero")
    await zero.subscribe("plant/+", 0)
    const one = await broker.join("one")
    await one.subscribe("plant/#", 1)
    const two = await broker.join("two")
    await two.subscribe("#", 2)
    const old = await broker.join("old", { version: 4 })
    await old.subscribe("plant/1", 1)
    const publisher = await broker.join("publisher")
    await publisher.publish("plant/1", "on", { qos: 2, ...withTrace(sampled) })
    const packets = [await zero.message(), await one.message(), await two.message()]
    assert.strictEqual((await old.message()).payload.toString(), "on")
    const spans = await collector.until((all) => receives(all).length === 1 && delivers(all).length === 4)
    const [receive] = receives(spans)
    assert.strictEqual(receive?.traceId, traceId)
    assert.strictEqual(receive?.parentSpanId, spanId)
    assert.deepInclude(receive?.attributes, {
      "messaging.destination.name": "plant/1",
      "messaging.client.id": "publisher",
      "promptmq.qos": 2
    })
    for (const packet of packets) {
      assert.deepStrictEqual(parseTraceparent(String(userProperties(packet)["traceparent"])), {
        traceId,
        spanId: receive?.spanId ?? "",
        isSampled: true
      })
      assert.strictEqual(userProperties(packet)["color"], "red")
    }
    for (const deliver of delivers(spans)) {
      assert.strictEqual(deliver.parentSpanId, receive?.spanId)
      assert.strictEqual(deliver.traceId, traceId)
      assert.isTrue(deliver.endNanos >= deliver.startNanos)
      assert.isUndefined(deliver.failure)
    }
    const eventsOf = (client: string) =>
      delivers(spans).find(({ attributes }) => attributes["messaging.client.id"] === client)?.events
    assert.deepStrictEqual(eventsOf("zero"), ["sent"])
    assert.deepStrictEqual(eventsOf("one"), ["sent", "acknowledged"])
    assert.deepStrictEqual(eventsOf("two"), ["sent", "acknowledged"])
    assert.deepInclude(collector.headers[0], { authorization: "Bearer secret", "x-scope": "a" })
    assert.deepInclude(collector.resources[0], { "service.name": "factory", "service.version": "test" })
  })

  it("are made for publishers without a trace, of 3.1.1 and of 5.0, and for each of a run of QoS 0", async () => {
    await using scene = await start()
    const { broker, collector } = scene
    const reader = await broker.join("reader")
    await reader.subscribe("t", 1)
    const old = await broker.join("old", { version: 4 })
    await old.publish("t", "3.1.1", { qos: 1 })
    const first = parseTraceparent(String(userProperties(await reader.message())["traceparent"]))
    const spans = await collector.until((all) => receives(all).length === 1 && delivers(all).length === 1)
    assert.deepInclude(receives(spans)[0], {
      traceId: first?.traceId ?? "",
      spanId: first?.spanId ?? "",
      parentSpanId: undefined
    })
    old.send(
      ...["a", "b", "c"].map(
        (payload) => ({ cmd: "publish", topic: "t", payload, qos: 0, retain: false, dup: false }) as const
      )
    )
    const seen = new Set<unknown>()
    for (let i = 0; i < 3; i++) seen.add(userProperties(await reader.message())["traceparent"])
    assert.lengthOf(seen, 3)
    await collector.until((all) => receives(all).length === 4)
  })

  for (const [what, hostile] of [
    ["is none", ["00-xyz"]],
    ["is there twice", [sampled, sampled]],
    ["is all zeros", [`00-${"0".repeat(32)}-${spanId}-01`]],
    ["is very long", ["0".repeat(30_000)]]
  ] as const) {
    it(`a traceparent that ${what} is replaced by a new trace`, async () => {
      await using scene = await start()
      const { broker, collector } = scene
      const reader = await broker.join("reader")
      await reader.subscribe("t", 1)
      const { properties } = withTrace(...hostile)
      const publisher = await broker.join("publisher")
      const userPropertiesSent = { ...properties.userProperties, tracestate: "evil=1" }
      await publisher.publish("t", "x", { qos: 1, properties: { userProperties: userPropertiesSent } })
      const got = userProperties(await reader.message())
      const context = parseTraceparent(String(got["traceparent"]))
      const [receive] = receives(await collector.until((all) => receives(all).length === 1))
      assert.strictEqual(context?.spanId, receive?.spanId)
      assert.notStrictEqual(context?.traceId, traceId)
      assert.isUndefined(receive?.parentSpanId)
      assert.isUndefined(got["tracestate"])
      assert.strictEqual(got["color"], "red")
    })
  }

  it("[SPN-1] what is not chosen goes through as it is: unsampled, of another topic, beyond the ratio", async () => {
    await using scene = await start({ topics: ["plant/#"], "sample-ratio": "1" })
    const { broker } = scene
    const reader = await broker.join("reader")
    await reader.subscribe("#", 1)
    const publisher = await broker.join("publisher")
    const unsampled = `00-${traceId}-${spanId}-00`
    for (const [topic, parent] of [
      ["plant/1", unsampled],
      ["else", sampled]
    ] as const) {
      await publisher.publish(topic, "x", { qos: 1, ...withTrace(parent) })
      assert.strictEqual(userProperties(await reader.message())["traceparent"], parent)
    }
    await publisher.publish("else", "x", { qos: 1 })
    assert.isUndefined((await reader.message()).properties?.userProperties)
  })

  it("[SPN-1] at ratio 0 nobody can make the broker trace", async () => {
    await using scene = await start({ "sample-ratio": "0" })
    const reader = await scene.broker.join("reader")
    await reader.subscribe("#", 1)
    const publisher = await scene.broker.join("publisher")
    await publisher.publish("t", "x", { qos: 1, ...withTrace(`00-${"f".repeat(32)}-${spanId}-01`) })
    assert.strictEqual(userProperties(await reader.message())["traceparent"], `00-${"f".repeat(32)}-${spanId}-01`)
  })

  it("tell the storage commit, what waits, and a delivery after the return of its session", async () => {
    using folder = new Folder()
    await using scene = await start({}, { storage: { engine: "wal", "data-dir": folder.path } })
    const { broker, collector } = scene
    const session = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const reader = await broker.join("reader", session)
    await reader.subscribe("t", 1)
    await reader.leave()
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "x", { qos: 1 })
    const [receive] = receives(await collector.until((all) => receives(all).length === 1))
    assert.include(receive?.events ?? [], "storage commit")
    assert.strictEqual(Number(receive?.attributes["promptmq.sequence"]), 0)
    const again = await broker.join("reader", session)
    await again.message()
    const [deliver] = delivers(await collector.until((all) => delivers(all).length === 1))
    assert.deepStrictEqual(deliver?.events, ["queued", "sent", "acknowledged"])
    assert.strictEqual(deliver?.parentSpanId, receive?.spanId)
  })

  it("tell a drop and a refusal of the receiver as failures", async () => {
    await using scene = await start()
    const { broker, collector } = scene
    const small = await broker.join("small", { properties: { maximumPacketSize: 200 } })
    await small.subscribe("t", 1)
    const publisher = await broker.join("publisher")
    await publisher.publish("t", "x".repeat(300), { qos: 1 })
    const [deliver] = delivers(await collector.until((all) => delivers(all).length === 1))
    assert.strictEqual(deliver?.failure, "packet-too-large")
  })
})

describe("the collector", () => {
  it("[OTL-1] that is away is one warning and no harm, and one line when it is back", async () => {
    await using scene = await start({ "export-timeout": "1s" })
    const { broker, collector } = scene
    collector.status = 400
    const reader = await broker.join("reader")
    await reader.subscribe("t", 1)
    const lines = (words: string) => broker.log.filter((line) => line.includes(words)).length
    for (let round = 1; round <= 2; round++) {
      const before = collector.requests
      await reader.publish("t", "x", { qos: 1 })
      await reader.message()
      await collector.untilRequests(before + 1)
    }
    assert.strictEqual(lines("takes no spans"), 1)
    collector.status = 200
    await reader.publish("t", "x", { qos: 1 })
    await collector.until((spans) => spans.length > 0)
    await scene[Symbol.asyncDispose]()
    assert.strictEqual(lines("takes spans again"), 1)
    assert.strictEqual(lines("takes no spans"), 1)
  })

  it("[OTL-2] gets what waits when the broker stops", async () => {
    const collector = await OtlpReceiver.open()
    const broker = await startWhole({ tracing: { enabled: true, endpoint: collector.endpoint, "sample-ratio": "1" } })
    const client = await broker.join("client")
    await client.publish("t", "x", { qos: 1 })
    await broker[Symbol.asyncDispose]()
    assert.lengthOf(receives(collector.spans), 1)
    await collector[Symbol.asyncDispose]()
  })

  it("[OTL-2] that never answers does not hold the broker's stop", async () => {
    const collector = await OtlpReceiver.open()
    const { endpoint } = collector
    await collector[Symbol.asyncDispose]()
    const broker = await startWhole({ tracing: { enabled: true, endpoint, "sample-ratio": "1" } })
    const client = await broker.join("client")
    await client.publish("t", "x", { qos: 1 })
    await broker[Symbol.asyncDispose]()
  })
})
