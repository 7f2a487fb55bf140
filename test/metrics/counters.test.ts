/** Counters: every cell has its own name, the offsets of the families do not overlap, gauges are read when sampled. */
import { assert, describe, it } from "@effect/vitest"
import { PacketType } from "../../src/codec/codec.ts"
import { Counter, Counters, counterCells, familyFacts, listenerIndex } from "../../src/metrics/counters.ts"
import { gaugeTable } from "../../src/metrics/gauge-table.ts"

describe("counters", () => {
  it("names each cell once, with a family that has facts", () => {
    const counters = new Counters()
    counters.values.fill(1)
    const samples = counters.samples()
    assert.strictEqual(samples.length, counterCells)
    const names = samples.map((sample) => `${sample.family}${JSON.stringify(sample.labels)}`)
    assert.strictEqual(new Set(names).size, names.length)
    const families = new Set(familyFacts().map((fact) => fact.family))
    for (const sample of samples) assert.isTrue(families.has(sample.family), sample.family)
  })

  it("tells rare cells once they have moved, all others from the start", () => {
    const counters = new Counters()
    const names = (): ReadonlyArray<string> => counters.samples().map(({ labels }) => Object.values(labels).join(" "))
    assert.include(names(), "in publish")
    assert.notInclude(names(), "in connack")
    assert.notInclude(names(), "wss accepted")
    counters.values[Counter.packetsIn + PacketType.connack] = 1
    counters.values[Counter.connectionsAccepted + listenerIndex("wss")] = 1
    assert.include(names(), "in connack")
    assert.include(names(), "wss accepted")
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
    counters.gauge("filters", () => open)
    counters.gauge("storagePersisted", () => ({ "write,success": open, "read,error": 7 }))
    open = 3
    const cells = new Counters().samples().length
    const labels = (operation: string, status: string) => ({ operation, status })
    const { family } = gaugeTable.storagePersisted
    assert.deepEqual(counters.samples().slice(cells), [
      { family: gaugeTable.filters.family, labels: {}, value: 3 },
      { family, labels: labels("write", "success"), value: 3 },
      { family, labels: labels("read", "error"), value: 7 }
    ])
    assert.strictEqual(counters.read("storagePersisted"), 10)
    assert.strictEqual(counters.read("sessions"), 0)
  })
})
