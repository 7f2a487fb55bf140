/** One client: what it asked for, where it stands, what happened to it, and what can be done with it. */
import { useSignal } from "@preact/signals"
import { useLocation, useRoute } from "preact-iso"
import type { ClientDetail } from "../../api/clients.ts"
import { get, Refusal, send } from "../api.ts"
import { Ban } from "../ban.tsx"
import { Chart } from "../chart.tsx"
import {
  clientCommand,
  dropQueueCommand,
  endCommand,
  kickCommand,
  traceCommand,
  unsubscribeCommand
} from "../commands.ts"
import { Confirm } from "../dialog.tsx"
import { ago, bytes, clock, count, counted, daysUntil, duration, moment } from "../format.ts"
import { doing } from "../notices.tsx"
import { Facts, Figure, Heading, Nothing, Part, Waiting } from "../parts.tsx"
import { usePolled } from "../polled.ts"
import { mayOperate } from "../session.ts"
import { ratesOf, seenSince } from "../traffic.ts"
import { State } from "./clients.tsx"

type Question = "kick" | "ban" | "drop-queue" | "end"

const EVERY_MS = 2000
/** 15 minutes of answers. */
const MOMENTS_MAX = 450
const TRACED_SECONDS = 600

interface Moment {
  readonly atSeconds: number
  readonly detail: ClientDetail
}

export const ClientPage = () => {
  const { params } = useRoute()
  const id = params["id"] ?? ""
  const path = `/clients/${encodeURIComponent(id)}`
  const question = useSignal<Question | undefined>(undefined)
  const moments = useSignal<ReadonlyArray<Moment>>([])
  const flights = useSignal<ReadonlyMap<string, number>>(new Map())
  const {
    again,
    failure,
    value: now
  } = usePolled((signal) => get<ClientDetail>(path, {}, signal), {
    key: path,
    everyMs: EVERY_MS,
    onValue: (detail) => {
      flights.value = seenSince(flights.peek(), detail.inFlightList.map(flightOf), Date.now() / 1000)
      const before = moments.peek().filter((each) => each.detail.clientIdentifier === id)
      moments.value = [...before, { atSeconds: Date.now() / 1000, detail }].slice(-MOMENTS_MAX)
    }
  })
  const isGone = failure instanceof Refusal && failure.status === 404
  const close = () => (question.value = undefined)
  return (
    <section>
      <p class="crumb">
        <a href="/clients">Clients</a>
      </p>
      <Heading
        title={id}
        soft={now === undefined || isGone ? undefined : <Summary now={now} />}
        command={clientCommand(id)}
      >
        {now !== undefined && !isGone && mayOperate.value ? (
          <Buttons now={now} onAsk={(what) => (question.value = what)} />
        ) : null}
      </Heading>
      {isGone ? (
        <p class="verdict warn">
          There is no such session now. It may have ended, or never been. <a href="/clients">All clients</a>
        </p>
      ) : now === undefined ? (
        <Waiting failure={failure} />
      ) : (
        <Detail now={now} moments={moments.value} flights={flights.value} onChanged={again} />
      )}
      {question.value === "ban" && now !== undefined ? (
        <Ban whom={now} onClose={close} onDone={again} />
      ) : question.value !== undefined && question.value !== "ban" ? (
        <Ask id={id} path={path} what={question.value} onClose={close} onDone={again} />
      ) : null}
    </section>
  )
}

const Summary = ({ now }: { readonly now: ClientDetail }) => (
  <>
    <State state={now.state} />
    {now.protocol === null ? "" : ` · MQTT ${now.protocol}`}
    {now.address === null ? "" : ` · ${now.address}`}
    {now.username === null ? "" : ` · ${now.username}`}
  </>
)

