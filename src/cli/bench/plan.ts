/**
 * What a load run is to do, judged before anything is sent: shape, clients, topics, sizes, pace, time.
 *
 *   pub       clients publish, each to its own topic or round `topics`; nobody listens
 *   sub       clients listen to a filter; somebody else publishes
 *   pair      client i of the publishers sends to topic i, client i of the subscribers listens to it; with `topics` to its
 *             share of them, listened to with a wildcard
 *   fan-out   publishers send to one topic, all subscribers listen to it; with `topics` round them, all on a wildcard
 *
 * Elsewhere: what connecting takes (client/connection-settings.ts), the packets (packets.ts), the run (load-run.ts).
 */
import { filterFault, topicFault } from "../../router/topic-filter.ts"
import { type ConnectionSettings, type Qos, topicLevelsMax } from "../client/connection-settings.ts"
import { UsageFault } from "../grammar/option.ts"

export const shapes = ["pub", "sub", "pair", "fan-out"] as const
export type Shape = (typeof shapes)[number]

export interface LoadPlan {
  readonly shape: Shape
  readonly publishers: number
  readonly subscribers: number
  /** Publisher i begins with topic i and goes on in steps of the number of publishers. */
  readonly topics: number
  readonly topicOf: (index: number) => string
  /** Of subscriber i. */
  readonly filterOf: (index: number) => string
  /** Deliveries of one message, to clients of this run. */
  readonly fan: number
  readonly qos: Qos
  readonly retain: boolean
  readonly sizeBytes: number
  /** Messages per second of all publishers; 0 is as fast as they are taken. */
  readonly ratePerSecond: number
  /** Messages published and not yet delivered, of all publishers; 0 is no limit. */
  readonly windowMax: number
  /** Unacknowledged messages per publisher at QoS 1 and 2. */
  readonly inFlightMax: number
  /** Messages of all publishers, then it ends; 0 is no such end. */
  readonly countMax: number
  readonly warmupMs: number
  /** At most. */
  readonly measuredMs: number
}

/** What the options said; absent is the default of the shape. */
export interface Wishes {
  readonly shape: Shape
  readonly clients: number | undefined
  readonly publishers: number | undefined
  readonly topic: string | undefined
  readonly topics: number | undefined
  readonly qos: number | undefined
  readonly retain: boolean
  readonly sizeBytes: number | undefined
  readonly ratePerSecond: number | undefined
  readonly windowMax: number | undefined
  readonly inFlightMax: number | undefined
  readonly count: number | undefined
  readonly seconds: number | undefined
  readonly warmupSeconds: number | undefined
}

/** The stamp in front of each payload (packets.ts). */
export const sizeBytesMin = 20
export const sizeBytesDefault = 64
export const clientsMax = 100_000
export const topicsMax = 1_000_000
export const secondsDefault = 10
export const warmupSecondsDefault = 1
/** With a count: it ends when all are sent, or the broker takes none for ever. */
const secondsMax = 86_400
export const inFlightDefault = 100
/** Enough to keep a broker busy, little enough that none has to drop. */
const windowDefaults: Readonly<Record<Shape, number>> = { pub: 0, sub: 0, pair: 10_000, "fan-out": 1000 }
const sharedTopic = "promptmq-bench"

export function loadPlan(wishes: Wishes, settings: ConnectionSettings, processId: number): LoadPlan | UsageFault {
  const fault = faultOf(wishes)
  if (fault !== undefined) return fault
  const { shape } = wishes
  const clients = wishes.clients ?? (shape === "fan-out" ? 100 : 1)
  const publishers = shape === "sub" ? 0 : shape === "fan-out" ? (wishes.publishers ?? 1) : clients
  const subscribers = shape === "pub" ? 0 : clients
  const isOwn = shape === "pair" || shape === "fan-out"
  const prefix = wishes.topic ?? settings.urlTopic ?? (isOwn ? `${sharedTopic}/${processId}` : sharedTopic)
  const filter = wishes.topic ?? settings.urlTopic ?? `${sharedTopic}/#`
  const judged = shape === "sub" ? filterFault(filter, topicLevelsMax) : topicFault(prefix, topicLevelsMax)
  if (judged !== undefined) return new UsageFault(`-t ${wishes.topic}: ${judged.why}`, "correct the topic", "E2002")
  return {
    shape,
    publishers,
    subscribers,
    ...topicsOf(shape, { clients, prefix, filter, isNamed: wishes.topic !== undefined, wanted: wishes.topics }),
    fan: shape === "pair" ? 1 : shape === "fan-out" ? subscribers : 0,
    qos: (wishes.qos ?? 0) as Qos,
    retain: wishes.retain,
    sizeBytes: wishes.sizeBytes ?? sizeBytesDefault,
    ratePerSecond: wishes.ratePerSecond ?? 0,
    windowMax: wishes.windowMax ?? ((wishes.ratePerSecond ?? 0) > 0 ? 0 : windowDefaults[shape]),
    inFlightMax: wishes.inFlightMax ?? inFlightDefault,
    countMax: wishes.count ?? 0,
    warmupMs: (wishes.warmupSeconds ?? (wishes.count === undefined ? warmupSecondsDefault : 0)) * 1000,
    measuredMs: (wishes.seconds ?? (wishes.count === undefined ? secondsDefault : secondsMax)) * 1000
  }
}

interface Names {
  readonly clients: number
  readonly prefix: string
  readonly filter: string
  /** The user gave a topic. */
  readonly isNamed: boolean
  readonly wanted: number | undefined
}

/** One topic is the name itself; several lie below it. */
function topicsOf(
  shape: Shape,
  { clients, filter, isNamed, prefix, wanted }: Names
): Pick<LoadPlan, "topics" | "topicOf" | "filterOf"> {
  if (shape === "sub") return { topics: 1, topicOf: () => prefix, filterOf: () => filter }
  const below = (index: number) => `${prefix}/${index}`
  if (shape === "pair") {
    if (wanted === undefined) return { topics: clients, topicOf: below, filterOf: below }
    // As many for each pair: a publisher that goes on in steps of `clients` stays below its own name.
    const each = Math.ceil(wanted / clients)
    const topicOf = (index: number) => `${prefix}/${index % clients}/${Math.floor(index / clients)}`
    return { topics: each * clients, topicOf, filterOf: (index) => `${prefix}/${index}/#` }
  }
  const topics = wanted ?? (shape === "pub" && !isNamed ? clients : 1)
  if (topics === 1) return { topics, topicOf: () => prefix, filterOf: () => prefix }
  return { topics, topicOf: below, filterOf: () => `${prefix}/#` }
}

function faultOf({ count, publishers, shape, topics, ratePerSecond, windowMax }: Wishes): UsageFault | undefined {
  if (publishers !== undefined && shape !== "fan-out") {
    return new UsageFault("--publishers is for fan-out", "the other shapes take --clients")
  }
  if (shape === "sub" && (count ?? ratePerSecond ?? windowMax ?? topics) !== undefined) {
    return new UsageFault("sub publishes nothing: --count, --rate, --window and --topics are not for it")
  }
  return undefined
}
