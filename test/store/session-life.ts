/**
 * Sessions and groups that live, and save what the broker would: driven by chance, over any SessionStore. Beside it stands
 * the truth, kept by itself after every record: what a start that loses everything later must know.
 */
import type {
  Recovered,
  SavedExchange,
  SavedGroup,
  SavedSession,
  SavedSubscription,
  SessionStore
} from "../../src/store/ports.ts"
import type { Random } from "../fault/random.ts"

/** What is known of one session; lists in order. */
export interface Truth {
  readonly sessions: Map<number, SessionTruth>
  readonly groups: Map<string, { group: SavedGroup; handed: Array<number> }>
  nextSessionNumber: number
  nextSequence: number
}
interface SessionTruth {
  session: SavedSession
  subscriptions: Map<string, SavedSubscription>
  incoming: Array<number>
  /** QoS 2 only: QoS 1 is lazy. */
  open: Array<SavedExchange>
  cursor: number
  handed: Array<number>
  /** As saved last, and the sequences handed over since. */
  retained: Map<string, { filter: string; below: number; after: string | undefined; handed: Array<number> }>
}

const FILTERS = ["a", "b/#", "$share/g/c", "+/d"]
const GROUPS = ["$share/g/c", "$share/h/#"]
const IDENTIFIERS_MAX = 6
const SESSIONS_MAX = 20

/** What a life needs of a log: appends a message of the topic topicOf(sequence), answers its ticket, or -1. */
export interface LifeLog {
  /** Sequence of the next message. */
  readonly next: number
  message(publisher: number, packetIdentifier: number): number
}

export class SessionLife {
  truth: Truth = { sessions: new Map(), groups: new Map(), nextSessionNumber: 1, nextSequence: 0 }
  /** The truth after each ticket; [0] = nothing. */
  readonly truths: Array<Truth> = [structuredClone(this.truth)]
  /** The ticket answered last. */
  ticket = 0
  /** Of which tickets the truth is kept. */
  keeps: (ticket: number) => boolean = () => true
  #random: Random
  #store: SessionStore
  #log: LifeLog

  constructor(random: Random, store: SessionStore, log: LifeLog) {
    this.#random = random
    this.#store = store
    this.#log = log
  }

  /** The same life over a store that was opened again, and knows everything up to `ticket`. */
  goOn(store: SessionStore, log: LifeLog, ticket: number, random: Random = this.#random): void {
    this.#random = random
    this.#store = store
    this.#log = log
    this.ticket = ticket
    this.truth = structuredClone(this.truths[ticket] as Truth)
    this.truth.nextSequence = log.next
  }

  step(): void {
    const number = this.#anySession()
    const actions: ReadonlyArray<() => void> =
      number === undefined
        ? [() => this.#begin()]
        : [
            () => (this.truth.sessions.size < SESSIONS_MAX ? this.#begin() : this.#end(number)),
            () => this.#saveAgain(number),
            () => this.#subscribe(number),
            () => this.#unsubscribe(number),
            () => this.#receive(number),
            () => this.#receive(number),
            () => this.#release(number),
            () => this.#send(number),
            () => this.#send(number),
            () => this.#sendRetained(number),
            () => this.#advance(number),
            () => this.#advance(number),
            () => this.#saveCursor(number),
            () => this.#saveGroup(),
            () => (this.#random.chance(0.2) ? this.#end(number) : this.#saveCursor(number)),
            () => (this.#random.chance(0.2) ? this.#endGroup() : this.#saveGroup())
          ]
    this.#random.pick(actions)()
  }

  /** The truth changes with the record, or not at all. */
  #told(ticket: number, change: () => void): void {
    if (ticket < 0) return
    change()
    this.ticket = ticket
    if (this.keeps(ticket)) this.truths[ticket] = structuredClone(this.truth)
  }

  #message(publisher: number, packetIdentifier: number): number {
    const ticket = this.#log.message(publisher, packetIdentifier)
    this.#told(ticket, () => {
      this.truth.nextSequence = this.#log.next
    })
    return ticket
  }

