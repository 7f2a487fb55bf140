/**
 * Everything a scrape tells, put together: what the tables of metrics/ hold, what the run time says, and a few facts
 * about this broker. Families in the order in which they are read best: traffic first, the process last.
 */
import type { Core } from "../broker/core.ts"
import {
  counterFamilies,
  dropFamily,
  type Family,
  gaugeFamily,
  histogramFamilies,
  topicFamilies
} from "../metrics/family.ts"
import { legacyFamilies } from "../metrics/legacy-names.ts"
import type { ReloadFigures } from "../metrics/reload-figures.ts"
import type { RuntimeFigures } from "../telemetry/runtime-figures.ts"

export interface ScrapeSources {
  readonly core: Core
  readonly runtime: RuntimeFigures
  readonly version: string
  readonly uptimeSeconds: () => number
  readonly hasLegacyNames: () => boolean
  readonly hasLog: boolean
  readonly reloads: ReloadFigures
  /** Listeners with TLS, and when the first certificate of their chain expires. */
  readonly certificate: () => { readonly listeners: ReadonlyArray<string>; readonly expiresAtMs: number } | undefined
}

export const scrapeFamilies = (sources: ScrapeSources): ReadonlyArray<Family> => {
  const { core, hasLegacyNames, hasLog, runtime } = sources
  const { counters, ledger, topicSeries } = core
  core.tick()
  return [
    ...counterFamilies(counters),
    dropFamily(ledger),
    ...histogramFamilies(counters.meter, hasLog),
    ...(topicSeries === undefined ? [] : topicFamilies(topicSeries, (topic) => subscribersOf(core, topic))),
    ...brokerFamilies(sources),
    ...(hasLegacyNames() ? legacyFamilies(counters, runtime) : []),
    ...runtime.families()
  ]
}

const brokerFamilies = ({ certificate, reloads, runtime, uptimeSeconds, version }: ScrapeSources): Array<Family> => {
  const tls = certificate()
  const families = [
    gaugeFamily("promptmq_build_info", "Version of the broker.", 1, { version }),
    gaugeFamily("promptmq_uptime_seconds", "Time since the broker was started.", uptimeSeconds()),
    gaugeFamily("promptmq_message_rate", "Messages in and out per second, over 5 seconds.", runtime.messagesPerSecond),
    gaugeFamily("promptmq_config_reload_success", "1 = the last reload was applied.", reloads.isGood ? 1 : 0),
    gaugeFamily(
      "promptmq_config_last_reload_timestamp_seconds",
      "When settings were last read and applied; the start counts.",
      reloads.atMs / 1000
    )
  ]
  if (tls !== undefined) {
    families.push({
      name: "promptmq_tls_certificate_expiry_timestamp_seconds",
      type: "gauge",
      help: "When the first certificate of the listener's chain expires.",
      values: tls.listeners.map((listener) => ({ labels: { listener }, value: tls.expiresAtMs / 1000 }))
    })
  }
  return families
}

/** Subscriptions of connected sessions that match; a session with two of them counts twice. */
const subscribersOf = ({ router }: Core, topic: string): number => {
  let total = 0
  for (const filter of router.match(topic)) total += filter.live.length
  return total
}
