/** A message by hand, and what goes over a topic while one looks. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useLocation } from "preact-iso"
import type { TraceInfo, TraceStep } from "../../api/messages.ts"
import type { Published, PublishRequest } from "../../api/topics.ts"
import { get, send } from "../api.ts"
import { Command } from "../command.tsx"
import { publishCommand, watchCommand } from "../commands.ts"
import { downloadJson } from "../download.ts"
import { clock, counted } from "../format.ts"
import { Kept } from "../kept.tsx"
import { tell, tellFailure } from "../notices.tsx"
import { Heading, Nothing } from "../parts.tsx"
import { PayloadView } from "../payload.tsx"
import { useTail } from "../polled.ts"
import { mayOperate } from "../session.ts"
import { stored } from "../stored.ts"

export const PublishPage = () => {
  const { query } = useLocation()
  const topic = query["topic"]
  return (
    <section>
      <Heading title="Publish" command={watchCommand(topic ?? "#")} />
      {mayOperate.value ? null : <p class="verdict warn">Publishing and watching need the role operator.</p>}
      <div class="split even">
        <Form topic={topic ?? ""} />
        <Watch topic={topic ?? "#"} />
      </div>
    </section>
  )
}

/** The form as it is filled in; texts, as they are typed. */
interface Draft {
  readonly topic: string
  readonly payload: string
  readonly encoding: "utf8" | "base64"
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly times: number
  readonly expiry: string
  readonly contentType: string
  readonly responseTopic: string
  readonly correlation: string
  readonly properties: string
}

const empty: Draft = {
  topic: "",
  payload: "",
  encoding: "utf8",
  qos: 0,
  retain: false,
  times: 1,
  expiry: "",
  contentType: "",
  responseTopic: "",
  correlation: "",
  properties: ""
}

/** "0x10 No matching subscribers", as a client reads it. */
const outcomeOf = ({ reason, reasonCode }: Published): string =>
  `0x${reasonCode.toString(16).padStart(2, "0")} ${reason}`

const TIMES_MAX = 1000
const snippets = stored<Draft & { readonly name: string }>("snippets")

const Form = ({ topic }: { readonly topic: string }) => {
  const draft = useSignal<Draft>({ ...empty, topic })
  const sent = useSignal<number | undefined>(undefined)
  const now = draft.value
  const set = (change: Partial<Draft>) => (draft.value = { ...draft.peek(), ...change })
  const submit = async (event: Event) => {
    event.preventDefault()
    const { times } = now
    try {
      let last: Published | undefined
      for (sent.value = 0; sent.value < times; sent.value++) {
        last = await send<Published>("POST", "/publish", requestOf(now))
      }
      const sequence = last?.sequence == null ? "" : `, message ${last.sequence}`
      tell(
        `${last === undefined ? "done" : outcomeOf(last)}${times > 1 ? `, ${times} times` : ""}${sequence}`,
        commandOf(now)
      )
    } catch (cause) {
      tellFailure(cause)
    }
    sent.value = undefined
  }
  return (
    <form class="panel" onSubmit={submit}>
      <Kept
        of={snippets}
        isChosen={(each) => sameDraft(each, now)}
        onChoose={(chosen) => (draft.value = { ...empty, ...chosen })}
      />
      <label>
        Topic
        <input
          required
          value={now.topic}
          placeholder="demo/hi"
          spellcheck={false}
          onInput={(event) => set({ topic: event.currentTarget.value })}
        />
      </label>
      <label>
        Payload
        <textarea
          rows={7}
          value={now.payload}
          spellcheck={false}
          onInput={(event) => set({ payload: event.currentTarget.value })}
        />
      </label>
      <div class="row tight">
        <label>
          QoS
          <select
            value={String(now.qos)}
            onChange={(event) => set({ qos: Number(event.currentTarget.value) as 0 | 1 | 2 })}
          >
            <option value="0">0</option>
            <option value="1">1</option>
            <option value="2">2</option>
          </select>
        </label>
        <label>
          Payload is
          <select
            value={now.encoding}
            onChange={(event) => set({ encoding: event.currentTarget.value as Draft["encoding"] })}
          >
            <option value="utf8">text</option>
            <option value="base64">base64</option>
          </select>
        </label>
        <label>
          Times
          <input
            type="number"
            class="short"
            min="1"
            max={TIMES_MAX}
            value={now.times}
            onInput={(event) => set({ times: Number(event.currentTarget.value) })}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={now.retain}
            onChange={(event) => set({ retain: event.currentTarget.checked })}
          />
          Retain
        </label>
      </div>
      <Properties draft={now} set={set} />
      <div class="actions">
        <Command words={commandOf(now)} />
        <button
          type="button"
          class="plain"
          disabled={now.topic === "" || snippets.all.value.some((each) => sameDraft(each, now))}
          onClick={() => snippets.keep({ ...now, name: now.topic })}
        >
          Save as snippet
        </button>
        <button type="submit" disabled={!mayOperate.value || sent.value !== undefined}>
          {sent.value === undefined || now.times < 2 ? "Publish" : `${sent.value} of ${now.times} …`}
        </button>
      </div>
    </form>
  )
}

interface PropertiesProps {
  readonly draft: Draft
  readonly set: (change: Partial<Draft>) => void
}

