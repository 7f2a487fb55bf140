/**
 * What all clients of a load run count together, and the moments at which the counts are looked at.
 *
 * Invariant: `delivered` counts PUBLISH packets that reached a subscriber; what went missing, came again or came out of
 * order is told from the sequence number of each publisher (packets.ts), where publisher and subscriber are of this run.
 *
 *   BENCH-1  a message that had to wait for the broker counts from when it was due (pace.ts)
 *   BENCH-2  a message that comes again or out of order does not stand in for one that is missing (load-subscriber.ts)
 */
import { Latency } from "./latency.ts"

export class Tally {
  published = 0
  acknowledged = 0
  delivered = 0
  /** Not ours: without the stamp. */
  foreign = 0
  /** Refused by a reason code of MQTT 5. */
  refused = 0
  refusedReason = 0
  /** With a lower sequence number than one before it. */
  repeated = 0
  /** Connections that ended before the run did. */
  lostConnections = 0
  /** A PUBLISH until its acknowledgement. */
  readonly acknowledgement = new Latency()
  /** A PUBLISH until its delivery. */
  readonly delivery = new Latency()
  /** Latencies count from here on: messages sent earlier are warm-up. */
  measuredFromUs = Number.POSITIVE_INFINITY
  measuredUntilUs = Number.POSITIVE_INFINITY

  isMeasured(sentUs: number): boolean {
    return sentUs >= this.measuredFromUs && sentUs < this.measuredUntilUs
  }
}
