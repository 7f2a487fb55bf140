/**
 * Claim: readers that fall behind cost the log, not memory, and lose nothing.
 *
 *   stopped   a persistent QoS 1 subscriber is stopped (SIGSTOP) under a flood: RSS grows by at most 64 MiB; when it goes
 *             on it gets everything, in order
 *   behind    readers stopped for 5 s are at the head within 10 s while publishing goes on at half the rate (E3)
 *   wide      10,000 sessions on # come back to a log of 1 GB: read are at most 3 times its size, RSS grows by at most 128 MiB
 *
 *   npm run bench -- slow-readers [--only stopped,behind,wide] [--seconds 60] [--rate 50000] [--memory-buffer-mib 256]
 *                                 [--scale 0.01: fewer sessions, a trial of the bench itself]
 *
 * Method: stopped: harness/stall.ts with the durable engine. behind: two stopped subscriber processes, positions asked for
 * until each is within a window of the publisher. wide: sessions subscribe to # spread evenly over the writing of a million
 * messages of 1 KB; after a restart each takes the hundred from its own place on, so together they take the log once; bytes
 * read are rchar of /proc/PID/io.
 */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { startBroker } from "./harness/brokers.ts"
import { drainSession, each, Feeder, leaveSession } from "./harness/crowd.ts"
import { markdownTable, short } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import type { SubscriberReport } from "./harness/load-peer.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"
import { MemoryWatch, Peer, runStall } from "./harness/stall.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "60" },
    rate: { type: "string", default: "50000" },
    "memory-buffer-mib": { type: "string", default: "256" },
    scale: { type: "string", default: "1" }
  }
})
const MIB = 2 ** 20
const rate = Number(values.rate)
const durable = ["--storage-engine=wal"]
const machine = describeMachine()
const rows: Array<ReadonlyArray<string>> = []
const faults: Array<string> = []
const results: Record<string, unknown> = {}
const isWanted = (name: string) => values.only === undefined || values.only.split(",").includes(name)
const mebibytes = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`

if (isWanted("stopped")) await stopped()
if (isWanted("behind")) await behind()
if (isWanted("wide")) await wide()
process.stdout.write(`${markdownTable(["slow readers", "", "promised"], rows)}\n${machineLine(machine)}.\n`)
for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`)
saveResult("slow-readers", { machine, results, faults })
process.exitCode = faults.length === 0 ? 0 : 1

async function stopped(): Promise<void> {
  const growthMax = 64 * MIB
  const seconds = Number(values.seconds)
  const report = await runStall({
    rate,
    payloadBytes: 256,
    before: rate * 5,
    during: rate * seconds,
    after: rate * 5,
    seconds,
    memoryBufferBytes: Number(values["memory-buffer-mib"]) * MIB,
    writeTimeout: "0s",
    filter: "flood/+",
    flags: durable
  })
  results["stopped"] = report
  const { published, rssBytes, sleeper } = report
  const growth = rssBytes.peak - rssBytes.atStop
  rows.push(
    ["stopped: published, while it stood still", `${published}, ${report.publishedWhileStopped}`, ""],
    ["stopped: received, wrong, gaps", `${sleeper.received}, ${sleeper.wrong}, ${sleeper.gaps.length}`, "all, 0, 0"],
    ["stopped: RSS at the stop, peak", `${mebibytes(rssBytes.atStop)}, ${mebibytes(rssBytes.peak)}`, ""],
    ["stopped: RSS growth", mebibytes(growth), `≤ ${mebibytes(growthMax)}`],
    ["stopped: caught up after the flood in", `${report.drainSeconds.toFixed(1)} s`, ""]
  )
  faults.push(...report.faults.map((fault) => `stopped: ${fault}`))
  if (sleeper.received !== published) faults.push(`stopped: ${sleeper.received} received of ${published}`)
  if (growth > growthMax) faults.push(`stopped: RSS grew by ${mebibytes(growth)}`)
}

