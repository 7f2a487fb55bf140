/** One client: what it asked for, where it stands, what happened to it, and what can be done with it. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useLocation, useRoute } from "preact-iso"
import type { ClientDetail } from "../../api/clients.ts"
import { get, Refusal, send } from "../api.ts"
import { ago, bytes, count, duration, moment, quoted } from "../format.ts"
import { doing, tellFailure } from "../notices.tsx"
import { Confirm, Facts, Heading } from "../parts.tsx"
import { mayOperate } from "../session.ts"
import { State } from "./clients.tsx"

type Question = "kick" | "ban" | "drop-queue" | "end"

const EVERY_MS = 2000

export const ClientPage = () => {
  const { params } = useRoute()
  const id = params["id"] ?? ""
  const detail = useSignal<ClientDetail | undefined>(undefined)
  const isGone = useSignal(false)
  const question = useSignal<Question | undefined>(undefined)
  const path = `/clients/${encodeURIComponent(id)}`
  const load = async () => {
    try {
      detail.value = await get<ClientDetail>(path)
      isGone.value = false
    } catch (cause) {
      if (cause instanceof Refusal && cause.status === 404) isGone.value = true
      else tellFailure(cause)
    }
  }
  useEffect(() => {
    detail.value = undefined
    void load()
    const timer = setInterval(() => (document.hidden ? undefined : void load()), EVERY_MS)
    return () => clearInterval(timer)
  }, [path])
  const now = detail.value
  return (
    <section>
      <Heading title={id} command={`promptmq client ${quoted(id)}`}>
        {now !== undefined && mayOperate.value ? (
          <>
            <button type="button" disabled={now.state === "absent"} onClick={() => (question.value = "kick")}>
              Kick
            </button>
            <button type="button" onClick={() => (question.value = "ban")}>
              Ban for an hour
            </button>
            <button type="button" onClick={() => (question.value = "drop-queue")}>
              Drop what waits
            </button>
            <button type="button" class="danger" onClick={() => (question.value = "end")}>
              End session
            </button>
            <TraceButton id={id} />
          </>
        ) : null}
      </Heading>
      {isGone.value ? (
        <p class="verdict warn">There is no such session now. It may have ended, or never been.</p>
      ) : now === undefined ? (
        <p class="soft">loading …</p>
      ) : (
        <Detail now={now} onChanged={load} />
      )}
      {question.value === undefined ? null : (
        <Ask id={id} path={path} what={question.value} onClose={() => (question.value = undefined)} onDone={load} />
      )}
    </section>
  )
}

const TraceButton = ({ id }: { readonly id: string }) => {
  const { route } = useLocation()
  const start = async () => {
    const seconds = 600
    if (await doing(() => send("POST", "/traces", { client: id, seconds }), `Tracing ${id} for ten minutes`)) {
      route("/trace")
    }
  }
  return (
    <button type="button" onClick={start}>
      Trace 10 min
    </button>
  )
}

const Ask = ({
  id,
  onClose,
  onDone,
  path,
  what
}: {
  readonly id: string
  readonly path: string
  readonly what: Question
  readonly onClose: () => void
  readonly onDone: () => Promise<void>
}) => {
  const questions = {
    kick: {
      title: "Kick this client?",
      action: "Kick",
      text: "Its connection ends with 0x98, administrative action. It may come back at once."
    },
    ban: {
      title: "Ban this client for an hour?",
      action: "Ban",
      text: "It is kicked, and refused with 0x8A until the hour is over."
    },
    "drop-queue": {
      title: "Drop what waits?",
      action: "Drop",
      text: "Messages that wait for this session are forgotten; the ledger says so."
    },
    end: {
      title: "End this session?",
      action: "End session",
      text: "Its subscriptions and everything that waits for it are gone for good."
    }
  } as const
  const work = {
    kick: () => send("POST", `${path}/kick`),
    ban: () => send("POST", "/bans", { client: id, seconds: 3600, reason: "from the dashboard" }),
    "drop-queue": () => send("POST", `${path}/drop-queue`),
    end: () => send("DELETE", path)
  }
  const { action, text, title } = questions[what]
  const close = async (confirmed: boolean) => {
    onClose()
    if (confirmed && (await doing(work[what], `${action}: done`))) await onDone()
  }
  const isForGood = what === "end" || what === "drop-queue"
  return (
    <Confirm title={title} action={action} onClose={close} {...(isForGood ? { mustType: id } : {})}>
      <p>{text}</p>
    </Confirm>
  )
}

const Detail = ({ now, onChanged }: { readonly now: ClientDetail; readonly onChanged: () => Promise<void> }) => (
  <>
    <Facts
      rows={[
        ["State", <State key="state" state={now.state} />],
        ["User", now.username ?? "–"],
        ["Address", now.address === null ? "–" : `${now.address} (${now.listener ?? "?"})`],
        ["Protocol", now.protocol === null ? "–" : `MQTT ${now.protocol}`],
        ["Connected", `${moment(now.connectedAt)} (${ago(now.connectedAt).replaceAll(" ", "\u00a0")})`],
        ["Clean start", now.cleanStart === null ? "–" : now.cleanStart ? "yes" : "no"],
        ["Keep alive", now.keepAliveSeconds === null ? "–" : duration(now.keepAliveSeconds)],
        ["Session expiry", duration(now.sessionExpirySeconds)],
        ["In flight", `${count(now.inFlight)} of ${count(now.inFlightMax)}`],
        ["Behind", `${count(now.behindRecords)} records`],
        ["Unsent", bytes(now.unsentBytes)],
        [
          "Drops",
          now.drops === 0 ? (
            "0"
          ) : (
            <a key="drops" href={`/drops?client=${encodeURIComponent(now.clientIdentifier)}`}>
              {count(now.drops)}
            </a>
          )
        ],
        ["Vouched for by", now.provider ?? "–"],
        ["Groups", now.groups.length === 0 ? "–" : now.groups.join(", ")],
        [
          "Certificate",
          now.certificate === null ? "–" : `${now.certificate.subject}, until ${moment(now.certificate.expiresAt)}`
        ],
        [
          "Will",
          now.will === null
            ? "–"
            : `${now.will.topic}, QoS ${now.will.qos}${now.will.retain ? ", retained" : ""}, ${bytes(now.will.sizeBytes)}`
        ]
      ]}
    />
    <Subscriptions now={now} onChanged={onChanged} />
    <InFlight now={now} />
    <h2>What happened</h2>
    {now.events.length === 0 ? (
      <p class="soft">Nothing since the broker's start.</p>
    ) : (
      <ul class="events">
        {now.events.toReversed().map((each, i) => (
          <li key={`${each.at} ${i}`}>
            <time dateTime={each.at}>{moment(each.at)}</time> <b>{each.what}</b> {each.address ?? ""} {each.detail}
          </li>
        ))}
      </ul>
    )}
  </>
)

const Subscriptions = ({ now, onChanged }: { readonly now: ClientDetail; readonly onChanged: () => Promise<void> }) => {
  const end = async (filter: string) => {
    const path = `/clients/${encodeURIComponent(now.clientIdentifier)}/unsubscribe`
    if (await doing(() => send("POST", path, { filter }), `Unsubscribed from ${filter}`)) await onChanged()
  }
  return (
    <>
      <h2>Subscriptions</h2>
      {now.subscriptionList.length === 0 ? (
        <p class="soft">None.</p>
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
                    <td class="number">
                      {mayOperate.value ? (
                        <button type="button" class="quiet" onClick={() => end(text)}>
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

const InFlight = ({ now }: { readonly now: ClientDetail }) =>
  now.inFlightList.length === 0 ? null : (
    <>
      <h2>In flight</h2>
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
              <th scope="col" class="number">
                Sequence
              </th>
            </tr>
          </thead>
          <tbody>
            {now.inFlightList.map((each) => (
              <tr key={each.packetIdentifier}>
                <td class="number">{each.packetIdentifier}</td>
                <td>{each.topic ?? "–"}</td>
                <td class="number">{each.qos}</td>
                <td>{each.state}</td>
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
