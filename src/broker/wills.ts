/**
 * Will messages: published when a connection ends without DISCONNECT 0x00, after their delay or at the end
 * of the session, whichever comes first, and at most once [MQTT-3.1.2-8] [MQTT-3.1.2-10].
 *
 * `session.will` holds a will that waits for its delay; a return of the client within it cancels the will
 * [MQTT-3.1.3-9] (timers.ts, cancelSessionTimers).
 *
 * Invariants
 * - A will is saved with its session from CONNECT on, also that of a session that ends with its connection. [RST-7] The
 *   record that clears it and the will's message are kept together: a crash publishes it once.
 * - A session that ended in a crash has nothing left but its will: that waits here, under the client's name, and a
 *   return of the client cancels it like any other.
 */
import * as Effect from "effect/Effect"
import { type AccessDecisions, type Identity, Verdict } from "../access/access.ts"
import { buildPublish } from "../codec/build-publish.ts"
import type { Will } from "../codec/codec.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { Counter } from "../metrics/counters.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import type { Session, SessionWill } from "../session/session.ts"
import type { Core } from "./core.ts"
import { orDeny } from "./or-deny.ts"
import { isUnrestricted, rightsOf } from "./permissions.ts"
import { route } from "./publish.ts"
import { saveEnd, saveSession, sessionBytesMax } from "./save-session.ts"
import { cancelSessionTimers, timersOf } from "./timers.ts"
import { quotaOf, takeQuota } from "./user-quotas.ts"

const view = new PublishView()

export const willOf = ({
  isVersion5,
  payload,
  properties,
  publishProperties,
  qos,
  retain,
  topic
}: Will): SessionWill => {
  const frame = buildPublish(isVersion5 ? 5 : 4, topic, payload, qos, retain, publishProperties)
  return { topic, isVersion5, frame, delaySeconds: properties.willDelayInterval ?? 0 }
}

/** The connection ended so that `session.will` counts: now, or after its delay if the session lives that long. Saves the session. */
export const decideWill = (core: Core, session: Session): void => {
  const { will } = session
  if (will?.delaySeconds === 0) {
    publishPendingWill(core, session)
    return
  }
  saveSession(core, session)
  if (will !== undefined) scheduleWill(core, session, will.delaySeconds * 1000)
}

/** At the end of the session it is published in any case (end-session.ts). */
export const scheduleWill = (core: Core, session: Session, delayMs: number): void => {
  if ((session.will as SessionWill).delaySeconds >= session.expiryIntervalSeconds) return
  const onTimer = () => {
    timersOf(session).will = undefined
    publishPendingWill(core, session)
  }
  timersOf(session).will = core.wheel.schedule({ onTimer }, core.loopMs + delayMs)
}

export const publishPendingWill = (core: Core, session: Session): void => {
  const { will } = session
  session.will = undefined
  if (will === undefined) return
  keepWithWill(core, session, will)
  saveSession(core, session)
  publishWill(core, session, will)
}

/** The record that clears the will, which comes next, and its message live or die together. */
export const keepWithWill = (core: Core, session: Session, will: SessionWill): void => {
  if (core.isDurable) core.log.together(sessionBytesMax(session) + will.frame.length) // [RST-7]
}

/** [ACL-2] Judged again: rights may have been taken away since CONNECT (security.md, row 22). */
export const publishWill = (core: Core, session: Session, will: SessionWill): void => {
  const { access, identity } = rightsOf(core, session)
  if (isUnrestricted(access, identity)) {
    routeWill(core, session, will)
    return
  }
  const decide = (isAllowed: boolean): void => {
    if (isAllowed) routeWill(core, session, will)
    else core.ledger.add(DropReason.notAuthorized, session.clientIdentifier, will.topic, 1, core.nowMs)
  }
  viewTrusted(view, will.frame, 0, will.frame.length, will.isVersion5)
  const { qos, retain } = view
  const verdict = access.publishVerdict(identity, will.topic, qos, retain, true)
  if (verdict !== Verdict.ask) {
    decide(verdict === Verdict.allow)
    return
  }
  const decision = access.decidePublish(identity, will.topic, qos, retain, true)
  core.options.run(
    Effect.map(orDeny(core, session, decision), (isAllowed) => {
      core.tick()
      decide(isAllowed)
    })
  )
}

/** [ACL-2] Asked at CONNECT, once it is known who the client is. */
export const mayLeaveWill = (
  core: Core,
  access: AccessDecisions,
  identity: Identity,
  will: Will | undefined
): Effect.Effect<boolean> => {
  if (will === undefined || isUnrestricted(access, identity)) return Effect.succeed(true)
  const { qos, retain, topic } = will
  const verdict = access.publishVerdict(identity, topic, qos, retain, true)
  if (verdict !== Verdict.ask) return Effect.succeed(verdict === Verdict.allow)
  return orDeny(core, identity, access.decidePublish(identity, topic, qos, retain, true))
}

const routeWill = (core: Core, session: Session, will: SessionWill): void => {
  const { frame, isVersion5 } = will
  viewTrusted(view, frame, 0, frame.length, isVersion5)
  const entry = core.router.intern(view.buffer, view.topicStart, view.topicEnd)
  const quota = quotaOf(core, session.username)
  if (quota !== undefined && !takeQuota(core, quota, session.clientIdentifier, 1, frame.length)) {
    core.ledger.add(DropReason.userQuota, session.clientIdentifier, will.topic, 1, core.nowMs) // [LIM-10]
    return
  }
  core.count[Counter.willsPublished] = (core.count[Counter.willsPublished] as number) + 1
  if (view.retain) {
    core.publishers.note(session.number, session.clientIdentifier, session.username)
    core.source = rightsOf(core, session).identity
  }
  core.watch?.from(session.clientIdentifier, undefined)
  route(core, view, entry, session.number, 1) // [MQTT-3.1.2-7] [MQTT-3.1.2-14] [MQTT-3.1.2-15]
  core.source = undefined
}

/** Sessions of which a crash left the will alone, by client. */
const orphansOf = new WeakMap<Core, Map<string, Session>>()

/** The session is in no table: its client would find nothing of it. Published when `delayMs` have passed. */
export const keepOrphan = (core: Core, session: Session, delayMs: number): void => {
  const orphans = orphansOf.get(core) ?? new Map<string, Session>()
  orphansOf.set(core, orphans)
  orphans.set(session.clientIdentifier, session)
  const onTimer = () => {
    orphans.delete(session.clientIdentifier)
    endOrphan(core, session)
  }
  timersOf(session).will = core.wheel.schedule({ onTimer }, core.loopMs + delayMs)
}

export const endOrphan = (core: Core, session: Session): void => {
  const { will } = session
  session.will = undefined
  if (will !== undefined) keepWithWill(core, session, will)
  saveEnd(core, session)
  if (will !== undefined) publishWill(core, session, will)
}

/** The session of which a crash left the will alone. */
export const orphanOf = (core: Core, clientIdentifier: string): Session | undefined =>
  orphansOf.get(core)?.get(clientIdentifier)

/** The client is back: its will is not published any more [MQTT-3.1.3-9]. */
export const forgetOrphan = (core: Core, clientIdentifier: string): void => {
  const orphans = orphansOf.get(core)
  const session = orphans?.get(clientIdentifier)
  if (session === undefined) return
  orphans?.delete(clientIdentifier)
  if (session.will !== undefined)
    core.count[Counter.willsCancelled] = (core.count[Counter.willsCancelled] as number) + 1
  cancelSessionTimers(core, session)
  saveEnd(core, session)
}
