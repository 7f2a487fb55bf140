/**
 * One client's MQTT session: what outlives a connection.
 *
 *   offline ──connect──▶ catching up ──cursor reaches D──▶ live
 *      ▲                     ▲                               │ window full, or outbox full
 *      └──── disconnect ─────┴───────────────────────────────┘
 *
 * A session that outlives its connection never owns copies of messages (others: `waiting`). It owns its subscriptions and a position in the log:
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
import { OutgoingWindow } from "./outgoing-window.ts"
import type { Member, ShareGroup } from "./share-group.ts"
import type { Subscription } from "./subscription.ts"
import type { WaitingFrames } from "./waiting-frames.ts"

export const SessionMode = { offline: 0, catchingUp: 1, live: 2 } as const

/** What a session knows of its connection: that there is one. The broker's Client is the only kind. */
export interface SessionConnection {
  readonly session: Session | undefined
}

/** A will as it waits: the frame it will be published as, so that it can be saved and comes back as it was. */
export interface SessionWill {
  readonly topic: string
  readonly isVersion5: boolean
  readonly frame: Buffer
  readonly delaySeconds: number
}

/** Retained messages still to be sent for one SUBSCRIBE: a second small cursor, never a list of messages. */
export interface RetainedCursor {
  readonly subscription: Subscription
  /** Took effect at this log position: what is retained at or above it came live. */
  readonly sequence: number
  after: string | undefined
  /** Sequences beyond `after` that were handed over at QoS 2 before a crash; undefined when there are none. */
  readonly handed: ReadonlySet<number> | undefined
}

/** The history of a `$replay` subscription, still to be handed over: again a small cursor. broker/replay.ts moves it. */
export interface ReplayCursor {
  readonly subscription: Subscription
  /** Its key among the session's subscriptions. */
  readonly text: string
  /** The first position that is not handed over. */
  next: number
  /** From here on it is handed everything it subscribed to, below it history alone. */
  readonly head: number
  /** What lies below `head` may be read when the log is as safe as that. */
  readonly ticket: number
  /** At or above `next`, and handed over at QoS 2 before the broker's last start. */
  handed: Set<number> | undefined
  /** The position that a crash would bring back. */
  savedNext: number
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
  /** Handed over and not sent yet: of a session that ends with its connection; src/broker/wait-in-memory.ts. */
  waiting: WaitingFrames | undefined = undefined
  /** By the text of the SUBSCRIBE, $share and $replay prefixes included; ended ones stay until the cursor and the holes have passed them. */
  readonly subscriptions = new Map<string, Subscription>()
  /** Identifiers of QoS 2 messages received and not yet released [MQTT-4.3.3-10]; kept across connections. */
  incoming: Set<number> | undefined = undefined
  retainedCursors: Array<RetainedCursor> = []
  /** Served one after the other. */
  replayCursors: Array<ReplayCursor> = []
  /** What was sent as history and is not acknowledged, by packet identifier; src/broker/replay.ts knows the kind. */
  replayInFlight: Map<number, unknown> | undefined = undefined
  /** Retained messages sent at SUBSCRIBE and not acknowledged, by packet identifier: their log records may be gone. */
  retainedInFlight: Map<number, unknown> | undefined = undefined
  /** Shared subscriptions it is a member of, by their text. */
  shared: Map<string, ShareGroup> | undefined = undefined
  /** Whose messages of shared subscriptions are sent and not acknowledged, by packet identifier. */
  sharedInFlight: Map<number, Member> | undefined = undefined
  /** Seconds the session outlives its connection; 0 = not at all. */
  expiryIntervalSeconds = 0
  /** What it was handed, or has acknowledged, is not in its saved cursor yet. Set by Core.markDirty. */
  savedBehind = false
  /** At or above the cursor, and handed over at QoS 2 before the broker's last start: its reader passes over them. */
  handed: Set<number> | undefined = undefined
  /** Of those in `incoming` whose topic asks for a sync, whatever the broker's policy: the ticket of their message. */
  incomingDurable: Map<number, number> | undefined = undefined
  /** The store knows it under its number. */
  isSaved = false
  /** The store took it not as it is: it is saved again with its next cursor. */
  savedStale = false
  /** The cursor that a crash would bring back. */
  savedCursor = 0
  /** Filters whose subscription changed by itself and is to be saved with the next cursor. */
  subscriptionsToSave: Set<string> | undefined = undefined
  /** Wall time at which its connection ended. */
  disconnectedAtMs = 0
  /** A will that waits for its delay. */
  will: SessionWill | undefined = undefined
  /** Expiry and will delay while it is offline; src/broker/timers.ts knows the kind. */
  timers: unknown = undefined
  username: string | undefined = undefined
  /** Who its last connection was, and who decides about it; src/broker/permissions.ts knows the kind. Absent after a restart. */
  rights: unknown = undefined
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
