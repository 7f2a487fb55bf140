/**
 * THE PLAN: how the broker is put together. The only file that composes layers; read it first.
 *
 *   settings ─┬─▶ codec   router   message log   retained   access   clock   ledger   counters   events
 *             │      └────────┴─────────┴────────────┴─────────┴───────┴────────┴─────────┘
 *             │                                  ▼
 *             └──────────────────────────────▶ Broker  (one Core, its timers, its drain)
 *                                                ▲
 *                                 listeners ─────┴───── admin        (opened last, closed first)
 *
 * Order of the end is an edge here, never the order of a merge: listeners and admin are opened in a scope on
 * top of the broker's, so they have stopped accepting before the broker drains, and the broker has drained
 * before the stores close.
 */
import { randomBytes } from "node:crypto"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Access } from "./access/access.ts"
import type { AdminError } from "./admin/admin-error.ts"
import { type OpenedAdmin, openAdmin } from "./admin/server.ts"
import { Broker, type BrokerShape } from "./broker/broker.ts"
import {
  BrokerClock,
  BrokerSettings,
  CodecPort,
  CountersPort,
  EventLog,
  Ledger,
  MessageLogPort,
  RetainedPort,
  RouterPort
} from "./broker/services.ts"
import { supervise } from "./broker/supervise.ts"
import type { ListenError } from "./listener/listen-error.ts"
import { type ListenerSettings, type OpenListener, openListeners } from "./listener/listeners.ts"
import type { TlsSettings } from "./listener/tls-load.ts"
import { TlsMaterial, type TlsMaterialError, watchTlsMaterial } from "./listener/tls-material.ts"
import type { Settings } from "./settings/settings.ts"
import { type Log, loggingLayer } from "./telemetry/logging.ts"

/** Everything below the broker, as production has it. Tests replace single layers. */
export const portsLayer = (settings: Settings) => {
  const holder = BrokerSettings.layer(settings)
  const fromSettings = Layer.mergeAll(RouterPort.layer, MessageLogPort.layerMemory, RetainedPort.layerMemory)
  const fixed = Layer.mergeAll(CodecPort.layer, CountersPort.layer, Ledger.layer, BrokerClock.layer)
  const access = settings.auth.allowAnonymous === false ? Access.layerDenyAll : Access.layerAllowAll
  return Layer.mergeAll(fromSettings, fixed, access).pipe(Layer.provideMerge(holder))
}

/** The broker without any door to the outside: what embedding and tests build on. */
export const brokerLayer = (settings: Settings, log: Log) =>
  Broker.layer.pipe(
    Layer.provide(portsLayer(settings)),
    Layer.provide(Layer.succeed(EventLog, log)),
    Layer.provide(loggingLayer(log))
  )

export interface StartOptions {
  readonly settings: Settings
  readonly log: Log
  readonly version: string
  /** Settings that follow from others, after a change at run time (settings/resolve.ts). */
  readonly resolve: (settings: Settings) => Settings
  /** Where a setting's value comes from, for the admin API. */
  readonly originOf: (key: string) => string
}

export interface RunningBroker {
  /** The MQTT listeners, with the ports really taken. */
  readonly listeners: ReadonlyArray<OpenListener>
  /** Certificate and key of the TLS listeners: reload() reads the files again. */
  readonly tls: TlsMaterial | undefined
  /** The admin listener, unless it is switched off. */
  readonly admin: OpenedAdmin | undefined
  readonly broker: BrokerShape
}

export class PidFileError extends Schema.TaggedError<PidFileError>()("PidFileError", {
  file: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `server.pid-file ${this.file} cannot be written: ${this.cause instanceof Error ? this.cause.message : "?"}`
  }
  override get [Runtime.errorExitCode](): number {
    return 1
  }
}

export type StartError = ListenError | TlsMaterialError | AdminError | PidFileError