const Buttons = ({ now, onAsk }: { readonly now: ClientDetail; readonly onAsk: (what: Question) => void }) => (
  <>
    <TraceButton id={now.clientIdentifier} />
    <button type="button" disabled={now.state === "absent"} onClick={() => onAsk("kick")}>
      Kick
    </button>
    <button type="button" onClick={() => onAsk("ban")}>
      Ban …
    </button>
    <button type="button" class="danger" onClick={() => onAsk("drop-queue")}>
      Drop what waits
    </button>
    <button type="button" class="danger" onClick={() => onAsk("end")}>
      End session
    </button>
  </>
)

const TraceButton = ({ id }: { readonly id: string }) => {
  const { route } = useLocation()
  const command = traceCommand({ kind: "client", value: id, seconds: TRACED_SECONDS })
  const start = async () => {
    let trace = ""
    const begin = async () => {
      trace = (await send<{ readonly id: string }>("POST", "/traces", { client: id, seconds: TRACED_SECONDS })).id
    }
    if (await doing(begin, `Tracing ${id} for ten minutes`, command)) route(`/trace?trace=${encodeURIComponent(trace)}`)
  }
  return (
    <button type="button" onClick={start}>
      Trace 10 min
    </button>
  )
}

const questions = {
  kick: {
    title: "Kick this client?",
    action: "Kick",
    text: "Its connection ends with 0x98, administrative action. It may come back at once.",
    command: kickCommand,
    isForGood: false
  },
  "drop-queue": {
    title: "Drop what waits?",
    action: "Drop",
    text: "Messages that wait for this session are forgotten; the ledger says so.",
    command: dropQueueCommand,
    isForGood: true
  },
  end: {
    title: "End this session?",
    action: "End session",
    text: "Its subscriptions and everything that waits for it are gone for good.",
    command: endCommand,
    isForGood: true
  }
} as const

const Ask = ({
  id,
  onClose,
  onDone,
  path,
  what
}: {
  readonly id: string
  readonly path: string
  readonly what: keyof typeof questions
  readonly onClose: () => void
  readonly onDone: () => Promise<void>
}) => {
  const work = {
    kick: () => send("POST", `${path}/kick`),
    "drop-queue": () => send("POST", `${path}/drop-queue`),
    end: () => send("DELETE", path)
  }
  const { action, command, isForGood, text, title } = questions[what]
  const close = async (confirmed: boolean) => {
    onClose()
    if (confirmed && (await doing(work[what], `${action}: done`, command(id)))) await onDone()
  }
  return (
    <Confirm
      title={title}
      action={action}
      command={command(id)}
      onClose={close}
      isDanger={isForGood}
      {...(isForGood ? { mustType: id } : {})}
    >
      <p>{text}</p>
    </Confirm>
  )
}

type Flight = ClientDetail["inFlightList"][number]

const flightOf = ({ packetIdentifier, sequence }: Flight): string => `${packetIdentifier} ${sequence}`

const Detail = ({
  flights,
  moments,
  now,
  onChanged
}: {
  readonly now: ClientDetail
  readonly moments: ReadonlyArray<Moment>
  readonly flights: ReadonlyMap<string, number>
  readonly onChanged: () => Promise<void>
}) => (
  <>
    <Standing now={now} />
    <Plots moments={moments} />
    <Subscriptions now={now} onChanged={onChanged} />
    <InFlight now={now} flights={flights} />
    <History now={now} />
    <Part title="How it connected" />
    <div class="panel">
      <Facts rows={connectRows(now)} />
    </div>
  </>
)

