/** What a new subscriber gets at once: look, change, clear, take along. */
import { useSignal } from "@preact/signals"
import { useLocation } from "preact-iso"
import type { MessageView, RetainedRow } from "../../api/topics.ts"
import { get, send } from "../api.ts"
import { Chart } from "../chart.tsx"
import { ConfirmClearing, clearRetained, useClearing } from "../clearing.tsx"
import { Command } from "../command.tsx"
import { editCommand, retainedCommand, valueCommand } from "../commands.ts"
import { downloadJson } from "../download.ts"
import { ago, bytes, count, counted, moment } from "../format.ts"
import { samples } from "../live.ts"
import { doing, tell, tellFailure } from "../notices.tsx"
import { ClientLink, Heading, Waiting } from "../parts.tsx"
import { PayloadView } from "../payload.tsx"
import { withQuery } from "../place.ts"
import { usePolled } from "../polled.ts"
import { mayOperate } from "../session.ts"
import { type Column, List } from "../table.tsx"

const EXPORTED_MAX = 10_000
const ASKED_AT_ONCE = 8

export const RetainedPage = () => {
  const { query, route } = useLocation()
  const chosen = query["topic"]
  const version = useSignal(0)
  const clearing = useClearing(() => (version.value += 1))
  const filter = useSignal("")
  const isExporting = useSignal(false)
  const ask = (event: Event) => {
    event.preventDefault()
    return clearing.ask(filter.value)
  }
  const take = async (of: string) => {
    isExporting.value = true
    try {
      const messages = await exported(of)
      downloadJson("retained.json", messages)
      tell(`${counted(messages.length, "message")} exported`, `${retainedCommand({ filter: of })} --json`)
    } catch (cause) {
      tellFailure(cause)
    }
    isExporting.value = false
  }
  return (
    <section>
      <Heading title="Retained messages" command={retainedCommand({ filter: query["filter"], sort: query["sort"] })} />
      {chosen === undefined ? null : (
        <Value
          key={chosen}
          topic={chosen}
          onChanged={() => (version.value += 1)}
          onClose={() => route(`/retained${withQuery(location.search, { topic: "" })}`)}
        />
      )}
      <List
        path="/retained"
        caption="Retained messages"
        columns={columns}
        sort="topic"
        version={version.value}
        keyOf={({ topic }) => topic}
        filterLabel="Topic filter"
        filterHint="Topic filter: plant/#"
        everyMs={5000}
        tools={(now) => (
          <button type="button" disabled={now.total === 0 || isExporting.value} onClick={() => take(now.filter)}>
            {isExporting.value ? "Exporting …" : "Export"}
          </button>
        )}
        nothing={
          <>
            <b>Nothing is retained</b>
            <p>
              A retained message is what new subscribers get at once. Try{" "}
              <code>promptmq pub -r -t demo/hi -m hello</code>.
            </p>
          </>
        }
      />
      {mayOperate.value ? (
        <form class="row below" onSubmit={ask}>
          <label>
            Clear all below a filter
            <input
              required
              placeholder="plant/old/#"
              spellcheck={false}
              value={filter.value}
              onInput={(event) => (filter.value = event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="plain">
            Count and clear …
          </button>
        </form>
      ) : null}
      <Sizes />
      <ConfirmClearing clearing={clearing}>
        {(filter) => (
          <>
            All that <code>{filter}</code> matches. This cannot be taken back.
          </>
        )}
      </ConfirmClearing>
    </section>
  )
}

const columns: ReadonlyArray<Column<RetainedRow>> = [
  {
    name: "Topic",
    sort: "topic",
    class: "main",
    show: ({ topic }) => <a href={`/retained${withQuery(location.search, { topic })}`}>{topic}</a>,
    title: ({ topic }) => topic
  },
  { name: "QoS", sort: "qos", isNumber: true, show: ({ qos }) => qos },
  { name: "Size", sort: "sizeBytes", isNumber: true, show: ({ sizeBytes }) => bytes(sizeBytes) },
  {
    name: "Age",
    sort: "storedAt",
    class: "number-like",
    show: ({ storedAt }) => ago(storedAt),
    title: ({ storedAt }) => moment(storedAt)
  },
  { name: "Expires", show: ({ expiresAt }) => moment(expiresAt) },
  {
    name: "Publisher",
    show: ({ publisher, publisherUsername }) => (
      <>
        {publisher === null ? "–" : <ClientLink id={publisher} />}
        {publisherUsername === null || publisherUsername === undefined ? "" : ` (${publisherUsername})`}
      </>
    ),
    title: ({ publisher }) => publisher ?? "not known: from before a restart"
  }
]

/** Every message the filter matches, whole as far as the broker shows it. */
const exported = async (filter: string): Promise<ReadonlyArray<MessageView>> => {
  const query = { filter, limit: EXPORTED_MAX, sort: "topic" }
  const { items } = await get<{ readonly items: ReadonlyArray<RetainedRow> }>("/retained", query)
  const messages: Array<MessageView> = []
  for (let at = 0; at < items.length; at += ASKED_AT_ONCE) {
    const some = items.slice(at, at + ASKED_AT_ONCE)
    messages.push(...(await Promise.all(some.map(({ topic }) => get<MessageView>("/retained/value", { topic })))))
  }
  return messages
}

const Sizes = () => {
  const all = samples.value
  return (
    <div class="charts">
      <Chart
        title="Retained messages"
        atSeconds={all.map(({ atSeconds }) => atSeconds)}
        format={count}
        isWhole
        series={[
          {
            name: "messages",
            colour: "a",
            isFilled: true,
            values: all.map(({ overview }) => overview?.retainedMessages ?? null)
          }
        ]}
      />
      <Chart
        title="Their size"
        atSeconds={all.map(({ atSeconds }) => atSeconds)}
        format={bytes}
        series={[
          {
            name: "bytes",
            colour: "b",
            isFilled: true,
            values: all.map(({ overview }) => overview?.retainedBytes ?? null)
          }
        ]}
      />
    </div>
  )
}

interface ValueProps {
  readonly topic: string
  readonly onChanged: () => void
  readonly onClose: () => void
}

const Value = ({ onChanged, onClose, topic }: ValueProps) => {
  const draft = useSignal<string | undefined>(undefined)
  const {
    again,
    failure,
    value: now
  } = usePolled((signal) => get<MessageView>("/retained/value", { topic }, signal), { key: topic, everyMs: 5000 })
  const save = async () => {
    const payload = draft.value ?? ""
    const body = { topic, payload, qos: now?.qos ?? 0, retain: true }
    if (!(await doing(() => send("POST", "/publish", body), "Saved", editCommand(topic, payload, now?.qos ?? 0))))
      return
    draft.value = undefined
    onChanged()
    await again()
  }
  const remove = async () => {
    if (!(await clearRetained(topic))) return
    onChanged()
    onClose()
  }
  const isText = now !== undefined && now.payload.encoding === "utf8" && !now.payload.isCut
  return (
    <div class="panel chosen">
      <div class="heading">
        <h2>
          <code>{topic}</code>
        </h2>
        <div class="actions">
          {now === undefined || !mayOperate.value ? null : draft.value === undefined ? (
            <>
              <button
                type="button"
                disabled={!isText}
                title={isText ? undefined : "Bytes, or too long to be edited here"}
                onClick={() => (draft.value = now.payload.value)}
              >
                Edit
              </button>
              <button type="button" class="danger" onClick={remove}>
                Clear
              </button>
            </>
          ) : (
            <>
              <button type="button" class="plain" onClick={() => (draft.value = undefined)}>
                Discard
              </button>
              <button type="button" class="primary" onClick={save}>
                Save
              </button>
            </>
          )}
          <button type="button" class="quiet icon" aria-label="Close" onClick={onClose}>
            ×
          </button>
        </div>
      </div>
      {now === undefined ? (
        <Waiting failure={failure} />
      ) : draft.value === undefined ? (
        <PayloadView payload={now.payload} />
      ) : (
        <label>
          Payload
          <textarea
            rows={7}
            value={draft.value}
            spellcheck={false}
            onInput={(event) => (draft.value = event.currentTarget.value)}
          />
        </label>
      )}
      <Command words={valueCommand(topic)} />
    </div>
  )
}
