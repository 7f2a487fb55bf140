/**
 * Claims: a log whose messages are consumed stays below twice max-wal-size at full rate; millions of topics that are used
 * once leave log, index and memory where they were; a million topics at once stay below 512 MiB with 1,024 descriptors.
 *
 *   npm run bench -- compaction [--only rate,once,topics] [--seconds 60] [--topics 10000000]
 *
 * Method: PromptMQ with engine wal in its defaults (immediate, max-wal-size 100 MiB, compaction as it comes). `rate`:
 * mqttload, 10 publishers to 10 persistent subscribers at QoS 1; sizes are looked at once a second, and again when
 * compaction has come to rest. `once`: one publisher, each message on a topic of its own, one live persistent subscriber
 * on `#`; sizes after a tenth and at the end. `topics`: a message on each of a million topics for an absent session.
 */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type RunningBroker, startBroker } from "./harness/brokers.ts"
import { Feeder, leaveSession } from "./harness/crowd.ts"
import { markdownTable } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, runGenerator } from "./harness/generator.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"
import { acknowledgement, PacketType, readPublish, Wire } from "./harness/soak-wire.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "60" },
    topics: { type: "string", default: "10000000" }
  }
})
const MIB = 2 ** 20
const maxWalSizeBytes = 100 * MIB
const flags = ["--admin=false", "--storage-engine=wal", "--compaction-check-interval=5s"]
/** Compaction looks at sizes four times a second, and has this long to come to rest. */
const restLimitMs = 60_000
const window = 1000
const machine = describeMachine()
const rows: Array<ReadonlyArray<string>> = []
const faults: Array<string> = []
const isWanted = (name: string) => values.only === undefined || values.only.split(",").includes(name)

if (isWanted("rate")) await rate()
if (isWanted("once")) await once()
if (isWanted("topics")) await topics()
process.stdout.write(`${markdownTable(["compaction", "measured", "promised"], rows)}\n${machineLine(machine)}.\n`)
for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`)
saveResult("compaction", { machine, rows, faults })
process.exitCode = faults.length === 0 ? 0 : 1

async function rate(): Promise<void> {
  const broker = await startBroker("promptmq", flags)
  let peakBytes = 0
  const look = setInterval(() => (peakBytes = Math.max(peakBytes, logBytes(broker))), 1000)
  const load = ["--pubs", "10", "--subs", "10", "--qos", "1", "--inflight", "100", "--persistent"]
  const report = await runGenerator(findGenerator(), broker.port, broker.pid, [...load, "--seconds", values.seconds])
  clearInterval(look)
  const atEnd = logBytes(broker)
  const rested = await atRest(broker)
  await broker.stop()
  faults.push(...deliveryFaults(report, false).map((fault) => `rate: ${fault}`))
  rows.push([`${values.seconds} s at ${Math.round(report.delivered_per_s)}/s: log, largest`, mebibytes(peakBytes), "–"])
  rows.push(["log at the end", mebibytes(atEnd), `≤ ${mebibytes(2 * maxWalSizeBytes)}`])
  rows.push(["log at rest", mebibytes(rested), "–"])
  if (atEnd > 2 * maxWalSizeBytes) faults.push(`rate: the log ended at ${mebibytes(atEnd)}`)
}

async function once(): Promise<void> {
  const count = Number(values.topics)
  const broker = await startBroker("promptmq", flags)
  const consumer = await consume(broker.port)
  const feeder = new Feeder(broker.port, window)
  await feeder.ready
  const tenth = Math.max(1, Math.floor(count / 10))
  const found: Array<Sizes> = []
  for (let number = 0; number < count; number++) {
    await feeder.publish(`once/${number % 1000}/${number}`, number, 64)
    if (number + 1 !== tenth && number + 1 !== count) continue
    await feeder.settled()
    await consumer.reached(number + 1)
    found.push(await sizesAtRest(broker))
  }
  await feeder.finish()
  await broker.stop()
  consumer.end()
  const [early, late] = found as [Sizes, Sizes]
  for (const key of ["log", "index", "memory"] as const) {
    rows.push([
      `${tenth} one-shot topics, then ${count}: ${key}`,
      `${mebibytes(early[key])}, ${mebibytes(late[key])}`,
      "stays"
    ])
    const allowed = Math.max(early[key] * 1.25, early[key] + 48 * MIB)
    if (late[key] > allowed) faults.push(`once: ${key} grew from ${mebibytes(early[key])} to ${mebibytes(late[key])}`)
  }
}

async function topics(): Promise<void> {
  const count = 1_000_000
  const broker = await startBroker("promptmq", flags)
  execFileSync("prlimit", ["--pid", String(broker.pid), "--nofile=1024:1024"])
  await leaveSession(broker.port, "absent", "many/#")
  const feeder = new Feeder(broker.port, window)
  await feeder.ready
  for (let number = 0; number < count; number++) await feeder.publish(`many/${number % 1000}/${number}`, number, 64)
  await feeder.finish()
  const bytes = memoryBytes(broker.pid)
  await broker.stop()
  rows.push(["1,000,000 topics with a message each, 1,024 descriptors: RSS", mebibytes(bytes), "≤ 512 MiB"])
  if (bytes > 512 * MIB) faults.push(`topics: ${mebibytes(bytes)} resident`)
}

interface Consumer {
  reached(count: number): Promise<void>
  end(): void
}

/** Takes everything and acknowledges it. */
function consume(port: number): Promise<Consumer> {
  return new Promise((resolve) => {
    let received = 0
    let wanted = Number.POSITIVE_INFINITY
    let wake: () => void = () => undefined
    const reached = (count: number): Promise<void> =>
      new Promise((done) => {
        wanted = count
        wake = done
        if (received >= wanted) done()
      })
    const wire = new Wire(
      port,
      5,
      { clientId: "consumer", clean: false, sessionExpiryInterval: 3600 },
      (frame) => {
        if (frame.type === PacketType.connack) {
          wire.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "once/#", qos: 1 }] })
        }
        if (frame.type === PacketType.suback) resolve({ reached, end: () => wire.destroy() })
        if (frame.type !== PacketType.publish) return
        wire.write(acknowledgement(PacketType.puback, readPublish(frame, 5).id))
        received++
        if (received >= wanted) wake()
      },
      () => undefined
    )
  })
}

interface Sizes {
  readonly log: number
  readonly index: number
  readonly memory: number
}

async function sizesAtRest(broker: RunningBroker): Promise<Sizes> {
  const log = await atRest(broker)
  return { log, index: sizeOf(join(broker.folder, "index")), memory: memoryBytes(broker.pid) }
}

/** When the log has not changed for as long as compaction may wait between two passes. */
async function atRest(broker: RunningBroker): Promise<number> {
  let last = logBytes(broker)
  let quiet = 0
  for (const untilMs = performance.now() + restLimitMs; performance.now() < untilMs && quiet < 12; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const now = logBytes(broker)
    quiet = now === last ? quiet + 1 : 0
    last = now
  }
  return last
}

function logBytes({ folder }: RunningBroker): number {
  return sizeOf(join(folder, "log"))
}

function sizeOf(folder: string): number {
  let bytes = 0
  for (const name of readdirSync(folder)) {
    // Files come and go while one looks.
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}

function memoryBytes(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))
  return Number(found?.[1] ?? 0) * 1024
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