async function behind(): Promise<void> {
  const stoppedMs = 5000
  const headMsMax = 10_000
  const patienceMs = 60_000
  const nearHead = 5000
  const broker = await startBroker("promptmq", ["--admin=false", ...durable])
  const peers: Array<Peer> = []
  const join = async (options: Omit<ConstructorParameters<typeof Peer>[0], "port" | "topic">): Promise<Peer> => {
    const peer = new Peer({ ...options, port: broker.port, topic: "flood/one" })
    peers.push(peer)
    await peer.next("ready")
    return peer
  }
  try {
    const readers = [
      await join({ role: "subscriber", clientIdentifier: "reader-0", persistent: true }),
      await join({ role: "subscriber", clientIdentifier: "reader-1", persistent: true })
    ]
    const publisher = await join({
      role: "publisher",
      clientIdentifier: "publisher",
      payloadBytes: 256,
      rate: rate / 2,
      witnesses: 1
    })
    publisher.send("go")
    await publisher.published(rate)
    for (const reader of readers) reader.signal("SIGSTOP")
    await new Promise((resolve) => setTimeout(resolve, stoppedMs))
    for (const reader of readers) reader.signal("SIGCONT")
    const fromMs = performance.now()
    const reports: Array<SubscriberReport> = []
    for (const reader of readers) {
      for (;;) {
        reader.send("report")
        const report = (await reader.next("report")) as SubscriberReport
        const isAtHead = report.highest >= (await publisher.published(0)) - nearHead
        if (isAtHead || performance.now() - fromMs > patienceMs) {
          reports.push(report)
          break
        }
      }
    }
    const headMs = performance.now() - fromMs
    publisher.send("finish")
    const { published } = (await publisher.next("report")) as { published: number }
    results["behind"] = { headMs, published, reports }
    const words = `${short(rate / 2)}/s`
    rows.push([`behind: stopped 5 s at ${words}, at the head after`, `${(headMs / 1000).toFixed(1)} s`, "≤ 10 s"])
    if (headMs > headMsMax) faults.push(`behind: ${Math.round(headMs)} ms to the head`)
    if (reports.some(({ gaps, wrong }) => gaps.length > 0 || wrong > 0)) faults.push("behind: lost or out of order")
  } finally {
    for (const peer of peers) peer.end()
    await broker.stop()
  }
}

async function wide(): Promise<void> {
  const sessions = 10_000 * Number(values.scale)
  const messagesEach = 100
  const payloadBytes = 1000
  const growthMax = 128 * MIB
  const readMax = 3
  const flags = ["--admin=false", ...durable, "--compaction-max-wal-size=16GiB", `--max-connections=${2 * sessions}`]
  const first = await startBroker("promptmq", flags)
  const feeder = new Feeder(first.port, 500)
  await feeder.ready
  for (let i = 0; i < sessions; i++) {
    await feeder.settled()
    await leaveSession(first.port, `wide-${i}`, "#")
    for (let k = 0; k < messagesEach; k++) {
      const number = i * messagesEach + k
      await feeder.publish(`wide/${number % 50}`, number, payloadBytes)
    }
  }
  await feeder.finish()
  await first.stop()
  const broker = await startBroker("promptmq", flags, {
    place: { folder: first.folder, port: first.port },
    limitMs: 120_000
  })
  const memory = new MemoryWatch(broker.pid)
  const before = { rss: memory.now(), read: readBytes(broker.pid) }
  const fromMs = performance.now()
  const sum = { received: 0, wrong: 0, sessionsLost: 0 }
  const back = async (i: number): Promise<void> => {
    const found = await drainSession(broker.port, `wide-${i}`, i * messagesEach, messagesEach, 1)
    for (const key of ["received", "wrong", "sessionsLost"] as const) sum[key] += found[key]
  }
  await each(sessions, back, sessions)
  const seconds = (performance.now() - fromMs) / 1000
  const read = readBytes(broker.pid) - before.read
  const growth = memory.peak - before.rss
  memory.stop()
  await broker.stop()
  const logBytes = sessions * messagesEach * payloadBytes
  results["wide"] = { ...sum, seconds, read, growth, logBytes }
  rows.push(
    ["wide: sessions, messages taken, in", `${sessions}, ${sum.received}, ${seconds.toFixed(1)} s`, "all"],
    ["wide: bytes read, times the log", `${mebibytes(read)}, ${(read / logBytes).toFixed(2)}`, `≤ ${readMax}`],
    ["wide: RSS growth", mebibytes(growth), `≤ ${mebibytes(growthMax)}`]
  )
  if (sum.received !== sessions * messagesEach || sum.wrong > 0 || sum.sessionsLost > 0)
    faults.push(`wide: ${sum.received} received, ${sum.wrong} out of order, ${sum.sessionsLost} sessions lost`)
  if (read > readMax * logBytes) faults.push(`wide: ${mebibytes(read)} read of ${mebibytes(logBytes)}`)
  if (growth > growthMax) faults.push(`wide: RSS grew by ${mebibytes(growth)}`)
}

/** What read(2) and its kin gave the process: files, and what clients sent, which is little here. */
function readBytes(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? "0")
}
