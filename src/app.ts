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
 *
 * With storage.engine wal message log, retained messages and sessions are three faces of one store (store/durable-store.ts),
 * which is open and recovered before the broker is made. Its failure is the broker's: `failure` never succeeds, and who
 * runs the broker races with it. Promises:
 *
 *   PLAN-1  when the store has failed, nobody is left waiting for an acknowledgement that cannot come: sockets close
 *   PLAN-2  a change of storage settings decides about the very next record
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Access } from "./access/access.ts"
import { AccessControl, type AccessControlShape, type AccessError, accessLayer } from "./access/access-layer.ts"
import type { BansFileError } from "./access/bans-file.ts"
import type { CreateProvider } from "./access/custom-types.ts"
import type { AdminError } from "./admin/admin-error.ts"
import type { StorageInfo } from "./admin/api/storage.ts"
import { HealthState } from "./admin/health-state.ts"
import { type Operations, openOperations } from "./admin/operations.ts"
import { admissionView, listenersView } from "./admin/security-facts.ts"
import { type OpenedAdmin, openAdmin, openEarly } from "./admin/server.ts"
import { type StoreFound, type StoreView, spaceWords, viewStore } from "./admin/store-view.ts"
import { makeAclDesk } from "./broker/acl-desk.ts"
import { Broker, type BrokerShape } from "./broker/broker.ts"
import { type Doors, makeDoors } from "./broker/doors.ts"
import { type BansDesk, keepBans } from "./broker/keep-bans.ts"
import { keepPublishers } from "./broker/keep-publishers.ts"
import { keepQuotas, type QuotaDesk } from "./broker/keep-quotas.ts"
import { makeCompactor } from "./broker/make-compactor.ts"
import { recheckIdentities, recheckProofs } from "./broker/recheck.ts"
import {
  BrokerClock,
  BrokerSettings,
  CodecPort,
  CountersPort,
  EventLog,
  Ledger,
  MessageLogPort,
  RetainedPort,
  RouterPort,
  retainedOptions,
  SessionStorePort,
  type SettingsHolder
} from "./broker/services.ts"
import { supervise } from "./broker/supervise.ts"
import { followSpans, makeTraceDesk, type TraceDesk } from "./broker/trace-desk.ts"
import { watchDisk } from "./broker/watch-disk.ts"
import { watchLoad } from "./broker/watch-load.ts"
import { checkDocument } from "./config/check-document.ts"
import type { ConfigInvalid } from "./config/config-invalid.ts"
import type { LoadedSettings } from "./config/load.ts"
import type { ConfigurationDesk } from "./config/reload.ts"
import { openRunningSettings, type RunningSettings, watchedFile } from "./config/running.ts"
import { logPolicyOf, lossOf, promiseOf, storeOptionsOf, topicPoliciesOf } from "./config/store-options.ts"
import type { ListenError } from "./listener/listen-error.ts"
import { type ListenerSettings, type OpenListener, openListeners } from "./listener/listeners.ts"
import type { TlsSettings } from "./listener/tls-load.ts"
import { TlsMaterial, type TlsMaterialError, watchTlsMaterial } from "./listener/tls-material.ts"
import { ReloadFigures } from "./metrics/reload-figures.ts"
import type { ListenAddress } from "./settings/address.ts"
import type { Settings } from "./settings/settings.ts"
import { superviseCompactor } from "./store/compactor.ts"
import type { LostMessage } from "./store/durable-log.ts"
import { type DurableStore, openDurableStore } from "./store/durable-store.ts"
import type { MessageLog } from "./store/ports.ts"
import { verifyAgain } from "./store/verify-again.ts"
import { ringOf } from "./telemetry/log-ring.ts"
import { type Log, loggingLayer } from "./telemetry/logging.ts"
import { holdPidFile, type PidFileError } from "./telemetry/pid-file.ts"
import { diskFs } from "./wal/disk-fs.ts"
import type { SpaceLevel } from "./wal/log.ts"
import { RecoveryProgress } from "./wal/recovery-progress.ts"
import type { StoreFailed, StoreRefused } from "./wal/store-error.ts"
import type { StoreFault, StoreFs } from "./wal/store-fs.ts"

