/**
 * What metrics cost: nanoseconds per message with metrics on against off, and the time of a scrape with 10,000 clients.
 *
 *   node bench/metrics-cost.ts                   both
 *   node bench/metrics-cost.ts rounds on-first   one process of the comparison; prints nanoseconds per message as JSON
 *
 * The broker runs in this process, and its clients hand it their bytes: no kernel, no other machine. A process holds three
 * brokers, one with metrics and two without, which take turns in rounds of some milliseconds of CPU time;
 * taken is the difference within each round, and of many rounds the median, with the interval in which the true one lies. The
 * second broker without metrics shows what the method makes of no difference. Several processes, because each is another
 * draw of what the compiler makes of the code, and of where things lie in memory.
 *
 * Two shapes: chunks full of messages, as a busy connection has them, and one message per chunk, which is the worst for what is done
 * once per chunk. Promised: at most 10 ns per message in full chunks.
 */
import { spawnSync } from "node:child_process"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { generate } from "mqtt-packet"
import { HealthState } from "../src/admin/health-state.ts"
import { openOperations } from "../src/admin/operations.ts"
import { brokerLayer } from "../src/app.ts"
import { Broker, type BrokerShape } from "../src/broker/broker.ts"
import type { Transport } from "../src/listener/transport.ts"
import { ReloadFigures } from "../src/metrics/reload-figures.ts"
import { defaultSettings, type Settings } from "../src/settings/settings.ts"
import { Log } from "../src/telemetry/logging.ts"
import { markdownTable, medianInterval, spreadOf } from "./harness/figures.ts"

const ROUNDS = 120
const WARM_ROUNDS = 30
const PROCESSES = 4
const MESSAGES = 100_000
const CLIENTS = 10_000
const LIMIT_NS = 10
const PAYLOAD = Buffer.alloc(64, 0x78)

interface Shape {
  readonly name: string
  readonly qos: 0 | 1
  readonly perChunk: number
  readonly chunksPerTurn: number
  readonly turns: number
}
const shapes: ReadonlyArray<Shape> = [
  { name: "QoS 0, full chunks, different topics", qos: 0, perChunk: 256, chunksPerTurn: 8, turns: 4 },
  { name: "QoS 0, one message per chunk", qos: 0, perChunk: 1, chunksPerTurn: 8, turns: 400 },
  { name: "QoS 1, full chunks", qos: 1, perChunk: 20, chunksPerTurn: 8, turns: 30 },
  { name: "QoS 1, one message per chunk", qos: 1, perChunk: 1, chunksPerTurn: 8, turns: 300 }
]

const settingsOf = (isOn: boolean): Settings => ({
  ...defaultSettings,
  storage: { ...defaultSettings.storage, engine: "memory" },
  metrics: { ...defaultSettings.metrics, enabled: isOn, sysIntervalMs: 0 },
  auth: { ...defaultSettings.auth, allowAnonymous: true },
  mqtt: { ...defaultSettings.mqtt, maxConnections: 2 * CLIENTS }
})

const silent = new Log({ format: "text", level: "fatal", colour: false, write: () => {}, wallClockMs: () => 0 })

const openBroker = async (settings: Settings): Promise<BrokerShape> =>
  Context.get(
    await Effect.runPromise(
      Layer.build(brokerLayer(settings, silent)).pipe(Effect.provideService(Scope.Scope, Scope.makeUnsafe()))
    ),
    Broker
  )

/** A client whose bytes are there at once, and that takes everything. */
class Direct implements Transport {
  readonly kind = "memory"
  readonly listener = "memory"
  readonly peer = "bench"
  readonly unsentBytes = 0
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined
  write(_: Buffer, done: () => void): void {
    setImmediate(done)
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const connect = (broker: BrokerShape, clientId: string): Direct => {
  const client = new Direct()
  broker.accept(client)
  client.onData(generate({ ...connectPacket, clientId }))
  return client
}
const connectPacket = { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0 } as const

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const subscribe = (client: Direct, topic: string): void =>
  client.onData(generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0 }] }))

/** One chunk: topics differ, so that no run is taken for one. */
const chunkOf = ({ perChunk, qos }: Shape): Buffer =>
  Buffer.concat(
    Array.from({ length: perChunk }, (_, i) =>
      generate({
        cmd: "publish",
        topic: `bench/${i % 8}`,
        payload: PAYLOAD,
        qos,
        messageId: i + 1,
        retain: false,
        dup: false
      })
    )
  )

/** One broker with a publisher and a subscriber of its own. */
class Side {
  readonly broker: BrokerShape
  readonly #publisher: Direct

  constructor(broker: BrokerShape) {
    this.broker = broker
    this.#publisher = connect(broker, "publisher")
  }

  static async open(isOn: boolean): Promise<Side> {
    const side = new Side(await openBroker(settingsOf(isOn)))
    const subscriber = connect(side.broker, "subscriber")
    await turn()
    subscribe(subscriber, "bench/#")
    await turn()
    return side
  }

  /** CPU time per message. Of the process: what Linux tells of a thread alone moves with the timer's ticks only. */
  async round(chunk: Buffer, { chunksPerTurn, perChunk, turns }: Shape): Promise<number> {
    const began = process.cpuUsage()
    for (let i = 0; i < turns; i++) {
      for (let sent = 0; sent < chunksPerTurn; sent++) this.#publisher.onData(chunk)
      await turn()
    }
    const { system, user } = process.cpuUsage(began)
    return ((user + system) * 1000) / (turns * chunksPerTurn * perChunk)
  }
}

/** Of one process: by shape, what on costs more than off, and a second off more than the first, round by round. */
interface Found {
  readonly off: ReadonlyArray<number>
  readonly on: ReadonlyArray<number>
  readonly again: ReadonlyArray<number>
}

