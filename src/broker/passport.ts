/**
 * The passport of a logged message: who was to get it and what became of it. Nothing is written down per message for
 * this: the log has the message, each session has a cursor and a window, the drop ledger has the rest.
 *
 *   at or above the session's cursor   waiting, with so many records before it
 *   below it, in its window            in flight, or received (QoS 2)
 *   below it, in no window             dropped where the ledger has its row, else done
 *
 * Invariants
 * - [PSP-1] What cannot be known is "unknown": where a row of the ledger covers a range or the broker's last start lies
 *   between, it is never told as done.
 * - [PSP-2] What its session's reader has not come to is waiting, whatever else is known.
 * - Bounded: LOOKED_MAX subscriptions and ledger rows are looked at, SHOWN_MAX deliveries shown; `matched` counts all.
 *
 * Shapes are those of the admin API (admin/api/messages.ts), which lies above.
 */
import * as Effect from "effect/Effect"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import type { DropRow } from "../metrics/drop-ledger.ts"
import { dropReasons } from "../metrics/drop-reasons.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import { type Session, SessionMode } from "../session/session.ts"
import type { ShareGroup } from "../session/share-group.ts"
import type { Subscription } from "../session/subscription.ts"
import { Judgement, judge } from "../store/judge.ts"
import { LogRecord } from "../store/ports.ts"
import type { Core } from "./core.ts"
import { type ShownPayload, showPayload } from "./shown-payload.ts"

export type DeliveryState = "waiting" | "in flight" | "received" | "done" | "dropped" | "unknown"

export interface Delivery {
  /** Of a shared subscription the member's, "" while it has none. */
  readonly clientIdentifier: string
  readonly share: string | null
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly state: DeliveryState
  readonly detail: string
}

export interface Passport {
  readonly sequence: number
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** Not kept with the message. */
  readonly publishedAt: string | null
  readonly publisher: string | null
  readonly expiresAt: string | null
  readonly payload: ShownPayload
  readonly isDurable: boolean
  readonly matched: number
  readonly deliveries: ReadonlyArray<Delivery>
}

const LOOKED_MAX = 20_000
const SHOWN_MAX = 1000
const PAYLOAD_SHOWN_BYTES = 65_536

/** The same, of a message that lies on the disk only too. Undefined when the log has it no more. */
export const readPassport = (core: Core, sequence: number): Effect.Effect<Passport | undefined> =>
  Effect.callback<Passport | undefined>((resume) => {
    const answer = () => resume(Effect.sync(() => passport(core, sequence)))
    if (!isPosition(core, sequence) || core.log.isReady(sequence)) answer()
    else core.log.load(sequence, answer)
  })

/** Undefined when the log has it no more, or not in memory: see readPassport. */
export const passport = (core: Core, sequence: number): Passport | undefined => {
  const { log } = core
  const record = new LogRecord()
  if (!isPosition(core, sequence) || !log.isReady(sequence) || !log.read(sequence, record)) return undefined
  core.tick()
  const view = new PublishView()
  viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
  const topic = view.buffer.toString("utf8", view.topicStart, view.topicEnd)
  const { expiresAtMs, publisher, topicId } = record
  const inspection = new Inspection(core, { sequence, topic, topicId, publisher, qos: view.qos, retain: view.retain })
  return {
    sequence,
    topic,
    qos: view.qos as 0 | 1 | 2,
    retain: view.retain,
    publishedAt: null,
    publisher: publisherOf(core, publisher),
    expiresAt: Number.isFinite(expiresAtMs) ? new Date(expiresAtMs).toISOString() : null,
    payload: showPayload(view, PAYLOAD_SHOWN_BYTES),
    // The last records alone can be ones that the disk does not have yet.
    isDurable: core.isDurable && sequence < log.next - Math.max(0, log.ticket - log.durable),
    ...inspection.run()
  }
}

const isPosition = ({ log }: Core, sequence: number): boolean =>
  Number.isSafeInteger(sequence) && sequence >= log.first && sequence < log.next

/** Of a retained message it is known; else a session of that number, as far as one is found among the first. */
const publisherOf = (core: Core, number: number): string | null => {
  const name = core.publishers.nameOf(number)
  if (name !== undefined) return name.clientIdentifier
  let looked = 0
  for (const session of core.sessions.values()) {
    if (session.number === number) return session.clientIdentifier
    if (++looked >= LOOKED_MAX) return null
  }
  return null
}

