/**
 * Settings of `metrics`: figures for Prometheus, `$SYS` topics, series per topic.
 *
 * On loopback until configured, as everything but the MQTT port is. A scrape needs no token, so an address beyond
 * loopback is a decision: whoever reaches it reads figures and listener names, never clients or, unless they were
 * asked for, topics.
 */
import { addresses, boolean, duration, integer, text, texts } from "./kinds.ts"
import { section } from "./section.ts"

export const metricsSection = section({
  enabled: boolean({
    flag: "metrics",
    aliases: ["metrics.metrics"],
    fallback: true,
    summary: "Serve metrics in the Prometheus format, and measure times for them."
  }),
  bind: addresses({
    flag: "metrics-bind",
    aliases: ["metrics.metrics-bind"],
    fallback: [],
    fallbackWords: "admin.bind",
    mayBeEmpty: true,
    summary: "Addresses of the metrics; at the admin listener's own address it serves them."
  }),
  path: text({
    flag: "metrics-path",
    aliases: ["metrics.metrics-path"],
    fallback: "/metrics",
    pattern: /^\/[\x21-\x7e]*$/,
    patternWords: 'a path that starts with "/", such as "/metrics"',
    summary: "Path of the metrics."
  }),
  legacyNames: boolean({
    fallback: true,
    live: true,
    summary: "Tell the figures under their older names too, those that only documents promise included."
  }),
  topics: texts({
    fallback: [],
    mayBeEmpty: true,
    pattern: /^[^\0]{1,1024}$/u,
    patternWords: 'a topic filter, such as "plant/+/alarm"',
    summary: "Topic filters: topics that match one get series of their own (messages, bytes, subscribers)."
  }),
  maxTopicSeries: integer({
    fallback: 100,
    minimum: 1,
    maximum: 10_000,
    summary: "Most topics with series of their own; all others count together, as topic (other)."
  }),
  sysIntervalMs: duration({
    fallback: "10s",
    minimum: "0s",
    maximum: "1h",
    live: true,
    summary: "How often the $SYS topics are published; 0 = never."
  })
})
