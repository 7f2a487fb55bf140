/**
 * The drop ledger: for every message that was not delivered, who did not get it, on which topic, why,
 * how many, when, and (for logged messages) which sequences.
 *
 * A row is keyed by (reason, client, topic). Rows and the text they hold are bounded; when the ledger is
 * full, a row that has not moved for `staleAfterMs` is folded into the `(other)` row of its reason and
 * its place is reused; if there is none, the new drop itself goes to `(other)`. Detail is lost then, a
 * count never.
 *
 * Invariants
 * - totals are exact: total(reason) === sum of the reason's row counts, `(other)` included.
 * - rows.length <= rowsMax, and the text held is at most textCharactersMax.
 *
 * `add` runs per dropped message in an overload: a repeat of the reason's previous (client, topic) costs
 * two string comparisons (by reference when the caller keeps its strings), another known one two look-ups,
 * and only a new row allocates. Time comes in as an argument: plain room.
 */
import { assert } from "../base/assert.ts"
import { type DropReasonId, dropReasons } from "./drop-reasons.ts"

/** What the `(other)` row shows in place of client and topic. */
export const otherName = "(other)"

export interface DropLedgerLimits {
  readonly rowsMax: number
  /** Characters of client identifiers and topics held by all rows. Default: 256 per row. */
  readonly textCharactersMax?: number
  /** A row older than this gives up its place in a full ledger. Default: ten minutes. */
  readonly staleAfterMs?: number
}

export interface DropRow {
  readonly reason: DropReasonId
  readonly clientIdentifier: string
  readonly topic: string
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** Range of log sequences, where the message was a logged one. */
  readonly firstSequence: number | undefined
  readonly lastSequence: number | undefined
}

/** The arguments of `add`, less the time. */
export type DropObserver = (
  reason: DropReasonId,
  clientIdentifier: string,
  topic: string,
  count: number,
  firstSequence: number | undefined,
  lastSequence: number | undefined
) => void

const textCharactersPerRow = 256
const staleAfterMsDefault = 10 * 60 * 1000

export class DropLedger {
  readonly #rowsMax: number
  readonly #textCharactersMax: number
  readonly #staleAfterMs: number
  readonly #totals = new Float64Array(dropReasons.length)
  /** reason -> client -> topic -> row */
  readonly #byReason: ReadonlyArray<Map<string, Map<string, Row>>> = dropReasons.map(() => new Map())
  readonly #lastRow: Array<Row | undefined> = dropReasons.map(() => undefined)
  readonly #other: Array<Row | undefined> = dropReasons.map(() => undefined)
  readonly #rows: Array<Row> = []
  #textCharacters = 0
  /** Told of each row's change: whoever follows messages on their way (broker/message-watch.ts). */
  observer: DropObserver | undefined = undefined
  /** Where the search for a stale row goes on: one row is looked at per drop, so the search costs nothing. */
  #hand = 0

  constructor(limits: DropLedgerLimits) {
    assert(limits.rowsMax >= 1, "rowsMax is at least 1")
    this.#rowsMax = limits.rowsMax
    this.#textCharactersMax = limits.textCharactersMax ?? limits.rowsMax * textCharactersPerRow
    this.#staleAfterMs = limits.staleAfterMs ?? staleAfterMsDefault
  }

