/**
 * Claim: from kill -9 to listening 10,000 messages take at most 300 ms, a million 5 s, 1 GB 5 s with the index and 20 s
 * without; 100,000 absent sessions with a million queued messages 5 s, and 10,000 of them have theirs within 15 s after.
 *
 *   npm run bench -- recovery [--repetitions 3] [--only 10k,1m,1gb,absent] [--scale 0.01]
 *
 * Method: messages for persistent subscribers that are away (mqttload, or harness/crowd.ts), kill -9, the same folder again:
 * spawn to the first accepted connection, with the broker's own figure beside it. Then everything is fetched and counted.
 * "Without the index": the folders index/ and snap/ are removed before the start. Broker on core 0.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { brokers, type RunningBroker, startBroker } from "./harness/brokers.ts"
import { type DrainResult, drainSession, each, Feeder, leaveSession } from "./harness/crowd.ts"
import { markdownTable, spreadOf } from "./harness/figures.ts"
import { saveResult, scratchFolder } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, runGenerator } from "./harness/generator.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"

const { values } = parseArgs({
  options: {
    repetitions: { type: "string", default: "3" },
    only: { type: "string" },
    scale: { type: "string", default: "1" }
  }
})
/** Below 1: a trial of the bench itself, whose figures mean nothing. */
const scale = Number(values.scale)
const repetitions = Number(values.repetitions)
const flags = ["--admin=false", "--storage-engine=wal"]
const startLimitMs = 120_000
const drainQuietSeconds = 5
const publisherWindow = 500

interface Row {
  readonly what: string
  readonly promisedMs: number
  readonly listeningMs: ReadonlyArray<number>
  /** "recovered 10 messages, 1 session, 0 bytes cut, 41 ms" */
  readonly said: string
}

const rows: Array<Row> = []
const faults: Array<string> = []
const machine = describeMachine()
const generator = findGenerator()
const isWanted = (name: string) => values.only === undefined || values.only.split(",").includes(name)

if (isWanted("10k")) await queued("10,000 messages of 64 B, 10 sessions", 10_000, 64, { with: 300 })
if (isWanted("1m")) await queued("1,000,000 messages of 64 B, 10 sessions", 1_000_000 * scale, 64, { with: 5000 })
if (isWanted("1gb"))
  await queued("1,000,000 messages of 1000 B, 10 sessions", 1_000_000 * scale, 1000, { with: 5000, without: 20_000 })
if (isWanted("absent")) await absent()
report()

/** Fills, kills, and starts again from a copy of what the kill left, so that each start finds the same. */
async function queued(
  what: string,
  count: number,
  sizeBytes: number,
  promisedMs: { readonly with: number; readonly without?: number }
): Promise<void> {
  const load = ["--pubs", "10", "--subs", "10", "--qos", "1", "--inflight", "100", "--size", String(sizeBytes)]
  const half = [
    ...load,
    "--offline",
    "--count",
    String(count),
    "--id",
    "recovery",
    "--drain",
    String(drainQuietSeconds)
  ]
  const broker = await startBroker("promptmq", flags)
  await runGenerator(generator, broker.port, broker.pid, [...half, "--phase", "publish"])
  await broker.kill()
  const last = await restarts(what, broker, promisedMs.with, [])
  const drained = await runGenerator(generator, last.port, last.pid, [...half, "--phase", "drain"])
  faults.push(...deliveryFaults(drained, false).map((fault) => `${what}: ${fault}`))
  await last.kill()
  rmSync(last.folder, { recursive: true })
  if (promisedMs.without !== undefined) {
    const bare = await restarts(`${what}, without the index`, broker, promisedMs.without, ["index", "snap"])
    await bare.kill()
    rmSync(bare.folder, { recursive: true })
  }
  rmSync(broker.folder, { recursive: true })
}

/** Answers the last one, which runs. */
async function restarts(
  what: string,
  { folder, port }: RunningBroker,
  promisedMs: number,
  without: ReadonlyArray<string>
): Promise<RunningBroker> {
  const listeningMs: Array<number> = []
  for (;;) {
    const copy = mkdtempSync(join(scratchFolder(), "again-"))
    cpSync(folder, copy, { recursive: true })
    for (const name of without) rmSync(join(copy, name), { recursive: true, force: true })
    const broker = await startBroker("promptmq", flags, {
      place: { folder: copy, port },
      limitMs: startLimitMs
    })
    listeningMs.push(broker.listeningMs)
    const said = await ownWords(broker)
    process.stderr.write(`${what}: listening after ${Math.round(broker.listeningMs)} ms; ${said}\n`)
    if (listeningMs.length >= repetitions) {
      rows.push({ what, promisedMs, listeningMs, said })
      return broker
    }
    await broker.kill()
    rmSync(copy, { recursive: true })
  }
}

/** Said after the listeners have opened. */
async function ownWords(broker: RunningBroker): Promise<string> {
  for (let looks = 0; looks < 100; looks++) {
    const said = /recovered +(.*)/.exec(broker.output())?.[1]
    if (said !== undefined) return said
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return "nothing said"
}

async function absent(): Promise<void> {
  const sessions = 100_000 * scale
  const messagesEach = 10
  const returning = 10_000 * scale
  const returnMsMax = 15_000
  const what = "100,000 absent sessions, 1,000,000 messages of 64 B"
  const broker = await startBroker("promptmq", [...flags, `--max-connections=${sessions}`])
  await each(sessions, (i) => leaveSession(broker.port, `absent-${i}`, `absent/${i}`))
  const feeder = new Feeder(broker.port, publisherWindow)
  await feeder.ready
  for (let number = 0; number < sessions * messagesEach; number++) {
    await feeder.publish(`absent/${number % sessions}`, number, 64)
  }
  await feeder.finish()
  await broker.kill()
  const again = await restarts(what, broker, 5000, [])
  const fromMs = performance.now()
  const sum = { received: 0, wrong: 0, sessionsLost: 0 }
  await each(returning, async (i) => {
    const found: DrainResult = await drainSession(again.port, `absent-${i}`, i, messagesEach, sessions)
    for (const key of ["received", "wrong", "sessionsLost"] as const) sum[key] += found[key]
  })
  const returnMs = performance.now() - fromMs
  await again.stop()
  process.stdout.write(`${returning} of them resumed and took ${sum.received} messages in ${Math.round(returnMs)} ms\n`)
  if (sum.received !== returning * messagesEach || sum.wrong > 0 || sum.sessionsLost > 0)
    faults.push(`${what}: ${sum.received} received, ${sum.wrong} out of order, ${sum.sessionsLost} sessions lost`)
  if (returnMs > returnMsMax) faults.push(`${what}: ${Math.round(returnMs)} ms to drain, promised ${returnMsMax}`)
}

function report(): void {
  const cells = rows.map(({ listeningMs, promisedMs, said, what }) => {
    const { high, low, median } = spreadOf(listeningMs)
    if (median > promisedMs) faults.push(`${what}: listening after ${Math.round(median)} ms, promised ${promisedMs}`)
    return [what, `${median.toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})`, `≤ ${promisedMs}`, said]
  })
  const head = ["kill -9 to listening", "ms, median (range)", "promised", "the broker's own words"]
  process.stdout.write(`${markdownTable(head, cells)}\n${machineLine(machine)}.\n`)
  process.stdout.write(`promptmq, beyond its defaults: ${[...brokers.promptmq.settings, ...flags].join("; ")}\n`)
  for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`)
  saveResult("recovery", { machine, rows, faults })
  process.exitCode = faults.length === 0 ? 0 : 1
}