interface Message {
  readonly sequence: number
  readonly topic: string
  readonly topicId: number
  readonly publisher: number
  readonly qos: number
  readonly retain: boolean
}

/** What can be said of one who was to get it. */
interface Finding {
  readonly state: DeliveryState
  readonly detail: string
}

class Inspection {
  readonly #core: Core
  readonly #message: Message
  /** Rows of the ledger that this message is, or may be, one of. */
  readonly #rows = new Map<string, Array<DropRow>>()
  readonly #seen = new Set<Session>()
  readonly #deliveries: Array<Delivery> = []
  readonly #judgement = new Judgement(false)
  #matched = 0
  #looked = 0

  constructor(core: Core, message: Message) {
    this.#core = core
    this.#message = message
  }

  run(): Pick<Passport, "matched" | "deliveries"> {
    this.#readLedger()
    for (const filter of this.#core.router.match(this.#message.topic)) {
      const readers = filter.logReaders > 0 ? this.#core.logReadersOf(filter) : []
      for (const subscriptions of [filter.live as Iterable<unknown> as Iterable<Subscription>, readers]) {
        for (const subscription of subscriptions) {
          if (this.#looked < LOOKED_MAX) this.#look(subscription)
          else this.#matched += 1
        }
      }
    }
    for (const [name, rows] of this.#rows) this.#lookAtRows(name, rows)
    return { matched: this.#matched, deliveries: this.#deliveries }
  }

  #readLedger(): void {
    const { sequence, topic } = this.#message
    let looked = 0
    for (const row of this.#core.ledger.rows()) {
      if (++looked > LOOKED_MAX) return
      const { firstSequence: first, lastSequence: last } = row
      if (first === undefined || last === undefined || sequence < first || sequence > last) continue
      if (row.topic !== topic && row.topic !== "") continue
      const rows = this.#rows.get(row.clientIdentifier)
      if (rows === undefined) this.#rows.set(row.clientIdentifier, [row])
      else rows.push(row)
    }
  }

  #look(subscription: Subscription): void {
    this.#looked += 1
    const { group, subscriber } = subscription
    if (this.#seen.has(subscriber)) return
    this.#seen.add(subscriber)
    if (group !== undefined) {
      this.#lookAtGroup(group)
      return
    }
    const { publisher, qos: messageQos, retain, sequence, topicId } = this.#message
    const { bitmaps } = this.#core
    const judgement = this.#judgement
    judge(judgement, subscriber.subscriptions.values(), bitmaps, topicId, sequence, publisher, messageQos, retain)
    const replayed = this.#replayed(subscriber)
    const qos = judgement.qos >= 0 ? judgement.qos : Math.min(replayed?.qos ?? -1, messageQos)
    if (qos < 0) return
    const finding = judgement.qos >= 0 ? this.#ofSession(subscriber, qos) : this.#ofReplay(subscriber, replayed)
    this.#add(subscriber.clientIdentifier, null, subscription.filter.text, qos, finding)
  }

  #ofSession(session: Session, qos: number): Finding {
    const { sequence } = this.#message
    const cursor = session.mode === SessionMode.live ? this.#core.delivered : session.cursor
    this.#looked += session.window.inFlight
    const inFlight = this.#inFlight(session)
    if (inFlight !== undefined) return inFlight
    if (qos === 0) return this.#dropped(session.clientIdentifier) ?? sentAtOnce
    const wasHanded = session.handed?.has(sequence) === true
    if (sequence >= cursor && !wasHanded) return waiting(sequence - cursor) // [PSP-2]
    const dropped = this.#dropped(session.clientIdentifier)
    if (dropped !== undefined) return dropped
    const inMemory = session.waiting?.count ?? 0
    if (inMemory > 0) return { state: "unknown", detail: `acknowledged, or one of ${inMemory} that wait in memory` }
    return this.#done()
  }

  /** [PSP-1] */
  #done(): Finding {
    return this.#message.sequence < this.#core.bornAt ? beforeStart : { state: "done", detail: "acknowledged" }
  }

