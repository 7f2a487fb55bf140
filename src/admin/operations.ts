/**
 * How a running broker is watched: its checks for probes, its page of metrics and the doors for it, its $SYS topics.
 *
 *   app.ts ─► openOperations ─► { checks, metrics }  ─► the admin listener
 *                            └► doors of metrics.bind that are not the admin listener's
 *
 * What counts as well is said by settings of `health`.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Core } from "../broker/core.ts"
import type { SettingsHolder } from "../broker/services.ts"
import { supervise } from "../broker/supervise.ts"
import { SysTopics } from "../broker/sys-topics.ts"
import type { ListenError } from "../listener/listen-error.ts"
import type { TlsMaterial } from "../listener/tls-material.ts"
import { Counter } from "../metrics/counters.ts"
import type { ReloadFigures } from "../metrics/reload-figures.ts"
import { formatAddress, isLoopback, type ListenAddress } from "../settings/address.ts"
import type { Settings } from "../settings/settings.ts"
import { SysRetained } from "../store/sys-retained.ts"
import { LOOK_MS } from "../telemetry/leak-watch.ts"
import type { Log } from "../telemetry/logging.ts"
import { expose } from "../telemetry/prometheus.ts"
import { RuntimeFigures } from "../telemetry/runtime-figures.ts"
import { openDoor } from "./door.ts"
import type { HealthState } from "./health-state.ts"
import { type MetricsPage, metricsVisit } from "./metrics-page.ts"
import type { HealthCheck } from "./probes.ts"
import { scrapeFamilies } from "./scrape.ts"

/** How often the $SYS topics' time is looked at, at most. */
const SYS_LOOK_MS = 1000

/** What the open store says of itself. */
interface WatchedStore {
  readonly checks: ReadonlyArray<HealthCheck>
  /** What is wrong with the disk. */
  readonly trouble: () => string | undefined
}

export interface OperationsOptions {
  readonly settings: Settings
  readonly held: SettingsHolder
  readonly core: Core
  readonly version: string
  readonly log: Log
  readonly reloads: ReloadFigures
  readonly health: HealthState
  readonly listeners: ReadonlyArray<{ readonly name: string }>
  readonly tls: TlsMaterial | undefined
  /** Undefined with the memory engine. */
  readonly view: WatchedStore | undefined
}

export interface Operations {
  readonly checks: ReadonlyArray<HealthCheck>
  /** For the admin listener; undefined where it serves no metrics. */
  readonly metrics: MetricsPage | undefined
  readonly runtime: RuntimeFigures
  /** Doors of their own. */
  readonly metricsAt: ReadonlyArray<ListenAddress>
}

export const openOperations = Effect.fnUntraced(function* (
  options: OperationsOptions
): Effect.fn.Return<Operations, ListenError, Scope.Scope> {
  const { core, health, listeners, settings, tls, view } = options
  const { counters } = core
  const messages = (): number => counters.sum(Counter.messagesIn, 3) + counters.sum(Counter.messagesOut, 3)
  const runtime = yield* RuntimeFigures.open(messages, core.meter, ({ fromBytes, intervals, toBytes }) =>
    options.log.write("warn", "the heap grew from look to look: more clients and messages, or a leak", {
      fromBytes,
      toBytes,
      intervals,
      minutes: (intervals * LOOK_MS) / 60_000
    })
  )
  // In the last seconds: such a loop has no time for its clients.
  const isLate = (): boolean => runtime.lagMaxMs > options.held.current.health.loopLagMsMax
  const checks: ReadonlyArray<HealthCheck> = [
    ...health.checks,
    ...(view?.checks ?? []),
    { name: "storage", check: () => view?.trouble() },
    { name: "event-loop", check: () => (isLate() ? "the event loop is late" : undefined) },
    { name: "accepting", check: () => (core.draining ? "the broker is shutting down" : undefined) }
  ]
  yield* supervise("the $SYS topics", tellSys(options))
  if (!settings.metrics.enabled) return { checks, metrics: undefined, runtime, metricsAt: [] }
  const { bind, path } = settings.metrics
  const families = () =>
    scrapeFamilies({
      ...options,
      runtime,
      uptimeSeconds: process.uptime,
      hasLegacyNames: () => options.held.current.metrics.legacyNames,
      hasLog: view !== undefined,
      certificate: () => tls && { listeners: secureNames(listeners), expiresAtMs: tls.expiresAtMs }
    })
  const page: MetricsPage = { path, read: (accept) => expose(families, accept) }
  const admin = settings.admin.enabled ? formatAddress(settings.admin.bind) : ""
  const others = bind.filter((address) => formatAddress(address) !== admin)
  const metricsAt = yield* Effect.forEach(others, (address) => openMetricsDoor(address, page, checks, options))
  const isAdmins = settings.admin.enabled && (bind.length === 0 || others.length < bind.length)
  return { checks, metrics: isAdmins ? page : undefined, runtime, metricsAt }
})

const secureNames = (listeners: OperationsOptions["listeners"]): ReadonlyArray<string> => [
  ...new Set(listeners.map(({ name }) => name).filter((name) => name === "tls" || name === "wss"))
]

const openMetricsDoor = Effect.fnUntraced(function* (
  address: ListenAddress,
  page: MetricsPage,
  checks: ReadonlyArray<HealthCheck>,
  { log, settings }: Pick<OperationsOptions, "log" | "settings">
): Effect.fn.Return<ListenAddress, ListenError, Scope.Scope> {
  const place = { host: address.host, isLoopback: isLoopback(address) }
  if (!place.isLoopback) log.write("warn", "the metrics are reachable from other machines, and need no token")
  const failed = (cause: unknown): void => {
    log.write("error", "the metrics could not be told", {}, cause instanceof Error ? cause.message : String(cause))
  }
  const visit = metricsVisit(page, checks, place, failed)
  const { host, port } = yield* openDoor("metrics", address, settings.admin.maxConnections, visit)
  return { host, port }
})

/** Looks at the interval each time: it may change, and be switched off and on. */
const tellSys = ({ core, held, version }: OperationsOptions): Effect.Effect<never> => {
  const { retained } = core
  if (!(retained instanceof SysRetained)) return Effect.never
  const heapUsedBytes = () => process.memoryUsage().heapUsed
  const topics = new SysTopics(core, retained, { version, uptimeSeconds: process.uptime, heapUsedBytes })
  let toldMs = Number.NEGATIVE_INFINITY
  const look = Effect.suspend(() => {
    const intervalMs = held.current.metrics.sysIntervalMs
    core.tick()
    if (intervalMs > 0 && core.loopMs - toldMs >= intervalMs && !core.draining) {
      toldMs = core.loopMs
      topics.publish()
    }
    return Effect.sleep(intervalMs > 0 ? Math.min(intervalMs, SYS_LOOK_MS) : SYS_LOOK_MS)
  })
  return Effect.forever(look)
}
