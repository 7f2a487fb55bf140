/**
 * The broker inside another program: a Promise facade for everybody, an Effect layer for Effect programs.
 *
 *   const broker = await Broker.start({ server: { bind: "127.0.0.1:0", "ws-bind": "" } })
 *   await broker.subscribe("sensors/#", ({ topic, payload }) => console.log(topic, payload.toString()))
 *   await broker.publish("sensors/1", "21.5", { qos: 1 })
 *   await broker.stop()
 *
 * publish and subscribe go through MQTT sessions inside the process (host-session.ts): the same rules hold as
 * for every client, only that nobody asks the host who it is. Settings are the configuration file's, as an
 * object; what is left out has its default, but for two: the admin listener is off and everything is in memory unless
 * it is asked for (storage: { engine: "wal", "data-dir": ... }). No file and no PROMPTMQ_* variable is read.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { CreateProvider } from "../access/custom-types.ts"
import { type RunningBroker, type StartError, startBroker } from "../app.ts"
import { packageVersion } from "../cli/version.ts"
import { ConfigInvalid } from "../config/config-invalid.ts"
import { checkText } from "../config/load.ts"
import type { OpenListener } from "../listener/listeners.ts"
import { homeDirectory } from "../settings/home-directory.ts"
import { resolveSettings, type Surroundings } from "../settings/resolve.ts"
import type { SettingsInput } from "../settings/settings-input.ts"
import { Log } from "../telemetry/logging.ts"
import { type BrokerError, brokerError } from "./broker-error.ts"
import { Host, type Message, type PublishOptions, type SubscribeOptions } from "./host.ts"

export interface StartOptions {
  /**
   * Decides who may connect: the provider "custom" of auth.chain, and the whole chain where none is written. The host
   * itself is never asked.
   */
  readonly authentication?: CreateProvider
  /** Receives the broker's log, one entry at a time; nothing is written when it is left out. */
  readonly onLog?: (line: string) => void
  /** The log on disk failed for good, and the broker has ended by itself: every call rejects with "store-failed". */
  readonly onFailure?: (error: BrokerError) => void
}

export interface EmbeddedBroker extends AsyncDisposable {
  /** Where clients can connect, with the ports really taken. */
  readonly listeners: ReadonlyArray<OpenListener>
  /**
   * Resolves at QoS 1 and 2 when the broker has acknowledged, that is when its promise is kept; at QoS 0 when
   * the message was handed over. Rejects with BrokerError.
   */
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<void>
  /**
   * Calls `handler` for each message; resolves, when the subscription holds, with a function that ends it.
   * The next message comes when a promise that `handler` returned is settled. Rejects with BrokerError.
   */
  subscribe(
    filter: string,
    handler: (message: Message) => void | PromiseLike<void>,
    options?: SubscribeOptions
  ): Promise<() => Promise<void>>
  /** The graceful stop; the same promise every time. Afterwards every call rejects with BrokerError "stopped". */
  stop(): Promise<void>
}

/** What the Effect layer provides. */
export interface BrokerShape {
  readonly listeners: ReadonlyArray<OpenListener>
  readonly publish: (
    topic: string,
    payload: string | Uint8Array,
    options?: PublishOptions
  ) => Effect.Effect<void, BrokerError>
  /** Subscribes while it is consumed; what the consumer does not take waits in the broker. */
  readonly messages: (filter: string, options?: SubscribeOptions) => Stream.Stream<Message, BrokerError>
  /** Fails when the log on disk has failed for good ("store-failed"); never succeeds. Race the program with it. */
  readonly failure: Effect.Effect<never, BrokerError>
}

export class BrokerService extends Context.Service<BrokerService, BrokerShape>()("promptmq/embed/Broker") {}

const start = async (settings: SettingsInput = {}, options: StartOptions = {}): Promise<EmbeddedBroker> => {
  const scope = Scope.makeUnsafe()
  const exit = await Effect.runPromiseExit(Effect.provideService(started(settings, options), Scope.Scope, scope))
  if (Exit.isFailure(exit)) await Effect.runPromise(Scope.close(scope, Exit.void))
  const facade = new Facade(await Effect.runPromise(exit), scope)
  if (Exit.isSuccess(exit)) watchFailure(exit.value, facade, options)
  return facade
}

/** Ends the broker with its store. The watch ends with the broker's scope. */
const watchFailure = ({ failure }: Started, facade: Facade, { onFailure }: StartOptions): void => {
  const ended = Effect.catch(failure, (error) => Effect.sync(() => void facade.stop().then(() => onFailure?.(error))))
  facade.onStop(Effect.runFork(ended))
}

/** Starts with the layer's scope and stops gracefully with it. Fails with all problems of the settings at once. */
const layer = (
  settings: SettingsInput = {},
  options: StartOptions = {}
): Layer.Layer<BrokerService, ConfigInvalid | StartError> =>
  Layer.effect(BrokerService, Effect.map(started(settings, options), shapeOf))

