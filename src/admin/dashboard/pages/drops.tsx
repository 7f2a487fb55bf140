/** Every message that somebody did not get: why, who, how many, when; and what to change. */
import { useLocation } from "preact-iso"
import type { DropList, DropTotal } from "../../api/messages.ts"
import { get } from "../api.ts"
import { Chart, palette } from "../chart.tsx"
import { dropsCommand } from "../commands.ts"
import { ago, count, moment, rate } from "../format.ts"
import { samples } from "../live.ts"
import { ClientLink, Heading, Nothing, Part, Search, TopicLink, Waiting } from "../parts.tsx"
import { withQuery } from "../place.ts"
import { usePolled } from "../polled.ts"
import { dropRates } from "../samples.ts"

const EVERY_MS = 2000
const ROWS_MAX = 500

export const DropsPage = () => {
  const { query, route } = useLocation()
  const { client = "", reason = "", topic = "" } = query
  const { failure, value } = usePolled(
    (signal) => get<DropList>("/drops", { client, topic, reason, limit: ROWS_MAX }, signal),
    { key: "drops", version: JSON.stringify([client, topic, reason]), everyMs: EVERY_MS }
  )
  const go = (change: Readonly<Record<string, string>>) => route(`/drops${withQuery(location.search, change)}`)
  return (
    <section>
      <Heading title="Drops" command={dropsCommand({ client, reason, topic })} />
      {value === undefined ? (
        <Waiting failure={failure} />
      ) : value.totals.length === 0 ? (
        <div class="panel">
          <Nothing title="Nothing was dropped since the start">
            Every message that somebody does not get is written down here, with the reason and what to change.
          </Nothing>
        </div>
      ) : (
        <>
          <Rates />
          <div class="cards">
            {value.totals.map((each) => (
              <Card
                key={each.reason}
                total={each}
                isChosen={each.reason === reason}
                onChoose={() => go({ reason: each.reason === reason ? "" : each.reason })}
              />
            ))}
          </div>
          <Part title={reason === "" ? "Who did not get what" : `Who did not get what: ${reason}`} />
          <form class="row tight" onSubmit={(event) => event.preventDefault()}>
            <Search label="Client" value={client} onChange={(client) => go({ client })} />
            <Search label="Topic" value={topic} onChange={(topic) => go({ topic })} />
            {client + reason + topic === "" ? null : (
              <button type="button" class="plain" onClick={() => go({ client: "", reason: "", topic: "" })}>
                Show all
              </button>
            )}
          </form>
          <Rows list={value} />
        </>
      )}
    </section>
  )
}

const Rates = () => {
  const all = samples.value
  return (
    <Chart
      title="By reason"
      atSeconds={all.map(({ atSeconds }) => atSeconds)}
      format={rate}
      isStacked
      nothing="Nothing was dropped in the last 15 minutes."
      series={dropRates(all).map(({ reason, values }, i) => ({
        name: reason,
        colour: palette[i % palette.length] as string,
        values
      }))}
    />
  )
}

interface CardProps {
  readonly total: DropTotal
  readonly isChosen: boolean
  readonly onChoose: () => void
}

const Card = ({ isChosen, onChoose, total: { change, count: total, meaning, reason } }: CardProps) => (
  <article class={isChosen ? "panel chosen" : "panel"}>
    <h2>
      <button type="button" class="link" aria-pressed={isChosen} onClick={onChoose}>
        {reason}
      </button>{" "}
      <span class="number">{count(total)}</span>
    </h2>
    <p>{meaning}</p>
    <p class="soft">
      <WithSettings text={change} />
    </p>
  </article>
)

/** "storage.memory-buffer" in a sentence leads to that setting. */
const WithSettings = ({ text }: { readonly text: string }) => (
  <>
    {text.split(/(\b[a-z]+(?:\.[a-z][a-z-]*[a-z])+)/).map((part, i) =>
      i % 2 === 0 ? (
        part
      ) : (
        <a key={part} href={`/config?key=${encodeURIComponent(part)}`}>
          <code>{part}</code>
        </a>
      )
    )}
  </>
)

const Rows = ({ list }: { readonly list: DropList }) =>
  list.rows.length === 0 ? (
    <div class="panel">
      <Nothing title="No row matches" />
    </div>
  ) : (
    <>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col">Client</th>
              <th scope="col">Topic</th>
              <th scope="col" class="number">
                Count
              </th>
              <th scope="col">First</th>
              <th scope="col">Last</th>
              <th scope="col">Message</th>
            </tr>
          </thead>
          <tbody>
            {list.rows.map((row) => (
              <tr key={`${row.reason} ${row.clientIdentifier} ${row.topic}`}>
                <td class="nowrap">{row.reason}</td>
                <td>
                  <ClientLink id={row.clientIdentifier} />
                </td>
                <td>{row.topic.startsWith("(") ? row.topic : <TopicLink topic={row.topic} />}</td>
                <td class="number">{count(row.count)}</td>
                <td class="nowrap" title={moment(row.firstAt)}>
                  {ago(row.firstAt)}
                </td>
                <td class="nowrap" title={moment(row.lastAt)}>
                  {ago(row.lastAt)}
                </td>
                <td>
                  {row.lastSequence === undefined ? (
                    "–"
                  ) : (
                    <a href={`/trace?message=${row.lastSequence}`}>{row.lastSequence}</a>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {list.rowsLeftOut > 0 ? <p class="soft">{count(list.rowsLeftOut)} more rows are not shown.</p> : null}
    </>
  )
