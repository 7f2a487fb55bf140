/**
 * Brings back what the store found at the start: sessions with subscriptions, cursors, open exchanges under their packet
 * identifiers and QoS 2 identifiers received; shared subscriptions; deadlines and wills. Before any listener opens.
 *
 *   1 groups    2 sessions, offline    3 what was with members of groups    4 what waits, counted    5 time that passed
 *
 * Invariants
 * - Nothing here hands anything over. A will is published like any other message and waits in the log.
 * - [RST-2] What was handed over at QoS 2 is not handed over again, whether or not its exchange is over.
 * - [RST-3] Numbers of sessions are never given again.
 * - [RST-4] Deadlines are absolute: a session's expiry and its will's delay run from the moment its connection ended; of one that
 *   was connected when the process died that is now, and is saved at once, so that the next crash does not begin anew.
 * - [RST-9] Of the retained messages of one SUBSCRIBE those handed over at QoS 2 are known one by one; what lies between them
 *   may have been sent at QoS 1, of which nothing is known, and comes again.
 * - Where two records disagree because a crash cut between them, the message is handed over again at QoS 1, and at
 *   QoS 2 it is not.
 *
 * Elsewhere: groups (restore-groups.ts), counts (restore-waiting.ts), reading records (the store).
 */
import * as Effect from "effect/Effect"
import { withoutReplay } from "../router/replay-filter.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import { Session } from "../session/session.ts"
import { Subscription } from "../session/subscription.ts"
import type { Recovered, RecoveredSession, SavedExchange } from "../store/ports.ts"
import type { Core } from "./core.ts"
import { endSession, scheduleExpiry } from "./end-session.ts"
import { bringBackReplay, type ReplayInFlight } from "./replay.ts"
import { joinAgain, openAgain, restoreGroups, settleGroups } from "./restore-groups.ts"
import { restoreRetained } from "./restore-retained.ts"
import { countWaiting } from "./restore-waiting.ts"
import { saveSession } from "./save-session.ts"
import { settleLogReading } from "./session-mode.ts"
import { endOrphan, keepOrphan, publishPendingWill, scheduleWill } from "./wills.ts"

/** Sessions brought back before others have a turn: 5 ms. */
const SLICE_SESSIONS = 1000
const SHARE_PREFIX = "$share/"

export interface Restored {
  readonly sessions: number
  readonly subscriptions: number
  readonly groups: number
}

/** Once, after the log and the retained messages are there. */
export const restore = (core: Core): Effect.Effect<Restored> =>
  Effect.gen(function* () {
    const recovered = core.sessionStore.takeRecovered()
    core.beginSessionNumbers(recovered.nextSessionNumber) // [RST-3]
    core.tick()
    restoreGroups(core, recovered.groups)
    const sessions: Array<Session> = []
    const orphans: Array<Session> = []
    for (const each of lastOfEach(core, recovered)) {
      const session = beginSession(core, each)
      if (!session.persistent) orphans.push(session)
      else {
        restoreSession(core, session, each)
        sessions.push(session)
        if (sessions.length % SLICE_SESSIONS === 0) yield* Effect.yieldNow
      }
    }
    yield* restoreRetained(core, sessions)
    yield* settleGroups(core, sessions)
    yield* countWaiting(core, sessions)
    const subscriptions = sessions.reduce((sum, each) => sum + each.subscriptions.size + (each.shared?.size ?? 0), 0)
    letTimePass(core, sessions, orphans)
    return { sessions: sessions.length, subscriptions, groups: core.groups.size }
  })

/** A client has one session. An older one that a crash left beside it is over, and its will with it: the client came back. */
const lastOfEach = (core: Core, { sessions }: Recovered): Iterable<RecoveredSession> => {
  const last = new Map<string, RecoveredSession>()
  for (const each of sessions) {
    const { clientIdentifier, number } = each.session
    const before = last.get(clientIdentifier)
    const isNewer = before === undefined || before.session.number < number
    if (before !== undefined) core.sessionStore.endSession(isNewer ? before.session.number : number)
    if (isNewer) last.set(clientIdentifier, each)
  }
  return last.values()
}

const beginSession = (core: Core, { session: saved }: RecoveredSession): Session => {
  const session = new Session(saved.clientIdentifier, saved.number, core.limits.inFlightMax)
  session.isSaved = true
  session.epoch = saved.epoch
  session.expiryIntervalSeconds = saved.expiryIntervalSeconds
  session.username = saved.username
  session.will = saved.will
  session.disconnectedAtMs = saved.disconnectedAtMs
  return session
}