const connectRows = (now: ClientDetail) =>
  [
    ["User", now.username ?? "–"],
    ["Address", now.address === null ? "–" : now.address],
    ["Listener", now.listener ?? "–"],
    ["Protocol", now.protocol === null ? "–" : `MQTT ${now.protocol}`],
    ["Clean start", now.cleanStart === null ? "–" : now.cleanStart ? "yes" : "no"],
    [
      "Keep alive",
      now.keepAliveSeconds === null ? "–" : now.keepAliveSeconds === 0 ? "off" : duration(now.keepAliveSeconds)
    ],
    ["Session expiry", now.sessionExpirySeconds === 0 ? "with the connection" : duration(now.sessionExpirySeconds)],
    ["Largest packet", now.maximumPacketSizeBytes === null ? "no limit" : bytes(now.maximumPacketSizeBytes)],
    ["Topic aliases", now.topicAliasMaximum === 0 ? "none" : `up to ${count(now.topicAliasMaximum)}`],
    ["Vouched for by", now.provider ?? "nobody"],
    ["Groups", now.groups.length === 0 ? "–" : now.groups.join(", ")],
    ["Credentials end", moment(now.credentialsExpireAt)],
    [
      "Certificate",
      now.certificate === null ? (
        "–"
      ) : (
        <span key="certificate" title={`${now.certificate.fingerprint}, until ${moment(now.certificate.expiresAt)}`}>
          {now.certificate.subject}, {counted(daysUntil(now.certificate.expiresAt), "day")} left
        </span>
      )
    ],
    [
      "Will",
      now.will === null
        ? "–"
        : `${now.will.topic}, QoS ${now.will.qos}${now.will.retain ? ", retained" : ""}, ${bytes(now.will.sizeBytes)}${now.will.delaySeconds > 0 ? `, after ${duration(now.will.delaySeconds)}` : ""}`
    ]
  ] as const

const Standing = ({ now }: { readonly now: ClientDetail }) => {
  const since = now.connectedAt ?? now.disconnectedAt
  return (
    <dl class="figures">
      <Figure
        label={now.state === "connected" ? "Connected for" : "Away for"}
        value={since === null ? "–" : duration(Math.max(0, (Date.now() - Date.parse(since)) / 1000))}
        detail={<span title={moment(since)}>since {since === null ? "–" : clock(since)}</span>}
      />
      <Figure label="Behind" value={count(now.behindRecords)} detail="records wait" />
      <Figure label="In flight" value={count(now.inFlight)} detail={`of ${count(now.inFlightMax)}`} />
      <Figure label="Unsent" value={bytes(now.unsentBytes)} detail="not taken by it yet" />
      <Figure
        label="Drops"
        value={count(now.drops)}
        state={now.drops > 0 ? "warn" : undefined}
        {...(now.drops > 0 ? { href: `/drops?client=${encodeURIComponent(now.clientIdentifier)}` } : {})}
        detail={now.drops > 0 ? "see which" : "none"}
      />
    </dl>
  )
}

const Plots = ({ moments }: { readonly moments: ReadonlyArray<Moment> }) => {
  const atSeconds = moments.map(({ atSeconds }) => atSeconds)
  const of = (read: (detail: ClientDetail) => number) => moments.map(({ detail }) => read(detail))
  const rates = (read: (detail: ClientDetail) => number) =>
    ratesOf(moments.map(({ atSeconds, detail }) => ({ atSeconds, bytes: read(detail) })))
  return (
    <div class="charts three">
      <Chart
        atSeconds={atSeconds}
        title="Traffic"
        format={(value) => (value == null ? "–" : `${bytes(value)}/s`)}
        series={[
          { name: "received", colour: "a", isFilled: true, values: rates(({ receivedBytes }) => receivedBytes) },
          { name: "sent", colour: "b", values: rates(({ sentBytes }) => sentBytes) }
        ]}
      />
      <Chart
        atSeconds={atSeconds}
        title="Queue"
        format={count}
        isWhole
        series={[{ name: "behind", colour: "c", isFilled: true, values: of(({ behindRecords }) => behindRecords) }]}
      />
      <Chart
        atSeconds={atSeconds}
        title="Window"
        format={count}
        isWhole
        series={[
          { name: "in flight", colour: "a", isFilled: true, values: of(({ inFlight }) => inFlight) },
          { name: "of", colour: "e", values: of(({ inFlightMax }) => inFlightMax) }
        ]}
      />
    </div>
  )
}

