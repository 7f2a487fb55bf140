/**
 * SessionStore over the log: every call is a record, and what the index will need of it is put aside as a whole value.
 *
 *   whole values   encoded once; the same bytes go into the log and, when the log is durable, into the index
 *   steps          QoS 2, up to five per message: into the log only, from one buffer; nothing is allocated. The log is
 *                  read at every start, and a saved cursor covers the steps before it; FirstSteps knows which are not
 *
 * Invariants
 * - What the log refused (-1) reaches neither the index nor FirstSteps.
 * - `changes` is where the next change goes; the indexer (indexer.ts) takes the full one away and leaves an empty one.
 *
 * Elsewhere: bytes (control-records.ts), the model of a start (session-image.ts), applying (indexer.ts).
 */
import { RecordType, RecordView } from "../wal/record.ts"
import {
  encodeCursor,
  encodeGroup,
  encodeSession,
  encodeSubscription,
  encodeUnsubscribe,
  STEP_BYTES_MAX,
  writeExchange,
  writePacketIdentifier
} from "./control-records.ts"
import { FirstSteps } from "./first-steps.ts"
import { IndexChanges } from "./index-changes.ts"
import type {
  Recovered,
  SavedCursor,
  SavedExchange,
  SavedGroup,
  SavedSession,
  SavedSubscription,
  SessionStore
} from "./ports.ts"

/** Appends a record that is no message; answers its LSN, or -1 when the log takes none now. */
export type AppendControl = (record: RecordView, asksSync: boolean) => number

export class DurableSessions implements SessionStore {
  readonly isDurable = true
  /** What the index does not know yet; undefined when there is no index to tell. */
  changes: IndexChanges | undefined = new IndexChanges()
  /** Bytes of control records since the counter was last set to 0. */
  controlBytes = 0
  /** Called when `changes` holds something, once per whole value. */
  onChange: () => void = () => undefined
  readonly #append: AppendControl
  readonly #sessionSteps = new FirstSteps<number>()
  readonly #groupSteps = new FirstSteps<string>()
  readonly #record = new RecordView()
  readonly #stepBytes = Buffer.alloc(STEP_BYTES_MAX)
  #recovered: Recovered | undefined
  #nextSessionNumber: number

  constructor(append: AppendControl, recovered: Recovered) {
    this.#append = append
    this.#recovered = recovered
    this.#nextSessionNumber = recovered.nextSessionNumber
  }

  get nextSessionNumber(): number {
    return this.#nextSessionNumber
  }

  /** LSN of the first step that no saved cursor covers; Infinity when there is none. */
  get firstUncoveredLsn(): number {
    return Math.min(this.#sessionSteps.lowest(), this.#groupSteps.lowest())
  }

  /** A step that was found at the start, or that a MSG is: of a session (number) or of a group (text). */
  noteStep(key: number | string, lsn: number): void {
    if (typeof key === "number") this.#sessionSteps.note(key, lsn)
    else this.#groupSteps.note(key, lsn)
  }

  /** A number was given to a publisher, whether or not its session is saved: it is not given again. */
  noteNumber(number: number): void {
    if (number >= this.#nextSessionNumber) this.#nextSessionNumber = number + 1
  }

  takeRecovered(): Recovered {
    const recovered = this.#recovered
    this.#recovered = undefined
    return recovered ?? { sessions: [], groups: new Map(), nextSessionNumber: this.#nextSessionNumber }
  }

  saveSession(session: SavedSession): number {
    const { number } = session
    const body = encodeSession(session)
    const lsn = this.#write(RecordType.session, number, body, body.length)
    if (lsn < 0) return lsn
    this.noteNumber(number)
    this.changes?.session(number, lsn, body)
    this.onChange()
    return lsn
  }

  endSession(number: number): number {
    const lsn = this.#write(RecordType.sessionEnd, number, this.#stepBytes, 0)
    if (lsn < 0) return lsn
    this.#sessionSteps.forget(number)
    this.changes?.ended(number)
    this.onChange()
    return lsn
  }

  saveSubscription(number: number, filter: string, subscription: SavedSubscription): number {
    const body = encodeSubscription(filter, subscription)
    const lsn = this.#write(RecordType.subscribe, number, body, body.length)
    if (lsn < 0) return lsn
    this.changes?.subscription(number, filter, lsn, body)
    this.onChange()
    return lsn
  }

  endSubscription(number: number, filter: string): number {
    const body = encodeUnsubscribe(filter)
    const lsn = this.#write(RecordType.unsubscribe, number, body, body.length)
    if (lsn < 0) return lsn
    this.changes?.subscription(number, filter, lsn, undefined)
    this.onChange()
    return lsn
  }

  saveCursor(number: number, cursor: SavedCursor): number {
    const body = encodeCursor(cursor)
    const lsn = this.#write(RecordType.cursor, number, body, body.length)
    if (lsn < 0) return lsn
    this.#sessionSteps.cover(number)
    this.changes?.cursor(number, lsn, body)
    this.onChange()
    return lsn
  }

  saveGroup(text: string, group: SavedGroup): number {
    const lsn = this.#writeGroup(text, group)
    if (lsn > 0) this.#groupSteps.cover(text)
    return lsn
  }

  endGroup(text: string): number {
    const lsn = this.#writeGroup(text, undefined)
    if (lsn > 0) this.#groupSteps.forget(text)
    return lsn
  }

  received(number: number, packetIdentifier: number): number {
    return this.#writeIdentifier(RecordType.qos2In, number, packetIdentifier)
  }

  released(number: number, packetIdentifier: number): number {
    return this.#writeIdentifier(RecordType.qos2InReleased, number, packetIdentifier)
  }

  sent(number: number, exchange: SavedExchange): number {
    const length = writeExchange(this.#stepBytes, exchange)
    const lsn = this.#write(RecordType.qos2Out, number, this.#stepBytes, length)
    if (lsn < 0) return lsn
    this.#sessionSteps.note(number, lsn)
    if (exchange.kind === "shared") this.#groupSteps.note(exchange.filter, lsn)
    return lsn
  }

  sentReceived(number: number, packetIdentifier: number): number {
    return this.#writeIdentifier(RecordType.qos2OutReceived, number, packetIdentifier)
  }

  sentDone(number: number, packetIdentifier: number): number {
    return this.#writeIdentifier(RecordType.qos2OutDone, number, packetIdentifier)
  }

  #writeIdentifier(type: number, number: number, packetIdentifier: number): number {
    const length = writePacketIdentifier(this.#stepBytes, packetIdentifier)
    const lsn = this.#write(type, number, this.#stepBytes, length)
    if (lsn > 0) this.#sessionSteps.note(number, lsn)
    return lsn
  }

  #writeGroup(text: string, group: SavedGroup | undefined): number {
    const body = encodeGroup(text, group)
    const lsn = this.#write(RecordType.group, 0, body, body.length)
    if (lsn < 0) return lsn
    this.changes?.group(text, lsn, group === undefined ? undefined : body)
    this.onChange()
    return lsn
  }

  #write(type: number, number: number, body: Buffer, length: number): number {
    const record = this.#record
    record.type = type
    record.publisher = number
    record.buffer = body
    record.start = 0
    record.end = length
    const lsn = this.#append(record, false)
    if (lsn > 0) this.controlBytes += RECORD_BYTES + length
    return lsn
  }
}

/** Header and padding of a record, on average. */
const RECORD_BYTES = 44
