/**
 * A subscriber that is stopped in the middle of a flood, and what becomes of it, of the others and of the broker.
 *
 *   broker        core 0, `memoryBufferBytes` for the log
 *   publisher     QoS 1, core 1, one topic
 *   witnesses     subscribers that read all the time, in the publisher's process, which does not run ahead of them
 *   sleeper       persistent QoS 1 subscriber: SIGSTOP, then SIGCONT while the flood goes on
 *
 * When the flood has ended and the sleeper has come to its end, three counts must agree: published, received by the
 * sleeper, and its rows in the drop ledger (GET /api/v1/drops). bench/stalled-subscriber.ts prints it,
 * test/behaviour/stalled-subscriber.test.ts demands it of a short one.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { freePort, type RunningBroker, startBroker } from "./brokers.ts"
import type { PeerEvent, PeerOptions, PublisherReport, SubscriberReport } from "./load-peer.ts"
import { pinned } from "./machine.ts"

export interface StallOptions {
  /** Messages per second; 0 = as fast as they are acknowledged. */
  readonly rate: number
  readonly payloadBytes: number
  /** Messages published before the stop, while it lasts, and after it; the stop lasts `seconds` if that is given. */
  readonly before: number
  readonly during: number
  readonly after: number
  readonly seconds?: number
  readonly memoryBufferBytes: number
  /** server.write-timeout: "0s" keeps the sleeper's connection, else the broker cuts it and it resumes. */
  readonly writeTimeout: string
  /** What the sleeper subscribes to. */
  readonly filter: string
  /** Further flags of the broker: its storage. */
  readonly flags?: ReadonlyArray<string>
}

export interface StallReport {
  readonly published: number
  readonly seconds: number
  readonly stoppedSeconds: number
  readonly publishedWhileStopped: number
  readonly witnesses: ReadonlyArray<SubscriberReport>
  readonly sleeper: SubscriberReport
  /** From SIGCONT, or from the flood's end if that was later, to the sleeper's last message. */
  readonly drainSeconds: number
  /** Rows of the sleeper in the drop ledger, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  readonly rssBytes: { readonly before: number; readonly atStop: number; readonly peak: number; readonly after: number }
  readonly rssAllowedBytes: number
  readonly logBytes: number
  readonly faults: ReadonlyArray<string>
}

const topic = "flood/one"
const sleeperName = "sleeper"
const witnessCount = 2
const peerCore = 1
const sampleMs = 100
const patienceMs = 120_000
/** Per connection: server.max-outgoing-bytes. */
const outgoingBytesMax = 4_194_304
/** What the broker needs besides its budgets: the heap of a busy run time, warm code, slabs. */
const besidesBytes = 67_108_864
/** Messages under way when a connection is cut: it is not known which of them arrived. */
const inFlightMax = 1000

export async function runStall(options: StallOptions): Promise<StallReport> {
  const adminPort = await freePort()
  const flags = [
    `--admin-bind=127.0.0.1:${adminPort}`,
    `--memory-buffer=${options.memoryBufferBytes}`,
    `--write-timeout=${options.writeTimeout}`,
    ...(options.flags ?? [])
  ]
  const broker = await startBroker("promptmq", flags)
  const peers: Array<Peer> = []
  try {
    const join = async (peer: PeerOptions): Promise<Peer> => {
      const joined = new Peer(peer)
      peers.push(joined)
      await joined.next("ready")
      return joined
    }
    const { filter, payloadBytes, rate } = options
    const { port } = broker
    const sleeper = await join({
      role: "subscriber",
      port,
      clientIdentifier: sleeperName,
      topic: filter,
      persistent: true
    })
    const load = { payloadBytes, rate, witnesses: witnessCount }
    const publisher = await join({ role: "publisher", port, clientIdentifier: "publisher", topic, ...load })
    return await flood(options, broker, new Admin(broker, adminPort), publisher, sleeper)
  } finally {
    for (const peer of peers) peer.end()
    await broker.stop()
  }
}

async function flood(
  options: StallOptions,
  broker: RunningBroker,
  admin: Admin,
  publisher: Peer,
  sleeper: Peer
): Promise<StallReport> {
  const memory = new MemoryWatch(broker.pid)
  const before = memory.now()
  publisher.send("go")
  const atStopPublished = await publisher.published(options.before)
  sleeper.signal("SIGSTOP")
  const atStop = memory.now()
  const stoppedAtMs = performance.now()
  if (options.seconds === undefined) await publisher.published(atStopPublished + options.during)
  else await new Promise((resolve) => setTimeout(resolve, (options.seconds ?? 0) * 1000))
  const atContinuePublished = await publisher.published(0)
  sleeper.signal("SIGCONT")
  const continuedAtMs = performance.now()
  await publisher.published(atContinuePublished + options.after)
  publisher.send("finish")
  const load = (await publisher.next("report")) as PublisherReport
  const endedAtMs = performance.now()
  const sleeperReport = await settled(sleeper, load.published)
  const drainSeconds = (performance.now() - Math.max(endedAtMs, continuedAtMs)) / 1000
  const dropped = await admin.dropsOf(sleeperName)
  const logBytes = await admin.logBytes()
  memory.stop()
  const connections = witnessCount + 2
  const found = {
    published: load.published,
    seconds: load.seconds,
    stoppedSeconds: (continuedAtMs - stoppedAtMs) / 1000,
    publishedWhileStopped: atContinuePublished - atStopPublished,
    witnesses: load.witnesses,
    sleeper: sleeperReport,
    drainSeconds,
    dropped,
    rssBytes: { before, atStop, peak: memory.peak, after: memory.now() },
    rssAllowedBytes: options.memoryBufferBytes + connections * outgoingBytesMax + besidesBytes,
    logBytes
  }
  return { ...found, faults: faultsOf(found) }
}

/** Its report once it has the last message, or as it is when patience ends. */
async function settled(peer: Peer, count: number): Promise<SubscriberReport> {
  const untilMs = performance.now() + patienceMs
  for (;;) {
    peer.send("report")
    const report = (await peer.next("report")) as SubscriberReport
    if (report.highest >= count - 1 || performance.now() > untilMs) return report
    await new Promise((resolve) => setTimeout(resolve, sampleMs / 2))
  }
}

function faultsOf(found: Omit<StallReport, "faults">): ReadonlyArray<string> {
  const { dropped, published: total, rssAllowedBytes, rssBytes, sleeper, witnesses } = found
  const faults: Array<string> = []
  for (const { received, repeated, wrong } of witnesses) {
    if (received !== total) faults.push(`a witness got ${received} of ${total}`)
    if (repeated + wrong > 0) faults.push(`a witness got ${repeated + wrong} messages twice or out of order`)
  }
  if (sleeper.wrong > 0) faults.push(`the sleeper got ${sleeper.wrong} messages out of order`)
  if (sleeper.highest !== total - 1) faults.push(`the sleeper's last message is ${sleeper.highest}, not ${total - 1}`)
  const { overtaken = 0, ...others } = dropped
  if (Object.keys(others).length > 0) faults.push(`the ledger has other reasons: ${JSON.stringify(others)}`)
  const accounted = sleeper.received + overtaken
  // A connection that was cut leaves messages of which the sleeper knows that they arrived, and the broker does not.
  const slack = sleeper.connections > 1 ? inFlightMax * (sleeper.connections - 1) : 0
  if (accounted < total || accounted > total + slack) {
    faults.push(
      `${sleeper.received} received and ${overtaken} in the ledger make ${accounted}, published were ${total}`
    )
  }
  const growth = rssBytes.peak - rssBytes.before
  if (growth > rssAllowedBytes) faults.push(`RSS grew by ${growth} bytes, allowed are ${rssAllowedBytes}`)
  return faults
}

/** A child process that runs load-peer.ts, and its events in order. */
export class Peer {
  readonly #child: ChildProcess
  readonly #events: Array<PeerEvent> = []
  #published = 0
  #wake: () => void = () => {}

