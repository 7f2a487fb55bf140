/**
 * What runs beside the admin API while it is open: a snapshot a second, its row in the history, and the events that go out
 * with it. One of each, whoever looks.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { BrokerEvent } from "../broker/core.ts"
import { supervise } from "../broker/supervise.ts"
import type { KeptEntry } from "../telemetry/log-ring.ts"
import type { Overview } from "./api/system.ts"
import { EventStreams, type LiveEvent } from "./event-streams.ts"
import type { AdminSources } from "./sources.ts"
import { HistoryRing } from "./views/history.ts"
import { OverviewMeter } from "./views/overview.ts"
import { timeText } from "./views/page.ts"

const SNAPSHOT_MS = 1000

export interface Watch {
  readonly latest: () => Overview
  readonly history: HistoryRing
  readonly streams: EventStreams
}

export const openWatch = Effect.fnUntraced(function* (
  sources: AdminSources
): Effect.fn.Return<Watch, never, Scope.Scope> {
  const { core, logs, settings } = sources
  const meter = new OverviewMeter(sources)
  const history = new HistoryRing()
  const streams = new EventStreams(() => settings.current().admin.maxEventStreams)
  let latest = meter.take()
  const snapshot = Effect.sync(() => {
    latest = meter.take()
    history.add(latest, Date.parse(latest.at))
    streams.snapshot(latest)
  })
  /** What the broker reports comes twice when it is a warning: as an event, and in the log. */
  let reported: string | undefined
  const onEvent = (event: BrokerEvent): void => {
    reported = event.what
    if (streams.size > 0) streams.event(liveEvent(event, core.nowMs))
  }
  const isWarning = ({ level }: KeptEntry): boolean => level === "warn" || level === "error" || level === "fatal"
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      core.eventWatchers.add(onEvent)
      logs.onEntry = (entry) => {
        const isTold = entry.message === reported
        reported = undefined
        if (!isTold && isWarning(entry))
          streams.event({ at: timeText(entry.atMs), what: entry.message, detail: entry.level })
      }
    }),
    () =>
      Effect.sync(() => {
        core.eventWatchers.delete(onEvent)
        logs.onEntry = undefined
        streams.close()
      })
  )
  yield* supervise("the snapshots of the admin API", Effect.repeat(snapshot, Schedule.spaced(SNAPSHOT_MS)))
  return { latest: () => latest, history, streams }
})

const liveEvent = ({ clientIdentifier, listener, peer, what, why }: BrokerEvent, nowMs: number): LiveEvent => ({
  at: timeText(nowMs),
  what,
  ...(clientIdentifier === undefined ? {} : { clientIdentifier }),
  detail: [why, peer, listener].filter((part) => part !== undefined).join(", ")
})
