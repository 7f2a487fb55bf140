/**
 * A shared subscription: `$share/<name>/<filter>`. Its members divide the messages among themselves.
 *
 * Identity is (share name, filter). To the router and the log a group looks like one session: it has an entry
 * in the filter's live list, a mode and a cursor, kept in `reader`, a session nobody connects to.
 *
 *   live      cursor at D: each message goes to a member with room, at once
 *   reading   nobody had room (or nobody is connected): the cursor waits at that message; messages that a lost
 *             member had not acknowledged wait in `requeued`, and go first
 *
 * Invariants
 * - requeued is ascending and below the cursor: order is kept per member that takes over.
 * - A message is open with at most one member. It returns to the group only from QoS 1 and only when its
 *   member's connection ends; never after a negative acknowledgement [MQTT-4.8.2-6]. QoS 2 waits for its member
 *   [MQTT-4.8.2-4] and dies with the member's session [MQTT-4.8.2-5].
 * - The group lives as long as it has a member; a persistent session stays one while it is away.
 */
import type { Filter } from "../router/router.ts"
import { Session, SessionMode } from "./session.ts"
import { Subscription } from "./subscription.ts"

export interface Member {
  readonly session: Session
  qos: number
  retainAsPublished: boolean
  /** Subscription Identifiers as deliveries pass them on; undefined when there is none. */
  identifiers: ReadonlyArray<number> | undefined
}

export class ShareGroup {
  /** As subscribed: "$share/<name>/<filter>". */
  readonly text: string
  /** Mode and cursor of the group; never connected. */
  readonly reader: Session
  /** What the router and the log's reader see. */
  readonly entry: Subscription
  readonly members: Array<Member> = []
  requeued: Array<number> = []
  /** Round-robin: index of the member whose turn it is. */
  turn = 0
  /** Sticky: who had the last message. */
  sticky: Member | undefined = undefined
  /** Key-ordered: who has open messages of a key, and how many. */
  readonly openKeys = new Map<string, { readonly member: Member; count: number }>()
  pumpQueued = false

  constructor(text: string, filter: Filter<Session>) {
    this.text = text
    this.reader = new Session(text, 0, 0)
    this.entry = new Subscription(this.reader, filter)
    this.entry.group = this
    this.reader.mode = SessionMode.live
  }

  memberOf(session: Session): Member | undefined {
    return this.members.find((member) => member.session === session)
  }

  /** A lost member's message waits for another one. */
  requeue(sequence: number): void {
    let at = this.requeued.length
    while (at > 0 && (this.requeued[at - 1] as number) > sequence) at -= 1
    this.requeued.splice(at, 0, sequence)
  }
}

/** A message of a group that a session has been sent and has not acknowledged. */
export interface SharedExchange {
  readonly group: ShareGroup
  readonly member: Member
  /** Key-ordered groups only. */
  readonly key: string | undefined
}
