/**
 * The closed list of reasons why a message was not delivered. One table; the ledger, the metric label,
 * the admin API and the manual are derived from it. Nothing is ever dropped without one of these.
 *
 *   id        dense index into the ledger's totals; never reused, only appended to
 *   name      kebab-case: metric label `reason`, API, log
 *   meaning   one sentence: what happened to the message
 *   change    one sentence: what to change so that it does not happen, with the setting's key if there is one
 *
 * Not here, because nothing is lost by it: a will that is cancelled by a normal DISCONNECT [MQTT-3.14.4-3]
 * or by a reconnect within its delay, a duplicate QoS 2 PUBLISH, No Local.
 */
interface DropReasonFacts {
  readonly id: number
  readonly name: string
  readonly meaning: string
  readonly change: string
}

const table = {
  outgoingBufferFull: {
    id: 0,
    name: "outgoing-buffer-full",
    meaning: "A QoS 0 message for a subscriber that reads slower than its messages arrive.",
    change: "Read faster, subscribe to less or at QoS 1, or raise server.max-outgoing-bytes."
  },
  overtaken: {
    id: 1,
    name: "overtaken",
    meaning: "The log's oldest end passed a session's reading position or one of its unacknowledged messages.",
    change: "Raise storage.memory-buffer, or let the session read and acknowledge faster."
  },
  sessionExpired: {
    id: 2,
    name: "session-expired",
    meaning: "The session's expiry interval ran out while messages waited for it.",
    change: "Let the client ask for a longer Session Expiry Interval, or raise mqtt.max-session-expiry."
  },
  sessionCleaned: {
    id: 3,
    name: "session-cleaned",
    meaning: "The client connected again with Clean Start, which ends the old session with what waited for it.",
    change: "Connect with Clean Start 0 to keep the session."
  },
  unsubscribedBacklog: {
    id: 4,
    name: "unsubscribed-backlog",
    meaning: "The client unsubscribed while messages of that subscription still waited for it.",
    change: "Nothing: the client asked for it. Drain the subscription before UNSUBSCRIBE to get the rest."
  },
  messageExpired: {
    id: 5,
    name: "message-expired",
    meaning: "The message's expiry interval ran out before it was sent to this subscriber.",
    change: "Let the publisher set a longer Message Expiry Interval, or the subscriber read faster."
  },
  packetTooLarge: {
    id: 6,
    name: "packet-too-large",
    meaning: "The message is larger than the Maximum Packet Size the receiver announced.",
    change: "Let the receiver announce a larger Maximum Packet Size in CONNECT."
  },
  quotaExceeded: {
    id: 7,
    name: "quota-exceeded",
    meaning: "A publish was refused because every session it matched is at its limit (reason code 0x97).",
    change: "Raise storage.memory-buffer, or let the subscribers catch up."
  },
  noSubscriber: {
    id: 8,
    name: "no-subscriber",
    meaning: "A QoS 1 or 2 publish matched no subscription (reason code 0x10 tells a 5.0 publisher); for information.",
    change: "Nothing is wrong in the broker: compare the topic with the subscribers' filters."
  },
  notAuthorized: {
    id: 9,
    name: "not-authorized",
    meaning: "The rules forbid the publisher to write the topic, or the subscriber to read it.",
    change: "Add a rule that allows it."
  },
  inflightLost: {
    id: 10,
    name: "inflight-lost",
    meaning: "The connection of a session without expiry ended before the message was acknowledged.",
    change: "Let the client ask for a Session Expiry Interval above 0 (3.1.1: Clean Session 0)."
  },
  logRecordTooLarge: {
    id: 11,
    name: "log-record-too-large",
    meaning: "The message is larger than one record of the log may be.",
    change: "Raise storage.memory-buffer, or lower mqtt.max-packet-size so that it is refused on arrival."
  },
  retainedLimit: {
    id: 12,
    name: "retained-limit",
    meaning: "The message was delivered but not retained, because the retained store is full.",
    change: "Raise mqtt.max-retained-messages or mqtt.max-retained-bytes, or clear retained topics no longer needed."
  },
  shutdown: {
    id: 13,
    name: "shutdown",
    meaning: "The broker stopped before the message was sent, and the session does not outlive the broker.",
    change: "Raise server.shutdown-timeout, or use durable storage."
  },
  negativeAcknowledgement: {
    id: 14,
    name: "negative-acknowledgement",
    meaning: "The receiver refused the message itself: PUBACK or PUBREC with a reason code of 0x80 or above.",
    change: "See the receiving application: it answered that it will not take the message."
  },
  logRecordLost: {
    id: 15,
    name: "log-record-lost",
    meaning: "The message could not be read back from the log: its record is damaged, or the disk failed to read it.",
    change: "Look at the disk, and run promptmq store verify; the log of events names the record."
  },
  topicQuota: {
    id: 16,
    name: "topic-quota",
    meaning: "A publish was refused because its topic has reached its own quota (reason code 0x97).",
    change: "Raise the topic's quota in topics.policies, or let its subscribers catch up."
  },
  logMemory: {
    id: 17,
    name: "log-memory",
    meaning: "A publish was refused because the memory for the log's index is used up (reason code 0x97).",
    change: "Raise storage.memory-buffer, or let the subscribers catch up."
  },
  diskFull: {
    id: 18,
    name: "disk-full",
    meaning: "A publish was refused because the disk is nearly full (reason code 0x97).",
    change: "Make room on the disk of storage.data-dir; publishing goes on by itself."
  },
  logBusy: {
    id: 19,
    name: "log-busy",
    meaning: "A publish was refused because more waits to be written than the disk keeps up with (reason code 0x97).",
    change: "Use a faster disk, or let the publishers announce a smaller number of unacknowledged messages."
  },
  logClosed: {
    id: 20,
    name: "log-closed",
    meaning: "A publish was refused because the log is closing or has failed (reason code 0x97).",
    change: "See the log of events: after a failed write or sync the broker stops taking messages."
  },
  messageAge: {
    id: 21,
    name: "message-age",
    meaning:
      "Messages waited longer than the topic's policy allows (max-age), and went although a session wanted them.",
    change: "Raise the topic's max-age in topics.policies, or let the subscribers come back sooner."
  },
  queueFull: {
    id: 22,
    name: "queue-full",
    meaning: "More waited for a session than limits.max-queued-messages or limits.max-queued-bytes; the oldest went.",
    change: "Let the session read faster or come back sooner, or raise the limit."
  },
  deliveryRate: {
    id: 23,
    name: "delivery-rate",
    meaning: "A QoS 0 message above limits.delivery-rate for its subscriber.",
    change: "Raise limits.delivery-rate, or let the client subscribe at QoS 1: then it waits."
  },
  memoryCeiling: {
    id: 24,
    name: "memory-ceiling",
    meaning: "A QoS 0 message that came while memory was nearly used up (limits.max-memory).",
    change: "Give the process more memory, raise limits.max-memory, or look for who fills it: promptmq_outgoing_bytes."
  },
  queueDropped: {
    id: 25,
    name: "queue-dropped",
    meaning: "What waited for a session was dropped by somebody: POST /api/v1/clients/{id}/drop-queue.",
    change: "Nothing; GET /api/v1/audit says who it was."
  },
  publishFault: {
    id: 26,
    name: "publish-fault",
    meaning:
      "A publish that broke a rule or a limit of the protocol (QoS, topic length, alias ...), which ended its connection.",
    change: "See the publishing client's history: the reason its connection ended with; or raise the limit it names."
  },
  userQuota: {
    id: 27,
    name: "user-quota",
    meaning:
      "A publish above limits.max-user-messages-per-day or limits.max-user-bytes-per-day of its user (reason code 0x97).",
    change: "Raise the limit, or see GET /api/v1/quotas for who publishes so much."
  }
} as const satisfies Record<string, DropReasonFacts>

type Table = typeof table

/** The ids by name in code: `DropReason.overtaken`. */
export const DropReason = Object.freeze(
  Object.fromEntries(Object.entries(table).map(([key, row]) => [key, row.id]))
) as { readonly [K in keyof Table]: Table[K]["id"] }

export type DropReasonId = Table[keyof Table]["id"]

export interface DropReasonRow extends DropReasonFacts {
  readonly id: DropReasonId
}

/** All rows, in the order of their ids. */
export const dropReasons: ReadonlyArray<DropReasonRow> = Object.values(table).sort((a, b) => a.id - b.id)
