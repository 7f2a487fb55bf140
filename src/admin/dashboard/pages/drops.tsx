/** Every message that somebody did not get: why, who, how many, when; and what to change. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useLocation } from "preact-iso"
import type { DropList } from "../../api/messages.ts"
import { get } from "../api.ts"
import { ago, count, moment, quoted } from "../format.ts"
import { tellFailure } from "../notices.tsx"
import { Heading } from "../parts.tsx"

const EVERY_MS = 2000
const ROWS_MAX = 500

export const DropsPage = () => {
  const { query, route } = useLocation()
  const { client = "", reason = "", topic = "" } = query
  const list = useSignal<DropList | undefined>(undefined)
  useEffect(() => {
    const load = () =>
      get<DropList>("/drops", { client, topic, reason, limit: ROWS_MAX }).then(
        (found) => (list.value = found),
        tellFailure
      )
    void load()
    const timer = setInterval(() => (document.hidden ? undefined : void load()), EVERY_MS)
    return () => clearInterval(timer)
  }, [client, topic, reason])
  const go = (change: Readonly<Record<string, string>>) => {
    const words = Object.entries({ client, reason, topic, ...change }).filter(([, value]) => value !== "")
    route(`/drops${words.length === 0 ? "" : `?${new URLSearchParams(words)}`}`)
  }
  const command = `promptmq drops${client === "" ? "" : ` --client ${quoted(client)}`}${topic === "" ? "" : ` --topic ${quoted(topic)}`}`
  return (
    <section>
      <Heading title="Drops" command={command} />
      <form class="row" onSubmit={(event) => event.preventDefault()}>
        <label>
          Client
          <input value={client} onChange={(event) => go({ client: event.currentTarget.value })} />
        </label>
        <label>
          Topic
          <input value={topic} onChange={(event) => go({ topic: event.currentTarget.value })} />
        </label>
        {reason === "" ? null : (
          <button type="button" onClick={() => go({ reason: "" })}>
            All reasons
          </button>
        )}
      </form>
      {list.value === undefined ? (
        <p class="soft">loading …</p>
      ) : (
        <Found list={list.value} onReason={(next) => go({ reason: next })} />
      )}
    </section>
  )
}

const Found = ({ list, onReason }: { readonly list: DropList; readonly onReason: (reason: string) => void }) => {
  if (list.totals.length === 0) return <p class="verdict good">Nothing was dropped since the start.</p>
  return (
    <>
      <div class="cards">
        {list.totals.map(({ change, count: total, meaning, reason }) => (
          <article key={reason} class="panel">
            <h2>
              <button type="button" class="link" onClick={() => onReason(reason)}>
                {reason}
              </button>{" "}
              <span class="number">{count(total)}</span>
            </h2>
            <p>{meaning}</p>
            <p class="soft">{change}</p>
          </article>
        ))}
      </div>
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
            </tr>
          </thead>
          <tbody>
            {list.rows.map((row) => (
              <tr key={`${row.reason} ${row.clientIdentifier} ${row.topic}`}>
                <td>{row.reason}</td>
                <td>
                  {row.clientIdentifier.startsWith("(") ? (
                    row.clientIdentifier
                  ) : (
                    <a href={`/clients/${encodeURIComponent(row.clientIdentifier)}`}>{row.clientIdentifier}</a>
                  )}
                </td>
                <td>{row.topic}</td>
                <td class="number">{count(row.count)}</td>
                <td title={moment(row.firstAt)}>{ago(row.firstAt)}</td>
                <td title={moment(row.lastAt)}>{ago(row.lastAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {list.rowsLeftOut > 0 ? <p class="soft">{count(list.rowsLeftOut)} more rows are not shown.</p> : null}
    </>
  )
}
