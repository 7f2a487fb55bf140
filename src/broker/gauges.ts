/**
 * What rises and falls, read from its owner when somebody asks: nobody counts twice, so no gauge can drift or
 * turn negative.
 */
import type { Core } from "./core.ts"

export const describeCore = (core: Core): void => {
  const { counters, log, retained, router, sessions } = core
  const sum = (of: (session: typeof sessions extends Map<string, infer S> ? S : never) => number) => () => {
    let total = 0
    for (const session of sessions.values()) total += of(session)
    return total
  }
  counters.gauge("connections", () => core.connections)
  counters.gauge("sessions", () => sessions.size)
  counters.gauge(
    "subscriptions",
    sum((session) => session.subscriptions.size + (session.shared?.size ?? 0))
  )
  counters.gauge(
    "inflightMessages",
    sum((session) => session.window.inFlight)
  )
  counters.gauge("filters", () => router.statistics().filters)
  counters.gauge("topics", () => log.statistics().topics)
  counters.gauge("retainedMessages", () => retained.count)
  counters.gauge("retainedBytes", () => retained.bytes)
  counters.gauge("logRecords", () => log.statistics().records)
  counters.gauge("logBytes", () => log.statistics().bytes)
  counters.gauge("outgoingBytes", () => {
    let total = 0
    for (const client of core.clients) total += client?.connection.outbox.queuedBytes ?? 0
    return total
  })
}
