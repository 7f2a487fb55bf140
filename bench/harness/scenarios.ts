/**
 * The rows that are promised, as data: what mqttload does, what is read from its report, the least that must come of it
 * beside Mosquitto in the same run. bench/speed.ts runs them, bench/profile.ts profiles one.
 *
 * QoS 0 runs in a closed loop (--window): an unbounded flood measures which messages a broker drops, not its speed.
 */
import type { BrokerName } from "./brokers.ts"
import type { LoadReport } from "./generator.ts"

export type Minimum =
  /** Times Mosquitto: at least where more is better, at most where less is. */
  { readonly kind: "ratio"; readonly bound: number } | { readonly kind: "absolute"; readonly bound: number }

export interface Figure {
  readonly name: string
  readonly unit: string
  readonly of: (report: LoadReport) => number
  readonly better: "more" | "less"
  readonly minimum: Minimum
  /** What the project aims at, in words. */
  readonly aim: string
}

export interface Scenario {
  /** The letter of the promise. */
  readonly name: string
  readonly words: string
  readonly flags: ReadonlyArray<string>
  readonly figures: ReadonlyArray<Figure>
  /** Has a duration: --seconds and --warmup are added. Otherwise it ends by its count. */
  readonly isTimed: boolean
  /** Acknowledged messages go to subscribers: the default window is worth a row of its own. */
  readonly hasWindow: boolean
  /** Besides Mosquitto: who can take part. */
  readonly peers: ReadonlyArray<BrokerName>
  /** What Mosquitto needs besides its usual settings. */
  readonly mosquitto?: ReadonlyArray<string>
  /** What PromptMQ needs besides its usual settings. */
  readonly promptmq?: ReadonlyArray<string>
  /**
   * The rate is given and latency is what counts: measured in turns (harness/in-turns.ts) behind this load, beside what Node
   * itself costs (harness/bare-relay.ts).
   */
  readonly settledBy?: ReadonlyArray<string>
  /** Between the first connection taken and the load: a port opens before the admin's doors do, which take 30 ms of the core. */
  readonly restMs?: number
}

const both: ReadonlyArray<BrokerName> = ["aedes", "nats-server"]
const tenPairs = ["--pubs", "10", "--subs", "10"]
/** Its database is written every 30 minutes and at the end: nothing is synced while messages flow. */
const mosquittoPersistence = ["persistence true", "persistence_location FOLDER/", "user root"]

const ratio = (bound: number): Minimum => ({ kind: "ratio", bound })
const absolute = (bound: number): Minimum => ({ kind: "absolute", bound })
const delivered = (bound: number, aim: string): Figure => ({
  name: "delivered",
  unit: "/s",
  of: (report) => report.delivered_per_s,
  better: "more",
  minimum: ratio(bound),
  aim
})
const latency = (name: string, bound: number, of: Figure["of"]): Figure => ({
  name,
  unit: " µs",
  of,
  better: "less",
  minimum: ratio(bound),
  aim: "≤ 1 ×"
})
const latencies = [latency("p50", 1.1, ({ p50_us }) => p50_us), latency("p99", 1.5, ({ p99_us }) => p99_us)]
const reported = (
  name: string,
  unit: string,
  key: string,
  better: Figure["better"],
  minimum: Minimum,
  aim: string
): Figure => ({
  name,
  unit,
  of: (report) => report[key] ?? Number.NaN,
  better,
  minimum,
  aim
})
const timed = { isTimed: true, hasWindow: false, peers: both }
const counted = { isTimed: false, hasWindow: false }
const persistent: Pick<Scenario, "hasWindow" | "peers" | "mosquitto"> = {
  hasWindow: true,
  peers: ["nats-server"],
  mosquitto: mosquittoPersistence
}

