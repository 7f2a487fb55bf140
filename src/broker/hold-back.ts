/**
 * A publisher whose message waits in memory for every one of its receivers is not read from until the one of them with
 * the shortest queue has taken some: otherwise it is faster than they are (its window is usually larger than theirs), the
 * backlog grows and goes through the log, and nobody gets anything sooner.
 *
 *   messages   0 ........ a quarter of it ...... hold-back-windows ....... limits.max-waiting-bytes
 *              reading goes on below            reading stops            the session falls back to the log
 *
 * Invariants
 * - [HOLD-1] A receiver that is quick, or reads the log, is never held up by a slow one: a publisher waits only where
 *   all of its message's receivers do.
 * - [HOLD-2] Nobody waits longer than limits.max-hold-back at a time: a receiver that takes longer holds nobody back
 *   until it has taken everything. One that is slow, or hangs, costs its publishers that long, once.
 * - A publisher that has deliveries of its own to acknowledge is read from: two that publish to each other do not wait
 *   for each other.
 * - Time in which we do not read counts against nobody's keep-alive.
 * - Nothing is read within the receiver's own chunk: that happens in the next turn of the loop.
 */
import type { Session } from "../session/session.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core, Expirable } from "./core.ts"

/** Looks, not time: a broker that did not get to run has not seen its receivers idle. */
const LOOK_MS = 100
/** Of limits.hold-back-windows: reading goes on there. */
const GO_SHARE = 0.25
/** Small windows are no measure: a publisher's chunk holds more. */
const WINDOW_MIN = 16

interface Held {
  readonly clients: Array<Client>
  /** How often they were seen waiting. */
  looks: number
}

/** Publishers that are not read from, by the session they wait for. */
export class HeldBack {
  readonly by = new Map<Session, Held>()
  /** To be read from in the next turn. */
  readonly going: Array<Client> = []
  isWatched = false
}

/** Whether the publisher of a message that all wait for should wait too. */
export const isCrowded = (core: Core, session: Session): boolean => {
  const { waiting } = session
  if (waiting === undefined || waiting.isSlow) return false
  const { holdBackWindows } = core.limits
  if (holdBackWindows === 0) return false
  const messages = holdBackWindows * Math.max(WINDOW_MIN, session.window.limit)
  return waiting.count >= messages || waiting.bytes * 2 >= core.limits.waitingBytesMax
}

/** `receiver` is one of those that the client's message waits for. Only from within receive(). */
export const holdBack = (core: Core, client: Client, receiver: Session): void => {
  const own = client.session
  if (client.state !== ClientState.connected || client.connection.stopped || own === undefined) return
  if (own.window.inFlight > 0) return
  client.connection.stop()
  const { heldBack } = core
  const held = heldBack.by.get(receiver)
  if (held === undefined) heldBack.by.set(receiver, { clients: [client], looks: 0 })
  else held.clients.push(client)
  watch(core)
}

/** The session has taken something, or will take nothing more: those who wait for it go on when that is enough. */
export const letPublish = (core: Core, session: Session): void => {
  const { waiting } = session
  if (waiting !== undefined && waiting.count > goesOnAt(core, session)) return
  letAllPublish(core, session)
}

const goesOnAt = ({ limits }: Core, { window }: Session): number =>
  limits.holdBackWindows * GO_SHARE * Math.max(WINDOW_MIN, window.limit)

export const letAllPublish = (core: Core, session: Session): void => {
  const { heldBack } = core
  const held = heldBack.by.get(session)
  if (held === undefined) return
  heldBack.by.delete(session)
  if (heldBack.going.length === 0) core.options.defer(() => goOn(core))
  heldBack.going.push(...held.clients)
}

const goOn = (core: Core): void => {
  core.tick()
  for (const client of core.heldBack.going.splice(0)) {
    client.lastReceivedMs = core.loopMs // [MQTT-3.1.2-22]
    client.connection.go()
  }
}

const watch = (core: Core): void => {
  const { heldBack } = core
  if (heldBack.isWatched) return
  heldBack.isWatched = true
  const watcher: Expirable = {
    onTimer() {
      const looksMax = core.limits.holdBackMsMax / LOOK_MS
      for (const [session, held] of [...heldBack.by]) {
        held.looks += 1
        if (held.looks < looksMax) continue
        if (session.waiting !== undefined) session.waiting.isSlow = true // [HOLD-2]
        letAllPublish(core, session)
      }
      heldBack.isWatched = heldBack.by.size > 0
      if (heldBack.isWatched) core.wheel.schedule(watcher, core.loopMs + LOOK_MS)
    }
  }
  core.wheel.schedule(watcher, core.loopMs + LOOK_MS)
}
