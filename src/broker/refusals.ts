/**
 * What a message that the log did not take costs, by the log's own word for it. One table: the row in the drop ledger.
 * The publisher is told 0x97 in every case; MQTT 3.x has no way to be told, so its connection ends (publish.ts).
 */
import { DropReason, type DropReasonId } from "../metrics/drop-reasons.ts"
import type { AppendRefusal } from "../store/ports.ts"

export const dropReasonOf: Record<AppendRefusal, DropReasonId> = {
  "too-large": DropReason.logRecordTooLarge,
  "topic-quota": DropReason.topicQuota,
  memory: DropReason.logMemory,
  "disk-full": DropReason.diskFull,
  busy: DropReason.logBusy,
  closed: DropReason.logClosed
}