/** Builds the broker, opens every door, and answers when all are open. The scope's end is the graceful stop. */
export const startBroker = Effect.fnUntraced(function* (
  options: StartOptions
): Effect.fn.Return<RunningBroker, StartError, Scope.Scope> {
  const { log, settings } = options
  const tls = settings.server.tls ? yield* TlsMaterial.open(tlsSettings(settings)) : undefined
  const context = yield* Layer.build(brokerLayer(settings, log))
  const running = Effect.gen(function* () {
    const broker = yield* Broker
    const listeners = yield* openListeners(listenerSettings(settings, tls), broker.accept)
    if (tls !== undefined) yield* supervise("the watch over certificates", watchTlsMaterial(tls))
    const admin = settings.admin.enabled ? yield* openAdmin(adminOptions(options, broker, listeners)) : undefined
    if (settings.server.pidFile !== "") yield* holdPidFile(settings.server.pidFile)
    return { listeners, tls, admin, broker }
  })
  return yield* running.pipe(Effect.provide(context), Effect.provide(loggingLayer(log)))
})

/** `tls` is there while server.tls is true; without it there are no listeners with TLS. */
export const listenerSettings = (
  { mqtt, server }: Settings,
  tls?: TlsMaterial | undefined
): ReadonlyArray<ListenerSettings> => {
  const web = { kind: "websocket" as const, paths: server.wsPaths, maxPacketBytes: mqtt.maxPacketSizeBytes }
  const file = { kind: "unix" as const, name: "unix", mode: Number.parseInt(server.unixMode, 8) }
  const secure = tls === undefined ? undefined : { material: tls, handshakeTimeoutMs: server.connectTimeoutMs }
  return [
    ...server.bind.map((place) => ({ kind: "tcp" as const, name: "tcp", ...place })),
    ...(secure === undefined
      ? []
      : server.tlsBind.map((place) => ({ kind: "tls" as const, name: "tls", ...secure, ...place }))),
    ...server.wsBind.map((place) => ({ ...web, name: "websocket", ...place })),
    ...(secure === undefined ? [] : server.wssBind.map((place) => ({ ...web, name: "wss", tls: secure, ...place }))),
    ...server.unixBind.map((path) => ({ ...file, path }))
  ]
}

const tlsSettings = ({ server }: Settings): TlsSettings => ({
  certificateFile: server.tlsCert,
  keyFile: server.tlsKey,
  passphrase: server.tlsKeyPassphrase,
  authorityFile: server.tlsCa,
  clientAuthentication: server.tlsClientAuth,
  minimumVersion: server.tlsMinVersion === "tlsv1.3" ? "TLSv1.3" : "TLSv1.2",
  ciphers: server.tlsCiphers
})

const adminOptions = (options: StartOptions, broker: BrokerShape, listeners: ReadonlyArray<OpenListener>) => {
  const { core } = broker
  const { settings } = options
  const changed = new Set<string>()
  let current = settings
  return {
    address: settings.admin.bind,
    tokenFile:
      settings.admin.tokenFile === "" ? join(settings.storage.dataDir, "admin-token") : settings.admin.tokenFile,
    log: options.log,
    version: options.version,
    addresses: () => listeners.map(({ url }) => url),
    counters: () => core.counters.samples(),
    logStatistics: () => core.log.statistics(),
    drops: core.ledger,
    checks: [
      { name: "listeners", check: () => (listeners.length === 0 ? "no listener is open" : undefined) },
      { name: "accepting", check: () => (core.draining ? "the broker is shutting down" : undefined) }
    ],
    settings: {
      current: () => current,
      resolve: options.resolve,
      originOf: (key: string) => (changed.has(key) ? "admin API" : options.originOf(key)),
      apply: (next: Settings, changedKeys: ReadonlyArray<string>) => {
        current = next
        for (const key of changedKeys) changed.add(key)
        options.log.setLevel(next.log.level)
        broker.apply(next)
      }
    }
  }
}

/** The file names this process while it runs; another process's file of the same name is left alone at the end. */
const holdPidFile = (file: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => writeFileSync(file, `${process.pid}\n`),
      catch: (cause) => new PidFileError({ file, cause })
    }),
    () =>
      Effect.sync(() => {
        try {
          if (readFileSync(file, "utf8").trim() === String(process.pid)) rmSync(file)
        } catch {
          // Somebody took it away already.
        }
      })
  )

/** Text nobody can guess, for names the broker gives. */
export const randomName = (prefix: string): string => `${prefix}-${randomBytes(8).toString("hex")}`
