/**
 * Claim: nothing is lost, repeated or reordered.
 *
 *   npm run bench -- delivery [--count 1000000] [--broker mosquitto]
 *
 * Method: mqttload publishes `count` messages, waits for exactly the deliveries each subscriber must get and compares
 * every payload. Exit status 1 when one run has a fault. QoS 0 runs with a window: without one a flood measures which
 * messages a broker drops.
 */
import { parseArgs } from "node:util"
import { type BrokerName, brokers, startBroker } from "./harness/brokers.ts"
import { markdownTable, short } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, runGenerator } from "./harness/generator.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    broker: { type: "string", default: "promptmq" }
  }
})
const name = (values.broker in brokers ? values.broker : "promptmq") as BrokerName
const tenPairs = ["--pubs", "10", "--subs", "10"]
const scenarios: ReadonlyArray<readonly [words: string, flags: ReadonlyArray<string>]> = [
  ["QoS 0, 10:10, window 20000", [...tenPairs, "--window", "20000"]],
  ["QoS 1, 10:10", [...tenPairs, "--qos", "1"]],
  ["QoS 2, 10:10", [...tenPairs, "--qos", "2"]],
  ["QoS 0, 1 to 100, window 1000", ["--pattern", "fanout", "--subs", "100", "--window", "1000"]],
  ["QoS 1, 10:10, MQTT 5", [...tenPairs, "--qos", "1", "--proto", "5"]]
]

const generator = findGenerator()
const machine = describeMachine()
const results = []
for (const [words, flags] of scenarios) {
  const broker = await startBroker(name)
  try {
    const report = await runGenerator(generator, broker.port, broker.pid, [...flags, "--count", values.count])
    const faults = [...deliveryFaults(report, false)]
    if (report.delivered !== report.expected) faults.push(`${report.delivered} of ${report.expected} delivered`)
    results.push({ words, faults, report })
    process.stderr.write(`${words}: ${faults.length === 0 ? "exact" : faults.join(", ")}\n`)
  } finally {
    await broker.stop()
  }
}

const rows = results.map(({ words, faults, report }) => [
  words,
  short(report.published),
  short(report.delivered),
  faults.length === 0 ? "none" : faults.join(", "),
  `${report.seconds.toFixed(1)} s`,
  `${report.broker_peak_mb.toFixed(0)} MB`
])
const head = [`${name}`, "published", "delivered", "lost, repeated, reordered", "took", "peak RSS"]
process.stdout.write(`${markdownTable(head, rows)}\n${machineLine(machine)}.\n`)
saveResult("delivery", { machine, broker: name, settings: brokers[name].settings, results })
process.exitCode = results.every(({ faults }) => faults.length === 0) ? 0 : 1
