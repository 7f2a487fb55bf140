/** Everybody who is connected, or has a session here. */
import { useSignal } from "@preact/signals"
import { useRef } from "preact/hooks"
import { useLocation } from "preact-iso"
import type { ClientRow } from "../../api/clients.ts"
import { send } from "../api.ts"
import { Ban } from "../ban.tsx"
import { clientsCommand, kickCommand } from "../commands.ts"
import { Confirm } from "../dialog.tsx"
import { ago, bytes, count, moment } from "../format.ts"
import { Kept } from "../kept.tsx"
import { doing } from "../notices.tsx"
import { Heading } from "../parts.tsx"
import { withQuery } from "../place.ts"
import { mayOperate } from "../session.ts"
import { Spark } from "../spark.tsx"
import { stored } from "../stored.ts"
import { type Column, List } from "../table.tsx"
import { ratesOf, type Total, withTotal } from "../traffic.ts"

interface SavedView {
  readonly name: string
  readonly filter: string
  readonly sort: string
}

const views = stored<SavedView>("client-views")
/** Looks back so many answers of the list: a minute of them. */
const TRAIL_MAX = 30

export const State = ({ state }: { readonly state: ClientRow["state"] }) => (
  <span class={`state ${state}`}>
    <span class="dot" aria-hidden="true" /> {state}
  </span>
)

export const ClientsPage = () => {
  const { query } = useLocation()
  const version = useSignal(0)
  const kicking = useSignal<string | undefined>(undefined)
  const banning = useSignal<ClientRow | undefined>(undefined)
  const trails = useTrails()
  const kick = async (confirmed: boolean) => {
    const id = kicking.value as string
    kicking.value = undefined
    if (!confirmed) return
    await doing(() => send("POST", `/clients/${encodeURIComponent(id)}/kick`), "Kick: done", kickCommand(id))
    version.value += 1
  }
  const act: Column<ClientRow> = {
    name: "",
    class: "acts",
    show: (row) => (
      <>
        <button
          type="button"
          class="plain"
          disabled={row.state === "absent"}
          aria-label={`Kick ${row.clientIdentifier}`}
          onClick={() => (kicking.value = row.clientIdentifier)}
        >
          Kick
        </button>
        <button
          type="button"
          class="plain"
          aria-label={`Ban ${row.clientIdentifier}`}
          onClick={() => (banning.value = row)}
        >
          Ban …
        </button>
      </>
    )
  }
  const trail: Column<ClientRow> = {
    name: "Traffic",
    class: "trail",
    show: ({ clientIdentifier }) => <Traffic totals={trails.of(clientIdentifier)} />,
    title: ({ receivedBytes, sentBytes }) => `${bytes(receivedBytes)} received, ${bytes(sentBytes)} sent`
  }
  const command = clientsCommand({ filter: query["filter"], sort: query["sort"] })
  return (
    <section>
      <Heading title="Clients" command={command} />
      <List
        path="/clients"
        caption="Clients"
        columns={[...who, trail, ...facts, ...(mayOperate.value ? [act] : [])]}
        sort="clientIdentifier"
        version={version.value}
        keyOf={({ clientIdentifier }) => clientIdentifier}
        onPage={trails.add}
        filterLabel="Identifier, user, address or listener"
        tools={(now) => <Views {...now} />}
        nothing={
          <>
            <b>Nobody is here yet</b>
            <p>
              Connect any MQTT client, or try <code>promptmq sub -v -t 'demo/#'</code> in a terminal.
            </p>
          </>
        }
      />
      {kicking.value === undefined ? null : (
        <Confirm title={`Kick ${kicking.value}?`} action="Kick" command={kickCommand(kicking.value)} onClose={kick}>
          <p>Its connection ends with 0x98, administrative action. It may come back at once.</p>
        </Confirm>
      )}
      {banning.value === undefined ? null : (
        <Ban
          whom={banning.value}
          onClose={() => (banning.value = undefined)}
          onDone={() => {
            version.value += 1
          }}
        />
      )}
    </section>
  )
}

