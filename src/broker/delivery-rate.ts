/**
 * The rate at which one client is sent messages: whoever is above it waits (QoS 1 and 2, in the log) or loses the message
 * with a row in the ledger (QoS 0, deliver.ts). What was sent is taken from the bucket where it is written (emit.ts).
 *
 * A step of a reader may go a little below zero; the wait makes up for it. Shared subscriptions pass over a member that
 * has to wait, as over one without room.
 */
import { type Client, ClientState } from "./client.ts"
import type { Core, Expirable } from "./core.ts"
import { queuePump } from "./pump-queue.ts"
import type { RateBucket } from "./rate-bucket.ts"

/** What a client may be sent at once after it was sent nothing for a while. */
export const deliveryBurstMs = 1000

/** True when the client may be sent nothing now: what waits for it goes on when it may. */
export const mustWaitToDeliver = (core: Core, client: Client, throttle: RateBucket): boolean => {
  if (!throttle.isEmpty(core.loopMs)) return false
  if (throttle.isAwaited) return true
  throttle.isAwaited = true
  const waiter: Expirable = {
    onTimer() {
      throttle.isAwaited = false
      if (client.state === ClientState.connected) queuePump(core, client)
    }
  }
  core.wheel.schedule(waiter, core.loopMs + throttle.waitMs)
  return true
}
