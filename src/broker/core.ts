/**
 * The broker's state: what the verbs (publish, deliver, subscribe ...) work on. Plain data and a few
 * bookkeeping methods; no protocol decisions, no Effect but through `run`.
 *
 * Invariants
 * - `delivered` is D, the log's delivery position: only tail handling moves it (deliver.ts).
 * - A client's slot is given again with a higher generation, so a late acknowledgement never finds another
 *   client.
 * - A session is in `dirtySessions` exactly while its `savedBehind` is set, and only where the store is durable.
 * - `nowMs` (wall) and `loopMs` (monotonic) are read once per chunk or tick, never per message.
 */
import type * as Effect from "effect/Effect"
import { type AccessDecisions, accessOf, type Identity } from "../access/access.ts"
import type { TimerWheel } from "../base/wheel.ts"
import type { Codec } from "../codec/codec.ts"
import type { Connection } from "../listener/connection.ts"
import type { Counters } from "../metrics/counters.ts"
import type { DropLedger } from "../metrics/drop-ledger.ts"
import type { Meter } from "../metrics/meter.ts"
import type { TopicSeries } from "../metrics/topic-series.ts"
import type { Filter, Router } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { ShareGroup } from "../session/share-group.ts"
import type { Subscription } from "../session/subscription.ts"
import { WaitingPool } from "../session/waiting-frames.ts"
import { LogReader, TopicBitmaps } from "../store/log-reader.ts"
import { LogRecord, type MessageLog, type RetainedStore, type SessionStore } from "../store/ports.ts"
import { AcknowledgementRing } from "./acknowledgement-ring.ts"
import { Client } from "./client.ts"
import { ClientEvents } from "./client-events.ts"
import { FailedLogins } from "./failed-logins.ts"
import { Fairness } from "./fairness.ts"
import { HeldBack } from "./hold-back.ts"
import { Holds } from "./holds.ts"
import type { Limits } from "./limits.ts"
import type { MessageWatch } from "./message-watch.ts"
import { forgetVerdicts } from "./permissions.ts"
import { RetainedPublishers } from "./retained-publishers.ts"
import { Slowed } from "./slow-down.ts"

/** Anything with a timer: it decides itself what is due. */
export interface Expirable {
  onTimer(): void
}

export interface Clock {
  /** Monotonic milliseconds. */
  readonly loopMs: () => number
  /** Wall milliseconds at monotonic 0; message expiry and ledger rows use wall time. */
  readonly wallOffsetMs: () => number
}

export interface CoreOptions {
  readonly limits: Limits
  readonly codec: Codec
  readonly router: Router<Session>
  readonly log: MessageLog
  readonly sessionStore: SessionStore
  readonly retained: RetainedStore
  readonly access: AccessDecisions
  readonly ledger: DropLedger
  readonly counters: Counters
  /** Times and sizes for metrics; undefined while nobody asked for them. */
  readonly meter?: Meter | undefined
  /** Topics that are counted one by one. */
  readonly topicSeries?: TopicSeries | undefined
  readonly wheel: TimerWheel<Expirable>
  readonly clock: Clock
  /** Starts an Effect that belongs to the broker's scope. */
  readonly run: (effect: Effect.Effect<void>) => void
  /** Calls back once, in the next turn of the loop. */
  readonly defer: (callback: () => void) => void
  /** In [0, 1). */
  readonly random: () => number
  /** Random text for assigned client identifiers. */
  readonly randomText: () => string
  readonly report: (event: BrokerEvent) => void
  /** Absent: everything reported is wanted. */
  readonly isReported?: ((level: BrokerEvent["level"]) => boolean) | undefined
}

/** What the broker tells the log and, later, the client's history. */
export interface BrokerEvent {
  readonly level: "debug" | "info" | "warn"
  readonly what: string
  readonly clientIdentifier?: string | undefined
  readonly username?: string | undefined
  readonly peer?: string | undefined
  readonly listener?: string | undefined
  readonly why?: string | undefined
}

/** A cache of what can be computed again; larger gains nothing that was measured. */
const BITMAPS_BYTES_MAX = 16_777_216

