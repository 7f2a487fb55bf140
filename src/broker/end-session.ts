/**
 * The end of a session: its subscriptions go, what waited for it is dropped with ledger rows, and a will
 * that was delayed is published now [MQTT-3.1.2-8].
 *
 * Invariant: called for offline sessions only; afterwards nothing refers to the session any more.
 */
import { assert } from "../base/assert.ts"
import { Counter } from "../metrics/counters.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import type { Session } from "../session/session.ts"
import type { Core } from "./core.ts"
import { letAllPublish } from "./hold-back.ts"
import { saveEnd, saveGroupLeft } from "./save-session.ts"
import { releaseFilter, stopReading, waitingMessages } from "./session-mode.ts"
import { endExchange } from "./share-exchange.ts"
import { leaveGroup, returnToGroups } from "./shared.ts"
import { cancelSessionTimers, timersOf } from "./timers.ts"
import { keepWithWill, publishWill } from "./wills.ts"

const reasonOf = {
  /** It did not outlive its connection. */
  ended: DropReason.inflightLost,
  expired: DropReason.sessionExpired,
  cleaned: DropReason.sessionCleaned,
  shutdown: DropReason.shutdown
} as const

export const endSession = (core: Core, session: Session, how: keyof typeof reasonOf): void => {
  assert(session.connection === undefined, "a session ends after its connection")
  if (session.shared !== undefined) returnToGroups(core, session, true)
  const waited = session.waiting?.clear(core.waitingPool) ?? 0
  letAllPublish(core, session)
  const lost = waited + waitingMessages(session) + session.window.inFlight
  if (lost > 0) {
    const until = Math.max(session.cursor, core.log.next - 1)
    core.ledger.add(reasonOf[how], session.clientIdentifier, "", lost, core.nowMs, session.cursor, until)
  }
  for (const subscription of session.subscriptions.values()) {
    stopReading(core, subscription)
    core.router.detach(subscription)
    releaseFilter(core, subscription)
  }
  session.subscriptions.clear()
  const groups = [...(session.shared?.values() ?? [])]
  for (const group of groups) leaveGroup(core, session, group, reasonOf[how])
  for (const id of session.sharedInFlight?.keys() ?? []) endExchange(core, session, id) // QoS 2 dies with it [MQTT-4.8.2-5]
  core.sessions.delete(session.clientIdentifier)
  if (how === "expired") {
    core.count[Counter.sessionsExpired] = (core.count[Counter.sessionsExpired] as number) + 1
    const words = `the session ended, ${lost} messages waited`
    core.clientEvents.add(session.clientIdentifier, "expired", core.nowMs, undefined, undefined, words)
  }
  const { will } = session
  cancelSessionTimers(core, session)
  if (will !== undefined) keepWithWill(core, session, will)
  saveEnd(core, session)
  if (will !== undefined) publishWill(core, session, will)
  for (const group of groups) saveGroupLeft(core, group)
}

/** The session is offline: it ends when its expiry interval, or what is left of it, has run out [MQTT-4.1.0-2]. */
export const scheduleExpiry = (core: Core, session: Session, leftMs: number): void => {
  const onTimer = () => {
    timersOf(session).expiry = undefined
    endSession(core, session, "expired")
  }
  timersOf(session).expiry = core.wheel.schedule({ onTimer }, core.loopMs + leftMs)
}