const who: ReadonlyArray<Column<ClientRow>> = [
  {
    name: "Client",
    sort: "clientIdentifier",
    class: "main",
    show: ({ clientIdentifier }) => <a href={`/clients/${encodeURIComponent(clientIdentifier)}`}>{clientIdentifier}</a>,
    title: ({ clientIdentifier }) => clientIdentifier
  },
  { name: "State", sort: "state", show: ({ state }) => <State state={state} /> }
]

const facts: ReadonlyArray<Column<ClientRow>> = [
  { name: "Behind", sort: "behindRecords", isNumber: true, show: ({ behindRecords }) => count(behindRecords) },
  {
    name: "In flight",
    sort: "inFlight",
    isNumber: true,
    show: ({ inFlight, inFlightMax }) => `${count(inFlight)} / ${count(inFlightMax)}`
  },
  { name: "Unsent", sort: "unsentBytes", isNumber: true, show: ({ unsentBytes }) => bytes(unsentBytes) },
  {
    name: "Drops",
    sort: "drops",
    isNumber: true,
    show: ({ clientIdentifier, drops }) =>
      drops === 0 ? "0" : <a href={`/drops?client=${encodeURIComponent(clientIdentifier)}`}>{count(drops)}</a>
  },
  { name: "Subs", sort: "subscriptions", isNumber: true, show: ({ subscriptions }) => count(subscriptions) },
  {
    name: "Since",
    sort: "connectedAt",
    class: "number-like",
    show: ({ connectedAt, disconnectedAt, state }) => ago(state === "connected" ? connectedAt : disconnectedAt),
    title: ({ connectedAt, disconnectedAt, state }) => moment(state === "connected" ? connectedAt : disconnectedAt)
  },
  { name: "User", sort: "username", show: ({ username }) => username ?? "–" },
  { name: "Address", sort: "address", class: "number-like", show: ({ address }) => address ?? "–" },
  { name: "Listener", sort: "listener", show: ({ listener }) => listener ?? "–" },
  { name: "MQTT", sort: "protocol", show: ({ protocol }) => protocol ?? "–" }
]

const Traffic = ({ totals }: { readonly totals: ReadonlyArray<Total> }) => {
  const rates = ratesOf(totals)
  const now = rates.at(-1)
  return (
    <span class="carried">
      <Spark colour="c" values={rates.slice(1)} />
      <span class="number-like">{now == null ? "–" : `${bytes(now)}/s`}</span>
    </span>
  )
}

interface Trails {
  readonly of: (clientIdentifier: string) => ReadonlyArray<Total>
  readonly add: (rows: ReadonlyArray<ClientRow>) => void
}

/** Of the clients that are in view: those that go out of it are forgotten. */
const useTrails = (): Trails => {
  const known = useRef<ReadonlyMap<string, ReadonlyArray<Total>>>(new Map())
  return {
    of: (clientIdentifier) => known.current.get(clientIdentifier) ?? [],
    add: (rows) => {
      const atSeconds = performance.now() / 1000
      known.current = new Map(
        rows.map(({ clientIdentifier, receivedBytes, sentBytes }) => {
          const total = { atSeconds, bytes: receivedBytes + sentBytes }
          return [clientIdentifier, withTotal(known.current.get(clientIdentifier) ?? [], total, TRAIL_MAX)]
        })
      )
    }
  }
}

/** Filter and order under a name, kept in this browser. */
const Views = ({ filter, sort }: { readonly filter: string; readonly sort: string }) => {
  const { route } = useLocation()
  const isThis = (view: SavedView) => view.filter === filter && view.sort === sort
  const isKnown = views.all.value.some(isThis)
  const isPlain = filter === "" && sort === "clientIdentifier"
  return (
    <Kept
      of={views}
      isChosen={isThis}
      onChoose={(view) => route(`/clients${withQuery("", { filter: view.filter, sort: view.sort })}`)}
    >
      {isPlain || isKnown ? null : (
        <button type="button" class="plain" onClick={() => views.keep({ name: nameOf(filter, sort), filter, sort })}>
          Save this view
        </button>
      )}
    </Kept>
  )
}

const nameOf = (filter: string, sort: string): string =>
  [filter, sort === "clientIdentifier" ? "" : `${sort.startsWith("-") ? "most " : "by "}${sort.replace("-", "")}`]
    .filter(Boolean)
    .join(", ")