const measure = async (isOnFirst: boolean): Promise<ReadonlyArray<Found>> => {
  const first = await Side.open(isOnFirst)
  const second = await Side.open(!isOnFirst)
  const again = await Side.open(false)
  const [on, off] = isOnFirst ? [first, second] : [second, first]
  const found: Array<Found> = []
  for (const shape of shapes) {
    const chunk = chunkOf(shape)
    const costs: { readonly off: Array<number>; readonly on: Array<number>; readonly again: Array<number> } = {
      off: [],
      on: [],
      again: []
    }
    for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
      // Whoever follows whom, each side does so as often as the others.
      const order = [
        [off, on, again],
        [on, again, off],
        [again, off, on],
        [again, on, off],
        [on, off, again],
        [off, again, on]
      ][(round + WARM_ROUNDS) % 6] as ReadonlyArray<Side>
      const ns = new Map<Side, number>()
      for (const side of order) ns.set(side, await side.round(chunk, shape))
      if (round < 0) continue
      const base = ns.get(off) as number
      costs.off.push(base)
      costs.on.push((ns.get(on) as number) - base)
      costs.again.push((ns.get(again) as number) - base)
    }
    found.push(costs)
  }
  for (const { broker } of [on, off]) {
    if (broker.core.counters.sum(0, 16) === 0) throw new Error("nothing was published")
  }
  return found
}

const compare = (): boolean => {
  const processes: Array<ReadonlyArray<Found>> = []
  for (let i = 0; i < PROCESSES; i++) {
    const words = [process.argv[1] ?? "", "rounds", i % 2 === 0 ? "on-first" : "off-first"]
    const { stderr, stdout } = spawnSync(process.execPath, words, { encoding: "utf8" })
    if (stdout === "") throw new Error(stderr)
    processes.push(JSON.parse(stdout))
  }
  const words = (values: ReadonlyArray<number>): string => {
    const { high, low } = medianInterval(values)
    return `${spreadOf(values).median.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`
  }
  const head = ["Shape", "off, ns of CPU per message", "on costs more", "off beside off", "promised"]
  let isFine = true
  const rows = shapes.map(({ name, perChunk }, i) => {
    const all = (of: keyof Found): ReadonlyArray<number> => processes.flatMap((found) => found[i]?.[of] ?? [])
    const isPromised = perChunk > 1
    const isMet = spreadOf(all("on")).median <= LIMIT_NS
    if (isPromised && !isMet) isFine = false
    const promise = isPromised ? `≤ ${LIMIT_NS}: ${isMet ? "yes" : "NO"}` : "–"
    return [name, spreadOf(all("off")).median.toFixed(0), words(all("on")), words(all("again")), promise]
  })
  process.stdout.write(`${markdownTable(head, rows)}
Medians of ${PROCESSES * ROUNDS} rounds, in brackets where the true one lies in 95 of 100 cases. What is counted whether metrics
are on or off, alone (nine additions to a typed array): ${countersCost().toFixed(1)} ns per message.\n`)
  return isFine
}

/** The additions of the path of a QoS 0 message alone. */
const countersCost = (): number => {
  const count = new Float64Array(64)
  const add = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const bytes = i & 127
      count[3] = (count[3] as number) + 1
      count[32] = (count[32] as number) + 1
      count[40] = (count[40] as number) + bytes
      count[36] = (count[36] as number) + bytes
      count[60] = (count[60] as number) + 1
      count[19] = (count[19] as number) + 1
      count[33] = (count[33] as number) + 1
      count[38] = (count[38] as number) + bytes
      count[42] = (count[42] as number) + bytes
    }
  }
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 30; round++) {
    const began = process.cpuUsage()
    add(MESSAGES)
    const { system, user } = process.cpuUsage(began)
    least = Math.min(least, ((user + system) * 1000) / MESSAGES)
  }
  return least
}

const scrapeCost = async (): Promise<void> => {
  const settings = { ...settingsOf(true), admin: { ...defaultSettings.admin, enabled: true } }
  const broker = await openBroker(settings)
  for (let i = 0; i < CLIENTS; i++) {
    const client = connect(broker, `client-${i}`)
    subscribe(client, `clients/${i}/+`)
    if (i % 100 === 0) await turn()
  }
  while (broker.core.sessions.size < CLIENTS) await turn()
  const operations = openOperations({
    settings,
    held: { initial: settings, current: settings },
    core: broker.core,
    version: "bench",
    log: silent,
    reloads: new ReloadFigures(0),
    health: new HealthState(),
    listeners: [],
    tls: undefined,
    view: undefined
  })
  const { metrics } = await Effect.runPromise(Effect.provideService(operations, Scope.Scope, Scope.makeUnsafe()))
  for (const accept of ["text/plain", "application/openmetrics-text"]) {
    const times: Array<number> = []
    let bytes = 0
    for (let i = 0; i < 30; i++) {
      const began = performance.now()
      bytes = (await metrics?.read(accept))?.text.length ?? 0
      times.push(performance.now() - began)
    }
    const sorted = times.slice(1).toSorted((a, b) => a - b)
    const text = `${accept}: first ${(times[0] ?? 0).toFixed(1)} ms (loads the library), then median ${(sorted[14] ?? 0).toFixed(1)} ms`
    process.stdout.write(`Scrape with ${CLIENTS} clients, ${text}, ${bytes} bytes\n`)
  }
}

const [word, order] = process.argv.slice(2)
if (word === "rounds") {
  process.stdout.write(JSON.stringify(await measure(order === "on-first")))
  process.exit(0)
} else {
  const isFine = compare()
  await scrapeCost()
  process.exit(isFine ? 0 : 1)
}