  #begin(): void {
    const number = this.truth.nextSessionNumber
    const session: SavedSession = {
      clientIdentifier: `client ${number}`,
      number,
      epoch: 1,
      expiryIntervalSeconds: 60,
      username: undefined,
      disconnectedAtMs: 0,
      will: undefined
    }
    this.#told(this.#store.saveSession(session), () => {
      this.truth.nextSessionNumber++
      const lists = { subscriptions: new Map(), incoming: [], open: [], cursor: 0, handed: [], retained: new Map() }
      this.truth.sessions.set(number, { session, ...lists })
    })
  }

  #saveAgain(number: number): void {
    const before = this.#of(number).session
    const session = { ...before, epoch: before.epoch + 1, disconnectedAtMs: before.disconnectedAtMs + 1000 }
    this.#told(this.#store.saveSession(session), () => {
      this.#of(number).session = session
    })
  }

  #end(number: number): void {
    this.#told(this.#store.endSession(number), () => this.truth.sessions.delete(number))
  }

  #subscribe(number: number): void {
    const filter = this.#random.pick(FILTERS)
    const from = this.truth.nextSequence
    const interval = { qos: 2, noLocal: false, retainAsPublished: false, subscriptionIdentifier: 0 }
    const retainedBelow = this.#random.chance(0.5) ? from : -1
    const subscription = { intervals: [{ ...interval, from, to: Number.POSITIVE_INFINITY }], retainedBelow }
    this.#told(this.#store.saveSubscription(number, filter, subscription), () => {
      const { retained, subscriptions } = this.#of(number)
      subscriptions.set(filter, subscription)
      if (retainedBelow < 0) retained.delete(filter)
      else retained.set(filter, { filter, below: from, after: undefined, handed: [] })
    })
  }

  #unsubscribe(number: number): void {
    const filter = this.#random.pick(FILTERS)
    this.#told(this.#store.endSubscription(number, filter), () => {
      this.#of(number).subscriptions.delete(filter)
      this.#of(number).retained.delete(filter)
    })
  }

  #receive(number: number): void {
    const packetIdentifier = this.#random.below(IDENTIFIERS_MAX) + 1
    const { incoming } = this.#of(number)
    if (incoming.includes(packetIdentifier)) return
    // A message somebody wants is its own proof; one that nobody wants is told apart.
    const lsn = this.#random.chance(0.5)
      ? this.#message(number, packetIdentifier)
      : this.#store.received(number, packetIdentifier)
    this.#told(lsn, () => incoming.push(packetIdentifier))
  }

  #release(number: number): void {
    const { incoming } = this.#of(number)
    if (incoming.length === 0) return
    const packetIdentifier = this.#random.pick(incoming)
    this.#told(this.#store.released(number, packetIdentifier), () => {
      incoming.splice(incoming.indexOf(packetIdentifier), 1)
    })
  }

  #send(number: number): void {
    if (this.#message(0, 0) < 0) return
    const session = this.#of(number)
    const sequence = this.truth.nextSequence - 1
    const group = this.#random.chance(0.3) ? this.truth.groups.get(this.#random.pick(GROUPS)) : undefined
    const filter = group === undefined ? "" : ([...this.truth.groups].find(([, each]) => each === group)?.[0] ?? "")
    const fromGroup = group?.group.requeued.find((each) => !group.handed.includes(each))
    this.#open(
      number,
      { kind: group === undefined ? "ordinary" : "shared", filter, sequence: fromGroup ?? sequence },
      (sent) => (group === undefined ? session.handed.push(sent) : group.handed.push(sent))
    )
  }

  #sendRetained(number: number): void {
    const { retained, subscriptions } = this.#of(number)
    const wanted = [...retained.values()].find(({ filter }) => subscriptions.has(filter))
    if (wanted === undefined || this.truth.nextSequence === 0) return
    const sequence = this.#random.below(this.truth.nextSequence)
    this.#open(number, { kind: "retained", filter: wanted.filter, sequence }, () => {
      wanted.handed.push(sequence)
    })
  }

  #open(
    number: number,
    what: Pick<SavedExchange, "kind" | "filter" | "sequence">,
    then: (sequence: number) => void
  ): void {
    const { open } = this.#of(number)
    const packetIdentifier = this.#random.below(IDENTIFIERS_MAX) + 1
    if (open.some((each) => each.packetIdentifier === packetIdentifier)) return
    const exchange: SavedExchange = { ...what, packetIdentifier, state: 2 }
    this.#told(this.#store.sent(number, exchange), () => {
      open.push(exchange)
      then(exchange.sequence)
    })
  }

  #advance(number: number): void {
    const { open } = this.#of(number)
    if (open.length === 0) return
    const exchange = this.#random.pick(open)
    const at = open.indexOf(exchange)
    const { packetIdentifier, state } = exchange
    if (state === 2 && this.#random.chance(0.8)) {
      this.#told(this.#store.sentReceived(number, packetIdentifier), () => {
        open[at] = { ...exchange, state: 3 }
      })
    } else this.#told(this.#store.sentDone(number, packetIdentifier), () => open.splice(at, 1))
  }

  #saveCursor(number: number): void {
    const session = this.#of(number)
    const cursor = Math.max(0, this.truth.nextSequence - this.#random.below(4))
    const { incoming, open } = session
    const done = session.handed.filter((each) => each >= cursor && !open.some(({ sequence }) => sequence === each))
    const retained = [...session.retained.values()]
      .filter(({ filter }) => session.subscriptions.has(filter) && this.#random.chance(0.7))
      .map((each) => {
        const last = each.handed.at(-1)
        // It went on from there; or a crash has left holes, and each is told.
        const isPast = last !== undefined && this.#random.chance(0.5)
        return isPast ? { ...each, after: topicOf(last), handed: [] } : each
      })
    const all = [
      ...open,
      ...done.map((sequence) => ({ ...HANDED_OVER, kind: "ordinary" as const, filter: "", sequence })),
      ...retained.flatMap(handedOver)
    ]
    const bare = retained.map(({ after, below, filter }) => ({ filter, below, after }))
    const saved = { cursor, incoming: [...incoming], open: all, retained: bare }
    this.#told(this.#store.saveCursor(number, saved), () => {
      session.cursor = cursor
      session.handed = done
      session.retained = new Map(retained.map((each) => [each.filter, { ...each, handed: [...each.handed] }]))
    })
  }

  #saveGroup(): void {
    const text = this.#random.pick(GROUPS)
    const before = this.truth.groups.get(text)
    const cursor = this.truth.nextSequence
    const requeued = Array.from({ length: this.#random.below(3) }, () => this.#random.below(cursor + 1))
    const group = { bornAt: before?.group.bornAt ?? cursor, cursor, requeued: [...new Set(requeued)] }
    this.#told(this.#store.saveGroup(text, group), () => this.truth.groups.set(text, { group, handed: [] }))
  }

  #endGroup(): void {
    const text = this.#random.pick(GROUPS)
    this.#told(this.#store.endGroup(text), () => this.truth.groups.delete(text))
  }

  #anySession(): number | undefined {
    const numbers = [...this.truth.sessions.keys()]
    return numbers.length === 0 ? undefined : this.#random.pick(numbers)
  }

  #of(number: number): SessionTruth {
    return this.truth.sessions.get(number) as SessionTruth
  }
}

