/**
 * What a message that the log did not take costs, by the log's own word for it. One table: the row in the drop ledger.
 * The publisher is told 0x97 in every case; MQTT 3.x has no way to be told, so its connection ends (publish.ts).
 */
import { Fault } from "../codec/fault.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import type { AppendRefusal } from "../store/ports.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { notUnsubscribed, quotaExceeded, storeRefuses, userQuotaExceeded } from "./faults.ts"

export const dropReasonOf: Record<AppendRefusal, DropReasonId> = {
  "too-large": DropReason.logRecordTooLarge,
  "topic-quota": DropReason.topicQuota,
  memory: DropReason.logMemory,
  "disk-full": DropReason.diskFull,
  busy: DropReason.logBusy,
  closed: DropReason.logClosed
}

const unkept = (why: string): Fault => new Fault(ReasonCode.quotaExceeded, why)

/** 3.x only: it has no negative acknowledgement, and acknowledging would be a lie. */
const faults: ReadonlyMap<DropReasonId, Fault> = new Map([
  [DropReason.quotaExceeded, quotaExceeded],
  [DropReason.logRecordTooLarge, unkept("the message is larger than a record of the log may be")],
  [DropReason.topicQuota, unkept("the topic has reached its quota")],
  [DropReason.logMemory, unkept("the memory for the log's index is used up")],
  [DropReason.diskFull, unkept("the disk is nearly full, no new messages are taken")],
  [DropReason.logBusy, unkept("more waits to be written than the disk keeps up with")],
  [DropReason.logClosed, unkept("the log is closing or has failed")]
])
const unkeptFaults: ReadonlySet<Fault> = new Set([...faults.values(), userQuotaExceeded])

/** What ends the connection of a 3.x publisher whose message was refused for that reason. */
export const faultOf = (reason: DropReasonId): Fault => faults.get(reason) ?? quotaExceeded

/** The message's own row in the ledger tells of it. */
const isUnkept = (fault: Fault): boolean => unkeptFaults.has(fault)

/** The client did nothing wrong: the broker cannot keep what it sends. */
export const isOurs = (fault: Fault): boolean => isUnkept(fault) || fault === storeRefuses || fault === notUnsubscribed

/** A topic longer than that is told without its name. */
const TOPIC_BYTES_MAX = 1024

/** A PUBLISH that ends its connection. What found no room was booked where that was found. */
export const bookFaulty = (core: Core, client: Client, view: PublishView, fault: Fault, frames: number): void => {
  if (isUnkept(fault)) return
  const { buffer, topicEnd, topicStart } = view
  const topic = topicEnd - topicStart > TOPIC_BYTES_MAX ? "" : buffer.toString("utf8", topicStart, topicEnd)
  core.ledger.add(DropReason.publishFault, client.session?.clientIdentifier ?? "", topic, frames, core.nowMs)
}