const Subscriptions = ({ now, onChanged }: { readonly now: ClientDetail; readonly onChanged: () => Promise<void> }) => {
  const id = now.clientIdentifier
  const end = async (filter: string) => {
    const path = `/clients/${encodeURIComponent(id)}/unsubscribe`
    const work = () => send("POST", path, { filter })
    if (await doing(work, `Unsubscribed from ${filter}`, unsubscribeCommand(id, filter))) await onChanged()
  }
  return (
    <>
      <Part title="Subscriptions" />
      {now.subscriptionList.length === 0 ? (
        <div class="panel">
          <Nothing title="It has not subscribed to anything" />
        </div>
      ) : (
        <div class="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">Filter</th>
                <th scope="col" class="number">
                  QoS
                </th>
                <th scope="col">Options</th>
                <th scope="col">
                  <span class="hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {now.subscriptionList.map((each) => {
                const text = each.share === null ? each.filter : `$share/${each.share}/${each.filter}`
                return (
                  <tr key={text}>
                    <td>
                      <code>{text}</code>
                    </td>
                    <td class="number">{each.qos}</td>
                    <td>{optionsOf(each)}</td>
                    <td class="acts">
                      {mayOperate.value ? (
                        <button type="button" class="plain" onClick={() => end(text)}>
                          Unsubscribe
                        </button>
                      ) : null}
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

const optionsOf = (each: ClientDetail["subscriptionList"][number]): string =>
  [
    each.noLocal ? "no local" : "",
    each.retainAsPublished ? "retain as published" : "",
    each.subscriptionIdentifier === null ? "" : `identifier ${each.subscriptionIdentifier}`
  ]
    .filter(Boolean)
    .join(", ") || "–"

interface InFlightProps {
  readonly now: ClientDetail
  /** Since when this page sees them, in seconds. */
  readonly flights: ReadonlyMap<string, number>
}

const InFlight = ({ flights, now }: InFlightProps) =>
  now.inFlightList.length === 0 ? null : (
    <>
      <Part title="In flight" />
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                Packet
              </th>
              <th scope="col">Topic</th>
              <th scope="col" class="number">
                QoS
              </th>
              <th scope="col">State</th>
              <th scope="col" class="number" title="Since this page sees it">
                For at least
              </th>
              <th scope="col" class="number">
                Message
              </th>
            </tr>
          </thead>
          <tbody>
            {now.inFlightList.map((each) => (
              <tr key={`${each.state} ${each.packetIdentifier}`}>
                <td class="number">{each.packetIdentifier}</td>
                <td>{each.topic === null ? "–" : <code>{each.topic}</code>}</td>
                <td class="number">{each.qos}</td>
                <td>{each.state}</td>
                <td class="number">
                  {duration(Date.now() / 1000 - (flights.get(flightOf(each)) ?? Date.now() / 1000))}
                </td>
                <td class="number">
                  {each.sequence === null ? "–" : <a href={`/trace?message=${each.sequence}`}>{each.sequence}</a>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )

const bad: ReadonlySet<string> = new Set(["refused", "kicked", "banned", "queue-dropped", "quota-exceeded"])

/** The newest first. */
const History = ({ now }: { readonly now: ClientDetail }) => (
  <>
    <Part title="What happened" />
    {now.events.length === 0 ? (
      <div class="panel">
        <Nothing title="Nothing since the broker's start" />
      </div>
    ) : (
      <ol class="events panel history">
        {now.events.toReversed().map((each, i) => (
          <li key={`${each.at} ${now.events.length - i}`} class={bad.has(each.what) ? "bad" : undefined}>
            <time dateTime={each.at} title={moment(each.at)}>
              {ago(each.at)}
            </time>
            <b>{each.what}</b>
            <span>
              {each.detail}{" "}
              <span class="soft">
                {each.address ?? ""} {clock(each.at)}
              </span>
            </span>
          </li>
        ))}
      </ol>
    )}
  </>
)
