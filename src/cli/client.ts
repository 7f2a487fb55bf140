/**
 * `promptmq client <id>`: everything about one client: how it connected, what it subscribed to, what is under way to it, its
 * will, and what happened to it (connects, disconnects with their reasons, take-overs, refusals).
 *
 * Exit codes: 6 no such client.
 */
import { ClientDetail } from "../admin/api/clients.ts"
import { segment } from "./api-http.ts"
import { commandBody } from "./grammar/command.ts"
import { type Fact, factsText, left, right, tableText } from "./operate/columns.ts"
import { type ShowOptions, show, showOptions } from "./operate/show.ts"
import { subscriptionColumns } from "./operate/subscription-columns.ts"
import { expiryText, nothing, numberText, orNothing, timeText, yesOrNo } from "./operate/words.ts"
import { bytesText, count } from "./store-place.ts"
import { paint, type World } from "./world.ts"

export const body = commandBody({
  notes: ["Its events are those that this process of the broker has seen, the oldest first."],
  examples: [
    { line: "promptmq client c1", why: "all about c1" },
    { line: "promptmq client c1 --watch", why: "while it works" }
  ],
  operands: [{ name: "id", summary: "client identifier", isRequired: true, completes: "clients" }],
  options: showOptions,
  isHelpWhenBare: true,
  run: ({ operands, options }, world) => {
    const path = `/api/v1/clients/${segment(operands[0] as string)}`
    return showClient(path, options, world)
  }
})

type Detail = typeof ClientDetail.Type

function showClient(path: string, options: ShowOptions, world: World) {
  return show<Detail>(options, world, {
    read: (api) => api.ask({ path }, ClientDetail),
    lines: (client) => [
      ...factsText(facts(client), world),
      ...titled(`subscriptions: ${client.subscriptionList.length}`, subscriptionLines(client, world), world),
      ...titled(`in flight: ${numberText(client.inFlight)}`, inFlightLines(client, world), world),
      ...titled(`events: ${client.events.length}`, eventLines(client, world), world)
    ],
    document: (client) => client,
    items: (client) => [client]
  })
}

function facts(client: Detail): ReadonlyArray<Fact> {
  const { certificate, will } = client
  const isConnected = client.state === "connected"
  const since = timeText(isConnected ? client.connectedAt : client.disconnectedAt)
  const groups = client.groups.length === 0 ? "" : `, groups ${client.groups.join(", ")}`
  const provider = client.provider === null ? "" : `, vouched for by ${client.provider}`
  const protocol = client.protocol === null ? undefined : `${client.protocol} by ${orNothing(client.listener)}`
  const keepAlive = client.keepAliveSeconds === null ? undefined : `${numberText(client.keepAliveSeconds)} s`
  return [
    ["client", client.clientIdentifier],
    ["state", `${client.state}, since ${since}`, isConnected ? "good" : "faint"],
    ["user", `${orNothing(client.username)}${groups}${provider}`],
    ["address", orNothing(client.address)],
    ["MQTT", protocol],
    ["keep alive", keepAlive],
    ["clean start", client.cleanStart === null ? undefined : yesOrNo(client.cleanStart)],
    ["session ends", expiryText(client.sessionExpirySeconds)],
    ["window", `${numberText(client.inFlight)} of ${numberText(client.inFlightMax)} in flight`],
    ["behind", count(client.behindRecords, "record")],
    ["unsent", bytesText(client.unsentBytes)],
    ["drops", numberText(client.drops), client.drops > 0 ? "warning" : undefined],
    ["largest packet", client.maximumPacketSizeBytes === null ? undefined : bytesText(client.maximumPacketSizeBytes)],
    ["topic aliases", client.topicAliasMaximum === 0 ? undefined : numberText(client.topicAliasMaximum)],
    [
      "certificate",
      certificate === null
        ? undefined
        : `${certificate.subject}, until ${timeText(certificate.expiresAt)}, ${certificate.fingerprint}`
    ],
    ["credentials end", client.credentialsExpireAt === null ? undefined : timeText(client.credentialsExpireAt)],
    [
      "will",
      will === null
        ? "none"
        : `${will.topic}, QoS ${will.qos}${will.retain ? ", retained" : ""}, ${bytesText(will.sizeBytes)}, after ${numberText(will.delaySeconds)} s`
    ]
  ]
}

function subscriptionLines({ subscriptionList }: Detail, world: World): ReadonlyArray<string> {
  return tableText(subscriptionColumns, subscriptionList, world)
}

function inFlightLines({ inFlightList }: Detail, world: World): ReadonlyArray<string> {
  const columns = [
    right<Detail["inFlightList"][number]>("packet", (row) => String(row.packetIdentifier)),
    right<Detail["inFlightList"][number]>("QoS", (row) => String(row.qos)),
    left<Detail["inFlightList"][number]>("state", (row) => row.state),
    right<Detail["inFlightList"][number]>("message", (row) => (row.sequence === null ? nothing : String(row.sequence))),
    left<Detail["inFlightList"][number]>("topic", (row) => orNothing(row.topic))
  ]
  return tableText(columns, inFlightList, world)
}

function eventLines({ events }: Detail, world: World): ReadonlyArray<string> {
  type Event = Detail["events"][number]
  const columns = [
    left<Event>("at", (event) => timeText(event.at)),
    left<Event>("what", (event) => event.what),
    left<Event>("address", (event) => orNothing(event.address)),
    left<Event>("reason", (event) => (event.reasonCode === null ? nothing : hex(event.reasonCode))),
    left<Event>("detail", (event) => event.detail)
  ]
  return tableText(columns, events, world)
}

function hex(reasonCode: number): string {
  return `0x${reasonCode.toString(16).padStart(2, "0")}`
}

/** A heading alone where its table is empty. */
function titled(title: string, table: ReadonlyArray<string>, world: World): ReadonlyArray<string> {
  const [, ...rows] = table
  return ["", paint(world, world.stdout, "strong", title), ...(rows.length === 0 ? [] : table)]
}
