/**
 * A metric family as it is told: name, type, help, and its values with their labels. What the plain tables make when
 * somebody reads, and what telemetry/prometheus.ts turns into text.
 *
 * A histogram's values are those of its parts: name_bucket with `le`, name_sum, name_count.
 */
import type { Buckets } from "./buckets.ts"
import { type Counters, familyFacts } from "./counters.ts"
import type { DropLedger } from "./drop-ledger.ts"
import { dropReasons } from "./drop-reasons.ts"
import { type HistogramKey, histogramTable, type Meter } from "./meter.ts"
import type { TopicSeries } from "./topic-series.ts"

export type Labels = Readonly<Record<string, string>>

export interface FamilyValue {
  readonly labels: Labels
  readonly value: number
  /** Where it is not the family's: a part of a histogram. */
  readonly metricName?: string
}

export interface Family {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly help: string
  readonly values: ReadonlyArray<FamilyValue>
}

export const gaugeFamily = (name: string, help: string, value: number, labels: Labels = {}): Family => ({
  name,
  type: "gauge",
  help,
  values: [{ labels, value }]
})

export const counterFamily = (name: string, help: string, value: number, labels: Labels = {}): Family => ({
  name,
  type: "counter",
  help,
  values: [{ labels, value }]
})

/** Every counter and every gauge that has an owner. */
export const counterFamilies = (counters: Counters): ReadonlyArray<Family> => {
  const values = new Map<string, Array<FamilyValue>>()
  for (const { family, labels, value } of counters.samples()) {
    const list = values.get(family)
    if (list === undefined) values.set(family, [{ labels, value }])
    else list.push({ labels, value })
  }
  return familyFacts()
    .filter(({ family }) => values.has(family))
    .map(({ family, help, type }) => ({ name: family, help, type, values: values.get(family) ?? [] }))
}

/**
 * Every histogram; one of several, told apart by a label, once it has something. Without a log on disk there are none of
 * the log's.
 */
export const histogramFamilies = (meter: Meter, hasLog: boolean): ReadonlyArray<Family> => {
  meter.settle()
  const families: Array<Family> = []
  for (const key of Object.keys(histogramTable) as Array<HistogramKey>) {
    const { family, help, label, values } = histogramTable[key]
    if (family.startsWith("promptmq_wal_") && !hasLog) continue
    const told = values
      .map((name, i) => ({ labels: label === "" ? {} : { [label]: name }, buckets: meter.of(key, i) }))
      .filter(({ buckets }) => label === "" || buckets.count > 0)
    families.push({
      name: family,
      help,
      type: "histogram",
      values: told.flatMap(({ labels, buckets }) => histogramValues(family, labels, [buckets], 1, 1))
    })
  }
  return families
}

/** Of all `parts` together, which have the same bounds; values times `scale`, and of the bounds one in `every` and the last. */
export const histogramValues = (
  name: string,
  labels: Labels,
  parts: ReadonlyArray<Buckets>,
  scale: number,
  every: number
): ReadonlyArray<FamilyValue> => {
  const bounds = parts[0]?.bounds ?? []
  const total = (of: (part: Buckets) => number): number => parts.reduce((sum, part) => sum + of(part), 0)
  const values: Array<FamilyValue> = []
  for (let i = 0; i < bounds.length; i++) {
    if (i % every !== 0 && i !== bounds.length - 1) continue
    const le = String(Number(((bounds[i] as number) * scale).toPrecision(12)))
    values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: total((part) => part.upTo(i)) })
  }
  const count = total((part) => part.count)
  values.push({ metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count })
  values.push({ metricName: `${name}_sum`, labels, value: total((part) => part.sum) * scale })
  values.push({ metricName: `${name}_count`, labels, value: count })
  return values
}

/** By reason: a closed list, told whole, so that an alert sees the first one. */
export const dropFamily = (ledger: Pick<DropLedger, "total">): Family => ({
  name: "promptmq_messages_dropped_total",
  type: "counter",
  help: "Messages that somebody did not get, by reason: see promptmq drops.",
  values: dropReasons.map(({ id, name }) => ({ labels: { reason: name }, value: ledger.total(id) }))
})

/** One value per counted topic; `subscribersOf` says how many connected sessions a message to the topic goes to. */
export const topicFamilies = (series: TopicSeries, subscribersOf: (topic: string) => number): ReadonlyArray<Family> => {
  const told = series.names.map((topic, slot) => ({ topic, slot }))
  const values = (of: (slot: number, topic: string) => number) =>
    told.map(({ slot, topic }) => ({ labels: { topic }, value: of(slot, topic) }))
  return [
    {
      name: "promptmq_topic_messages_total",
      type: "counter",
      help: "Messages that clients published, by topic.",
      values: values((slot) => series.messages[slot] as number)
    },
    {
      name: "promptmq_topic_bytes_total",
      type: "counter",
      help: "Payload of those, by topic.",
      values: values((slot) => series.bytes[slot] as number)
    },
    {
      name: "promptmq_topic_subscribers",
      type: "gauge",
      help: "Connected sessions that subscribe to the topic.",
      values: values((slot, topic) => (slot === 0 ? 0 : subscribersOf(topic))).slice(1)
    }
  ]
}
