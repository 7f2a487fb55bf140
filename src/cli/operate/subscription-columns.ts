/**
 * A subscription in a line, as `client` and `subs` show it.
 */
import type { SubscriptionRow } from "../../admin/api/clients.ts"
import { type Column, left, right } from "./columns.ts"
import { nothing } from "./words.ts"

const retainHandlings = ["always", "if new", "never"] as const

export const subscriptionColumns: ReadonlyArray<Column<SubscriptionRow>> = [
  left("filter", (row) => row.filter),
  left("shared by", (row) => row.share ?? nothing),
  right("QoS", (row) => String(row.qos)),
  left("retained", (row) => retainHandlings[row.retainHandling]),
  left("options", (row) => optionWords(row) || nothing),
  right("identifier", (row) => (row.subscriptionIdentifier === null ? nothing : String(row.subscriptionIdentifier)))
]

function optionWords({ noLocal, retainAsPublished }: SubscriptionRow): string {
  return [...(noLocal ? ["no local"] : []), ...(retainAsPublished ? ["retain as published"] : [])].join(", ")
}
