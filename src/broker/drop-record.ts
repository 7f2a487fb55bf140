/**
 * The ledger's row for a record of the log that a session's reader came to and that is not sent: whoever reads, live
 * queue or history, tells it in the same words.
 */
import type { DropReasonId } from "../metrics/drop-reasons.ts"
import type { Session } from "../session/session.ts"
import type { Core } from "./core.ts"

/** `topicId` is -1 where not even the topic is known any more. */
export const dropRecord = (
  core: Core,
  session: Session,
  reason: DropReasonId,
  topicId: number,
  sequence: number
): void => {
  const topic = topicId < 0 ? "" : core.log.topicName(topicId)
  core.ledger.add(reason, session.clientIdentifier, topic, 1, core.nowMs, sequence, sequence)
}
