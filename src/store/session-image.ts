/**
 * Everything but the messages, as a start finds it: whole values from the index or a snapshot, then the log's records on
 * top, in LSN order. A plain model, made once, handed to the broker, and forgotten.
 *
 *   load()   a value of the index, with the LSN of the record it came from
 *   apply()  a control record of the log        message()  a MSG, which at QoS 2 may be a step of its publisher's
 *
 * Rules
 * - Whole values up to the applied LSN are in the index already, the ends of sessions and groups too: skipped. The log is
 *   read from its beginning all the same, for the steps.
 * - Steps are judged by the cursor they stand on: a CURSOR covers every step with a lower LSN, whether it came from the
 *   index or the log; a GROUP covers the hand-overs of its messages likewise. Steps of a session that the index does not
 *   know, below the applied LSN, are those of one that has ended.
 * - What was applied is not applied again: a record at or below the last one is skipped.
 * - A session counts when its SESSION was found; what else lies under its number then belongs to it.
 *
 * What a SUBSCRIBE still wants of retained messages is answered in the cursor's list alone: the newer of SUB and CURSOR
 * knows; likewise what is left of a replay. A retained message handed over at QoS 2 since then moves its `after` along, with the topic's name from `topicAt`.
 *
 * Elsewhere: bytes (control-records.ts, index-values.ts), who feeds it (durable-store.ts).
 */
import { ExchangeState } from "../session/outgoing-window.ts"
import { type ControlRecord, decodeBody, type StepRecord } from "./control-records.ts"
import { type IndexMeta, type OpenedValue, VALUE_HEADER_BYTES } from "./index-values.ts"
import type {
  Recovered,
  RecoveredSession,
  SavedCursor,
  SavedExchange,
  SavedGroup,
  SavedSession,
  SavedSubscription
} from "./ports.ts"

interface ImageSession {
  session: SavedSession | undefined
  readonly subscriptions: Map<string, { readonly subscription: SavedSubscription; readonly lsn: number }>
  /** LSN of the CURSOR everything below stands on, 0 before the first. */
  cursorLsn: number
  cursor: number
  retained: SavedCursor["retained"]
  replays: SavedCursor["replays"]
  /** Undefined while there is nothing of all that: most sessions have nothing under way. */
  exchanges: Exchanges | undefined
  /** LSN of the first step since the CURSOR; Infinity when there was none. */
  firstStepLsn: number
}

interface Exchanges {
  /** In the order in which they were first sent. */
  readonly open: Map<number, SavedExchange>
  readonly incoming: Set<number>
  readonly handed: Set<number>
  /** Retained messages handed over at QoS 2 since the CURSOR, by filter, with the LSNs of those steps. */
  readonly retainedHanded: Steps
  /** The same of history. */
  readonly replayHanded: Steps
}

/** By filter. */
type Steps = Map<string, Array<{ readonly sequence: number; readonly lsn: number }>>

interface ImageGroup {
  readonly lsn: number
  readonly group: SavedGroup
  readonly handed: Set<number>
  firstStepLsn: number
}

export class SessionImage {
  readonly #sessions = new Map<number, ImageSession>()
  readonly #groups = new Map<string, ImageGroup>()
  readonly #appliedLsn: number
  #lastLsn = 0
  #nextSessionNumber: number
  #nextSequence: number

  /** `base`: of the index that load() is fed from; undefined when there is none. */
  constructor(base: IndexMeta | undefined) {
    this.#appliedLsn = base?.appliedLsn ?? 0
    this.#nextSessionNumber = base?.nextSessionNumber ?? 1
    this.#nextSequence = base?.nextSequence ?? 0
  }

  get nextSessionNumber(): number {
    return this.#nextSessionNumber
  }
  /** Above every message's sequence that is known of; the log may know of more. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  /** What the value says, undefined when it means nothing to this version. */
  load({ lsn, number, type, value }: OpenedValue): ControlRecord | undefined {
    const record = decodeBody(type, number, value, VALUE_HEADER_BYTES, value.length)
    if (record === undefined || record === "other") return undefined
    this.#whole(record, lsn)
    return record
  }

