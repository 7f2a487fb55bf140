/** What a new subscriber gets at once: look, change, clear. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useLocation } from "preact-iso"
import type { MessageView, RetainedRow } from "../../api/topics.ts"
import { get, send } from "../api.ts"
import { ago, bytes, moment, quoted } from "../format.ts"
import { doing, tellFailure } from "../notices.tsx"
import { Confirm, Heading, PayloadView } from "../parts.tsx"
import { mayOperate } from "../session.ts"
import { type Column, List } from "../table.tsx"

export const RetainedPage = () => {
  const { query, route } = useLocation()
  const chosen = query["topic"]
  const version = useSignal(0)
  const clearing = useSignal<{ readonly filter: string; readonly matched: number } | undefined>(undefined)
  const filter = useSignal("")
  const ask = async (event: Event) => {
    event.preventDefault()
    try {
      const { matched } = await send<{ readonly matched: number }>("DELETE", "/retained", undefined, {
        filter: filter.value,
        "dry-run": true
      })
      clearing.value = { filter: filter.value, matched }
    } catch (cause) {
      tellFailure(cause)
    }
  }
  const clear = async (confirmed: boolean) => {
    const wanted = clearing.value
    clearing.value = undefined
    if (!confirmed || wanted === undefined) return
    await doing(() => send("DELETE", "/retained", undefined, { filter: wanted.filter }), "Cleared")
    version.value += 1
  }
  const columns: ReadonlyArray<Column<RetainedRow>> = [
    {
      name: "Topic",
      sort: "topic",
      show: ({ topic }) => <a href={`/retained?topic=${encodeURIComponent(topic)}`}>{topic}</a>,
      title: ({ topic }) => topic
    },
    { name: "QoS", sort: "qos", isNumber: true, show: ({ qos }) => qos },
    { name: "Size", sort: "sizeBytes", isNumber: true, show: ({ sizeBytes }) => bytes(sizeBytes) },
    { name: "Age", sort: "storedAt", show: ({ storedAt }) => ago(storedAt), title: ({ storedAt }) => moment(storedAt) },
    { name: "Expires", show: ({ expiresAt }) => moment(expiresAt) },
    { name: "Publisher", show: ({ publisher }) => publisher ?? "–" }
  ]
  return (
    <section>
      <Heading title="Retained messages" command="promptmq retained ls '#'" />
      {mayOperate.value ? (
        <form class="row" onSubmit={ask}>
          <label>
            Clear all below a filter
            <input
              required
              placeholder="plant/old/#"
              value={filter.value}
              onInput={(event) => (filter.value = event.currentTarget.value)}
            />
          </label>
          <button type="submit">Count and clear …</button>
        </form>
      ) : null}
      {chosen === undefined ? null : (
        <Value
          key={`${chosen} ${version.value}`}
          topic={chosen}
          onChanged={() => (version.value += 1)}
          onClose={() => route("/retained")}
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
        everyMs={5000}
        nothing={
          <>
            Nothing is retained. Try <code>promptmq pub -r -t demo/hi -m hello</code>.
          </>
        }
      />
      {clearing.value === undefined ? null : (
        <Confirm title={`Clear ${clearing.value.matched} retained messages?`} action="Clear" onClose={clear}>
          <p>
            All that <code>{clearing.value.filter}</code> matches. This cannot be taken back.
          </p>
        </Confirm>
      )}
    </section>
  )
}

const Value = ({
  onChanged,
  onClose,
  topic
}: {
  readonly topic: string
  readonly onChanged: () => void
  readonly onClose: () => void
}) => {
  const message = useSignal<MessageView | undefined>(undefined)
  const draft = useSignal<string | undefined>(undefined)
  useEffect(() => {
    get<MessageView>("/retained/value", { topic }).then((found) => (message.value = found), tellFailure)
  }, [topic])
  const now = message.value
  const save = async () => {
    const body = { topic, payload: draft.value, qos: now?.qos ?? 0, retain: true }
    if (await doing(() => send("POST", "/publish", body), "Saved")) onChanged()
  }
  const remove = async () => {
    if (await doing(() => send("DELETE", "/retained", undefined, { filter: topic }), "Cleared")) {
      onChanged()
      onClose()
    }
  }
  return (
    <div class="panel">
      <div class="heading">
        <h2>
          <code>{topic}</code>
        </h2>
        <div class="actions">
          {now === undefined || !mayOperate.value ? null : draft.value === undefined ? (
            <>
              <button
                type="button"
                disabled={now.payload.encoding !== "utf8" || now.payload.isCut}
                onClick={() => (draft.value = now.payload.value)}
              >
                Edit
              </button>
              <button type="button" class="danger" onClick={remove}>
                Clear
              </button>
            </>
          ) : (
            <button type="button" onClick={save}>
              Save
            </button>
          )}
          <button type="button" class="quiet" onClick={onClose}>
            Close
          </button>
        </div>
      </div>
      {now === undefined ? (
        <p class="soft">loading …</p>
      ) : draft.value === undefined ? (
        <PayloadView payload={now.payload} />
      ) : (
        <label>
          Payload
          <textarea rows={6} value={draft.value} onInput={(event) => (draft.value = event.currentTarget.value)} />
        </label>
      )}
      <code class="soft wrap">$ promptmq retained get {quoted(topic)}</code>
    </div>
  )
}
