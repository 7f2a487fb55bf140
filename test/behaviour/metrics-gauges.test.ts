/**
 * Goal: gauges are what there is, whatever clients do: never negative, never left over. (The original took an expired
 * session off twice, and its gauge of connections went below zero.)
 * Method: random steps of three clients (connect clean or kept, leave, vanish, take over, subscribe, unsubscribe, retain,
 * clear, expire) against a model that counts by hand; after each step all gauges are read.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { clientOf } from "../../src/broker/client.ts"
import { closeClient } from "../../src/broker/disconnect.ts"
import { endSession } from "../../src/broker/end-session.ts"
import type { RawClient } from "../support/raw-client.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

interface Held {
  isPersistent: boolean
  readonly filters: Set<string>
  readonly shared: Set<string>
  client: RawClient | undefined
}

class Model {
  readonly sessions = new Map<string, Held>()
  readonly retained = new Map<string, number>()

  gauges(): Readonly<Record<string, number>> {
    const held = [...this.sessions.values()]
    const filtersOf = ({ filters, shared }: Held): number => filters.size + shared.size
    const sum = (some: ReadonlyArray<Held>): number => some.reduce((total, each) => total + filtersOf(each), 0)
    const on = held.filter(({ client }) => client !== undefined)
    const off = held.filter(({ client }) => client === undefined)
    const texts = held.flatMap(({ filters, shared }) => [...filters, ...[...shared].map((each) => each.slice(9))])
    return {
      "promptmq_connections tcp": on.length,
      "promptmq_sessions connected": on.length,
      "promptmq_sessions disconnected": off.length,
      "promptmq_subscriptions connected": sum(on),
      "promptmq_subscriptions disconnected": sum(off),
      "promptmq_shared_subscriptions ": new Set(held.flatMap(({ shared }) => [...shared])).size,
      "promptmq_filters ": new Set(texts).size,
      "promptmq_retained_messages ": this.retained.size,
      "promptmq_retained_bytes ": [...this.retained.values()].reduce((total, each) => total + each, 0),
      "promptmq_inflight_messages ": 0
    }
  }
}

const who = fc.constantFrom("a", "b", "c")
const filter = fc.constantFrom("x/+", "x/1", "#", "$share/g/x/1", "$share/g/x/2")
const step = fc.oneof(
  fc.record({ do: fc.constant("connect" as const), who, isPersistent: fc.boolean(), isClean: fc.boolean() }),
  fc.record({ do: fc.constantFrom("leave" as const, "vanish" as const, "expire" as const, "kick" as const), who }),
  fc.record({ do: fc.constantFrom("subscribe" as const, "unsubscribe" as const), who, filter }),
  fc.record({ do: fc.constantFrom("retain" as const, "clear" as const), who, topic: fc.constantFrom("y/1", "y/22") })
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const apply = async (broker: WholeBroker, model: Model, each: Step): Promise<void> => {
  const held = model.sessions.get(each.who)
  if (each.do === "connect") {
    const properties = { sessionExpiryInterval: each.isPersistent ? 600 : 0 }
    const before = held?.client
    const client = await broker.join(each.who, { clean: each.isClean, properties })
    if (before !== undefined) await before.refused(0x8e)
    // A session that did not outlive its connection is gone with the connection that was taken over.
    const isKept = !each.isClean && held !== undefined && (held.client === undefined || held.isPersistent)
    const now = isKept ? held : { filters: new Set<string>(), shared: new Set<string>() }
    model.sessions.set(each.who, { ...now, isPersistent: each.isPersistent, client } as Held)
    return
  }
  if (held === undefined) return
  if (each.do === "expire") {
    const session = broker.core.sessions.get(each.who)
    if (held.client !== undefined || session === undefined) return
    endSession(broker.core, session, "expired")
    model.sessions.delete(each.who)
    return
  }
  const { client } = held
  if (client === undefined) return
  switch (each.do) {
    case "leave":
    case "vanish":
    case "kick": {
      const session = broker.core.sessions.get(each.who)
      const inside = session === undefined ? undefined : clientOf(session)
      if (each.do === "leave") await client.leave()
      else if (each.do === "vanish") await client.vanish()
      else if (inside !== undefined) closeClient(broker.core, inside, "server", 0x98, "administrative action")
      if (each.do === "kick") await client.refused(0x98)
      while (session?.connection !== undefined) await new Promise(setImmediate)
      if (held.isPersistent) held.client = undefined
      else model.sessions.delete(each.who)
      return
    }
    case "subscribe": {
      assert.isBelow(await client.subscribe(each.filter, 1), 0x80)
      const set = each.filter.startsWith("$share") ? held.shared : held.filters
      set.add(each.filter)
      return
    }
    case "unsubscribe":
      await client.unsubscribe(each.filter)
      held.filters.delete(each.filter)
      held.shared.delete(each.filter)
      return
    default: {
      const { topic } = each as Extract<Step, { readonly topic: string }>
      await client.publish(topic, each.do === "retain" ? "v" : "", { qos: 0, retain: true })
      await settle(model)
      if (each.do === "clear") model.retained.delete(topic)
      else model.retained.set(topic, broker.core.retained.get(topic)?.frame.length ?? -1)
    }
  }
}

/** Everybody has taken what was for them, retained or not. */
const settle = async (model: Model): Promise<void> => {
  for (const { client } of model.sessions.values()) if (client !== undefined) await client.pending()
}

const read = (broker: WholeBroker): ReadonlyMap<string, number> =>
  new Map(
    broker.core.counters.samples().map(({ family, labels, value }) => [`${family} ${Object.values(labels)}`, value])
  )

describe("gauges", () => {
  it("agree with a model after each of many random steps, and are never negative", async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      await using broker = await startWhole({ metrics: { "sys-interval": "0s" } })
      const model = new Model()
      for (const each of steps) {
        await apply(broker, model, each)
        await settle(model)
        const gauges = read(broker)
        for (const [name, value] of Object.entries(model.gauges())) {
          assert.strictEqual(gauges.get(name) ?? 0, value, `${name} after ${JSON.stringify(each)}`)
        }
        for (const [name, value] of gauges) assert.isAtLeast(value, 0, name)
      }
    })
    await fc.assert(property, { numRuns: 40 })
  })

  it("end at nothing when everybody has gone", async () => {
    await using broker = await startWhole()
    const clients = await Promise.all(["a", "b", "c"].map((name) => broker.join(name)))
    for (const client of clients) await client.subscribe("x/#", 1)
    for (const client of clients) await client.leave()
    const gauges = read(broker)
    const left = ["promptmq_connections tcp", "promptmq_sessions connected", "promptmq_sessions disconnected"]
    for (const name of [...left, "promptmq_filters ", "promptmq_outgoing_bytes "]) {
      assert.strictEqual(gauges.get(name), 0, name)
    }
  })
})