const restoreSession = (core: Core, session: Session, recovered: RecoveredSession): void => {
  const { cursor, handed, subscriptions } = recovered
  core.sessions.set(session.clientIdentifier, session)
  let oldest = Number.POSITIVE_INFINITY
  for (const [text, { intervals }] of subscriptions) {
    const [first] = intervals
    if (first === undefined) continue
    if (text.startsWith(SHARE_PREFIX)) {
      joinAgain(core, session, text, first)
      continue
    }
    const filter = withoutReplay(text)
    const subscription = new Subscription(session, core.router.acquire(filter), filter !== text)
    subscription.bringBack(intervals)
    const replay = cursor.replays?.find((each) => each.filter === text)
    if (replay !== undefined) bringBackReplay(session, subscription, text, replay, handed)
    session.subscriptions.set(text, subscription)
    oldest = Math.min(oldest, first.from)
  }
  settleLogReading(core, session)
  // What lies below every subscription is none of its business; a session that was never saved has no cursor at all.
  const position = Math.max(cursor.cursor, oldest, core.log.first)
  session.cursor = Math.min(position, core.delivered)
  session.savedCursor = session.cursor
  if (handed.size > 0) session.handed = new Set(handed) // [RST-2]
  for (const packetIdentifier of cursor.incoming) session.addIncoming(packetIdentifier) // [MQTT-4.3.3-10]
  openExchanges(core, session, cursor.open)
  if (recovered.isBehind) core.markDirty(session)
  for (const { after, below, filter } of cursor.retained) {
    const subscription = session.subscriptions.get(filter)
    // Those at QoS 0 ended with the connection.
    if (subscription?.active === true && subscription.qos > 0) {
      const handed = handedOver(cursor.open, filter)
      session.retainedCursors.push({ subscription, sequence: below, after, handed }) // [MQTT-3.3.1-9]
    }
  }
}

/** Retained messages that this filter has had at QoS 2, ahead of what is known of the rest. */
const handedOver = (saved: ReadonlyArray<SavedExchange>, filter: string): ReadonlySet<number> | undefined => {
  const handed = saved.filter((each) => each.kind === "retained" && each.filter === filter)
  return handed.length === 0 ? undefined : new Set(handed.map(({ sequence }) => sequence))
}

/** Each under its own identifier, in the order in which they were first sent. */
const openExchanges = (core: Core, session: Session, saved: ReadonlyArray<SavedExchange>): void => {
  const open = saved.filter((exchange) => {
    if (exchange.state === ExchangeState.free) return false
    return exchange.kind !== "shared" || openAgain(core, session, exchange)
  })
  session.window.reopen(open)
  for (const { filter, kind, packetIdentifier } of open) {
    if (kind === "replay") {
      const { identifiers, retainAsPublished = false } = session.subscriptions.get(filter) ?? {}
      session.replayInFlight ??= new Map()
      const held = { text: filter, identifiers, retainAsPublished } satisfies ReplayInFlight
      session.replayInFlight.set(packetIdentifier, held)
    }
    if (kind !== "retained") continue
    session.retainedInFlight ??= new Map()
    session.retainedInFlight.set(packetIdentifier, filter) // its message: restore-retained.ts
  }
}

/** What was due while the process was gone happens now, in the order in which it was due; the rest has its deadline. */
const letTimePass = (core: Core, sessions: ReadonlyArray<Session>, orphans: ReadonlyArray<Session>): void => {
  core.tick()
  const nowMs = Math.floor(core.nowMs)
  const due: Array<{ readonly atMs: number; readonly happen: () => void }> = []
  for (const session of [...sessions, ...orphans]) {
    const wasConnected = session.disconnectedAtMs === 0
    // A wall clock that was set back meanwhile makes nobody wait longer.
    session.disconnectedAtMs = wasConnected ? nowMs : Math.min(nowMs, session.disconnectedAtMs)
    const { disconnectedAtMs, expiryIntervalSeconds, persistent, will } = session
    const willAtMs = disconnectedAtMs + (will?.delaySeconds ?? 0) * 1000
    if (!persistent) {
      if (will === undefined || willAtMs <= nowMs) due.push({ atMs: willAtMs, happen: () => endOrphan(core, session) })
      else {
        if (wasConnected) saveSession(core, session)
        keepOrphan(core, session, willAtMs - nowMs)
      }
      continue
    }
    const endsAtMs = disconnectedAtMs + expiryIntervalSeconds * 1000
    if (endsAtMs <= nowMs) {
      due.push({ atMs: Math.min(willAtMs, endsAtMs), happen: () => endSession(core, session, "expired") })
      continue
    }
    scheduleExpiry(core, session, endsAtMs - nowMs)
    if (will !== undefined && willAtMs <= nowMs) {
      due.push({ atMs: willAtMs, happen: () => publishPendingWill(core, session) })
      continue
    }
    if (wasConnected) saveSession(core, session) // [RST-4]
    if (will !== undefined) scheduleWill(core, session, willAtMs - nowMs)
  }
  for (const { happen } of due.sort((a, b) => a.atMs - b.atMs)) happen()
}