export const scenarios: ReadonlyArray<Scenario> = [
  {
    ...timed,
    name: "A",
    words: "QoS 0, 1:1",
    flags: ["--window", "20000"],
    figures: [delivered(8, "2.5 M/s")]
  },
  {
    ...timed,
    name: "B",
    words: "QoS 0, 10:10",
    flags: [...tenPairs, "--window", "20000"],
    figures: [delivered(8, "2.6 M/s")]
  },
  {
    ...timed,
    name: "C",
    words: "QoS 0, 1 to 100",
    flags: ["--pattern", "fanout", "--subs", "100", "--window", "1000"],
    figures: [delivered(20, "9 M/s")]
  },
  {
    ...timed,
    name: "D",
    words: "QoS 1, 10:10, in flight 100",
    flags: [...tenPairs, "--qos", "1", "--inflight", "100"],
    figures: [delivered(6, "1.4 M/s")],
    hasWindow: true
  },
  {
    ...timed,
    ...persistent,
    name: "E",
    words: "QoS 1, 10:10, persistent, synced before the PUBACK (Mosquitto: never)",
    flags: [...tenPairs, "--qos", "1", "--inflight", "100", "--persistent"],
    figures: [delivered(3, "500 K/s")]
  },
  {
    ...counted,
    ...persistent,
    name: "E2",
    words: "QoS 1, 100,000 for absent sessions, synced before the PUBACK (Mosquitto: never)",
    flags: [...tenPairs, "--qos", "1", "--offline", "--count", "100000"],
    figures: [
      reported("stored", "/s", "store_acked_per_s", "more", ratio(1.5), "600 K/s"),
      reported("drained", "/s", "drain_delivered_per_s", "more", ratio(2), "1.2 M/s")
    ]
  },
  {
    ...timed,
    name: "F",
    words: "QoS 2, 10:10, in flight 100",
    flags: [...tenPairs, "--qos", "2", "--inflight", "100"],
    figures: [delivered(6, "770 K/s")],
    hasWindow: true,
    peers: ["aedes"]
  },
  {
    ...timed,
    name: "G",
    words: "QoS 0, 1:1, 16 KiB",
    flags: ["--size", "16384", "--window", "500"],
    figures: [delivered(1, "1.7 GB/s = 104 K/s")],
    // The window is 8 MiB: with less, a generator that is kept from its core makes the broker drop QoS 0.
    promptmq: ["--server-max-outgoing-bytes=16MiB"]
  },
  {
    ...timed,
    name: "H0",
    words: "10,000 messages/s, QoS 0",
    flags: [...tenPairs, "--rate", "10000", "--spin"],
    figures: latencies,
    settledBy: [...tenPairs, "--rate", "30000", "--spin"]
  },
  {
    ...timed,
    name: "H1",
    words: "10,000 messages/s, QoS 1",
    flags: [...tenPairs, "--rate", "10000", "--spin", "--qos", "1"],
    figures: latencies,
    settledBy: [...tenPairs, "--rate", "30000", "--spin", "--qos", "1"]
  },
  {
    ...counted,
    name: "I",
    words: "10,000 idle connections",
    restMs: 300,
    flags: ["--connect-only", "10000", "--seconds", "0.5"],
    figures: [
      reported("RSS each", " KiB", "rss_kb_per_conn", "less", absolute(12), "≤ 8 KiB"),
      reported("connects", "/s", "connects_per_s", "more", absolute(12_000), "30,000/s")
    ],
    peers: []
  },
  {
    ...timed,
    name: "J",
    words: "QoS 0, 10,000 wildcard filters, 1 publisher",
    flags: ["--pattern", "wild", "--topics", "10000", "--subs", "10", "--window", "5000"],
    figures: [delivered(5, "1.4 M/s")]
  },
  {
    ...counted,
    name: "K",
    words: "100,000 retained messages to one #",
    flags: ["--pattern", "retained", "--topics", "100000"],
    figures: [reported("delivered in", " s", "drain_seconds", "less", ratio(1), "0.18 s")],
    peers: both
  }
]

/** CPU shares of broker and generator in percent of a core, whatever part of the run they were measured in. */
export function cpuOf(report: LoadReport): { readonly broker: number; readonly generator: number } {
  const of = (key: string) => report[key] ?? report[`drain_${key}`] ?? 0
  return { broker: of("broker_cpu_pct"), generator: of("generator_cpu_pct") }
}

/** Where a run stopped getting faster, in a word. */
export function bottleneck({ broker, generator }: ReturnType<typeof cpuOf>, isSpinning = false): string {
  const nearlyAll = 88
  if (isSpinning) return "none: the rate is given"
  if (broker >= nearlyAll && broker >= generator) return "broker"
  if (generator >= nearlyAll) return "generator: a lower bound"
  return "neither: waiting (sync, window or other work on the machine)"
}

export interface Verdict {
  readonly isMet: boolean
  /** "≥ 8 ×" */
  readonly promise: string
}

/**
 * `ratio` is ours to Mosquitto's, undefined without it. `ratioToFloor` is ours to what a bare Node program needs for the same:
 * within the bound of that, an excess over Mosquitto is Node's.
 */
export function judge(
  { better, minimum, unit }: Figure,
  own: number,
  ratio: number | undefined,
  ratioToFloor = Number.NaN
): Verdict {
  const sign = better === "more" ? "≥" : "≤"
  const promise =
    minimum.kind === "ratio" ? `${sign} ${minimum.bound} ×` : `${sign} ${minimum.bound.toLocaleString("en-US")}${unit}`
  const value = minimum.kind === "ratio" ? ratio : own
  if (value === undefined) return { isMet: true, promise: `${promise} (no Mosquitto to compare)` }
  if (better === "more") return { isMet: value >= minimum.bound, promise }
  return { isMet: value <= minimum.bound || ratioToFloor <= minimum.bound, promise }
}
