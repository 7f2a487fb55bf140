/**
 * A client in a line: the columns that `clients`, `top` and `queues` have in common.
 */
import type { ClientRow } from "../../admin/api/clients.ts"
import { bytesText } from "../store-place.ts"
import { type Column, left, right } from "./columns.ts"
import { numberText, orNothing, timeText } from "./words.ts"

export const clientColumn = left<ClientRow>("client", (row) => row.clientIdentifier)
export const stateColumn = left<ClientRow>(
  "state",
  (row) => row.state,
  (row) => (row.state === "connected" ? "good" : "faint")
)
export const loadColumns: ReadonlyArray<Column<ClientRow>> = [
  right("filters", (row) => numberText(row.subscriptions)),
  right("in flight", (row) => `${numberText(row.inFlight)}/${numberText(row.inFlightMax)}`),
  right("behind", (row) => numberText(row.behindRecords)),
  right("unsent", (row) => bytesText(row.unsentBytes)),
  right(
    "drops",
    (row) => numberText(row.drops),
    (row) => (row.drops > 0 ? "warning" : undefined)
  )
]

export const clientColumns: ReadonlyArray<Column<ClientRow>> = [
  clientColumn,
  stateColumn,
  left("user", (row) => orNothing(row.username)),
  left("address", (row) => orNothing(row.address)),
  left("MQTT", (row) => orNothing(row.protocol)),
  ...loadColumns,
  left("since", (row) => timeText(row.state === "connected" ? row.connectedAt : row.disconnectedAt))
]
