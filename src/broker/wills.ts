/**
 * Will messages: published when a connection ends without DISCONNECT 0x00, after their delay or at the end
 * of the session, whichever comes first, and at most once [MQTT-3.1.2-8] [MQTT-3.1.2-10].
 *
 * `session.will` holds a will that waits for its delay; a return of the client within it cancels the will
 * [MQTT-3.1.3-9] (timers.ts, cancelSessionTimers).
 */
import { buildPublish } from "../codec/build-publish.ts"
import type { Will } from "../codec/codec.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { Counter } from "../metrics/counters.ts"
import type { Session } from "../session/session.ts"
import type { Core } from "./core.ts"
import { route } from "./publish.ts"
import { timersOf } from "./timers.ts"

const view = new PublishView()

/** The connection ended so that the will counts: now, or after its delay if the session lives that long. */
export const willAfter = (core: Core, session: Session, will: Will): void => {
  const delaySeconds = will.properties.willDelayInterval ?? 0
  if (delaySeconds === 0 || !session.persistent) {
    publishWill(core, session, will)
    return
  }
  session.will = will
  // At the end of the session it is published in any case (end-session.ts).
  if (delaySeconds >= session.expiryIntervalSeconds) return
  const onTimer = () => {
    timersOf(session).will = undefined
    publishPendingWill(core, session)
  }
  timersOf(session).will = core.wheel.schedule({ onTimer }, core.loopMs + delaySeconds * 1000)
}

export const publishPendingWill = (core: Core, session: Session): void => {
  const { will } = session
  session.will = undefined
  if (will !== undefined) publishWill(core, session, will)
}

const publishWill = (core: Core, session: Session, will: Will): void => {
  const version = will.isVersion5 ? 5 : 4
  const frame = buildPublish(version, will.topic, will.payload, will.qos, will.retain, will.publishProperties)
  viewTrusted(view, frame, 0, frame.length, will.isVersion5)
  const entry = core.router.intern(view.buffer, view.topicStart, view.topicEnd)
  core.count[Counter.willsPublished] = (core.count[Counter.willsPublished] as number) + 1
  route(core, view, entry, session.number, 1) // [MQTT-3.1.2-7] [MQTT-3.1.2-14] [MQTT-3.1.2-15]
}
