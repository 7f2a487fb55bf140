/**
 * The handles of what waits in the timer wheel: a connection's one timer, an offline session's expiry and
 * will delay. Only handles and their end; what fires lives with its verb (keep-alive.ts, end-session.ts,
 * wills.ts).
 *
 * Deadlines are monotonic: a wall clock that jumps ends nothing.
 */
import type { TimerHandle } from "../base/wheel.ts"
import type { Session } from "../session/session.ts"
import type { Client } from "./client.ts"
import type { Core, Expirable } from "./core.ts"

type Handle = TimerHandle<Expirable>

export interface SessionTimers {
  expiry: Handle | undefined
  will: Handle | undefined
}

export const timersOf = (session: Session): SessionTimers => {
  session.timers ??= { expiry: undefined, will: undefined }
  return session.timers as SessionTimers
}

/** The session is back, or gone: nothing of it fires any more, a delayed will is forgotten [MQTT-3.1.3-9]. */
export const cancelSessionTimers = (core: Core, session: Session): void => {
  const timers = session.timers as SessionTimers | undefined
  session.will = undefined
  if (timers === undefined) return
  if (timers.expiry !== undefined) core.wheel.cancel(timers.expiry)
  if (timers.will !== undefined) core.wheel.cancel(timers.will)
  session.timers = undefined
}

export const unwatch = (core: Core, client: Client): void => {
  if (client.timer !== undefined) core.wheel.cancel(client.timer as Handle)
  client.timer = undefined
  if (client.identityTimer !== undefined) core.wheel.cancel(client.identityTimer as Handle)
  client.identityTimer = undefined
}