export class Core {
  readonly options: CoreOptions
  limits: Limits
  readonly codec: Codec
  readonly router: Router<Session>
  readonly log: MessageLog
  readonly sessionStore: SessionStore
  /** What sessions are and do outlives the process: every step of theirs is saved before it is told. */
  readonly isDurable: boolean
  readonly retained: RetainedStore
  readonly access: AccessDecisions
  readonly ledger: DropLedger
  readonly counters: Counters
  readonly count: Float64Array
  readonly meter: Meter | undefined
  readonly topicSeries: TopicSeries | undefined
  readonly wheel: TimerWheel<Expirable>
  readonly sessions = new Map<string, Session>()
  /** By KeepLane: PUBACK and PUBREC that wait for their ticket. */
  readonly acknowledgements = [new AcknowledgementRing(), new AcknowledgementRing(), new AcknowledgementRing()] as const
  /** Everything else that waits for its ticket. */
  readonly holds = new Holds()
  /** Persistent sessions whose saved cursor is behind; whoever saves them takes them all and clears the flag. */
  readonly dirtySessions: Array<Session> = []
  /** Clients with something to send that the store did not take; see open-exchange.ts. */
  readonly storeWaiters = new Set<Client>()
  isRetryScheduled = false
  /** Clients whose history waits until the log is safer; see replay.ts. */
  readonly replayWaiters = new Set<Client>()
  /** Publishers that are not read from. */
  readonly slowed = new Slowed()
  /** A sync takes so long that publishers have to wait for it. Set by whoever watches the disk. */
  isDiskStalled = false
  /** Memory runs short: publishers wait, and QoS 0 messages are dropped on arrival. Set by memory-ceiling.ts. */
  isMemoryTight = false
  shedsQos0 = false
  /** Bans, users, and how the broker is: who takes more than its share. */
  readonly fairness: Fairness
  readonly bitmaps: TopicBitmaps
  /** Where messages wait in memory for their clients; see wait-in-memory.ts. */
  readonly waitingPool = new WaitingPool()
  /** Publishers that wait for their receivers, and the receiver that the next one is to wait for; see hold-back.ts. */
  readonly heldBack = new HeldBack()
  crowded: Session | undefined = undefined
  readonly record = new LogRecord()
  /** Who was not let in lately. */
  readonly failedLogins = new FailedLogins()
  /** Names of those who published what is retained. */
  readonly publishers = new RetainedPublishers(() => this.limits.retainedPublishersMax)
  /** What happened to each client. */
  readonly clientEvents = new ClientEvents(() => this.limits.clientEventsMax)
  /** Told of what the broker reports, whatever the log's level. */
  readonly eventWatchers = new Set<(event: BrokerEvent) => void>()
  clients: Array<Client | undefined> = []
  connections = 0
  connectionsMax = 0
  /** The log's head when the broker started: what lies below was another process's. */
  readonly bornAt: number
  /** D: live sessions have been handed every logged message below. */
  delivered = 0
  /** Ticket of the last record that ended a saved session. */
  endedTicket = 0
  /** The log has shown everything below: embedded that is its head, a replicated log is behind. */
  tailSeen = 0
  /** Memory of the verdicts of all connections; see permissions.ts. */
  verdictBytes = 0
  /** Who publishes the message being routed, where somebody will ask later; see retained.ts. */
  source: Identity | undefined = undefined
  /** Looks at messages on their way, while somebody asks for it; see message-watch.ts. */
  watch: MessageWatch | undefined = undefined
  /** Number of the current delivery round; see deliver.ts. */
  round = 0
  nowMs = 0
  loopMs = 0
  draining = false
  readonly pumpQueue: Array<Client> = []
  pumpsScheduled = false
  /** Shared subscriptions by their text, and those with something to hand over once the loop comes round. */
  readonly groups = new Map<string, ShareGroup>()
  readonly groupQueue: Array<ShareGroup> = []
  readonly #groupReaders = new WeakMap<ShareGroup, LogReader>()
  /** Below this, messages of the topic (by id) have gone by their age: readers pass over them. See liveness.ts. */
  readonly aged = new Map<number, number>()
  /** Serves pumpQueue; set once by catch-up.ts. */
  drainPumpQueue: () => void = () => {}
  /** The publish path is inside log.append(): it delivers itself, with the bytes in hand. */
  appending = false
  /** Positions appended only because a session fell back: handed to the live ones already. For logs whose tail comes late. */
  readonly handedBeforeTail = new Set<number>()
  readonly #logReaders = new Map<Filter<Session>, Set<Subscription>>()
  #freeSlots: Array<number> = []
  #slotGenerations: Array<number> = []
  #nextSessionNumber = 1

