/**
 * What metrics cost: nanoseconds per message with metrics on against off, and the time of a scrape with 10,000 clients.
 *
 *   node bench/metrics-cost.ts            both
 *   node bench/metrics-cost.ts round on   one process of the comparison; prints nanoseconds per message as JSON
 *
 * The broker runs in this process, and its clients hand it their bytes: no kernel, no other machine, so that a few nanoseconds show.
 * Each side has processes of its own, one after the other and in turns; told is the best round of all, which measures the
 * code and not the neighbours. Two shapes: chunks full of messages, as a busy connection has them, and one message per
 * chunk, which is the worst for what is done once per chunk. Promised: at most 10 ns per message in full chunks.
 *
 * Processor time is told beside time, and the difference between two processes of the same side (the noise).
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

const ROUNDS = 12
const PROCESSES = 3
const MESSAGES = 100_000
const CLIENTS = 10_000
const LIMIT_NS = 10
const PAYLOAD = Buffer.alloc(64, 0x78)

interface Shape {
  readonly name: string
  readonly qos: 0 | 1
  readonly perChunk: number
}
const shapes: ReadonlyArray<Shape> = [
  { name: "QoS 0, full chunks, different topics", qos: 0, perChunk: 256 },
  { name: "QoS 0, one message per chunk", qos: 0, perChunk: 1 },
  { name: "QoS 1, full chunks", qos: 1, perChunk: 20 },
  { name: "QoS 1, one message per chunk", qos: 1, perChunk: 1 }
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

const measure = async (isOn: boolean): Promise<ReadonlyArray<number>> => {
  const broker = await openBroker(settingsOf(isOn))
  const { core } = broker
  const publisher = connect(broker, "publisher")
  const subscriber = connect(broker, "subscriber")
  await turn()
  subscribe(subscriber, "bench/#")
  await turn()
  const best: Array<number> = []
  for (const shape of shapes) {
    const chunk = chunkOf(shape)
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < ROUNDS; round++) {
      const chunks = Math.ceil(MESSAGES / shape.perChunk / (shape.perChunk === 1 ? 4 : 1))
      const began = process.cpuUsage()
      for (let sent = 0; sent < chunks; ) {
        for (let i = 0; i < 8 && sent < chunks; i++, sent++) publisher.onData(chunk)
        await turn()
      }
      const { system, user } = process.cpuUsage(began)
      least = Math.min(least, ((user + system) * 1000) / (chunks * shape.perChunk))
    }
    best.push(least)
  }
  if (core.counters.sum(0, 16) === 0) throw new Error("nothing was published")
  return best
}

const compare = (): boolean => {
  const runs: { readonly on: Array<ReadonlyArray<number>>; readonly off: Array<ReadonlyArray<number>> } = {
    on: [],
    off: []
  }
  for (let i = 0; i < PROCESSES; i++) {
    for (const side of ["off", "on"] as const) {
      const { stdout } = spawnSync(process.execPath, [process.argv[1] ?? "", "round", side], { encoding: "utf8" })
      runs[side].push(JSON.parse(stdout))
    }
  }
  process.stdout.write("| Shape | off, ns of CPU per message | on | difference | noise |\n|---|---|---|---|---|\n")
  let isFine = true
  shapes.forEach(({ name, perChunk }, i) => {
    const of = (side: "on" | "off"): ReadonlyArray<number> =>
      runs[side].map((run) => run[i] ?? 0).toSorted((a, b) => a - b)
    const [off = 0, offNext = 0] = of("off")
    const [on = 0] = of("on")
    const noise = offNext - off
    if (perChunk > 1 && on - off - noise > LIMIT_NS) isFine = false
    process.stdout.write(
      `| ${name} | ${off.toFixed(1)} | ${on.toFixed(1)} | ${(on - off).toFixed(1)} | ${noise.toFixed(1)} |\n`
    )
  })
  return isFine
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

const [word, side] = process.argv.slice(2)
if (word === "round") {
  process.stdout.write(JSON.stringify(await measure(side === "on")))
  process.exit(0)
} else {
  const isFine = compare()
  await scrapeCost()
  process.exit(isFine ? 0 : 1)
}
