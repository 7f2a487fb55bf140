/**
 * The broker inside another program: an Effect layer, and a Promise facade for everybody else.
 *
 *   const broker = await Broker.start({ server: { bind: ["127.0.0.1:0"], "ws-bind": "" } })
 *   await broker.subscribe("sensors/#", (message) => console.log(message.topic, message.payload))
 *   await broker.publish("sensors/1", "21.5", { qos: 1 })
 *   await broker.stop()
 *
 * publish and subscribe go through an MQTT session inside the process (no socket): the same rules hold as for
 * every client, and publish at QoS 1 or 2 resolves when the broker has acknowledged, that is when its
 * promise is kept. Settings are the configuration file's, as an object; what is left out has its default,
 * only the admin listener is off unless it is asked for.
 */
import { homedir } from "node:os"
import { Duplex } from "node:stream"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { IClientOptions, MqttClient } from "mqtt"
import { type RunningBroker, randomName, startBroker } from "./app.ts"
import type { ConfigInvalid } from "./config/config-invalid.ts"
import { checkText } from "./config/load.ts"
import { formatOrigin } from "./config/origin.ts"
import type { OpenListener } from "./listener/listeners.ts"
import { type MemoryTransport, memoryPair } from "./listener/memory.ts"
import { Log, type LogOptions } from "./telemetry/logging.ts"
import { resolveSettings, type Surroundings } from "./settings/resolve.ts"
import type { Settings, SettingsInput } from "./settings/settings.ts"

export interface EmbeddedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

export interface PublishOptions {
  readonly qos?: 0 | 1 | 2
  readonly retain?: boolean
}

export interface EmbeddedBroker {
  /** Where clients can connect, with the ports really taken. */
  readonly listeners: ReadonlyArray<OpenListener>
  /** Resolves when the broker has accepted the message: at QoS 1 and 2 when its promise is kept. */
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<void>
  /** Calls `handler` for each message; resolves, when the subscription holds, with a function that ends it. */
  subscribe(
    filter: string,
    handler: (message: EmbeddedMessage) => void,
    options?: { readonly qos?: 0 | 1 | 2 }
  ): Promise<() => Promise<void>>
  /** The graceful stop. Idempotent. */
  stop(): Promise<void>
}

export interface StartSettings {
  /** Receives the broker's log lines; nothing is written when it is left out. */
  readonly onLog?: (line: string) => void
}

/** A running broker as an Effect service. */
export class BrokerService extends Context.Service<BrokerService, RunningBroker>()("promptmq/Broker") {}

/** Starts with the layer's scope, stops gracefully with it. Fails with every problem of the settings, or of a listener. */
const layer = (settings: SettingsInput = {}, options: StartSettings = {}) =>
  Layer.effect(BrokerService, started(settings, options))

const started = (settings: SettingsInput, options: StartSettings) =>
  Effect.gen(function* () {
    const loaded = yield* judged(settings)
    const write = options.onLog ?? (() => {})
    const { format, level } = loaded.settings.log
    const logOptions: LogOptions = { format: format === "json" ? "json" : "text", level, colour: false, write, wallClockMs: Date.now }
    const origin = (key: string) => formatOrigin(loaded.origins.get(key) ?? { source: "default" })
    const log = new Log(logOptions)
    const resolve = (changed: Settings) => resolveSettings(changed, surroundings())
    return yield* startBroker({ settings: loaded.settings, log, version: "embedded", originOf: origin, resolve })
  })

/** The same judge as for a file: an object is JSON, and JSON is YAML. */
const judged = (settings: SettingsInput) =>
  checkText(JSON.stringify({ ...settings, admin: { enabled: false, ...settings.admin } }), "settings", surroundings())

const surroundings = (): Surroundings => ({
  environment: process.env,
  workingDirectory: process.cwd(),
  homeDirectory: homedir()
})

const start = async (settings: SettingsInput = {}, options: StartSettings = {}): Promise<EmbeddedBroker> => {
  const scope = await Effect.runPromise(Scope.make())
  try {
    const running = await Effect.runPromise(started(settings, options).pipe(Effect.provideService(Scope.Scope, scope)))
    return new Facade(running, scope)
  } catch (error) {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    throw error
  }
}

/** `await Broker.start(settings)`, or `Broker.layer(settings)` inside an Effect program. */
export const Broker = { start, layer }

export type { ConfigInvalid }

class Facade implements EmbeddedBroker {
  readonly #running: RunningBroker
  readonly #scope: Scope.Closeable
  #publisher: Promise<MqttClient> | undefined
  #stopped: Promise<void> | undefined

  constructor(running: RunningBroker, scope: Scope.Closeable) {
    this.#running = running
    this.#scope = scope
  }

  get listeners(): ReadonlyArray<OpenListener> {
    return this.#running.listeners
  }

  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    this.#publisher ??= this.#connect("publisher")
    const client = await this.#publisher
    const bytes = typeof payload === "string" ? payload : Buffer.from(payload)
    await client.publishAsync(topic, bytes, { qos: options.qos ?? 0, retain: options.retain ?? false })
  }

  async subscribe(
    filter: string,
    handler: (message: EmbeddedMessage) => void,
    options: { readonly qos?: 0 | 1 | 2 } = {}
  ): Promise<() => Promise<void>> {
    // One session per subscription: handlers cannot get each other's messages, whatever their filters share.
    const client = await this.#connect("subscriber")
    client.on("message", (topic, payload, { qos, retain }) => handler({ topic, payload, qos, retain }))
    await client.subscribeAsync(filter, { qos: options.qos ?? 1 })
    return () => client.endAsync()
  }

  stop(): Promise<void> {
    this.#stopped ??= Effect.runPromise(Scope.close(this.#scope, Exit.void))
    return this.#stopped
  }

  async #connect(role: string): Promise<MqttClient> {
    const { MqttClient: Client } = (await import("mqtt")).default
    const { client, server } = memoryPair({ listener: "embedded" })
    this.#running.broker.accept(server)
    const options: IClientOptions = { clientId: randomName(`embedded-${role}`), protocolVersion: 5, reconnectPeriod: 0, keepalive: 0 }
    const connected = new Client(() => duplexOver(client) as never, options)
    await new Promise<void>((resolve, reject) => {
      connected.once("connect", () => resolve())
      connected.once("error", reject)
    })
    return connected
  }
}

/** MQTT.js wants a stream; ours is a transport. */
const duplexOver = (transport: MemoryTransport): Duplex => {
  const stream = new Duplex({
    read: () => transport.resume(),
    write: (chunk: Buffer, _encoding, done) => transport.write(chunk, () => done()),
    final: (done) => {
      transport.end(0)
      done()
    },
    destroy: (error, done) => {
      transport.destroy()
      done(error)
    }
  })
  transport.onData = (chunk) => {
    if (!stream.push(chunk)) transport.pause()
  }
  transport.onClose = () => stream.push(null)
  return stream
}
