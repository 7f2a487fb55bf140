/** Where did my message go? The passport of one message, and live traces by client, topic filter or address. */
import { useSignal } from "@preact/signals"
import { useLocation } from "preact-iso"
import type { Passport, TraceInfo, TraceStep } from "../../api/messages.ts"
import { get, send } from "../api.ts"
import { traceCommand } from "../commands.ts"
import { downloadJson } from "../download.ts"
import { clock, count, counted, moment } from "../format.ts"
import { doing, tell, tellFailure } from "../notices.tsx"
import { ClientLink, Facts, Heading, Nothing, Part, TopicLink, Waiting } from "../parts.tsx"
import { PayloadView } from "../payload.tsx"
import { withQuery } from "../place.ts"
import { usePolled, useTail } from "../polled.ts"
import { mayOperate } from "../session.ts"

const EVERY_MS = 1000
const STEPS_MAX = 1000
const MESSAGES_SHOWN_MAX = 50

export const TracePage = () => {
  const { query } = useLocation()
  const { client, message, topic, trace } = query
  const command =
    message === undefined
      ? traceCommand({ kind: client === undefined ? "topic" : "client", value: client ?? topic ?? "#" })
      : traceCommand({ kind: "message", value: message })
  return (
    <section>
      <Heading
        title="Trace"
        soft="Where did my message go? Ask for one that was logged, or watch those that come."
        command={command}
      />
      <MessageForm sequence={message ?? ""} />
      {message === undefined ? null : <MessagePassport key={message} sequence={message} />}
      <Traces topic={topic ?? ""} client={client ?? ""} chosen={trace} />
    </section>
  )
}

const MessageForm = ({ sequence }: { readonly sequence: string }) => {
  const { route } = useLocation()
  const value = useSignal(sequence)
  const submit = (event: Event) => {
    event.preventDefault()
    route(`/trace${withQuery(location.search, { message: value.value })}`)
  }
  return (
    <form class="row" onSubmit={submit}>
      <label>
        Sequence of a message
        <input
          required
          inputMode="numeric"
          pattern="\d+"
          placeholder="4711"
          value={value.value}
          onInput={(event) => (value.value = event.currentTarget.value)}
        />
      </label>
      <button type="submit">Where did it go?</button>
    </form>
  )
}

const MessagePassport = ({ sequence }: { readonly sequence: string }) => {
  const { failure, value: now } = usePolled(
    (signal) => get<Passport>(`/messages/${encodeURIComponent(sequence)}`, {}, signal),
    { key: sequence, everyMs: EVERY_MS * 5 }
  )
  if (failure !== undefined) return <p class="verdict warn">{failure.message}</p>
  if (now === undefined) return <Waiting failure={undefined} />
  return (
    <article class="panel">
      <h2>
        Message {now.sequence}: <TopicLink topic={now.topic} />
      </h2>
      <PayloadView payload={now.payload} />
      <Facts
        rows={[
          ["Published", moment(now.publishedAt)],
          ["By", now.publisher === null ? "not known any more" : <ClientLink key="by" id={now.publisher} />],
          ["QoS", `${now.qos}${now.retain ? ", retained" : ""}`],
          ["On the disk", now.isDurable ? "yes" : "not yet"],
          ["Expires", moment(now.expiresAt)],
          ["Matched", counted(now.matched, "session")]
        ]}
      />
      {now.deliveries.length === 0 ? (
        <Nothing title="Nobody was to get it">No subscription matched when it was published.</Nothing>
      ) : (
        <Deliveries passport={now} />
      )}
    </article>
  )
}

const moods: Readonly<Record<string, string>> = { done: "good", dropped: "bad", unknown: "warn", waiting: "warn" }

