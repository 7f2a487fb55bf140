/**
 * Looks at messages on their way and tells listeners (traces.ts, spans.ts) the steps each one takes, and topic-looks.ts all.
 *
 * `core.watch` is undefined while nobody listens: every hook of the publish, deliver, emit and acknowledge paths is then
 * one test of a field, and nothing else. While somebody does, a message nobody asked for costs a look at what is known
 * of its topic, and a comparison of names where a trace is about a client.
 *
 *   route()         begin, matched … routed        one message at a time: registers, as in deliver.ts
 *   append()        logged; committed when the log has kept it
 *   emit()          sent, by its packet identifier: what is acknowledged later is found by (session, identifier)
 *   ledger          dropped and refused: whatever is booked is told, so no reason can be forgotten here
 *
 * Invariants
 * - [TRC-2] Looking changes nothing: no verdict, no order, no byte. Only spans.ts gives a message other bytes, before.
 * - [TRC-3] The last listener that leaves takes the watch out of the paths.
 * - [TRC-4] All steps of a message have one number, its place in the log as soon as it has one; after it waited, too.
 * - Everything remembered is bounded: REMEMBERED_MAX messages, deliveries and records that wait for their commit.
 * - "accepted" is told before any other step of a message whose publishing was seen.
 */
import { PacketType } from "../codec/codec.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { reasonCodeName } from "../codec/reason-codes.ts"
import { DropReason, type DropReasonId, dropReasons } from "../metrics/drop-reasons.ts"
import type { Filter, TopicEntry } from "../router/router.ts"
import { type Session, SessionMode } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import { keptOf } from "./acknowledge.ts"
import { type Client, clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { matchWords, QUEUED_LOOKED_MAX } from "./match-words.ts"
import { entryOf } from "./permissions.ts"
import type { MessageSpans, Spans } from "./spans.ts"
import type { TopicLooks } from "./topic-looks.ts"
import type { StepKind, StepListener, WatchedMessage, WatchedStep } from "./watched-step.ts"

interface OpenDelivery {
  readonly message: WatchedMessage
  readonly qos: number
}

interface Uncommitted {
  readonly message: WatchedMessage
  readonly ticket: number
  readonly lane: number
}

/** Messages whose later steps are still told apart: what follows a trace through the log. Bounded like the trace itself. */
const REMEMBERED_MAX = 10_000
/** Of what waits in memory, per session. */
const WAITING_MAX = 1000
const IDENTIFIERS = 65_536
/** Booked without a receiver: the publish itself was turned down. */
const turnedDown = new Set<DropReasonId>([
  DropReason.quotaExceeded,
  DropReason.logRecordTooLarge,
  DropReason.topicQuota,
  DropReason.logMemory,
  DropReason.diskFull,
  DropReason.logBusy,
  DropReason.logClosed
])

export class MessageWatch {
  readonly #core: Core
  #spans: Spans | undefined = undefined
  #looks: TopicLooks | undefined = undefined
  #listeners: ReadonlyArray<StepListener> = []
  /** The clients that the listeners are about; undefined while one of them is about any. */
  #names: ReadonlySet<string> | undefined = undefined
  /** By TopicEntry.serial. */
  readonly #wanted = new Map<number, boolean>()
  /** By session number and packet identifier. */
  readonly #open = new Map<number, OpenDelivery>()
  /** By log sequence. */
  readonly #known = new Map<number, WatchedMessage>()
  /** By session number: how many have come to wait in memory, and which of them were told. */
  readonly #waiting = new Map<number, { pushed: number; readonly messages: Map<number, WatchedMessage> }>()
  #uncommitted: Array<Uncommitted> = []
  #unlogged = 0
  /** The message being routed. */
  #view: PublishView | undefined = undefined
  #entry: TopicEntry<Session> | undefined = undefined
  #message: WatchedMessage | undefined = undefined
  #isWanted = false
  #publisher = ""
  #publisherAddress: string | undefined = undefined
  #span: MessageSpans | undefined = undefined
  /** Its position in the log, and what it waits for there. */
  #sequence = -1
  #ticket = 0
  #lane = 0
  #denied: Client | undefined = undefined

  constructor(core: Core) {
    this.#core = core
    core.ledger.observer = (...row) => this.#booked(...row)
  }

  listen(listener: StepListener): void {
    this.#change([...this.#listeners, listener])
  }

  /** The last one puts the watch out of the paths. */
  forget(listener: StepListener): void {
    this.#change(this.#listeners.filter((each) => each !== listener))
    this.#retire()
  }

  /** Messages that are chosen get spans from now on; undefined = no more. */
  set spans(spans: Spans | undefined) {
    this.#spans = spans
    this.#retire()
  }

  get spans(): Spans | undefined {
    return this.#spans
  }

  /** Each topic's latest message is seen from now on; undefined = no more. */
  set looks(looks: TopicLooks | undefined) {
    this.#looks = looks
    this.#retire()
  }

  get looks(): TopicLooks | undefined {
    return this.#looks
  }

  #retire(): void {
    const isWanted = this.#listeners.length > 0 || this.#spans !== undefined || this.#looks !== undefined
    if (isWanted || this.#core.watch !== this) return
    this.#core.watch = undefined // [TRC-3]
    this.#core.ledger.observer = undefined
  }

  #change(listeners: ReadonlyArray<StepListener>): void {
    this.#listeners = listeners
    this.#wanted.clear()
    const names = new Set<string>()
    for (const { client } of listeners) if (client !== undefined) names.add(client)
    this.#names = listeners.some(({ client }) => client === undefined) ? undefined : names
  }

  /** Who publishes what is routed next. */
  from(clientIdentifier: string, address: string | undefined): void {
    this.#publisher = clientIdentifier
    this.#publisherAddress = address
  }

  wantsTopicOf(entry: TopicEntry<Session>): boolean {
    if (this.#listeners.length === 0) return false
    const known = this.#wanted.get(entry.serial)
    if (known !== undefined) return known
    const topic = entry.bytes.toString("utf8")
    const isWanted = this.#listeners.some((listener) => listener.wantsTopic(topic))
    if (this.#wanted.size >= REMEMBERED_MAX) this.#wanted.clear()
    this.#wanted.set(entry.serial, isWanted)
    return isWanted
  }

  /** Has a run of frames to be looked at one by one? */
  wantsEachOf(entry: TopicEntry<Session>, frames: number): boolean {
    return this.wantsTopicOf(entry) || this.spans?.isAnyChosen(entry, frames) === true
  }

  /** route() begins. Answers the message as it goes on: one with spans carries their trace. */
  begin(view: PublishView, entry: TopicEntry<Session>, frames: number): PublishView {
    const span = frames === 1 ? this.spans?.begin(entry, view, this.#publisher) : undefined
    const seen = span === undefined ? view : (this.spans as Spans).spannedView
    this.#span = span
    this.#view = seen
    this.#entry = entry
    this.#message = undefined
    this.#isWanted = span !== undefined || this.wantsTopicOf(entry)
    if (this.#denied === undefined) this.#looks?.see(seen, entry, frames)
    return seen
  }

  /** route() is done: who is to find the message in the log is told now. */
  routed(): void {
    if (this.#isWanted) {
      if (this.#isAbout(this.#publisher)) this.#routing()
      this.#tellWaiting(this.#view as PublishView, this.#sequence)
    }
    if (this.#span !== undefined) this.spans?.routed(this.#span, this.#core.nowMs)
    this.#view = undefined
    this.#entry = undefined
    this.#message = undefined
    this.#isWanted = false
    this.#sequence = -1
    this.#span = undefined
  }

  /** append() gave it a place. */
  logged(sequence: number): void {
    if (!this.#isWanted) return
    this.#sequence = sequence
    const { lane, ticket } = this.#core.log
    this.#ticket = ticket
    this.#lane = lane
    if (this.#message !== undefined) this.#tellLogged(this.#message)
    else if (this.#isAbout(this.#publisher)) this.#routing()
  }

  /** The log keeps more than before. */
  kept(): void {
    if (this.#uncommitted.length === 0) return
    const waiting: Array<Uncommitted> = []
    for (const each of this.#uncommitted) {
      if (keptOf(this.#core, each.lane) >= each.ticket) this.#committed(each.message)
      else waiting.push(each)
    }
    this.#uncommitted = waiting
  }

  retained(how: string): void {
    if (!this.#isWanted) return
    this.#tell("retained", this.#routing(), this.#publisher, this.#publisherAddress, how)
  }

  /** emit() wrote it for a client. */
  sent(client: Client, view: PublishView, qos: number, packetIdentifier: number, isRepeated: boolean): void {
    const { session } = client
    if (session === undefined) return
    const isRouted = view === this.#view
    if (isRouted ? !this.#isWanted : !this.#isWantedFromLog(view)) return
    const isAbout = this.#isAbout(session.clientIdentifier) || (isRouted && this.#isAbout(this.#publisher))
    if (!isAbout && (isRouted || this.#spans === undefined)) return
    const sequence = packetIdentifier > 0 ? session.window.sequence(packetIdentifier) : -1
    const message = isRouted ? this.#routing() : (this.#fromMemory(session, sequence) ?? this.#fromLog(view, sequence))
    if (!isAbout && message.span === undefined) return
    if (packetIdentifier > 0) {
      if (this.#open.size >= REMEMBERED_MAX) this.#open.delete(this.#open.keys().next().value as number)
      this.#open.set(session.number * IDENTIFIERS + packetIdentifier, { message, qos })
    }
    const how = packetIdentifier > 0 ? `packet identifier ${packetIdentifier}` : "QoS 0"
    const detail = isRepeated ? `${how}, again` : how
    this.#tell("sent", message, session.clientIdentifier, peerOf(client), detail, qos, packetIdentifier)
  }

  /** It waits for a session in memory, behind those that wait there already. */
  queuedInMemory(client: Client, session: Session, qos: number): void {
    let waiting = this.#waiting.get(session.number)
    if (waiting === undefined) {
      if (this.#waiting.size >= REMEMBERED_MAX) return
      waiting = { pushed: (session.waiting?.count ?? 1) - 1, messages: new Map() }
      this.#waiting.set(session.number, waiting)
    }
    waiting.pushed += 1
    const { clientIdentifier } = session
    if (!this.#isWanted || !(this.#isAbout(clientIdentifier) || this.#isAbout(this.#publisher))) return
    const message = this.#routing()
    if (waiting.messages.size < WAITING_MAX) waiting.messages.set(waiting.pushed - 1, message)
    this.#tell("queued", message, clientIdentifier, peerOf(client), "until it has room", qos)
  }

  /** What waited in memory leaves in the order in which it came. */
  #fromMemory(session: Session, sequence: number): WatchedMessage | undefined {
    const waiting = sequence < 0 ? this.#waiting.get(session.number) : undefined
    if (waiting === undefined || session.waiting === undefined) return undefined
    const at = waiting.pushed - session.waiting.count // [TRC-4]
    const message = waiting.messages.get(at)
    waiting.messages.delete(at)
    return message
  }

  /** PUBACK, PUBREC or PUBCOMP of an open exchange. */
  acknowledged(client: Client, session: Session, packetType: number, packetIdentifier: number, code: number): void {
    const key = session.number * IDENTIFIERS + packetIdentifier
    const open = this.#open.get(key)
    if (open === undefined) return
    if (packetType !== PacketType.pubrec || code >= 0x80) this.#open.delete(key)
    const { message, qos } = open
    const step = packetType === PacketType.pubcomp ? "completed" : "acknowledged"
    const words =
      code === 0 ? packetNames[packetType] : `${packetNames[packetType]} ${hex(code)} ${reasonCodeName(code)}`
    this.#tell(
      step,
      message,
      session.clientIdentifier,
      peerOf(client),
      words ?? "",
      qos,
      packetIdentifier,
      undefined,
      code
    )
  }

  /** The rules forbid the publish: what is booked next says why. */
  denying(client: Client, view: PublishView, entry: TopicEntry<Session>): void {
    this.#denied = client
    this.from(client.session?.clientIdentifier ?? "", peerOf(client))
    this.begin(view, entry, 1)
  }

  denied(): void {
    this.#denied = undefined
    this.routed()
  }

  #booked(
    reason: DropReasonId,
    clientIdentifier: string,
    topic: string,
    count: number,
    first: number | undefined,
    last: number | undefined
  ): void {
    const isRouting = this.#view !== undefined
    const name = dropReasons[reason]?.name ?? ""
    if (!this.#isWanted && first === undefined && (isRouting || this.#listeners.length === 0)) return
    if (
      isRouting &&
      this.#isWanted &&
      (this.#denied !== undefined || (clientIdentifier === "" && turnedDown.has(reason)))
    ) {
      this.#tell("refused", this.#routing(), this.#publisher, this.#publisherAddress, name)
      return
    }
    const isOne = count === 1 && first !== undefined && first === last
    const message =
      isRouting && this.#isWanted && (first === undefined || first === this.#sequence)
        ? this.#routing()
        : this.#booking(topic, isOne ? first : -1)
    const detail = count === 1 ? name : `${name}, ${count} messages`
    this.#tell("dropped", message, clientIdentifier, undefined, detail)
  }

  /** What a row of the ledger is about, where it is not the message being routed. */
  #booking(topic: string, sequence: number): WatchedMessage {
    const known = this.#known.get(sequence)
    if (known !== undefined) return known
    const { log } = this.#core
    const topicId = topic === "" && sequence >= 0 ? log.topicAt(sequence) : -1
    return {
      number: sequence >= 0 ? sequence : --this.#unlogged,
      topic: topicId >= 0 ? log.topicName(topicId) : topic,
      qos: 0,
      publisher: "",
      publisherAddress: undefined,
      span: undefined
    }
  }

  /** The message being routed; its first steps are told when somebody first wants one. */
  #routing(): WatchedMessage {
    if (this.#message !== undefined) return this.#message
    const view = this.#view as PublishView
    const entry = this.#entry as TopicEntry<Session>
    const message: WatchedMessage = {
      number: --this.#unlogged,
      topic: entry.bytes.toString("utf8"),
      qos: view.qos,
      publisher: this.#publisher,
      publisherAddress: this.#publisherAddress,
      span: this.#span
    }
    this.#message = message
    const { publisher, publisherAddress } = message
    const sizeBytes = view.frameEnd - view.payloadStart
    const words = `${sizeBytes} bytes${view.retain ? ", retained" : ""}`
    this.#tell("accepted", message, publisher, publisherAddress, words, view.qos, 0, view)
    if (this.#denied === undefined)
      this.#tell("matched", message, publisher, publisherAddress, matchWords(this.#core, entry))
    if (this.#sequence >= 0) this.#tellLogged(message)
    return message
  }

  /** From here on it is known by its place in the log, and so are the steps told before. */
  #tellLogged(message: WatchedMessage): void {
    const { publisher, publisherAddress } = message
    const [ticket, lane] = [this.#ticket, this.#lane]
    message.number = this.#sequence // [TRC-4]
    this.#remember(message)
    this.#tell("logged", message, publisher, publisherAddress, `sequence ${this.#sequence}`)
    if (keptOf(this.#core, lane) >= ticket) this.#committed(message)
    else if (this.#uncommitted.length < REMEMBERED_MAX) this.#uncommitted.push({ message, ticket, lane })
  }

  /** A listener asks for any client, or for this one. */
  #isAbout(clientIdentifier: string): boolean {
    return this.#span !== undefined || this.#names === undefined || this.#names.has(clientIdentifier)
  }

  /** Sessions that will come to it in the log: away, or behind. At QoS 0 nobody will, and who is away is told of that. */
  #tellWaiting(view: PublishView, sequence: number): void {
    if (view.qos > 0 && sequence < 0) return
    let looked = 0
    for (const filter of (this.#entry as TopicEntry<Session>).matched) {
      if (filter.logReaders === 0) continue
      for (const subscription of this.#waitingFor(filter)) {
        if (view.qos === 0) this.#tellMissed(subscription)
        else this.#tellQueued(subscription, sequence, view.qos)
        looked += 1
        if (looked >= QUEUED_LOOKED_MAX) return
      }
    }
  }

  /** Where all listeners are about some client each, only theirs are looked for. */
  *#waitingFor(filter: Filter<Session>): Iterable<Subscription> {
    if (this.#isAbout(this.#publisher)) {
      yield* this.#core.logReadersOf(filter)
      return
    }
    for (const name of this.#names ?? []) {
      const session = this.#core.sessions.get(name)
      for (const subscription of session?.subscriptions.values() ?? [])
        if (subscription.filter === filter) yield subscription
    }
  }

  #tellMissed({ active, group, subscriber }: Subscription): void {
    if (!active || group !== undefined || clientOf(subscriber) !== undefined) return
    const why = "it is away, and nothing is kept at QoS 0"
    this.#tell("dropped", this.#routing(), subscriber.clientIdentifier, undefined, why, 0)
  }

  #tellQueued({ active, group, noLocal, qos, subscriber }: Subscription, sequence: number, messageQos: number): void {
    const isLive = subscriber.mode === SessionMode.live
    const isOwn = noLocal && subscriber.clientIdentifier === this.#publisher
    if (!active || isLive || isOwn || qos === 0 || subscriber.cursor > sequence) return
    const client = clientOf(subscriber)
    const why =
      group !== undefined ? "until a member has room" : client === undefined ? "until it is back" : "it is behind"
    const name = group?.text ?? subscriber.clientIdentifier
    const address = client === undefined ? undefined : peerOf(client)
    this.#tell("queued", this.#routing(), name, address, why, Math.min(qos, messageQos))
  }

  #isWantedFromLog(view: PublishView): boolean {
    const entry = entryOf(this.#core, view)
    return this.wantsTopicOf(entry) || this.#spans?.wantsTopicOf(entry) === true
  }

  /** A message that comes out of the log, or a retained one. */
  #fromLog(view: PublishView, sequence: number): WatchedMessage {
    const known = this.#known.get(sequence)
    if (known !== undefined) return known
    const message: WatchedMessage = {
      number: sequence >= 0 ? sequence : --this.#unlogged,
      topic: view.buffer.toString("utf8", view.topicStart, view.topicEnd),
      qos: view.qos,
      publisher: "",
      publisherAddress: undefined,
      span: sequence >= 0 ? this.#spans?.found(view) : undefined
    }
    if (sequence >= 0 && (message.span !== undefined || this.#listeners.length > 0)) this.#remember(message)
    return message
  }

  #remember(message: WatchedMessage): void {
    if (this.#known.size >= REMEMBERED_MAX) this.#known.delete(this.#known.keys().next().value as number)
    this.#known.set(message.number, message)
  }

  #committed(message: WatchedMessage): void {
    this.#tell("committed", message, message.publisher, message.publisherAddress, "")
  }

  #tell(
    step: StepKind,
    message: WatchedMessage,
    clientIdentifier: string,
    address: string | undefined,
    detail: string,
    qos = message.qos,
    packetIdentifier = 0,
    view?: PublishView,
    reasonCode = 0
  ): void {
    const { publisher, publisherAddress, topic } = message
    const atMs = this.#core.nowMs
    const told = { step, atMs, message, clientIdentifier, address, publisher, publisherAddress, topic, qos }
    const whole: WatchedStep = { ...told, packetIdentifier, reasonCode, detail, view }
    for (const listener of this.#listeners) if (listener.wants(whole)) listener.take(whole)
    // Nothing else is done here: [TRC-2]
    if (message.span !== undefined) this.#spans?.take(whole)
  }
}

const packetNames: Readonly<Record<number, string>> = {
  [PacketType.puback]: "PUBACK",
  [PacketType.pubrec]: "PUBREC",
  [PacketType.pubcomp]: "PUBCOMP"
}

const hex = (code: number): string => `0x${code.toString(16).padStart(2, "0")}`

const peerOf = (client: Client): string => client.connection.transport.peer