/** The store on disk; undefined with the memory engine. */
export class OpenStore extends Context.Service<OpenStore, OpenedStore | undefined>()("promptmq/OpenStore") {}

interface OpenedStore {
  readonly store: DurableStore
  /** What it tells from its opening on; the broker, which comes later, listens. */
  readonly events: {
    onSpace: (level: SpaceLevel) => void
    onLost: (lost: LostMessage) => void
  }
}

type Stores = MessageLogPort | RetainedPort | SessionStorePort | OpenStore
type StoreError = StoreRefused | StoreFault

const memoryStores: Layer.Layer<Stores, never, BrokerSettings> = Layer.mergeAll(
  MessageLogPort.layerMemory,
  RetainedPort.layerMemory,
  SessionStorePort.layerMemory,
  Layer.succeed(OpenStore, undefined)
)

/** One store with three faces; it is open and recovered before anybody sees one of them. */
const durableStores = (fs: StoreFs): Layer.Layer<Stores, StoreError, BrokerSettings> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const holder = yield* BrokerSettings
      const events: OpenedStore["events"] = { onSpace: () => {}, onLost: () => {} }
      const store = yield* openDurableStore({
        ...storeOptionsOf(holder.initial),
        fs,
        retained: retainedOptions(holder),
        onSpace: (level) => events.onSpace(level),
        onLost: (lost) => events.onLost(lost)
      })
      if (holder.initial.storage.wal.crashRecoveryValidation) {
        yield* verifyAgain(fs, holder.initial.storage.walDir, store)
      }
      return Context.make(OpenStore, { store, events }).pipe(
        Context.add(MessageLogPort, store.log),
        Context.add(RetainedPort, store.retained),
        Context.add(SessionStorePort, store.sessions)
      )
    })
  )

/** Everything below the broker, as production has it. Tests replace single layers. */
export const portsLayer = (settings: Settings, fs: StoreFs = diskFs, custom?: CreateProvider) => {
  const holder = BrokerSettings.layer(settings)
  const stores = settings.storage.engine === "wal" ? durableStores(fs) : memoryStores
  const fixed = Layer.mergeAll(CodecPort.layer, CountersPort.layer, Ledger.layer, BrokerClock.layer)
  return Layer.mergeAll(RouterPort.layer, stores, fixed, accessPorts(settings, custom)).pipe(Layer.provideMerge(holder))
}

/** Who may connect and what they may do then. The log is the plan's, so it is asked for here and not below. */
const accessPorts = (
  settings: Settings,
  custom?: CreateProvider
): Layer.Layer<Access | AccessControl, AccessError, EventLog> =>
  Layer.unwrap(
    Effect.map(EventLog, (log) => accessLayer({ settings, log, wallClockMs: Date.now, background: supervise, custom }))
  )

/** The broker without any door to the outside, and its store: what embedding and tests build on. */
export const brokerLayer = (settings: Settings, log: Log, fs: StoreFs = diskFs, custom?: CreateProvider) =>
  Broker.layer.pipe(
    Layer.provideMerge(portsLayer(settings, fs, custom)),
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
  /** Loads the settings again, as at the start. Absent: there is nothing to reload (an embedded broker). */
  readonly load?: (() => Promise<LoadedSettings | ConfigInvalid>) | undefined
  /** The file that server.watch-config is about. */
  readonly configFile?: string | undefined
  /** Told of settings that changed, for what lives outside of the plan: the log. */
  readonly onChanged?: ((settings: Settings) => void) | undefined
  /** For who waits outside until the broker is ready. */
  readonly health?: HealthState | undefined
  /** The door to the disk; tests let it fail. */
  readonly fs?: StoreFs
  /** The provider `custom` of the chain, instead of a module. */
  readonly authentication?: CreateProvider | undefined
}

