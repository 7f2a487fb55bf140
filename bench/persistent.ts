/**
 * Claim: with every acknowledgement after its sync, PromptMQ delivers to persistent subscribers at QoS 1 at least twice what
 * Mosquitto does without any sync.
 *
 *   npm run bench -- persistent [--repetitions 3] [--seconds 4] [--warmup 1] [--only immediate,batch,batch-written,periodic,no-sync,memory]
 *
 * Method: 10 publishers to 10 subscribers with persistent sessions, QoS 1, 100 messages in flight each. Per repetition all
 * sync modes and Mosquitto (persistence on, its default: saved every 30 minutes and at the end) run one after the other,
 * each in a fresh process on core 0, the generator on core 1; the order rotates. Ratios are taken within a repetition. A
 * message lost, repeated or out of order fails the bench.
 */
import { parseArgs } from "node:util"
import { brokers, startBroker } from "./harness/brokers.ts"
import { markdownTable, shortSpread, spreadOf } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, type LoadReport, runGenerator } from "./harness/generator.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"

interface Contender {
  readonly name: string
  readonly broker: "promptmq" | "mosquitto"
  readonly flags: ReadonlyArray<string>
  readonly kept: string
  /** Times Mosquitto, at least; 0 where nothing is promised. */
  readonly promised: number
}

const durable = ["--admin=false", "--storage-engine=wal"]
const contenders: ReadonlyArray<Contender> = [
  {
    name: "immediate",
    broker: "promptmq",
    flags: [...durable, "--wal-sync-mode=immediate"],
    kept: "synced before each acknowledgement",
    promised: 2
  },
  {
    name: "batch",
    broker: "promptmq",
    flags: [...durable, "--wal-sync-mode=batch"],
    kept: "synced before each acknowledgement",
    promised: 0
  },
  {
    name: "batch-written",
    broker: "promptmq",
    flags: [...durable, "--wal-sync-mode=batch", "--wal-acknowledge=written"],
    kept: "written before, synced every 100 messages",
    promised: 0
  },
  {
    name: "periodic",
    broker: "promptmq",
    flags: [...durable, "--wal-sync-mode=periodic"],
    kept: "written before, synced every 100 ms",
    promised: 0
  },
  {
    name: "no-sync",
    broker: "promptmq",
    flags: [...durable, "--wal-no-sync"],
    kept: "written before, synced with each file",
    promised: 0
  },
  {
    name: "memory",
    broker: "promptmq",
    flags: ["--admin=false", "--storage-engine=memory"],
    kept: "nothing",
    promised: 0
  },
  {
    name: "mosquitto",
    broker: "mosquitto",
    flags: ["persistence true", "persistence_location FOLDER/", "user root"],
    kept: "saved every 30 minutes",
    promised: 0
  }
]

const { values } = parseArgs({
  options: {
    repetitions: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    warmup: { type: "string", default: "1" },
    only: { type: "string" }
  }
})
const isChosen = ({ name }: Contender) =>
  name === "mosquitto" || values.only === undefined || values.only.split(",").includes(name)
const chosen = contenders.filter(isChosen)
const load = ["--pubs", "10", "--subs", "10", "--qos", "1", "--inflight", "100", "--persistent"]
const timing = ["--seconds", values.seconds, "--warmup", values.warmup]
const generator = findGenerator()
const machine = describeMachine()
const runs = new Map<Contender, Array<LoadReport>>(chosen.map((contender) => [contender, []]))
const faults: Array<string> = []

for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
  for (const at of chosen.keys()) {
    const contender = chosen[(at + repetition) % chosen.length] as Contender
    runs.get(contender)?.push(await measure(contender))
  }
}
report()

async function measure({ broker: kind, flags, name }: Contender): Promise<LoadReport> {
  const broker = await startBroker(kind, flags)
  try {
    const found = await runGenerator(generator, broker.port, broker.pid, [...load, ...timing])
    faults.push(...deliveryFaults(found, false).map((fault) => `${name}: ${fault}`))
    process.stderr.write(`${name}: ${Math.round(found.delivered_per_s)}/s\n`)
    return found
  } finally {
    await broker.stop()
  }
}

function report(): void {
  const beside = runs.get(chosen.find(({ name }) => name === "mosquitto") as Contender) ?? []
  const results = chosen.map((contender) => {
    const own = runs.get(contender) ?? []
    const median = (of: (run: LoadReport) => number) => spreadOf(own.map(of)).median
    return {
      contender,
      delivered: spreadOf(own.map((run) => run.delivered_per_s)),
      ratio: spreadOf(own.map((run, i) => run.delivered_per_s / (beside[i]?.delivered_per_s ?? Number.NaN))),
      p50Ms: median((run) => run.p50_us) / 1000,
      p99Ms: median((run) => run.p99_us) / 1000,
      cpu: `${Math.round(median((run) => run.broker_cpu_pct))}/${Math.round(median((run) => run.generator_cpu_pct))}`,
      runs: own
    }
  })
  const head = [
    "QoS 1, 10:10, persistent",
    "delivered/s",
    "times Mosquitto",
    "promised",
    "p50 / p99 ms",
    "CPU % broker/generator"
  ]
  const rows = results.map(({ contender, cpu, delivered, p50Ms, p99Ms, ratio }) => [
    `${contender.name} (${contender.kept})`,
    shortSpread(delivered),
    `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`,
    contender.promised === 0 ? "–" : `≥ ${contender.promised}`,
    `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)}`,
    cpu
  ])
  process.stdout.write(`${markdownTable(head, rows)}\n${machineLine(machine)}.\n`)
  for (const name of ["promptmq", "mosquitto"] as const) {
    process.stdout.write(`${name}, beyond its defaults: ${brokers[name].settings.join("; ")}\n`)
  }
  const missed = results.filter(({ contender, ratio }) => ratio.median < contender.promised)
  const complaints = [...faults, ...missed.map(({ contender }) => `${contender.name}: below the promised ratio`)]
  for (const complaint of complaints) process.stdout.write(`FAULT ${complaint}\n`)
  saveResult("persistent", { machine, timing, results, faults: complaints })
  process.exitCode = complaints.length === 0 ? 0 : 1
}
