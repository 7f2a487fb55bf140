/** Everybody who is connected, or has a session here. */
import { useLocation } from "preact-iso"
import type { ClientRow } from "../../api/clients.ts"
import { ago, bytes, count, moment } from "../format.ts"
import { Heading } from "../parts.tsx"
import { type Column, List } from "../table.tsx"

export const State = ({ state }: { readonly state: ClientRow["state"] }) => (
  <span class={`state ${state}`}>
    <span class="dot" aria-hidden="true" /> {state}
  </span>
)

const columns: ReadonlyArray<Column<ClientRow>> = [
  {
    name: "Client",
    sort: "clientIdentifier",
    show: ({ clientIdentifier }) => <a href={`/clients/${encodeURIComponent(clientIdentifier)}`}>{clientIdentifier}</a>,
    title: ({ clientIdentifier }) => clientIdentifier
  },
  { name: "State", sort: "state", show: ({ state }) => <State state={state} /> },
  { name: "User", sort: "username", show: ({ username }) => username ?? "–" },
  { name: "Address", sort: "address", show: ({ address }) => address ?? "–" },
  { name: "MQTT", sort: "protocol", show: ({ protocol }) => protocol ?? "–" },
  {
    name: "Since",
    sort: "connectedAt",
    show: ({ connectedAt, disconnectedAt, state }) => ago(state === "connected" ? connectedAt : disconnectedAt),
    title: ({ connectedAt, disconnectedAt, state }) => moment(state === "connected" ? connectedAt : disconnectedAt)
  },
  { name: "Subs", sort: "subscriptions", isNumber: true, show: ({ subscriptions }) => count(subscriptions) },
  {
    name: "In flight",
    sort: "inFlight",
    isNumber: true,
    show: ({ inFlight, inFlightMax }) => `${count(inFlight)} / ${count(inFlightMax)}`
  },
  { name: "Behind", sort: "behindRecords", isNumber: true, show: ({ behindRecords }) => count(behindRecords) },
  { name: "Unsent", sort: "unsentBytes", isNumber: true, show: ({ unsentBytes }) => bytes(unsentBytes) },
  { name: "Drops", sort: "drops", isNumber: true, show: ({ drops }) => count(drops) }
]

export const ClientsPage = () => {
  const { query } = useLocation()
  const filter = query["filter"]
  return (
    <section>
      <Heading title="Clients" command={`promptmq clients${filter === undefined ? "" : ` --filter ${filter}`}`} />
      <List
        path="/clients"
        caption="Clients"
        columns={columns}
        sort="clientIdentifier"
        keyOf={({ clientIdentifier }) => clientIdentifier}
        filterLabel="Identifier, user or address"
        nothing={
          <>
            Nobody is here. Try <code>promptmq sub -t 'demo/#'</code> in a terminal.
          </>
        }
      />
    </section>
  )
}
