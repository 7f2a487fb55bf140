/**
 * What a message that the log did not take costs, by the log's own word for it. One table: the row in the drop ledger.
 * The publisher is told 0x97 in every case; MQTT 3.x has no way to be told, so its connection ends (publish.ts).
 */
import type { Fault } from "../codec/fault.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import type { AppendRefusal } from "../store/ports.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { quotaExceeded } from "./faults.ts"

export const dropReasonOf: Record<AppendRefusal, DropReasonId> = {
  "too-large": DropReason.logRecordTooLarge,
  "topic-quota": DropReason.topicQuota,
  memory: DropReason.logMemory,
  "disk-full": DropReason.diskFull,
  busy: DropReason.logBusy,
  closed: DropReason.logClosed
}

/** A topic longer than that is told without its name. */
const TOPIC_BYTES_MAX = 1024

/** A PUBLISH that ends its connection. What found no room was booked where that was found. */
export const bookFaulty = (core: Core, client: Client, view: PublishView, fault: Fault, frames: number): void => {
  if (fault === quotaExceeded) return
  const { buffer, topicEnd, topicStart } = view
  const topic = topicEnd - topicStart > TOPIC_BYTES_MAX ? "" : buffer.toString("utf8", topicStart, topicEnd)
  core.ledger.add(DropReason.publishFault, client.session?.clientIdentifier ?? "", topic, frames, core.nowMs)
}
