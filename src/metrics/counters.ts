/**
 * The broker's counters: one Float64Array (exact to 2^53) and one table of families that gives each cell
 * its name. The hot path writes `counters.values[Counter.packetsIn + type]++` and nothing else; names,
 * labels and text are put together only when somebody reads.
 *
 *   family (row of the table) = a run of cells, one per label set
 *   Counter.<key>             = index of the family's first cell
 *
 *   packetsIn, packetsOut     + packet type (0-15, as on the wire)
 *   messagesIn, messagesOut   + QoS (0-2)
 *   connectionsAccepted, ...  + listenerIndex(transport.listener)
 *   authAllowed, authDenied   + index in authMethods
 *
 * A rare cell (a packet that only breaks of the protocol send, a listener that is not open) is told once it has moved.
 * Values that rise and fall (connections, sessions, retained ...), and what the store counts for itself, are read from
 * their owner by a callback when a sample is taken: gauge-table.ts. Drops are not here: metrics/drop-ledger.ts.
 */
import { type GaugeKey, gaugeTable, type ReadFamily } from "./gauge-table.ts"
import { Meter, sizeBucket, sizeCellCount } from "./meter.ts"

export interface Sample {
  readonly family: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface CounterFamily {
  readonly key: string
  readonly family: string
  readonly help: string
  /** One cell per label set. */
  readonly cells: ReadonlyArray<Readonly<Record<string, string>>>
  /** Not told while it is 0. */
  readonly rare?: (labels: Readonly<Record<string, string>>) => boolean
}

const packetTypes = [
  ...["reserved", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp"],
  ...["subscribe", "suback", "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth"]
]
const wrongIn = ["reserved", "connack", "suback", "unsuback", "pingresp"]
const wrongOut = ["reserved", "connect", "subscribe", "unsubscribe", "pingreq"]
const packets = (direction: string) => packetTypes.map((type) => ({ direction, type }))
const messages = (direction: string) => ["0", "1", "2"].map((qos) => ({ direction, qos }))

/** Listeners by the names the settings give them. */
const listeners = ["tcp", "tls", "websocket", "wss", "unix", "memory"]
const connections = (result: string) => listeners.map((listener) => ({ listener, result }))
/** How a client said who it is. */
export const authMethods = ["none", "password", "enhanced"] as const
const isEnhanced = ({ method }: Readonly<Record<string, string>>): boolean => method === "enhanced"
const auth = (result: string) => authMethods.map((method) => ({ method, result }))

const packetsHelp = "Control packets by direction and type."
const messagesHelp = "Application messages by direction and the QoS of that delivery."
const bytesHelp = "Bytes of MQTT by direction."
const payloadHelp = "Bytes of application messages, without what MQTT adds, by direction."
const connectionsHelp = "Connections by what became of them."
const sessionsHelp = "Sessions by what happened to them."
const subscriptionsHelp = "Subscriptions made and removed."
const authHelp = "Clients that said who they are, by method and answer."
const aclHelp = "Decisions about topics, where not everything is allowed."
const wills = "promptmq_wills_total"
const quotasHelp = "Users that came near a quota of theirs, and messages refused because one was used up."
const willsHelp = "Will messages by what became of them."

const table = [
  {
    key: "packetsIn",
    family: "promptmq_packets_total",
    help: packetsHelp,
    cells: packets("in"),
    rare: ({ type = "" }) => wrongIn.includes(type)
  },
  {
    key: "packetsOut",
    family: "promptmq_packets_total",
    help: packetsHelp,
    cells: packets("out"),
    rare: ({ type = "" }) => wrongOut.includes(type)
  },
  { key: "messagesIn", family: "promptmq_messages_total", help: messagesHelp, cells: messages("in") },
  { key: "messagesOut", family: "promptmq_messages_total", help: messagesHelp, cells: messages("out") },
  { key: "bytesIn", family: "promptmq_network_bytes_total", help: bytesHelp, cells: [{ direction: "in" }] },
  { key: "bytesOut", family: "promptmq_network_bytes_total", help: bytesHelp, cells: [{ direction: "out" }] },
  { key: "payloadIn", family: "promptmq_payload_bytes_total", help: payloadHelp, cells: [{ direction: "in" }] },
  { key: "payloadOut", family: "promptmq_payload_bytes_total", help: payloadHelp, cells: [{ direction: "out" }] },
  {
    key: "socketsOpened",
    family: "promptmq_sockets_total",
    help: "Connections that listeners took, before anybody said CONNECT.",
    cells: listeners.map((listener) => ({ listener })),
    rare: ({ listener }) => listener !== "tcp"
  },
  {
    key: "connectionsAccepted",
    family: "promptmq_connections_total",
    help: connectionsHelp,
    cells: connections("accepted"),
    rare: ({ listener }) => listener !== "tcp"
  },
  {
    key: "connectionsRefused",
    family: "promptmq_connections_total",
    help: connectionsHelp,
    cells: connections("refused"),
    rare: ({ listener }) => listener !== "tcp"
  },
  { key: "authAllowed", family: "promptmq_auth_total", help: authHelp, cells: auth("allowed"), rare: isEnhanced },
  { key: "authDenied", family: "promptmq_auth_total", help: authHelp, cells: auth("denied"), rare: isEnhanced },
  ...["publish", "subscribe"].flatMap((method) =>
    (["allowed", "denied"] as const).map((result) => ({
      key: `${method}${result === "allowed" ? "Allowed" : "Denied"}` as AclKey,
      family: "promptmq_acl_total",
      help: aclHelp,
      cells: [{ method, result }]
    }))
  ),
  ...single("promptmq_disconnections_total", "Ended connections by cause.", "cause", [
    ["disconnectionsByClient", "client"],
    ["disconnectionsLost", "lost"],
    ["disconnectionsKeepAlive", "keep-alive"],
    ["disconnectionsTakenOver", "taken-over"],
    ["disconnectionsProtocolError", "protocol-error"],
    ["disconnectionsByServer", "server"]
  ]),
  ...single("promptmq_sockets_turned_away_total", "Sockets closed without a word, by what they met.", "why", [
    ["turnedAwayTotal", "total"],
    ["turnedAwayAddressConnections", "address-connections"],
    ["turnedAwayAddressRate", "address-rate"],
    ["turnedAwayBanned", "banned"],
    ["turnedAwayBusy", "busy"],
    ["turnedAwayProxy", "proxy"],
    ["turnedAwayHeld", "held-bytes"]
  ]).map((row) => ({ ...row, rare: () => true })),
  ...single("promptmq_sessions_total", sessionsHelp, "event", [
    ["sessionsCreated", "created"],
    ["sessionsResumed", "resumed"],
    ["sessionsExpired", "expired"]
  ]),
  ...single("promptmq_subscriptions_total", subscriptionsHelp, "event", [
    ["subscriptionsMade", "subscribed"],
    ["subscriptionsRemoved", "unsubscribed"]
  ]),
  ...single(wills, willsHelp, "event", [
    ["willsPublished", "published"],
    ["willsCancelled", "cancelled"]
  ]),
  ...single("promptmq_user_quotas_total", quotasHelp, "event", [
    ["quotaWarned", "warned"],
    ["quotaRefused", "refused"]
  ]),
  ...single("promptmq_retained_total", "Changes of retained messages.", "event", [
    ["retainedSet", "set"],
    ["retainedCleared", "cleared"],
    ["retainedSent", "sent"]
  ])
] as const satisfies ReadonlyArray<CounterFamily>

type AclKey = `${"publish" | "subscribe"}${"Allowed" | "Denied"}`
type CounterKey = (typeof table)[number]["key"]

/** Index of each family's first cell. */
export const Counter = indexOf(table) as { readonly [K in CounterKey]: number }
export const counterCells: number = table.reduce((sum, row) => sum + row.cells.length, 0)

/**
 * Behind the cells of the table: how many messages came in by size, for the meter. Counted whether metrics are on or off,
 * because one more addition costs less than to ask. Bench metrics-cost, full chunks: metrics on cost 2 to 3 ns a message,
 * 19 to 28 with a meter that looked for the bucket and summed.
 */
export const countSizes = (count: Float64Array, frames: number, payloadBytes: number): void => {
  const cell = counterCells + sizeBucket(frames === 1 ? payloadBytes : Math.ceil(payloadBytes / frames))
  count[cell] = (count[cell] as number) + frames
}

/** A listener of another name counts with the in-memory ones. */
export const listenerIndex = (name: string): number => {
  const index = listeners.indexOf(name)
  return index < 0 ? listeners.length - 1 : index
}

/** Of a gauge with a label: value by the label's value ("write,success" where there are two). */
export type Labelled = Readonly<Record<string, number>>

export class Counters {
  readonly values = new Float64Array(counterCells + sizeCellCount)
  /** Times, which are booked only while metrics are on, and sizes. */
  readonly meter = new Meter(this.values, Counter.messagesOut, {
    counts: this.values.subarray(counterCells),
    sum: this.values.subarray(Counter.payloadIn, Counter.payloadIn + 1)
  })
  readonly #gauges: Partial<Record<GaugeKey, () => number | Labelled>> = {}

  /** The owner of the value says how to read it. The last one wins. */
  gauge(key: GaugeKey, read: () => number | Labelled): void {
    this.#gauges[key] = read
  }

  /** What its owner says now; 0 while it has none, the sum where it has labels. */
  read(key: GaugeKey): number {
    const value = this.#gauges[key]?.() ?? 0
    return typeof value === "number" ? value : Object.values(value).reduce((sum, each) => sum + each, 0)
  }

  hasGauge(key: GaugeKey): boolean {
    return this.#gauges[key] !== undefined
  }

  /** Of `cells` cells from `first` on. */
  sum(first: number, cells: number): number {
    let sum = 0
    for (let at = first; at < first + cells; at++) sum += this.values[at] as number
    return sum
  }

  /** Every counter cell that has something to tell, then every gauge that has an owner. Cold. */
  samples(): ReadonlyArray<Sample> {
    const samples: Array<Sample> = []
    let index = 0
    for (const row of table as ReadonlyArray<CounterFamily>) {
      for (const labels of row.cells) {
        const value = this.values[index++] as number
        if (value > 0 || row.rare?.(labels) !== true) samples.push({ family: row.family, labels, value })
      }
    }
    for (const key of Object.keys(this.#gauges) as Array<GaugeKey>) {
      const { family, label = "" } = gaugeTable[key] as ReadFamily
      const value = this.#gauges[key]?.() ?? 0
      if (typeof value === "number") samples.push({ family, labels: {}, value })
      else
        for (const [name, each] of Object.entries(value))
          samples.push({ family, labels: labelsOf(label, name), value: each })
    }
    return samples
  }
}

/** Type and help of each family, for the exposition format: one entry per family. */
export function familyFacts(): ReadonlyArray<{ family: string; type: "counter" | "gauge"; help: string }> {
  const facts = new Map<string, { family: string; type: "counter" | "gauge"; help: string }>()
  for (const row of table) facts.set(row.family, { family: row.family, type: "counter", help: row.help })
  for (const row of Object.values<ReadFamily>(gaugeTable)) {
    facts.set(row.family, { family: row.family, type: row.type ?? "gauge", help: row.help })
  }
  return [...facts.values()]
}

function labelsOf(label: string, value: string): Readonly<Record<string, string>> {
  const values = value.split(",")
  return Object.fromEntries(label.split(",").map((name, i) => [name, values[i] ?? ""]))
}

function single<const Rows extends ReadonlyArray<readonly [string, string]>>(
  family: string,
  help: string,
  label: string,
  rows: Rows
) {
  return rows.map(([key, value]) => ({ key: key as Rows[number][0], family, help, cells: [{ [label]: value }] }))
}

function indexOf(rows: ReadonlyArray<CounterFamily>): Record<string, number> {
  const index: Record<string, number> = {}
  let next = 0
  for (const row of rows) {
    index[row.key] = next
    next += row.cells.length
  }
  return Object.freeze(index)
}
