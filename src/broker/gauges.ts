/**
 * What rises and falls, read from its owner when somebody asks: nobody counts twice, so no gauge can drift or
 * turn negative.
 *
 * What takes a walk over all sessions or all connections is walked once per reading: the reader asks for all of it
 * within one turn of the loop, and `walk` remembers its answer for as long.
 */
import type { Labelled } from "../metrics/counters.ts"
import type { Core } from "./core.ts"
import { queuedMessages } from "./session-mode.ts"

export const describeCore = (core: Core): void => {
  const { counters, log, retained, router } = core
  const ofSessions = oncePerTurn(() => walkSessions(core))
  const ofConnections = oncePerTurn(() => walkConnections(core))
  counters.gauge("unauthenticatedBytes", () => core.fairness.held.bytes)
  counters.gauge("memoryUsedBytes", () => core.fairness.memoryUsedBytes)
  counters.gauge("memoryLevel", () => core.fairness.memoryLevel)
  counters.gauge("loopLag", () => core.fairness.loopLagMs / 1000)
  counters.gauge("connections", () => ofConnections().byListener)
  counters.gauge("connectionsMax", () => core.connectionsMax)
  counters.gauge("sessions", () => ofSessions().sessions)
  counters.gauge("subscriptions", () => ofSessions().subscriptions)
  counters.gauge("sharedSubscriptions", () => core.groups.size)
  counters.gauge("inflightMessages", () => ofSessions().inflight)
  counters.gauge("queuedMessages", () => ofSessions().queued)
  counters.gauge("queuedBytes", () => {
    const { bytes, records } = log.statistics()
    return records === 0 ? 0 : Math.round((ofSessions().queued * bytes) / records)
  })
  counters.gauge("slowedPublishers", () => core.slowed.clients.size)
  counters.gauge("filters", () => router.statistics().filters)
  counters.gauge("topics", () => log.statistics().topics)
  counters.gauge("retainedMessages", () => retained.count)
  counters.gauge("retainedBytes", () => retained.bytes)
  counters.gauge("logRecords", () => log.statistics().records)
  counters.gauge("logBytes", () => log.statistics().bytes)
  counters.gauge("outgoingBytes", () => ofConnections().outgoingBytes)
}

interface OfSessions {
  readonly sessions: Labelled
  readonly subscriptions: Labelled
  readonly inflight: number
  readonly queued: number
}

const walkSessions = (core: Core): OfSessions => {
  const sessions = { connected: 0, disconnected: 0 }
  const subscriptions = { connected: 0, disconnected: 0 }
  let inflight = 0
  let queued = 0
  for (const session of core.sessions.values()) {
    const state = session.connection === undefined ? "disconnected" : "connected"
    sessions[state] += 1
    subscriptions[state] += session.subscriptions.size + (session.shared?.size ?? 0)
    inflight += session.window.inFlight
    queued += queuedMessages(session)
  }
  return { sessions, subscriptions, inflight, queued }
}

const walkConnections = (core: Core): { readonly byListener: Labelled; readonly outgoingBytes: number } => {
  const byListener: Record<string, number> = { tcp: 0 }
  let outgoingBytes = 0
  for (const client of core.clients) {
    if (client === undefined) continue
    const { listener } = client.connection.transport
    byListener[listener] = (byListener[listener] ?? 0) + 1
    outgoingBytes += client.connection.outbox.queuedBytes
  }
  return { byListener, outgoingBytes }
}

/** Remembers the answer until the code that asks first has returned to the event loop. */
const oncePerTurn = <A>(compute: () => A): (() => A) => {
  let known: A | undefined
  return () => {
    if (known === undefined) {
      known = compute()
      queueMicrotask(() => {
        known = undefined
      })
    }
    return known
  }
}