const Deliveries = ({ passport }: { readonly passport: Passport }) => (
  <div class="scroll-x">
    <table>
      <thead>
        <tr>
          <th scope="col">Session</th>
          <th scope="col">Filter</th>
          <th scope="col" class="number">
            QoS
          </th>
          <th scope="col">State</th>
          <th scope="col">Detail</th>
        </tr>
      </thead>
      <tbody>
        {passport.deliveries.map((each) => (
          <tr key={`${each.clientIdentifier} ${each.filter}`}>
            <td>
              <ClientLink id={each.clientIdentifier} />
            </td>
            <td>
              <code>{each.share === null ? each.filter : `$share/${each.share}/${each.filter}`}</code>
            </td>
            <td class="number">{each.qos}</td>
            <td>
              <span class={`tag ${moods[each.state] ?? ""}`}>{each.state}</span>
            </td>
            <td>{each.detail}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

interface TracesProps {
  readonly client: string
  readonly topic: string
  readonly chosen: string | undefined
}

const Traces = ({ chosen, client, topic }: TracesProps) => {
  const { route } = useLocation()
  const {
    again,
    failure,
    value: traces
  } = usePolled((signal) => get<ReadonlyArray<TraceInfo>>("/traces", {}, signal), {
    key: "traces",
    everyMs: EVERY_MS * 2
  })
  const choose = (id: string) => route(`/trace${withQuery(location.search, { trace: id })}`)
  const end = async (id: string) => {
    await doing(() => send("DELETE", `/traces/${id}`), "The trace is over")
    if (chosen === id) choose("")
    await again()
  }
  const started = async (id: string) => {
    choose(id)
    await again()
  }
  return (
    <>
      <Part title="Live traces" />
      <Start client={client} topic={topic} onStarted={started} />
      {traces === undefined ? (
        <Waiting failure={failure} />
      ) : traces.length === 0 ? (
        <div class="panel">
          <Nothing title="No trace runs">
            Start one, then publish: each message shows its way, accepted, matched, sent, acknowledged, or dropped and
            why.
          </Nothing>
        </div>
      ) : (
        <ul class="rows panel">
          {traces.map((each) => (
            <li key={each.id}>
              <span class={each.state === "running" ? "dot good" : "dot"} aria-hidden="true" />
              <button
                type="button"
                class="link"
                onClick={() => choose(chosen === each.id ? "" : each.id)}
                aria-pressed={chosen === each.id}
              >
                {wordsOf(each)}
              </button>
              <span class="soft" title={`started by ${each.startedBy}`}>
                {each.state}, {counted(each.steps, "step")}
                {each.stepsLeftOut > 0 ? ` (${count(each.stepsLeftOut)} more did not fit)` : ""}, until{" "}
                {clock(each.endsAt)}
              </span>
              {mayOperate.value ? (
                <button type="button" class="plain" onClick={() => end(each.id)}>
                  End
                </button>
              ) : null}
            </li>
          ))}
        </ul>
      )}
      {chosen === undefined ? null : <Steps key={chosen} id={chosen} />}
    </>
  )
}

interface StartProps {
  readonly client: string
  readonly topic: string
  readonly onStarted: (id: string) => Promise<void>
}

const Start = ({ client: firstClient, onStarted, topic: firstTopic }: StartProps) => {
  const client = useSignal(firstClient)
  const topic = useSignal(firstTopic)
  const address = useSignal("")
  const minutes = useSignal(10)
  const stepsMax = useSignal(STEPS_MAX)
  const withPayload = useSignal(false)
  const start = async (event: Event) => {
    event.preventDefault()
    const wanted = {
      ...(client.value === "" ? {} : { client: client.value }),
      ...(topic.value === "" ? {} : { topic: topic.value }),
      ...(address.value === "" ? {} : { address: address.value }),
      seconds: minutes.value * 60,
      stepsMax: stepsMax.value,
      withPayload: withPayload.value
    }
    const kind = wanted.client !== undefined ? "client" : wanted.address !== undefined ? "address" : "topic"
    const value = wanted.client ?? wanted.address ?? wanted.topic ?? "#"
    try {
      const { id } = await send<TraceInfo>("POST", "/traces", wanted)
      tell(
        "The trace runs",
        traceCommand({
          kind,
          value,
          seconds: wanted.seconds,
          stepsMax: wanted.stepsMax,
          withPayload: wanted.withPayload
        })
      )
      await onStarted(id)
    } catch (cause) {
      tellFailure(cause)
    }
  }
  return (
    <form class="row" onSubmit={start}>
      <label>
        Client
        <input
          value={client.value}
          placeholder="any"
          spellcheck={false}
          onInput={(event) => (client.value = event.currentTarget.value)}
        />
      </label>
      <label>
        Topic filter
        <input
          value={topic.value}
          placeholder="any"
          spellcheck={false}
          onInput={(event) => (topic.value = event.currentTarget.value)}
        />
      </label>
      <label>
        Address
        <input
          value={address.value}
          placeholder="any"
          spellcheck={false}
          onInput={(event) => (address.value = event.currentTarget.value)}
        />
      </label>
      <label>
        Minutes
        <input
          type="number"
          class="short"
          min="1"
          max="60"
          value={minutes.value}
          onInput={(event) => (minutes.value = Number(event.currentTarget.value))}
        />
      </label>
      <label>
        Steps at most
        <input
          type="number"
          class="short"
          min="1"
          max="100000"
          value={stepsMax.value}
          onInput={(event) => (stepsMax.value = Number(event.currentTarget.value))}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={withPayload.value}
          onChange={(event) => (withPayload.value = event.currentTarget.checked)}
        />
        With payload
      </label>
      <button type="submit" disabled={!mayOperate.value}>
        Start
      </button>
    </form>
  )
}

const wordsOf = ({ address, client, topic }: TraceInfo): string =>
  [
    client === null ? "" : `client ${client}`,
    topic === null ? "" : `topic ${topic}`,
    address === null ? "" : `from ${address}`
  ]
    .filter(Boolean)
    .join(", ") || "everything"

const Steps = ({ id }: { readonly id: string }) => {
  const { entries, failure } = useTail(
    async (after, signal) => {
      const query = { after, limit: STEPS_MAX }
      const found = await get<{ readonly steps: ReadonlyArray<TraceStep> }>(`/traces/${id}`, query, signal)
      return found.steps
    },
    { key: id, everyMs: EVERY_MS, max: STEPS_MAX }
  )
  const all = [...Map.groupBy(entries.value, ({ message }) => message)]
  const messages = all.slice(0, MESSAGES_SHOWN_MAX)
  if (failure !== undefined) return <p class="verdict warn">{failure.message}</p>
  return (
    <>
      <Part title={counted(all.length, "message")}>
        <button
          type="button"
          disabled={entries.value.length === 0}
          onClick={() => downloadJson(`trace-${id}.json`, entries.value.toReversed())}
        >
          Download
        </button>
      </Part>
      {messages.length === 0 ? <p class="soft waiting">Waiting for messages …</p> : null}
      <ol class="passports">
        {messages.map(([message, newestFirst]) => (
          <MessageSteps key={message} steps={newestFirst.toReversed()} />
        ))}
      </ol>
      {all.length > messages.length ? (
        <p class="soft">{counted(all.length - messages.length, "older message")} in the download.</p>
      ) : null}
    </>
  )
}

const MessageSteps = ({ steps }: { readonly steps: ReadonlyArray<TraceStep> }) => {
  const [first] = steps
  const startMs = Date.parse(first?.at ?? "")
  const spanMs = Math.max(1, Date.parse(steps.at(-1)?.at ?? "") - startMs)
  return (
    <li class="panel">
      <h3>
        <code>{first?.topic}</code>
        <span class="soft">
          {first?.sequence == null ? (
            "not logged"
          ) : (
            <a href={`/trace?message=${first.sequence}`}>message {first.sequence}</a>
          )}
        </span>
      </h3>
      <div class="track" aria-hidden="true">
        {steps.map(({ at, number, step }) => (
          <span
            key={number}
            class={step}
            title={step}
            style={{ left: `${(100 * (Date.parse(at) - startMs)) / spanMs}%` }}
          />
        ))}
      </div>
      <ol class="steps">
        {steps.map((each) => (
          <li key={each.number} class={each.step}>
            <time dateTime={each.at} title={moment(each.at)}>
              {each === first ? clock(each.at) : `+${Date.parse(each.at) - startMs} ms`}
            </time>
            <b>{each.step}</b> <ClientLink id={each.clientIdentifier} /> <span class="soft">{each.detail}</span>
            {each.payload === null ? null : <PayloadView payload={each.payload} />}
          </li>
        ))}
      </ol>
    </li>
  )
}
