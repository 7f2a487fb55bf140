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
 * knows; likewise what is left of a replay. Retained messages handed over at QoS 2 since then are told one by one, among the open exchanges
 * (state free, kind retained): what lies between them may have been sent at QoS 1, of which nothing is known, and comes again.
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
  readonly subscriptions: Map<string, ImageSubscription>
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

/** The broker gets these very objects: 100,000 sessions are not copied once more. */
interface ImageSubscription extends SavedSubscription {
  readonly lsn: number
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

  toRecovered(): Recovered {
    const sessions: Array<RecoveredSession> = []
    for (const image of this.#sessions.values()) {
      if (image.session !== undefined) sessions.push(recovered(image, image.session))
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
        if (record.subscription === undefined) {
          subscriptions.delete(record.filter)
          return
        }
        const { intervals, replay, retainedBelow } = record.subscription
        subscriptions.set(record.filter, { intervals, retainedBelow, replay, lsn })
        for (const { from, to } of intervals) this.#observeSequences(from, to)
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
    image.exchanges = open.length + incoming.length === 0 ? undefined : exchangesOf(open, incoming, lsn)
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
    image.exchanges ??= exchangesOf([], [], 0)
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
      retained: NOTHING_WANTED,
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

/** `lsn` is the CURSOR's that says it. */
function exchangesOf(saved: ReadonlyArray<SavedExchange>, incoming: ReadonlyArray<number>, lsn: number): Exchanges {
  const open = new Map<number, SavedExchange>()
  const handed = new Set<number>()
  const retainedHanded: Steps = new Map()
  for (const exchange of saved) {
    const { filter, kind, packetIdentifier, sequence, state } = exchange
    if (state !== ExchangeState.free) open.set(packetIdentifier, exchange)
    else if (kind === "retained") addStep(retainedHanded, filter, sequence, lsn)
    else handed.add(sequence)
  }
  return { open, incoming: new Set(incoming), handed, retainedHanded, replayHanded: new Map() }
}

/** Under no identifier: handed over, and done with or told beside this. */
const HANDED_OVER = { packetIdentifier: 0, state: ExchangeState.free } as const

const NOTHING: Exchanges = exchangesOf([], [], 0)

function sent(exchanges: Exchanges, cursor: number, exchange: SavedExchange, lsn: number): void {
  const { handed, open, replayHanded, retainedHanded } = exchanges
  const { filter, kind, packetIdentifier, sequence } = exchange
  const before = open.get(packetIdentifier)
  // Told twice, it keeps its place in the order; an identifier that was free meanwhile goes to the end.
  if (before !== undefined && before.sequence !== sequence) open.delete(packetIdentifier)
  open.set(packetIdentifier, exchange)
  if (kind === "ordinary" && sequence >= cursor) handed.add(sequence) // [IDX-6]
  if (kind !== "retained" && kind !== "replay") return
  addStep(kind === "retained" ? retainedHanded : replayHanded, filter, sequence, lsn)
}

function addStep(all: Steps, filter: string, sequence: number, lsn: number): void {
  const steps = all.get(filter)
  if (steps === undefined) all.set(filter, [{ sequence, lsn }])
  else steps.push({ sequence, lsn })
}

function recovered(image: ImageSession, session: SavedSession): RecoveredSession {
  const { cursor } = image
  const { handed, incoming, open, retainedHanded } = image.exchanges ?? NOTHING
  const { subscriptions } = image
  const exchanges: Array<SavedExchange> = [...open.values()]
  const wanted = wantedOf(image)
  for (const [filter, steps] of retainedHanded) {
    const subscribed = subscriptions.get(filter)
    if (subscribed === undefined || !wanted.has(filter)) continue
    for (const { lsn, sequence } of steps) {
      if (lsn > subscribed.lsn) exchanges.push({ ...HANDED_OVER, kind: "retained", sequence, filter }) // [RST-9]
    }
  }
  const retained =
    wanted.size === 0 ? NOTHING_WANTED : [...wanted.values()].filter(({ filter }) => subscriptions.has(filter))
  const replays = replaysOf(image)
  return {
    session,
    subscriptions,
    handed,
    isBehind: image.firstStepLsn < Number.POSITIVE_INFINITY,
    cursor: {
      cursor,
      open: exchanges,
      incoming: [...incoming],
      retained,
      ...(replays.length > 0 ? { replays } : {})
    }
  }
}

/** What retained messages are still to be sent, by filter: the newer of SUB and CURSOR knows, and from here on the cursor. */
function wantedOf({
  cursorLsn,
  retained,
  subscriptions
}: ImageSession): ReadonlyMap<string, SavedCursor["retained"][number]> {
  let wanted: Map<string, SavedCursor["retained"][number]> | undefined
  if (retained.length > 0) wanted = new Map(retained.map((each) => [each.filter, each]))
  for (const [filter, { lsn, retainedBelow }] of subscriptions) {
    if (lsn <= cursorLsn) continue
    if (retainedBelow < 0) wanted?.delete(filter)
    else {
      wanted ??= new Map()
      wanted.set(filter, { filter, below: retainedBelow, after: undefined })
    }
  }
  return wanted ?? NO_FILTERS
}

const NO_FILTERS: ReadonlyMap<string, never> = new Map<string, never>()
const NOTHING_WANTED: ReadonlyArray<never> = []

/** Each as far as the newer of its SUB and the CURSOR says, and what was handed over at QoS 2 since. */
function replaysOf({
  cursorLsn,
  exchanges,
  replays,
  subscriptions
}: ImageSession): NonNullable<SavedCursor["replays"]> {
  let isReplayed = replays !== undefined
  for (const { replay } of subscriptions.values()) isReplayed ||= replay !== undefined
  if (!isReplayed) return NOTHING_WANTED
  const saved = replays === undefined ? undefined : new Map(replays.map((each) => [each.filter, each]))
  const found: Array<NonNullable<SavedCursor["replays"]>[number]> = []
  for (const [filter, { lsn, replay: asked }] of subscriptions) {
    const replay = lsn > cursorLsn ? asked : saved?.get(filter)
    if (replay === undefined) continue
    const steps = (exchanges?.replayHanded.get(filter) ?? []).filter((step) => step.lsn > lsn)
    const handed = new Set([...replay.handed, ...steps.map(({ sequence }) => sequence)]) // [IDX-6]
    found.push({ filter, next: replay.next, head: replay.head, handed: [...handed] })
  }
  return found
}