/** `await Broker.start(settings)`, or `Broker.layer(settings)` inside an Effect program. */
export const Broker = { start, layer }

interface Started {
  readonly running: RunningBroker
  readonly host: Host
  /** The host hears of it first. */
  readonly failure: Effect.Effect<never, BrokerError>
}

const started = (
  settings: SettingsInput,
  options: StartOptions
): Effect.Effect<Started, ConfigInvalid | StartError, Scope.Scope> =>
  Effect.gen(function* () {
    const { authentication } = options
    const loaded = yield* judged(authentication === undefined ? settings : withCustom(settings))
    const { format, level } = loaded.settings.log
    const write = options.onLog ?? (() => {})
    const log = new Log({
      format: format === "json" ? "json" : "text",
      level,
      colour: false,
      write,
      wallClockMs: Date.now
    })
    for (const { key, fact, fix } of loaded.warnings) log.write("warn", fact, { key, fix })
    const running = yield* startBroker({
      settings: loaded.settings,
      log,
      version: packageVersion(),
      authentication,
      originOf: (key) => (loaded.origins.get(key)?.source === "default" ? "default" : "settings"),
      resolve: (changed) => resolveSettings(changed, surroundings())
    })
    const host = new Host(running.broker, log)
    // First of all in the end, so that what is asked meanwhile hears "stopped" and not how the broker puts it.
    yield* Effect.addFinalizer(() => Effect.sync(() => host.stop()))
    const failure = Effect.mapError(running.failure, ({ message }) => {
      const error = brokerError("store-failed", message)
      log.write("fatal", message)
      host.stop(error)
      return error
    })
    return { running, host, failure }
  })

const withCustom = (settings: SettingsInput): SettingsInput => ({
  ...settings,
  auth: { chain: ["custom"], ...settings.auth }
})

/** The same judge as for a file: an object is JSON, and JSON is YAML. Only that there are no lines to point at. */
const judged = (settings: SettingsInput) => {
  const text = JSON.stringify({
    ...settings,
    admin: { enabled: false, ...settings.admin },
    storage: { engine: "memory", ...settings.storage }
  })
  return Effect.mapError(checkText(text, "settings", surroundings()), ({ problems, warnings }) => {
    const withoutPlace = problems.map(({ place: _place, excerpt: _excerpt, ...rest }) => ({
      ...rest,
      place: undefined
    }))
    return new ConfigInvalid({ problems: withoutPlace, warnings })
  })
}

const surroundings = (): Surroundings => ({
  environment: process.env,
  workingDirectory: process.cwd(),
  homeDirectory: homeDirectory()
})

class Facade implements EmbeddedBroker {
  readonly listeners: ReadonlyArray<OpenListener>
  readonly #host: Host
  readonly #scope: Scope.Closeable
  #stopped: Promise<void> | undefined
  #watch: Fiber.Fiber<unknown> | undefined

  constructor({ host, running }: Started, scope: Scope.Closeable) {
    this.listeners = running.listeners
    this.#host = host
    this.#scope = scope
  }

  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<void> {
    return this.#host.publish(topic, payload, options)
  }

  subscribe(
    filter: string,
    handler: (message: Message) => void | PromiseLike<void>,
    options?: SubscribeOptions
  ): Promise<() => Promise<void>> {
    return this.#host.subscribe(filter, handler, options)
  }

  stop(): Promise<void> {
    this.#stopped ??= Effect.runPromise(Scope.close(this.#scope, Exit.void))
    this.#watch?.interruptUnsafe()
    return this.#stopped
  }

  /** A fiber that has no more to do then. */
  onStop(watch: Fiber.Fiber<unknown>): void {
    this.#watch = watch
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Messages the stream holds; what comes after waits in the broker. */
const STREAM_MESSAGES_MAX = 16

const shapeOf = ({ failure, host, running }: Started): BrokerShape => ({
  listeners: running.listeners,
  failure,
  publish: (topic, payload, options) =>
    Effect.tryPromise({ try: () => host.publish(topic, payload, options), catch: (error) => error as BrokerError }),
  messages: (filter, options) =>
    Stream.callback<Message, BrokerError>(
      (queue) => {
        const take = (message: Message) => Effect.runPromise(Effect.asVoid(Queue.offer(queue, message)))
        const ended = (error: BrokerError | undefined) =>
          error === undefined || error.reason === "stopped"
            ? void Queue.endUnsafe(queue)
            : void Queue.failCauseUnsafe(queue, Cause.fail(error))
        const subscribed = Effect.tryPromise({
          try: () => host.subscribe(filter, take, options, ended),
          catch: (error) => error as BrokerError
        })
        return Effect.acquireRelease(subscribed, (end) => Effect.promise(end))
      },
      { bufferSize: STREAM_MESSAGES_MAX, strategy: "suspend" }
    )
})
