/**
 * The snapshot that dashboards live on: figures now, rates since the snapshot before, latencies of the last ten seconds.
 * It is taken once a second for everybody who looks.
 *
 * Invariants
 * - What takes a walk over all sessions is walked in slices: at most SESSIONS_PER_SNAPSHOT of them (subscriptions of those that
 *   are away count too) per snapshot, so the figures of a large broker are some seconds old and none costs more than a
 *   millisecond.
 * - Nothing is counted here: rates are differences of the broker's own counters, quantiles come from its histograms.
 */
import { clientOf } from "../../broker/client.ts"
import type { Core } from "../../broker/core.ts"
import { queuedMessages } from "../../broker/session-mode.ts"
import type { Buckets } from "../../metrics/buckets.ts"
import { Counter } from "../../metrics/counters.ts"
import { dropReasons } from "../../metrics/drop-reasons.ts"
import { type Session, SessionMode } from "../../session/session.ts"
import type { StorageInfo } from "../api/storage.ts"
import type { Overview } from "../api/system.ts"
import type { HealthCheck } from "../probes.ts"
import { QuantileWindow } from "./quantile-window.ts"

export interface OverviewSources {
  readonly core: Core
  readonly checks: ReadonlyArray<HealthCheck>
  readonly storage: () => StorageInfo
  readonly loopLagP99Ms: () => number
}

/** Clocks and what the process says of itself, so that tests can say it. */
export interface OverviewWorld {
  readonly wallClockMs: () => number
  readonly monotonicMs: () => number
  readonly memory: () => { readonly rss: number; readonly heapUsed: number }
  /** Processor time of the process so far. */
  readonly cpuMs: () => number
}

const SESSIONS_PER_SNAPSHOT = 5000
const LATENCY_SECONDS = 10

export const processWorld: OverviewWorld = {
  wallClockMs: Date.now,
  monotonicMs: () => performance.now(),
  memory: process.memoryUsage,
  cpuMs: () => {
    const { system, user } = process.cpuUsage()
    return (system + user) / 1000
  }
}

export class OverviewMeter {
  readonly #sources: OverviewSources
  readonly #world: OverviewWorld
  readonly #publishAck: QuantileWindow
  readonly #sync: QuantileWindow
  #before: Sample
  #walk: Iterator<Session>
  #walking = noTotals()
  #totals = noTotals()

  constructor(sources: OverviewSources, world: OverviewWorld = processWorld) {
    this.#sources = sources
    this.#world = world
    const { core } = sources
    const { publishAck, walSync } = core.counters.meter.histograms
    this.#publishAck = new QuantileWindow(publishAck as ReadonlyArray<Buckets>, LATENCY_SECONDS)
    this.#sync = new QuantileWindow(walSync as ReadonlyArray<Buckets>, LATENCY_SECONDS)
    this.#before = this.#sample()
    this.#walk = core.sessions.values()
  }

  take(): Overview {
    const { core, loopLagP99Ms, storage } = this.#sources
    const now = this.#sample()
    const before = this.#before
    const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000)
    const rate = (key: keyof Sample): number => Math.max(0, (now[key] as number) - (before[key] as number)) / seconds
    this.#before = now
    core.counters.meter.settle()
    this.#publishAck.turn()
    this.#sync.turn()
    this.#walkOn()
    const { bytes, records, topics } = core.log.statistics()
    const stored = storage()
    const { heapUsed, rss } = this.#world.memory()
    return {
      at: new Date(this.#world.wallClockMs()).toISOString(),
      ...this.health(),
      ...this.#totals,
      sessions: core.sessions.size,
      topics,
      retainedMessages: core.retained.count,
      retainedBytes: core.retained.bytes,
      messagesInPerSecond: rate("messagesIn"),
      messagesOutPerSecond: rate("messagesOut"),
      bytesInPerSecond: rate("bytesIn"),
      bytesOutPerSecond: rate("bytesOut"),
      connectsPerSecond: rate("connects"),
      dropsPerSecond: rate("drops"),
      dropsByReason: dropsByReason(core),
      publishAckP50Ms: milliseconds(this.#publishAck.quantile(0.5)),
      publishAckP99Ms: milliseconds(this.#publishAck.quantile(0.99)),
      syncP50Ms: milliseconds(this.#sync.quantile(0.5)),
      syncP99Ms: milliseconds(this.#sync.quantile(0.99)),
      loopLagP99Ms: loopLagP99Ms(),
      logRecords: records,
      logBytes: bytes,
      diskBytes: stored.disk?.bytes ?? 0,
      diskSpace: stored.disk?.space ?? "ok",
      pressure: stored.pressure,
      notDurable: Math.max(0, stored.appended - stored.durable),
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      cpuRatio: rate("cpuMs") / 1000
    }
  }

  health(): Pick<Overview, "status" | "checks"> {
    const checks = this.#sources.checks.map(({ check, name }): Overview["checks"][number] => {
      const fact = factOf(check)
      return fact === undefined ? { name, status: "ok" } : { name, status: "failing", fact }
    })
    return { status: checks.every(({ status }) => status === "ok") ? "ok" : "failing", checks }
  }

  #sample(): Sample {
    const { counters, ledger } = this.#sources.core
    const { values } = counters
    let drops = 0
    for (const total of ledger.totals) drops += total
    return {
      atMs: this.#world.monotonicMs(),
      messagesIn: counters.sum(Counter.messagesIn, 3),
      messagesOut: counters.sum(Counter.messagesOut, 3),
      bytesIn: values[Counter.bytesIn] as number,
      bytesOut: values[Counter.bytesOut] as number,
      connects: counters.sum(Counter.connectionsAccepted, Counter.connectionsRefused - Counter.connectionsAccepted),
      drops,
      cpuMs: this.#world.cpuMs()
    }
  }

  /** A whole round in one go while it fits, else over several snapshots. */
  #walkOn(): void {
    const walking = this.#walking
    for (let walked = 0; walked < SESSIONS_PER_SNAPSHOT; walked++) {
      const { done, value: session } = this.#walk.next()
      if (done === true) {
        this.#totals = walking
        this.#walking = noTotals()
        this.#walk = this.#sources.core.sessions.values()
        return
      }
      const client = clientOf(session)
      if (client !== undefined) {
        walking.clientsConnected += 1
        walking.unsentBytes += client.connection.outbox.queuedBytes
      }
      walking.subscriptions += session.subscriptions.size + (session.shared?.size ?? 0)
      walking.inFlight += session.window.inFlight
      walking.waitingMessages += queuedMessages(session)
      // Of one that is away every subscription was looked at.
      if (session.mode !== SessionMode.live) walked += session.subscriptions.size
    }
  }
}

interface Sample {
  readonly atMs: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly connects: number
  readonly drops: number
  readonly cpuMs: number
}

const noTotals = () => ({ clientsConnected: 0, subscriptions: 0, inFlight: 0, waitingMessages: 0, unsentBytes: 0 })

const dropsByReason = ({ ledger }: Core): Overview["dropsByReason"] => {
  const byReason: Record<string, number> = {}
  for (const { id, name } of dropReasons) if (ledger.total(id) > 0) byReason[name] = ledger.total(id)
  return byReason
}

const milliseconds = (seconds: number | undefined): number | null => (seconds === undefined ? null : seconds * 1000)

const factOf = (check: () => string | undefined): string | undefined => {
  try {
    return check()
  } catch {
    return "the check itself failed"
  }
}