  apply(record: ControlRecord, lsn: number): void {
    if (lsn <= this.#lastLsn) return
    this.#lastLsn = lsn
    if (isStep(record)) this.#step(record, lsn)
    else if (lsn > this.#appliedLsn) this.#whole(record, lsn) // [IDX-5]
  }

  /** A MSG of the log: `packetIdentifier` is the one its frame keeps at QoS 2, else 0. */
  message(publisher: number, packetIdentifier: number, sequence: number, lsn: number): void {
    this.#observe(publisher)
    if (sequence >= this.#nextSequence) this.#nextSequence = sequence + 1
    if (packetIdentifier > 0) this.apply({ kind: "received", number: publisher, packetIdentifier }, lsn) // [IDX-6]
  }

  /** Steps that no saved cursor covers yet, by session and by group: where the log must not end. */
  *uncovered(): Generator<{ readonly key: number | string; readonly firstLsn: number }> {
    for (const [key, { firstStepLsn, session }] of this.#sessions) {
      if (session !== undefined && firstStepLsn < Number.POSITIVE_INFINITY) yield { key, firstLsn: firstStepLsn }
    }
    for (const [key, { firstStepLsn }] of this.#groups) {
      if (firstStepLsn < Number.POSITIVE_INFINITY) yield { key, firstLsn: firstStepLsn }
    }
  }

  /** `topicAt` answers the name of the topic at a sequence, undefined when the record is gone. */
  toRecovered(topicAt: (sequence: number) => string | undefined): Recovered {
    const sessions: Array<RecoveredSession> = []
    for (const image of this.#sessions.values()) {
      if (image.session !== undefined) sessions.push(recovered(image, image.session, topicAt))
    }
    const groups = new Map<string, Recovered["groups"] extends ReadonlyMap<string, infer G> ? G : never>()
    for (const [text, { group, handed }] of this.#groups) {
      groups.set(text, { ...group, requeued: group.requeued.filter((sequence) => !handed.has(sequence)), handed })
    }
    return { sessions, groups, nextSessionNumber: this.#nextSessionNumber }
  }

  #whole(record: ControlRecord, lsn: number): void {
    switch (record.kind) {
      case "session":
        this.#of(record.number).session = record.session
        return
      case "session-end":
        this.#observe(record.number)
        this.#sessions.delete(record.number)
        return
      case "subscription": {
        const { subscriptions } = this.#of(record.number)
        if (record.subscription === undefined) subscriptions.delete(record.filter)
        else subscriptions.set(record.filter, { subscription: record.subscription, lsn })
        for (const { from, to } of record.subscription?.intervals ?? []) this.#observeSequences(from, to)
        return
      }
      case "cursor":
        this.#cursor(this.#of(record.number), record.cursor, lsn)
        return
      case "group":
        if (record.group === undefined) this.#groups.delete(record.text)
        else {
          const { group, text } = record
          this.#groups.set(text, { lsn, group, handed: new Set(), firstStepLsn: Number.POSITIVE_INFINITY })
          this.#observeSequences(group.bornAt, group.cursor)
        }
    }
  }

  #cursor(image: ImageSession, { cursor, incoming, open, replays, retained }: SavedCursor, lsn: number): void {
    image.cursorLsn = lsn
    image.cursor = cursor
    image.retained = retained
    image.replays = replays
    image.exchanges = open.length + incoming.length === 0 ? undefined : exchangesOf(open, incoming)
    image.firstStepLsn = Number.POSITIVE_INFINITY
    this.#observeSequences(0, cursor)
  }

  #step(record: StepRecord, lsn: number): void {
    if (record.kind === "sent" && record.exchange.kind === "shared") this.#handOver(record.exchange, lsn)
    this.#observe(record.number)
    if (lsn <= this.#appliedLsn && !this.#sessions.has(record.number)) return
    const image = this.#of(record.number)
    if (lsn <= image.cursorLsn) return // [IDX-5]
    image.firstStepLsn = Math.min(image.firstStepLsn, lsn)
    image.exchanges ??= exchangesOf([], [])
    const { incoming, open } = image.exchanges
    switch (record.kind) {
      case "received":
        incoming.add(record.packetIdentifier)
        return
      case "released":
        incoming.delete(record.packetIdentifier)
        return
      case "sent":
        sent(image.exchanges, image.cursor, record.exchange, lsn)
        return
      case "sent-received": {
        const exchange = open.get(record.packetIdentifier)
        if (exchange === undefined) return
        open.set(record.packetIdentifier, { ...exchange, state: ExchangeState.awaitPubcomp })
        return
      }
      case "sent-done":
        open.delete(record.packetIdentifier)
    }
  }

  /** A message of a group is with a member at QoS 2: nobody else may have it, also when the member's session ends. */
  #handOver({ filter, sequence }: SavedExchange, lsn: number): void {
    const image = this.#groups.get(filter)
    if (image === undefined || lsn <= image.lsn) return // [IDX-5]
    image.firstStepLsn = Math.min(image.firstStepLsn, lsn)
    image.handed.add(sequence)
  }

  #of(number: number): ImageSession {
    const found = this.#sessions.get(number)
    if (found !== undefined) return found
    this.#observe(number)
    const made: ImageSession = {
      session: undefined,
      subscriptions: new Map(),
      cursorLsn: 0,
      cursor: 0,
      retained: [],
      replays: undefined,
      exchanges: undefined,
      firstStepLsn: Number.POSITIVE_INFINITY
    }
    this.#sessions.set(number, made)
    return made
  }

