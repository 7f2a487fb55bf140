/**
 * The drop ledger as the API shows it: totals with what to do about them, and rows, the latest first.
 *
 * Rows are chosen after the ledger has copied them: it is bounded (limits of DropLedger).
 */
import type { DropLedger, DropRow as LedgerRow } from "../../metrics/drop-ledger.ts"
import { dropReasons } from "../../metrics/drop-reasons.ts"
import type { DropList, DropRow, DropTotal } from "../api/messages.ts"
import { timeText } from "./page.ts"

export interface DropsQuery {
  readonly limit?: number
  readonly client?: string
  readonly topic?: string
  readonly reason?: string
}

const rowsDefault = 200

export const isDropReason = (name: string): boolean => dropReasons.some((row) => row.name === name)

export const dropList = (ledger: Pick<DropLedger, "rows" | "total">, query: DropsQuery): DropList => {
  const { client, limit = rowsDefault, reason, topic } = query
  const id = dropReasons.find(({ name }) => name === reason)?.id
  const rows = ledger
    .rows()
    .filter(
      (row) =>
        (id === undefined || row.reason === id) &&
        (client === undefined || row.clientIdentifier === client) &&
        (topic === undefined || row.topic === topic)
    )
  return {
    totals: dropTotals(ledger),
    rows: rows.slice(0, limit).map(rowView),
    rowsLeftOut: Math.max(0, rows.length - limit)
  }
}

/** Reasons with at least one drop. */
export const dropTotals = (ledger: Pick<DropLedger, "total">): ReadonlyArray<DropTotal> =>
  dropReasons
    .map(({ id, name, meaning, change }) => ({ reason: name, count: ledger.total(id), meaning, change }))
    .filter(({ count }) => count > 0)

const rowView = (row: LedgerRow): DropRow => ({
  reason: dropReasons[row.reason]?.name ?? String(row.reason),
  clientIdentifier: row.clientIdentifier,
  topic: row.topic,
  count: row.count,
  firstAt: timeText(row.firstAtMs),
  lastAt: timeText(row.lastAtMs),
  ...(row.firstSequence === undefined ? {} : { firstSequence: row.firstSequence }),
  ...(row.lastSequence === undefined ? {} : { lastSequence: row.lastSequence })
})