export interface RunningBroker {
  /** The MQTT listeners, with the ports really taken. */
  readonly listeners: ReadonlyArray<OpenListener>
  /** Certificate and key of the TLS listeners: reload() reads the files again. */
  readonly tls: TlsMaterial | undefined
  /** The admin listener, unless it is switched off. */
  readonly admin: OpenedAdmin | undefined
  /** Where metrics are served besides. */
  readonly metricsAt: ReadonlyArray<ListenAddress>
  /** Whoever reloads the settings says here how that went. */
  readonly reloads: ReloadFigures
  /** Settings as they are in the file now: compared, and loaded again. Undefined without StartOptions.load. */
  readonly configuration: ConfigurationDesk | undefined
  readonly broker: BrokerShape
  /** Who is banned, as the admin API handles it. */
  readonly bans: BansDesk
  /** Where messages went, as the admin API asks it. */
  readonly traces: TraceDesk
  /** Files of access are read again, users are changed. */
  readonly access: AccessControlShape
  /** What the store found at the start; undefined with the memory engine. */
  readonly found: StoreFound | undefined
  /** What would be lost now, in a sentence: settings may change. */
  readonly promise: () => string
  /** Fails when the store has failed for good; the sockets are closed then. Never succeeds. */
  readonly failure: Effect.Effect<never, StoreFailed>
}

export type StartError =
  | BansFileError
  | AccessError
  | ListenError
  | TlsMaterialError
  | AdminError
  | PidFileError
  | StoreRefused
  | StoreFault

/** Builds the broker, opens every door, and answers when all are open. The scope's end is the graceful stop. */
export const startBroker = Effect.fnUntraced(function* (
  options: StartOptions
): Effect.fn.Return<RunningBroker, StartError, Scope.Scope> {
  const { log, settings } = options
  const file = watchedFile(options.configFile)
  const tls = settings.server.tls ? yield* TlsMaterial.open(tlsSettings(settings)) : undefined
  const { health = new HealthState() } = options
  const door = yield* Effect.provide(openEarly(settings.admin, health.checks), loggingLayer(log))
  // Before the broker: what its drain still does is sent too.
  const spans = settings.tracing.enabled ? yield* openSpans(options) : undefined
  const context = yield* Layer.build(brokerLayer(settings, log, options.fs, options.authentication)).pipe(
    Effect.provideService(RecoveryProgress, health.onProgress)
  )
  health.isRecovered = true
  const running = Effect.gen(function* () {
    const broker = yield* Broker
    const opened = yield* OpenStore
    const access = yield* AccessControl
    const held = yield* BrokerSettings
    const view = opened === undefined ? undefined : yield* serveStore(opened, options, held, broker)
    const bans = yield* keepBans(broker.core, settings)
    const quotas = yield* keepQuotas(broker.core, settings)
    if (opened !== undefined) yield* keepPublishers(broker.core, settings.storage.dataDir, opened.store.storeUuid)
    const doors = makeDoors(broker.core, settings, () => held.current)
    yield* supervise("the watch over load", watchLoad(broker.core))
    if (spans !== undefined) yield* followSpans(broker.core, spans, settings.tracing)
    const listeners = yield* openListeners(listenerSettings(settings, tls, doors), broker.accept)
    access.followIdentities((username) => recheckIdentities(broker.core, username))
    if (tls !== undefined) {
      tls.onReloaded = () => recheckProofs(broker.core, tls)
      yield* supervise("the watch over certificates", watchTlsMaterial(tls))
    }
    health.openListeners = listeners.length
    const reloads = new ReloadFigures(Date.now())
    const operations = yield* openOperations({
      ...options,
      held,
      core: broker.core,
      health,
      listeners,
      reloads,
      tls,
      view
    })
    const current = yield* openRunningSettings({
      ...options,
      file,
      held,
      core: broker.core,
      access,
      tls,
      reloads,
      apply: applier(options, broker, view)
    })
    const traces = makeTraceDesk(broker.core, current.current)
    const parts = { current, broker, listeners, view, operations, access, bans, quotas, tls, traces }
    const admin = settings.admin.enabled ? yield* openAdmin({ ...adminOptions(options, parts), door }) : undefined
    if (settings.server.pidFile !== "") yield* holdPidFile(settings.server.pidFile)
    const failure = opened === undefined ? Effect.never : closedBy(opened.store.failure, broker)
    return {
      listeners,
      tls,
      admin,
      broker,
      access,
      bans,
      traces,
      reloads,
      configuration: current.configuration,
      metricsAt: operations.metricsAt,
      found: view?.found,
      promise: () => promiseOf(held.current),
      failure
    }
  })
  return yield* running.pipe(Effect.provide(context), Effect.provide(loggingLayer(log)))
})