  constructor(options: CoreOptions) {
    this.options = options
    this.limits = options.limits
    this.codec = options.codec
    this.router = options.router
    this.log = options.log
    this.sessionStore = options.sessionStore
    this.isDurable = options.sessionStore.isDurable
    this.retained = options.retained
    this.access = options.access
    this.ledger = options.ledger
    this.counters = options.counters
    this.count = options.counters.values
    this.meter = options.meter
    this.topicSeries = options.topicSeries
    this.wheel = options.wheel
    this.fairness = new Fairness(this)
    this.bitmaps = new TopicBitmaps(options.log, BITMAPS_BYTES_MAX)
    this.bornAt = options.log.next
    this.delivered = options.log.next
    this.tailSeen = options.log.next
    this.tick()
  }

  /** Reads the clock. Once per chunk, timer tick or command. */
  tick(): void {
    this.loopMs = this.options.clock.loopMs()
    this.nowMs = this.loopMs + this.options.clock.wallOffsetMs()
  }

  addClient(connection: Connection): Client {
    const slot = this.#freeSlots.pop() ?? this.clients.length
    const generation = (this.#slotGenerations[slot] ?? 0) + 1
    this.#slotGenerations[slot] = generation
    const client = new Client(connection, slot, generation, accessOf(connection.transport, this.access))
    this.clients[slot] = client
    this.connections += 1
    if (this.connections > this.connectionsMax) this.connectionsMax = this.connections
    return client
  }

  removeClient(client: Client): void {
    if (this.clients[client.slot] !== client) return
    forgetVerdicts(this, client)
    this.clients[client.slot] = undefined
    this.#freeSlots.push(client.slot)
    this.connections -= 1
  }

  /** The subscriptions that read this filter's messages from the log. Cold; their number is filter.logReaders. */
  logReadersOf(filter: Filter<Session>): Set<Subscription> {
    let readers = this.#logReaders.get(filter)
    if (readers === undefined) {
      readers = new Set()
      this.#logReaders.set(filter, readers)
    }
    return readers
  }

  forgetLogReader(filter: Filter<Session>, subscription: Subscription): void {
    const readers = this.#logReaders.get(filter)
    readers?.delete(subscription)
    if (readers?.size === 0) this.#logReaders.delete(filter)
  }

  /** Somebody is told what is reported at this level: ask before an event is made for every connect. */
  isTold(level: BrokerEvent["level"]): boolean {
    return this.eventWatchers.size > 0 || (this.options.isReported?.(level) ?? true)
  }

  /** What was handed over to the session, or ended, is not in its saved cursor yet. Ask `isDurable` first. */
  markDirty(session: Session): void {
    if (session.savedBehind || !session.persistent) return
    session.savedBehind = true
    this.dirtySessions.push(session)
  }

  /** After a restart: numbers found in the store are not given again. */
  beginSessionNumbers(next: number): void {
    this.#nextSessionNumber = next
  }

  nextSessionNumber(): number {
    const number = this.#nextSessionNumber
    this.#nextSessionNumber = number === 0xffff_ffff ? 1 : number + 1
    return number
  }

  /** Its age ended the message, and the ledger has it. */
  isAged(sequence: number): boolean {
    return this.aged.size > 0 && sequence < (this.aged.get(this.log.topicAt(sequence)) ?? 0)
  }

  groupReaderOf(group: ShareGroup): LogReader {
    let reader = this.#groupReaders.get(group)
    if (reader === undefined) {
      reader = new LogReader(this.log, this.bitmaps)
      this.#groupReaders.set(group, reader)
    }
    return reader
  }

  replayReaderOf(client: Client): LogReader {
    client.replayReader ??= new LogReader(this.log, this.bitmaps)
    return client.replayReader
  }

  readerOf(client: Client): LogReader {
    client.reader ??= new LogReader(this.log, this.bitmaps)
    return client.reader
  }
}
