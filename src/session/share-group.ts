/**
 * A shared subscription: `$share/<name>/<filter>`. Its members divide the messages among themselves.
 *
 * Identity is (share name, filter). To the router and the log a group looks like one session: it has an entry
 * in the filter's live list, a mode and a cursor, kept in `reader`, a session nobody connects to.
 *
 *   live      cursor at D: each message goes to a member with room, at once
 *   reading   somebody has to wait: new messages are read from the log, from the cursor on; those that were passed
 *             over, or were with a member that was lost, wait in `requeued` and go first
 *
 * Invariants
 * - `requeued` is ascending and below the cursor; empty while the group is live.
 * - A message is open with at most one member. It returns to the group only from QoS 1 and only when its
 *   member's connection ends; never after a negative acknowledgement [MQTT-4.8.2-6]. QoS 2 waits for its member
 *   [MQTT-4.8.2-4] and dies with the member's session [MQTT-4.8.2-5].
 * - The group lives as long as it has a member; a persistent session stays one while it is away. A group of the
 *   same text that is made later is another one: compare objects, not texts.
 */
import type { Filter } from "../router/router.ts"
import { ExchangeState } from "./outgoing-window.ts"
import { Session, SessionMode } from "./session.ts"
import { Subscription } from "./subscription.ts"

/** Options of a group's own entry: it takes whatever its filter matches. */
const everything = { qos: 2, noLocal: false, retainAsPublished: true, subscriptionIdentifier: 0 }

export interface MemberOptions {
  readonly qos: number
  readonly retainAsPublished: boolean
  /** Subscription Identifiers as deliveries pass them on; undefined when there is none. */
  readonly identifiers: ReadonlyArray<number> | undefined
}

/** One session's place in a group. It outlives its membership while messages are open with it. */
export class Member {
  readonly group: ShareGroup
  readonly session: Session
  qos = 0
  retainAsPublished = false
  identifiers: ReadonlyArray<number> | undefined = undefined
  /** Key-ordered groups only: the keys of open messages, by packet identifier. */
  keys: Map<number, string> | undefined = undefined

  constructor(group: ShareGroup, session: Session) {
    this.group = group
    this.session = session
  }
}

export class ShareGroup {
  /** As subscribed: "$share/<name>/<filter>". */
  readonly text: string
  /** Mode and cursor of the group; never connected. */
  readonly reader: Session
  /** What the router and the log's reader see; its one interval is the group's life. */
  readonly entry: Subscription
  readonly members: Array<Member> = []
  readonly requeued: Array<number> = []
  /** Members no more, with messages of the group open. */
  readonly #leavers = new Set<Session>()
  /** Round-robin: index of the member whose turn it is. */
  turn = 0
  /** Sticky: who had the last message. */
  sticky: Member | undefined = undefined
  /** Key-ordered: who has open messages of a key, and how many. */
  readonly openKeys = new Map<string, { readonly session: Session; count: number }>()
  pumpQueued = false
  /** The log position being read from the disk for it, or -1. */
  loading = -1

  /** `bornAt` is the log's head: what lies below is none of the group's. */
  constructor(text: string, filter: Filter<Session>, bornAt: number) {
    this.text = text
    this.reader = new Session(text, 0, 0)
    this.entry = new Subscription(this.reader, filter)
    this.entry.group = this
    this.entry.open(everything, bornAt)
    this.reader.cursor = bornAt
    this.reader.savedCursor = bornAt
    this.reader.subscriptions.set(filter.text, this.entry)
    this.reader.mode = SessionMode.live
  }

  /** The store knows the group: a persistent session is a member. Then its reader counts as persistent. */
  get isSaved(): boolean {
    return this.reader.isSaved
  }

  set isSaved(saved: boolean) {
    this.reader.isSaved = saved
    this.reader.expiryIntervalSeconds = saved ? Number.POSITIVE_INFINITY : 0
  }

  get isLive(): boolean {
    return this.reader.mode === SessionMode.live
  }

  get isAnyPersistent(): boolean {
    for (const { session } of this.members) if (session.persistent) return true
    return false
  }

  memberOf(session: Session): Member | undefined {
    for (const member of this.members) if (member.session === session) return member
    return undefined
  }

  join(session: Session, options: MemberOptions): void {
    let member = this.memberOf(session)
    if (member === undefined) {
      member = new Member(this, session)
      this.members.push(member)
    }
    member.qos = options.qos
    member.retainAsPublished = options.retainAsPublished
    member.identifiers = options.identifiers
  }

  leave(session: Session): void {
    const at = this.members.findIndex((member) => member.session === session)
    if (at < 0) return
    const [gone] = this.members.splice(at, 1)
    if (at < this.turn) this.turn -= 1 // whose turn it was, it still is
    if (this.sticky === gone) this.sticky = undefined
    this.#leavers.add(session)
  }

  /** Where the messages lie that are with somebody at QoS 1: they come back if that connection ends. Cold. */
  openAtQos1(): Array<number> {
    const open: Array<number> = []
    for (const { session } of this.members) this.#collectOpen(session, open)
    for (const session of this.#leavers) if (!this.#collectOpen(session, open)) this.#leavers.delete(session)
    return open
  }

  #collectOpen({ sharedInFlight, window }: Session, open: Array<number>): boolean {
    let isAny = false
    for (const [id, { group }] of sharedInFlight ?? []) {
      if (group !== this) continue
      isAny = true
      if (window.state(id) === ExchangeState.awaitPuback) open.push(window.sequence(id))
    }
    return isAny
  }

  /** A lost member's message waits for another one. */
  requeue(sequence: number): void {
    let at = this.requeued.length
    while (at > 0 && (this.requeued[at - 1] as number) > sequence) at -= 1
    this.requeued.splice(at, 0, sequence)
  }
}