/** Loaded here, and only here: the SDK takes longer than starting the broker. */
const openSpans = ({ log, settings, version }: StartOptions) =>
  Effect.flatMap(
    Effect.promise(() => import("./telemetry/span-export.ts")),
    ({ openSpanExport }) => openSpanExport(settings.tracing, version, log)
  )

/** `tls` is there while server.tls is true; without it there are no listeners with TLS. */
export const listenerSettings = (
  { auth, mqtt, server }: Settings,
  tls?: TlsMaterial | undefined,
  doors?: Doors | undefined
): ReadonlyArray<ListenerSettings> => {
  const originsAllowed = server.wsOrigins.length === 0 ? undefined : server.wsOrigins
  const web = {
    kind: "websocket" as const,
    paths: server.wsPaths,
    maxPacketBytes: mqtt.maxPacketSizeBytes,
    originsAllowed,
    isOpen: auth.chain.length === 0 ? auth.allowAnonymous !== false : auth.allowAnonymous === true
  }
  const file = { kind: "unix" as const, name: "unix", mode: Number.parseInt(server.unixMode, 8) }
  const secure = tls === undefined ? undefined : { material: tls, handshakeTimeoutMs: server.connectTimeoutMs }
  const listeners: ReadonlyArray<ListenerSettings> = [
    ...server.bind.map((place) => ({ kind: "tcp" as const, name: "tcp", ...place })),
    ...(secure === undefined
      ? []
      : server.tlsBind.map((place) => ({ kind: "tls" as const, name: "tls", ...secure, ...place }))),
    ...server.wsBind.map((place) => ({ ...web, name: "websocket", ...place })),
    ...(secure === undefined ? [] : server.wssBind.map((place) => ({ ...web, name: "wss", tls: secure, ...place }))),
    ...server.unixBind.map((path) => ({ ...file, path }))
  ]
  return listeners.map((listener) => ({ ...listener, door: doors?.of(listener.name) }))
}

const tlsSettings = ({ auth, server }: Settings): TlsSettings => ({
  certificateFile: server.tlsCert,
  keyFile: server.tlsKey,
  passphrase: server.tlsKeyPassphrase,
  authorityFile: server.tlsCa,
  revocationFile: server.tlsCrl,
  pskFile: auth.psk.file,
  pskHint: auth.psk.hint,
  clientAuthentication: server.tlsClientAuth,
  minimumVersion: server.tlsMinVersion === "tlsv1.3" ? "TLSv1.3" : "TLSv1.2",
  ciphers: server.tlsCiphers
})

interface ServedStore extends StoreView {
  /** Makes changed run-time settings those of the store. */
  readonly apply: (settings: Settings) => void
  /** What is wrong with the disk, for /health. */
  readonly trouble: () => string | undefined
}

