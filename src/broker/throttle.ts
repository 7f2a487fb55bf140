/**
 * How fast one client may publish, and be published to: a bucket of messages and one of bytes (rate-bucket.ts). A client without a
 * limit has no throttle at all, so the price of the feature is one comparison with undefined.
 *
 *   publish     the bucket is empty: the connection is not read from until it holds something again, so TCP slows
 *               the client down; or, by limits.on-publish-rate, DISCONNECT 0x96
 *   delivery    the bucket is empty: QoS 0 is dropped with a row in the ledger, QoS 1 and 2 wait in the log
 *
 * Invariants
 * - A bucket may go below zero by what was under way (one run of small frames, one step of a reader); the wait makes
 *   up for it, so the rate over time is the one that is set.
 * - Time in which we do not read counts against nobody's keep-alive (keep-alive.ts), and what waited is read first.
 * - Buckets end with the connection, and a new one begins full: how often a client may connect is flapping's business.
 */
import { ReasonCode } from "../codec/reason-codes.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core, Expirable } from "./core.ts"
import { deliveryBurstMs } from "./delivery-rate.ts"
import { closeClient } from "./disconnect.ts"
import { queuePump } from "./pump-queue.ts"
import { RateBucket } from "./rate-bucket.ts"
import { settleQuota } from "./user-quotas.ts"

/** Gives the client the throttles that the settings ask for: at CONNECT, and when they change. */
export const settleThrottles = (core: Core, client: Client): void => {
  const { deliveryRate, publishBurstMs, publishRate, publishRateBytes } = core.limits
  const { publishing } = client
  client.publishing =
    publishRate === 0 && publishRateBytes === 0
      ? undefined
      : new RateBucket(publishRate, publishRateBytes, publishBurstMs, core.loopMs)
  client.delivering = deliveryRate === 0 ? undefined : new RateBucket(deliveryRate, 0, deliveryBurstMs, core.loopMs)
  settleQuota(core, client)
  // Whoever waited for the old buckets goes on with the new ones.
  if (publishing?.isAwaited === true) letRead(client, publishing)
  if (client.state === ClientState.connected) queuePump(core, client)
}

/** Only from within receive(), before a PUBLISH: true when it has to wait, or has ended its connection. */
export const mustWaitToPublish = (core: Core, client: Client, throttle: RateBucket): boolean => {
  if (!throttle.isEmpty(core.loopMs)) return false
  if (core.limits.onPublishRate === "disconnect") {
    const why = "more messages or bytes per second than limits.publish-rate"
    closeClient(core, client, "protocol-error", ReasonCode.messageRateTooHigh, why)
    return true
  }
  client.connection.stop()
  throttle.isAwaited = true
  const waiter: Expirable = { onTimer: () => letRead(client, throttle) }
  core.wheel.schedule(waiter, core.loopMs + throttle.waitMs)
  return true
}

const letRead = (client: Client, throttle: RateBucket): void => {
  if (!throttle.isAwaited) return
  throttle.isAwaited = false
  if (client.state === ClientState.closed) return
  client.connection.go()
}
