/** The broker's own log, as it is written; and how much is written. */
import { useSignal } from "@preact/signals"
import { useLocation } from "preact-iso"
import type { LogEntry, LogLevelView } from "../../api/system.ts"
import { get, send } from "../api.ts"
import { levelCommand, logsCommand } from "../commands.ts"
import { downloadJson } from "../download.ts"
import { clock, moment } from "../format.ts"
import { doing } from "../notices.tsx"
import { ClientLink, Heading, Nothing, Search } from "../parts.tsx"
import { withQuery } from "../place.ts"
import { usePolled, useTail } from "../polled.ts"
import { mayOperate } from "../session.ts"

const EVERY_MS = 1000
const LEVEL_EVERY_MS = 5000
const SHOWN_MAX = 500
const RAISED_MINUTES = 10
const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const

export const LogsPage = () => {
  const { query, route } = useLocation()
  const level = levels.find((each) => each === query["level"]) ?? "info"
  const client = query["client"] ?? ""
  const isPaused = useSignal(false)
  const go = (change: Readonly<Record<string, string>>) => route(`/logs${withQuery(location.search, change)}`)
  const { entries, failure } = useTail(
    (after, signal) => get<ReadonlyArray<LogEntry>>("/logs", { level, client, after, limit: SHOWN_MAX }, signal),
    { key: `${level} ${client}`, everyMs: EVERY_MS, max: SHOWN_MAX, isPaused: () => isPaused.peek() }
  )
  return (
    <section>
      <Heading title="Logs" command={logsCommand}>
        <Level client={client} />
      </Heading>
      <div class="row tight">
        <label>
          Level
          <select value={level} onChange={(event) => go({ level: event.currentTarget.value })}>
            {levels.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <Search label="Client" value={client} onChange={(client) => go({ client })} />
        <span class="grow" />
        <button type="button" aria-pressed={isPaused.value} onClick={() => (isPaused.value = !isPaused.value)}>
          {isPaused.value ? "Go on" : "Pause"}
        </button>
        <button
          type="button"
          disabled={entries.value.length === 0}
          onClick={() => downloadJson("log.json", entries.value.toReversed())}
        >
          Export
        </button>
      </div>
      {failure === undefined ? null : (
        <p class="verdict bad" role="alert">
          {failure.message}
        </p>
      )}
      {entries.value.length === 0 ? (
        <div class="panel">
          <Nothing title="No entries of this kind yet">
            They come as they are written. For more of them raise the level, above on the right.
          </Nothing>
        </div>
      ) : (
        <ol class="logs panel" aria-live="off">
          {entries.value.map((each) => (
            <li key={each.number} class={each.level}>
              <time dateTime={each.at} title={moment(each.at)}>
                {clock(each.at)}
              </time>
              <b>{each.level}</b>
              <span>
                {each.message} {each.clientIdentifier === null ? null : <ClientLink id={each.clientIdentifier} />}{" "}
                <span class="soft">{fieldsOf(each)}</span>
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

/** What is written, and for how long more than usual. The broker goes back by itself. */
const Level = ({ client }: { readonly client: string }) => {
  const { again, value: now } = usePolled((signal) => get<LogLevelView>("/logs/level", {}, signal), {
    key: "level",
    everyMs: LEVEL_EVERY_MS
  })
  if (now === undefined) return null
  const raise = async () => {
    const body = { level: "debug", seconds: RAISED_MINUTES * 60, ...(client === "" ? {} : { client }) }
    const done = `The level is debug for ${RAISED_MINUTES} minutes${client === "" ? "" : `, for ${client}`}`
    await doing(() => send("POST", "/logs/level", body), done, levelCommand("debug", RAISED_MINUTES, client))
    await again()
  }
  const end = async (of: string | null) => {
    const work = () => send("DELETE", "/logs/level", undefined, of === null ? {} : { client: of })
    await doing(work, `The level is ${now.level} again`)
    await again()
  }
  const isRaised = now.raises.some((each) => each.client === (client === "" ? null : client))
  return (
    <>
      <span class="soft">written: {now.level} and above</span>
      {now.raises.map((each) => (
        <span key={each.client} class="chip chosen">
          {each.level}
          {each.client === null ? "" : ` for ${each.client}`} until {clock(each.until)}
          {mayOperate.value ? (
            <button type="button" class="quiet" aria-label="End it now" onClick={() => end(each.client)}>
              ×
            </button>
          ) : null}
        </span>
      ))}
      {mayOperate.value && !isRaised ? (
        <button type="button" onClick={raise}>
          {client === "" ? "Debug for 10 min" : "Debug this client for 10 min"}
        </button>
      ) : null}
    </>
  )
}

const fieldsOf = ({ fields }: LogEntry): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ")