export const topicOf = (sequence: number): string => `topic ${sequence}`

/** What a start must recover, in a form that two of can be compared. */
export function comparable({ groups, nextSessionNumber, sessions }: Recovered): unknown {
  return {
    nextSessionNumber,
    groups: sorted(
      [...groups].map(([text, { bornAt, cursor, handed, requeued }]) => ({
        text,
        bornAt,
        cursor,
        requeued,
        handed: [...handed].sort((a, b) => a - b)
      }))
    ),
    sessions: sorted(
      sessions.map(({ cursor, handed, session, subscriptions }) => ({
        session,
        subscriptions: sorted([...subscriptions].map(([filter, { intervals }]) => ({ filter, intervals }))),
        cursor: cursor.cursor,
        open: cursor.open.filter(({ state }) => state > 0),
        handedOver: sorted(cursor.open.filter(({ state }) => state === 0)),
        incoming: [...cursor.incoming].sort((a, b) => a - b),
        retained: sorted(cursor.retained),
        handed: [...handed].sort((a, b) => a - b)
      }))
    )
  }
}

const HANDED_OVER = { packetIdentifier: 0, state: 0 } as const

function handedOver({ filter, handed }: { filter: string; handed: ReadonlyArray<number> }): Array<SavedExchange> {
  return handed.map((sequence) => ({ ...HANDED_OVER, kind: "retained", filter, sequence }))
}

export function expected(truth: Truth): unknown {
  return comparable({
    nextSessionNumber: truth.nextSessionNumber,
    groups: new Map(
      [...truth.groups].map(([text, { group, handed }]) => [
        text,
        { ...group, requeued: group.requeued.filter((each) => !handed.includes(each)), handed: new Set(handed) }
      ])
    ),
    sessions: [...truth.sessions.values()].map((each) => ({
      session: each.session,
      subscriptions: each.subscriptions,
      handed: new Set(each.handed),
      cursor: {
        cursor: each.cursor,
        open: [
          ...each.open,
          ...[...each.retained.values()].filter(({ filter }) => each.subscriptions.has(filter)).flatMap(handedOver)
        ],
        incoming: each.incoming,
        retained: [...each.retained.values()]
          .filter(({ filter }) => each.subscriptions.has(filter))
          .map(({ after, below, filter }) => ({ filter, below, after }))
      }
    }))
  })
}

/** In the same order on both sides, in whichever order each lists the members of its objects. */
function sorted<A>(values: ReadonlyArray<A>): ReadonlyArray<A> {
  return [...values].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    typeof each === "object" && each !== null && !Array.isArray(each) ? Object.entries(each).sort() : each
  )
}