  #inFlight(session: Session): Finding | undefined {
    const id = session.window.find(this.#message.sequence)
    if (id === 0) return undefined
    const isReceived = session.window.state(id) === ExchangeState.awaitPubcomp
    return { state: isReceived ? "received" : "in flight", detail: `packet identifier ${id}` }
  }

  /** A subscription that is still being handed its history. */
  #replayed(session: Session): { readonly qos: number; readonly next: number } | undefined {
    const { topicId } = this.#message
    for (const { next, subscription } of session.replayCursors) {
      const { filter, qos } = subscription
      if (this.#core.bitmaps.matches(filter.id, filter.text, topicId)) return { qos, next }
    }
    return undefined
  }

  #ofReplay(session: Session, replayed: { readonly next: number } | undefined): Finding {
    const inFlight = this.#inFlight(session)
    if (inFlight !== undefined) return inFlight
    const next = replayed?.next ?? 0
    if (this.#message.sequence >= next) return waiting(this.#message.sequence - next)
    return this.#dropped(session.clientIdentifier) ?? this.#done()
  }

  #lookAtGroup(group: ShareGroup): void {
    const { qos, sequence } = this.#message
    if (group.entry.at(sequence) === undefined) return
    const share = shareOf(group.text)
    const filter = group.entry.filter.text
    for (const { session } of group.members) {
      this.#looked += 1 + session.window.inFlight
      const id = session.sharedInFlight === undefined ? 0 : session.window.find(sequence)
      if (id === 0 || session.sharedInFlight?.get(id)?.group !== group) continue
      this.#add(session.clientIdentifier, share, filter, qos, this.#inFlight(session) as Finding)
      return
    }
    this.#add("", share, filter, qos, this.#ofGroup(group))
  }

  #ofGroup(group: ShareGroup): Finding {
    const { qos, sequence } = this.#message
    const cursor = group.isLive ? this.#core.delivered : group.reader.cursor
    const at = group.requeued.indexOf(sequence)
    if (at >= 0) return { state: "waiting", detail: `for another member, ${at} before it` }
    if (sequence >= cursor && qos > 0) return waiting(sequence - cursor)
    return this.#dropped(group.text) ?? (qos === 0 ? sentAtOnce : this.#done())
  }

  /** Takes the rows: what is left of them in the end is of nobody who is still there. */
  #dropped(name: string): Finding | undefined {
    const rows = this.#rows.get(name)
    this.#rows.delete(name)
    const row = rows?.find(isCertain) ?? rows?.[0]
    return row === undefined ? undefined : findingOf(row)
  }

  /** Sessions that are gone or subscribe no more, and rows of nobody in particular. */
  #lookAtRows(name: string, rows: ReadonlyArray<DropRow>): void {
    const row = rows.find(isCertain) ?? rows.find(({ topic }) => topic !== "")
    if (row === undefined || name === "") return
    const share = name.startsWith("$share/") ? shareOf(name) : null
    this.#add(share === null ? name : "", share, "", this.#message.qos, findingOf(row))
  }

  #add(clientIdentifier: string, share: string | null, filter: string, qos: number, finding: Finding): void {
    this.#matched += 1
    if (this.#deliveries.length >= SHOWN_MAX) return
    this.#deliveries.push({ clientIdentifier, share, filter, qos: qos as 0 | 1 | 2, ...finding })
  }
}

const sentAtOnce: Finding = {
  state: "unknown",
  detail: "QoS 0: sent at once if it was connected, and never acknowledged"
}
const beforeStart: Finding = { state: "unknown", detail: "done with before the broker's last start" }

const waiting = (before: number): Finding => ({
  state: "waiting",
  detail: before === 0 ? "it is next" : `at most ${before} before it`
})

/** All records of its range are its own. */
const isCertain = ({ count, firstSequence, lastSequence, topic }: DropRow): boolean =>
  firstSequence !== undefined &&
  lastSequence !== undefined &&
  (firstSequence === lastSequence || (topic !== "" && count === lastSequence - firstSequence + 1))

const findingOf = (row: DropRow): Finding => {
  const name = dropReasons[row.reason]?.name ?? ""
  if (isCertain(row)) return { state: "dropped", detail: name }
  return { state: "unknown", detail: `acknowledged, or one of ${row.count} dropped: ${name}` } // [PSP-1]
}

const shareOf = (text: string): string => text.split("/", 2)[1] ?? text
