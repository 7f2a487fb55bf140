/**
 * What is seen of each setting of `tracing`: spans at a collector, and the bounds of live traces. One row per key.
 */
import { assert } from "@effect/vitest"
import { OtlpReceiver } from "./otlp-receiver.ts"
import type { Seen } from "./settings-seen-mqtt.ts"
import type { WholeBroker } from "./whole-broker.ts"

/** For all rows; it listens while this process lives and keeps it alive no longer. */
const collector = await OtlpReceiver.open()
collector.unref()
const on = { enabled: true, endpoint: collector.endpoint, "sample-ratio": "1" }

/** The span of a message to a topic nobody else publishes to. */
const spanOf = async (broker: WholeBroker, topic: string) => {
  const client = await broker.join("client")
  await client.publish(topic, "x", { qos: 1 })
  const isIt = ({ attributes }: { readonly attributes: Readonly<Record<string, unknown>> }) =>
    attributes["messaging.destination.name"] === topic
  return (await collector.until((spans) => spans.some(isIt))).find(isIt)
}

const traces = ({ running }: WholeBroker) => running.traces

export const seenByTracing: Readonly<Record<string, Seen>> = {
  "tracing.enabled": {
    settings: { tracing: { ...on, enabled: false } },
    see: async (broker) => assert.isUndefined(broker.running.broker.core.watch)
  },
  "tracing.endpoint": {
    settings: { tracing: on },
    see: async (broker) => assert.strictEqual((await spanOf(broker, "seen/endpoint"))?.name, "mqtt receive")
  },
  "tracing.headers": {
    settings: { tracing: { ...on, headers: "x-seen=header" } },
    see: async (broker) => {
      await spanOf(broker, "seen/headers")
      assert.isTrue(collector.headers.some((headers) => headers["x-seen"] === "header"))
    }
  },
  "tracing.service-name": {
    settings: { tracing: { ...on, "service-name": "seen-service" } },
    see: async (broker) => {
      await spanOf(broker, "seen/service")
      assert.isTrue(collector.resources.some((resource) => resource["service.name"] === "seen-service"))
    }
  },
  "tracing.sample-ratio": {
    settings: { tracing: { ...on, "sample-ratio": "0" } },
    see: async (broker) => {
      const client = await broker.join("client")
      await client.subscribe("t")
      await client.publish("t", "x")
      assert.isUndefined((await client.message()).properties?.userProperties)
    }
  },
  "tracing.topics": {
    settings: { tracing: { ...on, topics: ["seen/+"] } },
    see: async (broker) => {
      const client = await broker.join("client")
      await client.subscribe("#")
      for (const topic of ["else", "seen/topics"]) {
        await client.publish(topic, "x")
        assert.strictEqual((await client.message()).properties?.userProperties === undefined, topic === "else")
      }
    }
  },
  "tracing.max-traces": {
    settings: { tracing: { "max-traces": 1 } },
    see: async (broker) => {
      traces(broker).start({}, "test")
      assert.propertyVal(traces(broker).start({}, "test"), "reason", "busy")
    }
  },
  "tracing.max-steps": {
    settings: { tracing: { "max-steps": 7 } },
    see: async (broker) => assert.propertyVal(traces(broker).start({ stepsMax: 8 }, "test"), "reason", "bad-request")
  },
  "tracing.max-duration": {
    settings: { tracing: { "max-duration": "7s" } },
    see: async (broker) => assert.propertyVal(traces(broker).start({ seconds: 8 }, "test"), "reason", "bad-request")
  },
  "tracing.max-trace-size": {
    settings: { tracing: { "max-trace-size": "64KiB", "max-payload-shown": "64KiB" } },
    see: async (broker) => {
      traces(broker).start({ withPayload: true }, "test")
      const client = await broker.join("client")
      await client.publish("t", "x".repeat(60_000), { qos: 1 })
      assert.isAtLeast(traces(broker).list()[0]?.stepsLeftOut ?? 0, 1)
    }
  },
  "tracing.max-payload-shown": {
    settings: { tracing: { "max-payload-shown": "3B" } },
    see: async (broker) => {
      const started = traces(broker).start({ withPayload: true }, "test")
      const client = await broker.join("client")
      await client.publish("t", "payload", { qos: 1 })
      const steps = "id" in started ? traces(broker).steps(started.id)?.steps : undefined
      assert.strictEqual(steps?.[0]?.payload?.value, "pay")
    }
  },
  "tracing.max-client-events": {
    settings: { tracing: { "max-client-events": 0 } },
    see: async (broker) => {
      await broker.join("client")
      assert.lengthOf(broker.running.broker.core.clientEvents.of("client"), 0)
    }
  }
}