/** What the open store needs of a running broker: somebody who tells of its disk, and its view for people. */
const serveStore = Effect.fnUntraced(function* (
  { events, store }: NonNullable<OpenStore["Service"]>,
  { fs = diskFs, log, settings }: StartOptions,
  held: SettingsHolder,
  { core }: BrokerShape
) {
  const { dataDir, walDir } = settings.storage
  events.onSpace = (level) => log.write(level === "ok" ? "info" : "warn", spaceWords[level], { space: level })
  events.onLost = ({ lsn, offset, path, topic }) =>
    log.write("error", "a message could not be read back from the log", { topic, lsn, path, offset })
  // After the broker has restored: what nobody needs is known from now on.
  const compactor = makeCompactor(store, fs, held, core)
  store.log.wal.appender.onCommitted = compactor.committed
  yield* superviseCompactor(compactor)
  yield* supervise(
    "the watch over the disk",
    watchDisk(core, () => store.log.wal.appender.syncingSinceMs)
  )
  const view = viewStore({
    store,
    sessions: core.sessions.size,
    fs,
    place: { dataDirectory: dataDir, logDirectory: walDir },
    counters: core.counters,
    compactor,
    syncDelayMsMax: () => held.current.health.syncDelayMsMax
  })
  return {
    ...view,
    apply: (next: Settings) => {
      store.log.setTopicPolicies(topicPoliciesOf(next)) // [PLAN-2]
      Effect.runSync(store.log.setPolicy(logPolicyOf(next))) // [PLAN-2]
    },
    trouble: () => {
      const { space } = store.log
      if (core.isDiskStalled) return "the disk is stalled"
      return space === "scarce" || space === "full" ? spaceWords[space] : undefined
    }
  } satisfies ServedStore
})

/** Nothing more is acknowledged to anybody, and nobody is left waiting. */
const closedBy = (failure: Effect.Effect<never, StoreFailed>, { core }: BrokerShape) =>
  Effect.tapError(failure, () =>
    Effect.sync(() => {
      core.draining = true
      for (const client of core.clients) client?.connection.destroy() // [PLAN-1]
    })
  )

/** A change of settings while the broker runs, by whomever. */
const applier =
  ({ log, onChanged }: StartOptions, broker: BrokerShape, view: ServedStore | undefined) =>
  (next: Settings): void => {
    log.setLevel(next.log.level)
    broker.apply(next)
    view?.apply(next)
    onChanged?.(next)
  }

/** What the admin listener shows and works on. */
interface AdminParts {
  readonly current: RunningSettings
  readonly broker: BrokerShape
  readonly listeners: ReadonlyArray<OpenListener>
  readonly view: ServedStore | undefined
  readonly operations: Operations
  readonly access: AccessControlShape
  readonly bans: BansDesk
  readonly quotas: QuotaDesk
  readonly tls: TlsMaterial | undefined
  readonly traces: TraceDesk
}

const adminOptions = (
  { log, settings, version }: StartOptions,
  { access, bans, broker: { core }, current, listeners, operations, quotas, tls, traces, view }: AdminParts
) => ({
  address: settings.admin.bind,
  tokenFile: settings.admin.tokenFile || join(settings.storage.dataDir, "admin-token"),
  tokensFile: settings.admin.tokensFile || join(settings.storage.dataDir, "tokens"),
  log,
  logs: ringOf(log, settings.log.recentEntries),
  version,
  core,
  addresses: () => listeners.map(({ url }) => url),
  checks: operations.checks,
  metrics: operations.metrics,
  loopLagP99Ms: () => operations.runtime.lagP99Ms,
  storage: () => storageInfo(current.current(), core.log, view?.info()),
  storageWork: view?.work,
  compaction: view?.compaction,
  security: () => ({ ...listenersView(listeners, tls, settings), ...admissionView(access, current.current()) }),
  bans,
  quotas,
  users: access.users,
  acl: makeAclDesk(core, access.rules),
  traces,
  settings: current,
  checkDocument,
  configuration: current.configuration
})

/** How the store is, for /api/v1/system; `disk` is undefined with the memory engine. */
const storageInfo = (settings: Settings, log: MessageLog, disk: StorageInfo["disk"]): StorageInfo => {
  const { crash, powerCut } = lossOf(settings)
  return {
    engine: disk === undefined ? "memory" : "wal",
    promise: promiseOf(settings),
    losesInCrash: crash ?? null,
    losesInPowerCut: powerCut ?? null,
    appended: log.ticket,
    written: log.written,
    durable: log.durable,
    kept: log.kept,
    pressure: log.pressure,
    ...(disk === undefined ? {} : { disk })
  }
}

/** Text nobody can guess, for names the broker gives. */
export const randomName = (prefix: string): string => `${prefix}-${randomBytes(8).toString("hex")}`
