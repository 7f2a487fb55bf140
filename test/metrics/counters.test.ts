/** Counters: every cell has its own name, the offsets of the families do not overlap, gauges are read when sampled. */
import { assert, describe, it } from "@effect/vitest"
import { PacketType } from "../../src/codec/codec.ts"
import { Counter, Counters, counterCells, familyFacts, gaugeTable } from "../../src/metrics/counters.ts"

describe("counters", () => {
  it("names each cell once, with a family that has facts", () => {
    const samples = new Counters().samples()
    assert.strictEqual(samples.length, counterCells)
    const names = samples.map((sample) => `${sample.family}${JSON.stringify(sample.labels)}`)
    assert.strictEqual(new Set(names).size, names.length)
    const families = new Set(familyFacts().map((fact) => fact.family))
    for (const sample of samples) assert.isTrue(families.has(sample.family), sample.family)
  })

  it("counter families end in _total, gauges do not, all have help", () => {
    for (const fact of familyFacts()) {
      assert.match(fact.family, /^promptmq_[a-z_]+$/)
      assert.strictEqual(fact.family.endsWith("_total"), fact.type === "counter", fact.family)
      assert.match(fact.help, /\.$/)
    }
  })

  it("labels packets by type and messages by qos, each at its offset", () => {
    const counters = new Counters()
    const { values } = counters
    values[Counter.packetsIn + PacketType.publish] = 7
    values[Counter.packetsOut + PacketType.auth] = 8
    values[Counter.messagesIn + 2] = 9
    values[Counter.messagesOut] = 10
    values[Counter.bytesOut] = 2 ** 40
    values[Counter.disconnectionsTakenOver] = 11
    const set = counters.samples().filter((sample) => sample.value > 0)
    assert.deepEqual(set, [
      { family: "promptmq_packets_total", labels: { direction: "in", type: "publish" }, value: 7 },
      { family: "promptmq_packets_total", labels: { direction: "out", type: "auth" }, value: 8 },
      { family: "promptmq_messages_total", labels: { direction: "in", qos: "2" }, value: 9 },
      { family: "promptmq_messages_total", labels: { direction: "out", qos: "0" }, value: 10 },
      { family: "promptmq_network_bytes_total", labels: { direction: "out" }, value: 2 ** 40 },
      { family: "promptmq_disconnections_total", labels: { cause: "taken-over" }, value: 11 }
    ])
  })

  it("reads gauges when sampled and shows only those that have an owner", () => {
    const counters = new Counters()
    let open = 1
    counters.gauge("connections", () => open)
    open = 3
    const gauges = counters.samples().slice(counterCells)
    assert.deepEqual(gauges, [{ family: gaugeTable.connections.family, labels: {}, value: 3 }])
  })
})
