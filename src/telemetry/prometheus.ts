/**
 * Metric families as text, in the Prometheus format or in OpenMetrics, as the reader asks: prom-client writes it, from
 * families that are made anew for each scrape out of plain numbers (metrics/family.ts).
 *
 * prom-client is loaded at the first scrape: a broker that nobody scrapes never pays for it.
 *
 * In OpenMetrics a counter's family is named without `_total`, its values with. Where that is the name of another family
 * (promptmq_connections), and where a gauge is called ..._total, as only older documents have it, the family is told there
 * as of unknown type, under its whole name.
 */
import type { Family } from "../metrics/family.ts"

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

type PromClient = typeof import("prom-client")

let loaded: Promise<PromClient> | undefined

/** `accept` is the reader's Accept header. */
export const expose = async (families: () => ReadonlyArray<Family>, accept: string): Promise<Exposition> => {
  loaded ??= import("prom-client")
  const { Registry } = await loaded
  const isOpenMetrics = /application\/openmetrics-text/i.test(accept)
  const registry = new Registry()
  if (isOpenMetrics) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  const all = families()
  const names = new Set(all.map(({ name }) => name))
  for (const family of all) {
    const metric = isOpenMetrics ? openMetrics(family, names) : family
    // prom-client asks a metric for its values and for nothing else.
    registry.registerMetric({ ...metric, get: () => Promise.resolve(metric) } as never)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}

const openMetrics = (family: Family, names: ReadonlySet<string>): Omit<Family, "type"> & { readonly type: string } => {
  const { name, type } = family
  const bare = name.replace(/_total$/, "")
  if (type === "counter") return names.has(bare) ? { ...family, type: "unknown" } : { ...family, name: bare }
  if (type === "gauge" && /_(total|count|sum|info)$/.test(name)) {
    return name.endsWith("_info") ? { ...family, type: "gauge" } : { ...family, type: "unknown" }
  }
  return family
}
