/** For whom something waits: shared groups, and single sessions. How far each is behind. */
import { useSignal } from "@preact/signals"
import type { ClientRow, SharedGroup } from "../../api/clients.ts"
import { Chart, palette } from "../chart.tsx"
import { queuesCommand } from "../commands.ts"
import { ago, bytes, count, moment } from "../format.ts"
import { samples } from "../live.ts"
import { Heading, Names, Part } from "../parts.tsx"
import { type Column, List } from "../table.tsx"
import { State } from "./clients.tsx"

const groupColumns: ReadonlyArray<Column<SharedGroup>> = [
  { name: "Group", sort: "share", class: "main", show: ({ share }) => share },
  { name: "Filter", sort: "filter", show: ({ filter }) => <code>{filter}</code>, title: ({ filter }) => filter },
  { name: "Strategy", show: ({ strategy }) => strategy },
  { name: "Members", show: ({ members }) => <Names names={members} />, title: ({ members }) => members.join(", ") },
  { name: "Behind", sort: "behindRecords", isNumber: true, show: ({ behindRecords }) => count(behindRecords) },
  { name: "In flight", sort: "inFlight", isNumber: true, show: ({ inFlight }) => count(inFlight) }
]

const sessionColumns: ReadonlyArray<Column<ClientRow>> = [
  {
    name: "Session",
    sort: "clientIdentifier",
    class: "main",
    show: ({ clientIdentifier }) => <a href={`/clients/${encodeURIComponent(clientIdentifier)}`}>{clientIdentifier}</a>,
    title: ({ clientIdentifier }) => clientIdentifier
  },
  { name: "State", sort: "state", show: ({ state }) => <State state={state} /> },
  {
    name: "Away since",
    sort: "disconnectedAt",
    class: "number-like",
    show: ({ disconnectedAt }) => ago(disconnectedAt),
    title: ({ disconnectedAt }) => moment(disconnectedAt)
  },
  { name: "Behind", sort: "behindRecords", isNumber: true, show: ({ behindRecords }) => count(behindRecords) },
  { name: "In flight", sort: "inFlight", isNumber: true, show: ({ inFlight }) => count(inFlight) },
  { name: "Unsent", sort: "unsentBytes", isNumber: true, show: ({ unsentBytes }) => bytes(unsentBytes) }
]

const MOMENTS_MAX = 450

interface Moment {
  readonly atSeconds: number
  readonly behind: ReadonlyMap<string, number>
}

export const QueuesPage = () => {
  const moments = useSignal<ReadonlyArray<Moment>>([])
  const add = (groups: ReadonlyArray<SharedGroup>) => {
    const behind = new Map(groups.map((each) => [`${each.share} ${each.filter}`, each.behindRecords]))
    moments.value = [...moments.peek(), { atSeconds: Date.now() / 1000, behind }].slice(-MOMENTS_MAX)
  }
  return (
    <section>
      <Heading
        title="Queues & shared"
        soft="A group is one queue for its members: each message goes to one of them."
        command={queuesCommand}
      />
      <div class="charts">
        <Waits />
        <Lag moments={moments.value} />
      </div>
      <Part title="Shared groups" />
      <List
        path="/shared"
        caption="Shared subscriptions"
        columns={groupColumns}
        sort="share"
        filterKey="group"
        filterLabel="Group, filter or member"
        onPage={add}
        keyOf={({ filter, share }) => `${share} ${filter}`}
        nothing={
          <>
            <b>No shared subscription</b>
            <p>
              Let several workers take turns: <code>promptmq sub -t '$share/workers/jobs/#'</code>.
            </p>
          </>
        }
      />
      <Part title="Sessions, the furthest behind first" />
      <List
        path="/clients"
        caption="Sessions"
        columns={sessionColumns}
        sort="-behindRecords"
        filterLabel="Identifier, user or address"
        keyOf={({ clientIdentifier }) => clientIdentifier}
        nothing={<b>No session</b>}
      />
    </section>
  )
}

const Waits = () => {
  const all = samples.value
  return (
    <Chart
      title="Backlog"
      atSeconds={all.map(({ atSeconds }) => atSeconds)}
      format={count}
      isWhole
      series={[
        {
          name: "wait",
          colour: "c",
          isFilled: true,
          values: all.map(({ overview }) => overview?.waitingMessages ?? null)
        },
        { name: "in flight", colour: "a", values: all.map(({ overview }) => overview?.inFlight ?? null) }
      ]}
    />
  )
}

const Lag = ({ moments }: { readonly moments: ReadonlyArray<Moment> }) => {
  const last = moments.at(-1)
  const names = [...(last?.behind.keys() ?? [])]
    .sort((one, other) => (last?.behind.get(other) ?? 0) - (last?.behind.get(one) ?? 0))
    .slice(0, palette.length)
  return (
    <Chart
      title="Lag of the groups"
      atSeconds={moments.map(({ atSeconds }) => atSeconds)}
      format={count}
      isWhole
      nothing="No shared subscription."
      series={names.map((name, i) => ({
        name,
        colour: palette[i] as string,
        values: moments.map(({ behind }) => behind.get(name) ?? null)
      }))}
    />
  )
}
