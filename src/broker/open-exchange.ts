/**
 * The beginning of every QoS 1 or 2 delivery, whoever hands over: a place in the session's window and, where the
 * session outlives the process, the record of it.
 *
 *   QoS 1   the session's cursor is saved later: after a crash the message may come once more
 *   QoS 2   Q2OUT now, and what follows towards this client waits until it is kept: it is sent once
 *
 * Invariants
 * - Q2OUT comes after the record of its message, so keeping the one keeps the other.
 * - The store's -1 opens nothing and sends nothing: the message stays where it is and is tried again.
 *
 * Elsewhere: the steps that follow (acknowledge.ts), what the session's cursor is saved as (save-cursors.ts).
 */
import { ExchangeState } from "../session/outgoing-window.ts"
import type { Session } from "../session/session.ts"
import type { SavedExchange } from "../store/ports.ts"
import type { Client } from "./client.ts"
import type { Core, Expirable } from "./core.ts"
import { holdUntilKept } from "./holds.ts"
import { queueGroup, queuePump } from "./pump-queue.ts"

/** How long whoever the store refused waits before it tries again. */
const RETRY_MS = 100

/** Registers of the step being saved; the store keeps none of them. */
class Step implements SavedExchange {
  packetIdentifier = 0
  state: number = ExchangeState.free
  sequence = -1
  kind: SavedExchange["kind"] = "ordinary"
  filter = ""
}
const step = new Step()

/**
 * Answers the packet identifier, or -1 when the store takes nothing now. The window has room, `qos` is 1 or 2. `filter` as in
 * SavedExchange.
 */
export const openExchange = (
  core: Core,
  client: Client,
  session: Session,
  qos: number,
  sequence: number,
  kind: SavedExchange["kind"] = "ordinary",
  filter = ""
): number => {
  const state = qos === 1 ? ExchangeState.awaitPuback : ExchangeState.awaitPubrec
  const packetIdentifier = session.window.open(state, sequence)
  if (!core.isDurable || !session.persistent) return packetIdentifier
  if (qos === 2) {
    step.packetIdentifier = packetIdentifier
    step.state = state
    step.sequence = sequence
    step.kind = kind
    step.filter = filter
    const ticket = core.sessionStore.sent(session.number, step)
    if (ticket < 0) {
      session.window.close(packetIdentifier)
      return -1 // [KEEP-3]
    }
    holdUntilKept(core, client, ticket) // [KEEP-2] [MQTT-4.3.3-3]
  }
  core.markDirty(session)
  return packetIdentifier
}

/** Calls the client's pump once the store may take something again. */
export const awaitStore = (core: Core, client: Client): void => {
  core.storeWaiters.add(client)
  scheduleRetry(core)
}

const scheduleRetry = (core: Core): void => {
  if (core.isRetryScheduled) return
  core.isRetryScheduled = true
  core.wheel.schedule(retry(core), core.loopMs + RETRY_MS)
}

const retry = (core: Core): Expirable => ({
  onTimer() {
    core.isRetryScheduled = false
    for (const client of core.storeWaiters) {
      queuePump(core, client)
      for (const group of client.session?.shared?.values() ?? []) queueGroup(core, group)
    }
    core.storeWaiters.clear()
  }
})
