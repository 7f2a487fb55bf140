/** Where did my message go? The passport of one message, and live traces by client, topic filter or address. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useLocation } from "preact-iso"
import type { Passport, TraceInfo, TraceStep } from "../../api/messages.ts"
import { get, send } from "../api.ts"
import { clock, count, counted, moment } from "../format.ts"
import { doing, tellFailure } from "../notices.tsx"
import { Facts, Heading, PayloadView } from "../parts.tsx"
import { mayOperate } from "../session.ts"

const EVERY_MS = 1000
const STEPS_MAX = 1000

export const TracePage = () => {
  const { query } = useLocation()
  return (
    <section>
      <Heading title="Trace" command="promptmq trace --help" />
      <MessageForm sequence={query["message"] ?? ""} />
      {query["message"] === undefined ? null : <MessagePassport key={query["message"]} sequence={query["message"]} />}
      <Traces topic={query["topic"] ?? ""} client={query["client"] ?? ""} />
    </section>
  )
}

const MessageForm = ({ sequence }: { readonly sequence: string }) => {
  const { route } = useLocation()
  const value = useSignal(sequence)
  const submit = (event: Event) => {
    event.preventDefault()
    route(`/trace?message=${encodeURIComponent(value.value)}`)
  }
  return (
    <form class="row" onSubmit={submit}>
      <label>
        Sequence of a message
        <input
          required
          inputMode="numeric"
          pattern="\d+"
          value={value.value}
          onInput={(event) => (value.value = event.currentTarget.value)}
        />
      </label>
      <button type="submit">Where did it go?</button>
    </form>
  )
}

const MessagePassport = ({ sequence }: { readonly sequence: string }) => {
  const passport = useSignal<Passport | undefined>(undefined)
  const fact = useSignal("")
  useEffect(() => {
    get<Passport>(`/messages/${encodeURIComponent(sequence)}`).then(
      (found) => (passport.value = found),
      (cause: unknown) => (fact.value = cause instanceof Error ? cause.message : String(cause))
    )
  }, [sequence])
  if (fact.value !== "") return <p class="verdict warn">{fact.value}</p>
  const now = passport.value
  if (now === undefined) return <p class="soft">loading …</p>
  return (
    <article class="panel">
      <h2>
        Message {now.sequence}: <code>{now.topic}</code>
      </h2>
      <Facts
        rows={[
          ["Published", `${moment(now.publishedAt)} by ${now.publisher ?? "?"}`],
          ["QoS", `${now.qos}${now.retain ? ", retained" : ""}`],
          ["On the disk", now.isDurable ? "yes" : "not yet"],
          ["Expires", moment(now.expiresAt)],
          ["Matched", counted(now.matched, "session")]
        ]}
      />
      <PayloadView payload={now.payload} />
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
            {now.deliveries.map((each) => (
              <tr key={`${each.clientIdentifier} ${each.filter}`}>
                <td>
                  <a href={`/clients/${encodeURIComponent(each.clientIdentifier)}`}>{each.clientIdentifier}</a>
                </td>
                <td>
                  <code>{each.share === null ? each.filter : `$share/${each.share}/${each.filter}`}</code>
                </td>
                <td class="number">{each.qos}</td>
                <td>{each.state}</td>
                <td>{each.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </article>
  )
}

const Traces = ({ client: firstClient, topic: firstTopic }: { readonly client: string; readonly topic: string }) => {
  const client = useSignal(firstClient)
  const topic = useSignal(firstTopic)
  const minutes = useSignal(10)
  const withPayload = useSignal(false)
  const traces = useSignal<ReadonlyArray<TraceInfo>>([])
  const chosen = useSignal<string | undefined>(undefined)
  const load = () => get<ReadonlyArray<TraceInfo>>("/traces").then((found) => (traces.value = found), tellFailure)
  useEffect(() => {
    void load()
    const timer = setInterval(() => (document.hidden ? undefined : void load()), EVERY_MS * 2)
    return () => clearInterval(timer)
  }, [])
  const start = async (event: Event) => {
    event.preventDefault()
    const wanted = {
      ...(client.value === "" ? {} : { client: client.value }),
      ...(topic.value === "" ? {} : { topic: topic.value }),
      seconds: minutes.value * 60,
      withPayload: withPayload.value
    }
    try {
      chosen.value = (await send<TraceInfo>("POST", "/traces", wanted)).id
    } catch (cause) {
      tellFailure(cause)
    }
    await load()
  }
  const end = async (id: string) => {
    await doing(() => send("DELETE", `/traces/${id}`), "The trace is over")
    if (chosen.value === id) chosen.value = undefined
    await load()
  }
  return (
    <>
      <h2>Live traces</h2>
      <form class="row" onSubmit={start}>
        <label>
          Client
          <input value={client.value} onInput={(event) => (client.value = event.currentTarget.value)} />
        </label>
        <label>
          Topic filter
          <input value={topic.value} onInput={(event) => (topic.value = event.currentTarget.value)} />
        </label>
        <label>
          Minutes
          <input
            type="number"
            min="1"
            max="60"
            value={minutes.value}
            onInput={(event) => (minutes.value = Number(event.currentTarget.value))}
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
      {traces.value.length === 0 ? <p class="soft">No trace runs.</p> : null}
      <ul class="rows">
        {traces.value.map((each) => (
          <li key={each.id}>
            <button
              type="button"
              class="link"
              onClick={() => (chosen.value = each.id)}
              aria-pressed={chosen.value === each.id}
            >
              {wordsOf(each)}
            </button>
            <span class="soft">
              {each.state}, {count(each.steps)} steps, until {clock(each.endsAt)}
            </span>
            {mayOperate.value ? (
              <button type="button" class="quiet" onClick={() => end(each.id)}>
                End
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      {chosen.value === undefined ? null : <Steps key={chosen.value} id={chosen.value} />}
    </>
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
  const steps = useSignal<ReadonlyArray<TraceStep>>([])
  useEffect(() => {
    let after = 0
    const load = async () => {
      if (document.hidden) return
      try {
        const found = await get<{ readonly steps: ReadonlyArray<TraceStep> }>(`/traces/${id}`, {
          after,
          limit: STEPS_MAX
        })
        after = found.steps.at(-1)?.number ?? after
        if (found.steps.length > 0) steps.value = [...steps.value, ...found.steps].slice(-STEPS_MAX)
      } catch (cause) {
        tellFailure(cause)
        clearInterval(timer)
      }
    }
    const timer = setInterval(load, EVERY_MS)
    void load()
    return () => clearInterval(timer)
  }, [id])
  const download = () => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([JSON.stringify(steps.value, null, 2)], { type: "application/json" }))
    link.download = `trace-${id}.json`
    link.click()
    URL.revokeObjectURL(link.href)
  }
  const messages = [...Map.groupBy(steps.value, ({ message }) => message)].toReversed()
  return (
    <>
      <div class="actions">
        <button type="button" onClick={download}>
          Download
        </button>
      </div>
      {messages.length === 0 ? <p class="soft">Waiting for messages …</p> : null}
      <ol class="passports">
        {messages.map(([message, all]) => (
          <li key={message} class="panel">
            <h3>
              <code>{all[0]?.topic}</code> <span class="soft">message {all[0]?.sequence ?? message}</span>
            </h3>
            <ol class="steps">
              {all.map((each) => (
                <li key={each.number} class={each.step}>
                  <time dateTime={each.at}>{clock(each.at)}</time> <b>{each.step}</b> {each.clientIdentifier}{" "}
                  {each.detail}
                  {each.payload === null ? null : <PayloadView payload={each.payload} />}
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ol>
    </>
  )
}