  constructor(options: PeerOptions) {
    const script = join(import.meta.dirname, "load-peer.ts")
    const [command, args] = pinned(peerCore, process.execPath, [script, JSON.stringify(options)])
    this.#child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] })
    this.#child.on("message", (message) => {
      const event = message as PeerEvent
      if (event.event === "progress") this.#published = event.published
      else this.#events.push(event)
      this.#wake()
    })
    this.#child.on("exit", () => this.#wake())
  }

  send(command: "go" | "finish" | "report"): void {
    this.#child.send(command)
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal)
  }

  end(): void {
    this.#child.kill("SIGKILL")
  }

  /** The next event of that kind; those before it are forgotten. */
  async next(kind: PeerEvent["event"]): Promise<PeerEvent> {
    for (;;) {
      const event = this.#events.shift()
      if (event?.event === kind) return event
      if (event === undefined) await this.#something()
    }
  }

  /** Waits until the publisher has published so many; answers how many it has. */
  async published(count: number): Promise<number> {
    while (this.#published < count) await this.#something()
    return this.#published
  }

  async #something(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw new Error("a client process ended")
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }
}

/** Resident memory of a process, looked at now and then; the kernel keeps no other record that can be reset. */
export class MemoryWatch {
  peak = 0
  readonly #file: string
  readonly #timer: NodeJS.Timeout

  constructor(pid: number) {
    this.#file = `/proc/${pid}/status`
    this.#timer = setInterval(() => this.now(), sampleMs)
  }

  now(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(this.#file, "utf8"))?.[1] ?? "0"
    const bytes = Number(kilobytes) * 1024
    this.peak = Math.max(this.peak, bytes)
    return bytes
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

class Admin {
  readonly #url: string
  readonly #token: string

  constructor(broker: RunningBroker, port: number) {
    this.#url = `http://127.0.0.1:${port}/api/v1`
    this.#token = readFileSync(join(broker.folder, "admin-token"), "utf8").trim()
  }

  async dropsOf(clientIdentifier: string): Promise<Record<string, number>> {
    interface Row {
      readonly reason: string
      readonly clientIdentifier: string
      readonly count: number
    }
    const { rows } = await this.#get<{ readonly rows: ReadonlyArray<Row> }>("drops?limit=10000")
    const counts: Record<string, number> = {}
    for (const row of rows) {
      if (row.clientIdentifier === clientIdentifier) counts[row.reason] = (counts[row.reason] ?? 0) + row.count
    }
    return counts
  }

  async logBytes(): Promise<number> {
    return (await this.#get<{ readonly log: { readonly bytes: number } }>("system")).log.bytes
  }

  async #get<A>(path: string): Promise<A> {
    const response = await fetch(`${this.#url}/${path}`, { headers: { authorization: `Bearer ${this.#token}` } })
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return (await response.json()) as A
  }
}
