/** A message by hand, and what goes over a topic while one looks. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useLocation } from "preact-iso"
import type { TraceInfo, TraceStep } from "../../api/messages.ts"
import type { Published, PublishRequest } from "../../api/topics.ts"
import { get, send } from "../api.ts"
import { clock, quoted } from "../format.ts"
import { tell, tellFailure } from "../notices.tsx"
import { Heading, PayloadView } from "../parts.tsx"
import { mayOperate } from "../session.ts"

export const PublishPage = () => {
  const { query } = useLocation()
  return (
    <section>
      <Heading title="Publish" />
      {mayOperate.value ? null : <p class="verdict warn">Publishing needs the role operator.</p>}
      <div class="split even">
        <Form topic={query["topic"] ?? ""} />
        <Watch topic={query["topic"] ?? "#"} />
      </div>
    </section>
  )
}

const Form = ({ topic: first }: { readonly topic: string }) => {
  const topic = useSignal(first)
  const payload = useSignal("")
  const qos = useSignal<0 | 1 | 2>(0)
  const isRetained = useSignal(false)
  const expiry = useSignal("")
  const contentType = useSignal("")
  const responseTopic = useSignal("")
  const properties = useSignal("")
  const times = useSignal(1)
  const request = (): PublishRequest => ({
    topic: topic.value,
    payload: payload.value,
    qos: qos.value,
    retain: isRetained.value,
    ...(expiry.value === "" ? {} : { messageExpirySeconds: Number(expiry.value) }),
    ...(contentType.value === "" ? {} : { contentType: contentType.value }),
    ...(responseTopic.value === "" ? {} : { responseTopic: responseTopic.value }),
    ...(properties.value.trim() === "" ? {} : { userProperties: propertiesOf(properties.value) })
  })
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      let last: Published | undefined
      for (let i = 0; i < times.value; i++) last = await send<Published>("POST", "/publish", request())
      tell(`${last?.reason ?? "done"}${last?.sequence == null ? "" : `, sequence ${last.sequence}`}`)
    } catch (cause) {
      tellFailure(cause)
    }
  }
  const retain = isRetained.value ? " -r" : ""
  const words = `promptmq pub -t ${quoted(topic.value || "demo/hi")} -m ${quoted(payload.value)} -q ${qos.value}${retain}`
  return (
    <form class="panel" onSubmit={submit}>
      <label>
        Topic
        <input required value={topic.value} onInput={(event) => (topic.value = event.currentTarget.value)} />
      </label>
      <label>
        Payload
        <textarea rows={6} value={payload.value} onInput={(event) => (payload.value = event.currentTarget.value)} />
      </label>
      <div class="row">
        <label>
          QoS
          <select
            value={String(qos.value)}
            onChange={(event) => (qos.value = Number(event.currentTarget.value) as 0 | 1 | 2)}
          >
            <option value="0">0</option>
            <option value="1">1</option>
            <option value="2">2</option>
          </select>
        </label>
        <label>
          Times
          <input
            type="number"
            min="1"
            max="1000"
            value={times.value}
            onInput={(event) => (times.value = Number(event.currentTarget.value))}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isRetained.value}
            onChange={(event) => (isRetained.value = event.currentTarget.checked)}
          />
          Retain
        </label>
      </div>
      <details>
        <summary>MQTT 5 properties</summary>
        <label>
          Message expiry, seconds
          <input
            type="number"
            min="0"
            value={expiry.value}
            onInput={(event) => (expiry.value = event.currentTarget.value)}
          />
        </label>
        <label>
          Content type
          <input value={contentType.value} onInput={(event) => (contentType.value = event.currentTarget.value)} />
        </label>
        <label>
          Response topic
          <input value={responseTopic.value} onInput={(event) => (responseTopic.value = event.currentTarget.value)} />
        </label>
        <label>
          User properties, one "name=value" per line
          <textarea
            rows={3}
            value={properties.value}
            onInput={(event) => (properties.value = event.currentTarget.value)}
          />
        </label>
      </details>
      <div class="actions">
        <button type="submit" disabled={!mayOperate.value}>
          Publish
        </button>
      </div>
      <code class="soft wrap">$ {words}</code>
    </form>
  )
}

const propertiesOf = (text: string): NonNullable<PublishRequest["userProperties"]> =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const at = line.indexOf("=")
      return at < 0 ? { name: line, value: "" } : { name: line.slice(0, at), value: line.slice(at + 1) }
    })

const WATCHED_SECONDS = 600
const SHOWN_MAX = 200
const EVERY_MS = 1000

/** A trace with payloads, read as it grows. */
const Watch = ({ topic: first }: { readonly topic: string }) => {
  const filter = useSignal(first === "" ? "#" : first)
  const trace = useSignal<TraceInfo | undefined>(undefined)
  const seen = useSignal<ReadonlyArray<TraceStep>>([])
  const isPaused = useSignal(false)
  const start = async (event: Event) => {
    event.preventDefault()
    try {
      const wanted = { topic: filter.value, seconds: WATCHED_SECONDS, withPayload: true }
      seen.value = []
      trace.value = await send<TraceInfo>("POST", "/traces", wanted)
    } catch (cause) {
      tellFailure(cause)
    }
  }
  const stop = () => {
    const id = trace.value?.id
    trace.value = undefined
    if (id !== undefined) send("DELETE", `/traces/${id}`).catch(() => {})
  }
  const id = trace.value?.id
  useEffect(() => {
    if (id === undefined) return
    let after = 0
    const load = async () => {
      if (isPaused.value || document.hidden) return
      try {
        const { steps } = await get<{ readonly steps: ReadonlyArray<TraceStep> }>(`/traces/${id}`, {
          after,
          limit: 500
        })
        after = steps.at(-1)?.number ?? after
        const accepted = steps.filter(({ step }) => step === "accepted").toReversed()
        if (accepted.length > 0) seen.value = [...accepted, ...seen.value].slice(0, SHOWN_MAX)
      } catch {
        trace.value = undefined
      }
    }
    const timer = setInterval(load, EVERY_MS)
    return () => {
      clearInterval(timer)
      send("DELETE", `/traces/${id}`).catch(() => {})
    }
  }, [id])
  return (
    <div class="panel">
      <form class="row" onSubmit={start}>
        <label>
          Watch the filter
          <input value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value)} />
        </label>
        {id === undefined ? (
          <button type="submit" disabled={!mayOperate.value}>
            Watch
          </button>
        ) : (
          <>
            <button type="button" onClick={() => (isPaused.value = !isPaused.value)}>
              {isPaused.value ? "Go on" : "Pause"}
            </button>
            <button type="button" onClick={stop}>
              Stop
            </button>
          </>
        )}
      </form>
      {seen.value.length === 0 ? (
        <p class="soft">{id === undefined ? "Nothing is watched." : "Waiting for messages …"}</p>
      ) : (
        <ul class="messages">
          {seen.value.map((each) => (
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
      )}
    </div>
  )
}