const Properties = ({ draft, set }: PropertiesProps) => (
  <details open={propertiesOf(draft).length > 0}>
    <summary>MQTT 5 properties</summary>
    <div class="fields">
      <label>
        Message expiry, seconds
        <input
          type="number"
          min="0"
          value={draft.expiry}
          onInput={(event) => set({ expiry: event.currentTarget.value })}
        />
      </label>
      <label>
        Content type
        <input value={draft.contentType} onInput={(event) => set({ contentType: event.currentTarget.value })} />
      </label>
      <label>
        Response topic
        <input value={draft.responseTopic} onInput={(event) => set({ responseTopic: event.currentTarget.value })} />
      </label>
      <label>
        Correlation data
        <input value={draft.correlation} onInput={(event) => set({ correlation: event.currentTarget.value })} />
      </label>
    </div>
    <label>
      User properties, one "name=value" per line
      <textarea
        rows={3}
        value={draft.properties}
        spellcheck={false}
        onInput={(event) => set({ properties: event.currentTarget.value })}
      />
    </label>
  </details>
)

const requestOf = (draft: Draft): PublishRequest => ({
  topic: draft.topic,
  payload: draft.payload,
  encoding: draft.encoding,
  qos: draft.qos,
  retain: draft.retain,
  ...(draft.expiry === "" ? {} : { messageExpirySeconds: Number(draft.expiry) }),
  ...(draft.contentType === "" ? {} : { contentType: draft.contentType }),
  ...(draft.responseTopic === "" ? {} : { responseTopic: draft.responseTopic }),
  ...(draft.correlation === "" ? {} : { correlationData: base64Of(draft.correlation) }),
  ...(draft.properties.trim() === "" ? {} : { userProperties: userPropertiesOf(draft.properties) })
})

const base64Of = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

const userPropertiesOf = (text: string): NonNullable<PublishRequest["userProperties"]> =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const at = line.indexOf("=")
      return at < 0 ? { name: line, value: "" } : { name: line.slice(0, at), value: line.slice(at + 1) }
    })

const propertiesOf = (draft: Draft): ReadonlyArray<readonly [string, ...ReadonlyArray<string>]> =>
  [
    ["message-expiry-interval", draft.expiry] as const,
    ["content-type", draft.contentType] as const,
    ["response-topic", draft.responseTopic] as const,
    ["correlation-data", draft.correlation] as const,
    ...userPropertiesOf(draft.properties).map(({ name, value }) => ["user-property", name, value] as const)
  ].filter(([name, first]) => name === "user-property" || first !== "")

const commandOf = (draft: Draft): string => publishCommand({ ...draft, properties: propertiesOf(draft) })

const sameDraft = (one: Draft, other: Draft): boolean =>
  (Object.keys(empty) as ReadonlyArray<keyof Draft>).every((key) => one[key] === other[key])

const WATCHED_SECONDS = 600
const SHOWN_MAX = 200
const ASKED_MAX = 500
const EVERY_MS = 1000

/** A trace with payloads, read as it grows. */
const Watch = ({ topic }: { readonly topic: string }) => {
  const filter = useSignal(topic === "" ? "#" : topic)
  const id = useSignal<string | undefined>(undefined)
  const isPaused = useSignal(false)
  const { entries, failure } = useTail(
    async (after, signal) => {
      const query = { after, limit: ASKED_MAX }
      const found = await get<{ readonly steps: ReadonlyArray<TraceStep> }>(`/traces/${id.value}`, query, signal)
      return found.steps
    },
    { key: id.value, everyMs: EVERY_MS, max: SHOWN_MAX * 4, isPaused: () => isPaused.peek() }
  )
  const shown = entries.value.filter(({ step }) => step === "accepted").slice(0, SHOWN_MAX)
  const start = async (event: Event) => {
    event.preventDefault()
    try {
      const wanted = { topic: filter.value, seconds: WATCHED_SECONDS, withPayload: true }
      isPaused.value = false
      id.value = (await send<TraceInfo>("POST", "/traces", wanted)).id
    } catch (cause) {
      tellFailure(cause)
    }
  }
  // Whoever leaves the page leaves no trace running.
  useEffect(() => {
    const running = id.value
    return running === undefined ? undefined : () => void send("DELETE", `/traces/${running}`).catch(() => {})
  }, [id.value])
  const isOver = failure !== undefined && id.value !== undefined
  return (
    <div class="panel">
      <form class="row tight" onSubmit={start}>
        <label class="grow">
          Watch the filter
          <input
            value={filter.value}
            required
            spellcheck={false}
            onInput={(event) => (filter.value = event.currentTarget.value)}
          />
        </label>
        {id.value === undefined || isOver ? (
          <button type="submit" disabled={!mayOperate.value}>
            Watch
          </button>
        ) : (
          <>
            <button type="button" onClick={() => (isPaused.value = !isPaused.value)}>
              {isPaused.value ? "Go on" : "Pause"}
            </button>
            <button type="button" onClick={() => (id.value = undefined)}>
              Stop
            </button>
          </>
        )}
        <button type="button" disabled={shown.length === 0} onClick={() => downloadJson("messages.json", shown)}>
          Export
        </button>
      </form>
      {isOver ? <p class="soft">The watch is over: it ends after ten minutes.</p> : null}
      {shown.length === 0 ? (
        id.value === undefined ? (
          <Nothing title="Nothing is watched">
            Start it, and every message that matches the filter is shown here as it arrives.
          </Nothing>
        ) : (
          <p class="soft waiting">Waiting for messages …</p>
        )
      ) : (
        <>
          <p class="soft">
            {counted(shown.length, "message")}
            {isPaused.value ? ", paused" : ""}
          </p>
          <ul class="messages">
            {shown.map((each) => (
              <li key={each.number}>
                <div>
                  <time dateTime={each.at}>{clock(each.at)}</time> <code>{each.topic}</code>{" "}
                  <span class="soft">
                    QoS {each.qos}, from {each.clientIdentifier}
                  </span>
                </div>
                {each.payload === null ? null : <PayloadView payload={each.payload} />}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}
