/** Shared subscriptions: who takes part, and how far each group is behind. */
import type { SharedGroup } from "../../api/clients.ts"
import { count } from "../format.ts"
import { Heading } from "../parts.tsx"
import { type Column, List } from "../table.tsx"

const columns: ReadonlyArray<Column<SharedGroup>> = [
  { name: "Group", sort: "share", show: ({ share }) => share },
  { name: "Filter", sort: "filter", show: ({ filter }) => <code>{filter}</code>, title: ({ filter }) => filter },
  { name: "Strategy", show: ({ strategy }) => strategy },
  {
    name: "Members",
    show: ({ members }) =>
      members.map((name, i) => (
        <span key={name}>
          {i > 0 ? ", " : ""}
          <a href={`/clients/${encodeURIComponent(name)}`}>{name}</a>
        </span>
      )),
    title: ({ members }) => members.join(", ")
  },
  { name: "Behind", sort: "behindRecords", isNumber: true, show: ({ behindRecords }) => count(behindRecords) },
  { name: "In flight", sort: "inFlight", isNumber: true, show: ({ inFlight }) => count(inFlight) }
]

export const QueuesPage = () => (
  <section>
    <Heading title="Queues & shared" command="promptmq queues" />
    <p class="soft">
      A group is one queue for its members: each message goes to one of them. What waits for single sessions is under{" "}
      <a href="/clients">Clients</a>, in the column Behind.
    </p>
    <List
      path="/shared"
      caption="Shared subscriptions"
      columns={columns}
      sort="share"
      keyOf={({ filter, share }) => `${share} ${filter}`}
      nothing={
        <>
          No shared subscription. Try <code>promptmq sub -t '$share/workers/jobs/#'</code>.
        </>
      }
    />
  </section>
)
