/** The broker's own log, as it is written. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import type { LogEntry } from "../../api/system.ts"
import { get, send } from "../api.ts"
import { moment } from "../format.ts"
import { doing, tellFailure } from "../notices.tsx"
import { Heading } from "../parts.tsx"
import { mayAdminister } from "../session.ts"

const EVERY_MS = 1000
const SHOWN_MAX = 500
const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const

export const LogsPage = () => {
  const level = useSignal<(typeof levels)[number]>("info")
  const client = useSignal("")
  const entries = useSignal<ReadonlyArray<LogEntry>>([])
  useEffect(() => {
    let after = 0
    const controller = new AbortController()
    entries.value = []
    const load = async () => {
      if (document.hidden) return
      try {
        const query = { level: level.value, client: client.value, after, limit: SHOWN_MAX }
        const found = await get<ReadonlyArray<LogEntry>>("/logs", query, controller.signal)
        after = found.at(-1)?.number ?? after
        if (found.length > 0) entries.value = [...found.toReversed(), ...entries.value].slice(0, SHOWN_MAX)
      } catch (cause) {
        if (!controller.signal.aborted) tellFailure(cause)
      }
    }
    void load()
    const timer = setInterval(load, EVERY_MS)
    return () => {
      controller.abort()
      clearInterval(timer)
    }
  }, [level.value, client.value])
  return (
    <section>
      <Heading title="Logs" command="journalctl -u promptmq -f">
        {mayAdminister.value ? (
          <button
            type="button"
            onClick={() =>
              doing(
                () => send("PATCH", "/settings", { "log.level": "debug" }),
                "The level is debug until the broker stops"
              )
            }
          >
            Log more
          </button>
        ) : null}
      </Heading>
      <div class="row">
        <label>
          Level
          <select
            value={level.value}
            onChange={(event) => (level.value = event.currentTarget.value as (typeof levels)[number])}
          >
            {levels.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label>
          Client
          <input value={client.value} onChange={(event) => (client.value = event.currentTarget.value)} />
        </label>
      </div>
      {entries.value.length === 0 ? <p class="soft">No entries of this kind yet.</p> : null}
      <ol class="logs" aria-live="off">
        {entries.value.map((each) => (
          <li key={each.number} class={each.level}>
            <time dateTime={each.at}>{moment(each.at)}</time> <b>{each.level}</b> {each.message}{" "}
            {each.clientIdentifier === null ? null : (
              <a href={`/clients/${encodeURIComponent(each.clientIdentifier)}`}>{each.clientIdentifier}</a>
            )}{" "}
            <span class="soft">{fieldsOf(each)}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

const fieldsOf = ({ fields }: LogEntry): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ")