  /** Books `count` dropped messages. Sequences are given together, first <= last, or not at all. */
  add(
    reason: DropReasonId,
    clientIdentifier: string,
    topic: string,
    count: number,
    nowMs: number,
    firstSequence?: number,
    lastSequence?: number
  ): void {
    if (count <= 0) return
    this.#totals[reason] = (this.#totals[reason] as number) + count
    let row = this.#lastRow[reason]
    if (row === undefined || row.topic !== topic || row.clientIdentifier !== clientIdentifier) {
      row =
        this.#byReason[reason]?.get(clientIdentifier)?.get(topic) ??
        this.#open(reason, clientIdentifier, topic, nowMs) ??
        this.#otherRow(reason, nowMs)
      if (row !== this.#other[reason]) this.#lastRow[reason] = row
    }
    row.count += count
    if (nowMs > row.lastAtMs) row.lastAtMs = nowMs
    if (firstSequence !== undefined) row.extend(firstSequence, lastSequence ?? firstSequence)
    this.observer?.(reason, clientIdentifier, topic, count, firstSequence, lastSequence)
  }

  total(reason: DropReasonId): number {
    return this.#totals[reason] as number
  }

  /** Of the client's own rows: what was folded into `(other)` is nobody's any more. */
  ofClient(clientIdentifier: string): number {
    let count = 0
    for (const byClient of this.#byReason) {
      const rows = byClient.get(clientIdentifier)
      if (rows !== undefined) for (const row of rows.values()) count += row.count
    }
    return count
  }

  /** Totals by reason id. A window, not a copy: read, never write. */
  get totals(): Readonly<Float64Array> {
    return this.#totals
  }

  /** All rows, the `(other)` rows last; within each part the latest first. */
  rows(): ReadonlyArray<DropRow> {
    const latestFirst = (a: Row, b: Row): number => b.lastAtMs - a.lastAtMs
    const other = this.#other.filter((row) => row !== undefined)
    return [...this.#rows.toSorted(latestFirst), ...other.toSorted(latestFirst)].map((row) => ({ ...row }))
  }

  #open(reason: DropReasonId, clientIdentifier: string, topic: string, nowMs: number): Row | undefined {
    const length = clientIdentifier.length + topic.length
    if (this.#rows.length >= this.#rowsMax || this.#textCharacters + length > this.#textCharactersMax) {
      this.#foldStale(nowMs)
      if (this.#rows.length >= this.#rowsMax) return undefined
      if (this.#textCharacters + length > this.#textCharactersMax) return undefined
    }
    const row = new Row(reason, clientIdentifier, topic, nowMs)
    this.#rows.push(row)
    this.#textCharacters += length
    const byClient = this.#byReason[reason] as Map<string, Map<string, Row>>
    const byTopic = byClient.get(clientIdentifier)
    if (byTopic === undefined) byClient.set(clientIdentifier, new Map([[topic, row]]))
    else byTopic.set(topic, row)
    return row
  }

  /** Looks at one row; folds it into its reason's `(other)` when it is stale. */
  #foldStale(nowMs: number): void {
    if (this.#rows.length === 0) return
    if (this.#hand >= this.#rows.length) this.#hand = 0
    const row = this.#rows[this.#hand] as Row
    if (nowMs - row.lastAtMs <= this.#staleAfterMs) {
      this.#hand++
      return
    }
    const last = this.#rows.pop() as Row
    if (last !== row) this.#rows[this.#hand] = last
    this.#textCharacters -= row.clientIdentifier.length + row.topic.length
    const byClient = this.#byReason[row.reason] as Map<string, Map<string, Row>>
    const byTopic = byClient.get(row.clientIdentifier) as Map<string, Row>
    byTopic.delete(row.topic)
    if (byTopic.size === 0) byClient.delete(row.clientIdentifier)
    if (this.#lastRow[row.reason] === row) this.#lastRow[row.reason] = undefined
    this.#otherRow(row.reason, row.firstAtMs).fold(row)
  }

  #otherRow(reason: DropReasonId, nowMs: number): Row {
    const row = this.#other[reason]
    if (row !== undefined) return row
    const fresh = new Row(reason, otherName, otherName, nowMs)
    this.#other[reason] = fresh
    return fresh
  }
}

class Row {
  readonly reason: DropReasonId
  readonly clientIdentifier: string
  readonly topic: string
  count = 0
  firstAtMs: number
  lastAtMs: number
  firstSequence: number | undefined = undefined
  lastSequence: number | undefined = undefined

  constructor(reason: DropReasonId, clientIdentifier: string, topic: string, nowMs: number) {
    this.reason = reason
    this.clientIdentifier = clientIdentifier
    this.topic = topic
    this.firstAtMs = nowMs
    this.lastAtMs = nowMs
  }

  extend(first: number, last: number): void {
    if (this.firstSequence === undefined || first < this.firstSequence) this.firstSequence = first
    if (this.lastSequence === undefined || last > this.lastSequence) this.lastSequence = last
  }

  fold(row: Row): void {
    this.count += row.count
    if (row.firstAtMs < this.firstAtMs) this.firstAtMs = row.firstAtMs
    if (row.lastAtMs > this.lastAtMs) this.lastAtMs = row.lastAtMs
    if (row.firstSequence !== undefined) this.extend(row.firstSequence, row.lastSequence as number)
  }
}
