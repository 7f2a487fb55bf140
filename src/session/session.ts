/**
 * One client's MQTT session: what outlives a connection.
 *
 *   offline ──connect──▶ catching up ──cursor reaches D──▶ live
 *      ▲                     ▲                               │ window full, or outbox full
 *      └──── disconnect ─────┴───────────────────────────────┘
 *
 * A session never owns copies of messages. It owns its subscriptions and a position in the log:
 * everything below `cursor` was handed over, expired or did not match, except the holes in `window`
 * (handed over, not acknowledged). A live session has been handed everything below D, the log's delivery
 * position, so its cursor is D and the field is not maintained. Sending lives in src/broker.
 *
 * Invariants
 * - QoS 0 deliveries never come from the log: a connected session gets them at once or not at all.
 * - `connection` is undefined exactly while the session is offline.
 * - `epoch` rises with every CONNECT; an answer that carries an older one is discarded (fencing).
 * - `number` names the session as a publisher inside log records (No Local) and is never 0.
 */
import type { Will } from "../codec/codec.ts"
import { OutgoingWindow } from "./outgoing-window.ts"
import type { Member, ShareGroup } from "./share-group.ts"
import type { Subscription } from "./subscription.ts"

export const SessionMode = { offline: 0, catchingUp: 1, live: 2 } as const

/** What a session knows of its connection: that there is one. The broker's Client is the only kind. */
export interface SessionConnection {
  readonly session: Session | undefined
}

/** Retained messages still to be sent for one SUBSCRIBE: a second small cursor, never a list of messages. */
export interface RetainedCursor {
  readonly subscription: Subscription
  /** Took effect at this log position: what is retained at or above it came live. */
  readonly sequence: number
  after: string | undefined
}

export class Session {
  readonly clientIdentifier: string
  readonly number: number
  epoch = 1
  connection: SessionConnection | undefined = undefined
  mode: number = SessionMode.offline
  cursor = 0
  /** It may not go live before D has reached this: what lies below and was not handed over is for its reader. */
  liveFrom = 0
  readonly window: OutgoingWindow
  /** By filter text, $share prefix included; ended ones stay until the cursor and the holes have passed them. */
  readonly subscriptions = new Map<string, Subscription>()
  /** Identifiers of QoS 2 messages received and not yet released [MQTT-4.3.3-10]; kept across connections. */
  incoming: Set<number> | undefined = undefined
  retainedCursors: Array<RetainedCursor> = []
  /** Retained messages sent at SUBSCRIBE and not acknowledged, by packet identifier: their log records may be gone. */
  retainedInFlight: Map<number, unknown> | undefined = undefined
  /** Shared subscriptions it is a member of, by their text. */
  shared: Map<string, ShareGroup> | undefined = undefined
  /** Whose messages of shared subscriptions are sent and not acknowledged, by packet identifier. */
  sharedInFlight: Map<number, Member> | undefined = undefined
  /** Seconds the session outlives its connection; 0 = not at all. */
  expiryIntervalSeconds = 0
  /** A will that waits for its delay. */
  will: Will | undefined = undefined
  /** Expiry and will delay while it is offline; src/broker/timers.ts knows the kind. */
  timers: unknown = undefined
  username: string | undefined = undefined
  /** Scratch of the publish path: the delivery round this session was last collected in, and what it collected. */
  round = 0
  roundQos = 0
  roundRetain = false
  roundIdentifiers: ReadonlyArray<number> | undefined = undefined

  constructor(clientIdentifier: string, number: number, windowLimit: number) {
    this.clientIdentifier = clientIdentifier
    this.number = number
    this.window = new OutgoingWindow(windowLimit)
  }

  /** Whether QoS 1 and 2 messages are kept for it while it is away. */
  get persistent(): boolean {
    return this.expiryIntervalSeconds > 0
  }

  addIncoming(packetIdentifier: number): void {
    this.incoming ??= new Set()
    this.incoming.add(packetIdentifier)
  }
}