  #observe(number: number): void {
    if (number >= this.#nextSessionNumber) this.#nextSessionNumber = number + 1
  }

  /** Positions are of messages that were, or of the one that comes next. */
  #observeSequences(from: number, to: number): void {
    const highest = to === Number.POSITIVE_INFINITY ? from : Math.max(from, to)
    if (highest > this.#nextSequence) this.#nextSequence = highest
  }
}

function isStep(record: ControlRecord): record is StepRecord {
  switch (record.kind) {
    case "received":
    case "released":
    case "sent":
    case "sent-received":
    case "sent-done":
      return true
    default:
      return false
  }
}

function exchangesOf(saved: ReadonlyArray<SavedExchange>, incoming: ReadonlyArray<number>): Exchanges {
  const open = new Map<number, SavedExchange>()
  const handed = new Set<number>()
  for (const exchange of saved) {
    if (exchange.state === ExchangeState.free) handed.add(exchange.sequence)
    else open.set(exchange.packetIdentifier, exchange)
  }
  return { open, incoming: new Set(incoming), handed, retainedHanded: new Map(), replayHanded: new Map() }
}

const NOTHING: Exchanges = exchangesOf([], [])

function sent(exchanges: Exchanges, cursor: number, exchange: SavedExchange, lsn: number): void {
  const { handed, open, replayHanded, retainedHanded } = exchanges
  const { filter, kind, packetIdentifier, sequence } = exchange
  const before = open.get(packetIdentifier)
  // Told twice, it keeps its place in the order; an identifier that was free meanwhile goes to the end.
  if (before !== undefined && before.sequence !== sequence) open.delete(packetIdentifier)
  open.set(packetIdentifier, exchange)
  if (kind === "ordinary" && sequence >= cursor) handed.add(sequence) // [IDX-6]
  if (kind !== "retained" && kind !== "replay") return
  const all = kind === "retained" ? retainedHanded : replayHanded
  const steps = all.get(filter)
  if (steps === undefined) all.set(filter, [{ sequence, lsn }])
  else steps.push({ sequence, lsn })
}

function recovered(
  image: ImageSession,
  session: SavedSession,
  topicAt: (sequence: number) => string | undefined
): RecoveredSession {
  const { cursor, cursorLsn } = image
  const { handed, incoming, open, retainedHanded } = image.exchanges ?? NOTHING
  const subscriptions = new Map<string, SavedSubscription>()
  const wanted = new Map(image.retained.map((each) => [each.filter, each]))
  for (const [filter, { lsn, subscription }] of image.subscriptions) {
    const { intervals, retainedBelow } = subscription
    subscriptions.set(filter, { intervals, retainedBelow: -1 })
    if (lsn <= cursorLsn) continue
    if (retainedBelow < 0) wanted.delete(filter)
    else wanted.set(filter, { filter, below: retainedBelow, after: undefined })
  }
  for (const [filter, steps] of retainedHanded) {
    const each = wanted.get(filter)
    const subscribedLsn = image.subscriptions.get(filter)?.lsn ?? 0
    // One whose record is gone was replaced since, and its topic's newest value came live: it is passed over anyway.
    const last = steps.findLast(({ lsn, sequence }) => lsn > subscribedLsn && topicAt(sequence) !== undefined)
    if (each !== undefined && last !== undefined) wanted.set(filter, { ...each, after: topicAt(last.sequence) })
  }
  const retained = [...wanted.values()].filter(({ filter }) => subscriptions.has(filter))
  const replays = replaysOf(image)
  return {
    session,
    subscriptions,
    handed,
    isBehind: image.firstStepLsn < Number.POSITIVE_INFINITY,
    cursor: {
      cursor,
      open: [...open.values()],
      incoming: [...incoming],
      retained,
      ...(replays.length > 0 ? { replays } : {})
    }
  }
}

/** Each as far as the newer of its SUB and the CURSOR says, and what was handed over at QoS 2 since. */
function replaysOf({
  cursorLsn,
  exchanges,
  replays,
  subscriptions
}: ImageSession): NonNullable<SavedCursor["replays"]> {
  const saved = replays === undefined ? undefined : new Map(replays.map((each) => [each.filter, each]))
  const found: Array<NonNullable<SavedCursor["replays"]>[number]> = []
  for (const [filter, { lsn, subscription }] of subscriptions) {
    const replay = lsn > cursorLsn ? subscription.replay : saved?.get(filter)
    if (replay === undefined) continue
    const steps = (exchanges?.replayHanded.get(filter) ?? []).filter((step) => step.lsn > lsn)
    const handed = new Set([...replay.handed, ...steps.map(({ sequence }) => sequence)]) // [IDX-6]
    found.push({ filter, next: replay.next, head: replay.head, handed: [...handed] })
  }
  return found
}
