/**
 * Settings of `tracing`: what answers "where did my message go?".
 *
 *   max-*                  bounds of live traces (broker/traces.ts) and of what is remembered per client
 *   enabled and the rest   OpenTelemetry spans, sent to a collector by OTLP over HTTP (telemetry/span-export.ts)
 *
 * Live traces need no switch: without one running they cost nothing. Spans are off until there is a collector.
 */
import { boolean, duration, durationSeconds, integer, size, text, texts } from "./kinds.ts"
import { section } from "./section.ts"
import { type Setting, type SettingWords, setting } from "./setting.ts"
import { quoted, ValueRefused } from "./setting-fault.ts"

/** A share from 0 to 1, as a number or as text. */
const ratio = (words: SettingWords & { readonly fallback: string }): Setting<number> =>
  setting<number>({
    ...words,
    kind: "text",
    decode: (raw) => {
      const value = typeof raw === "string" && /^(\d+(\.\d+)?|\.\d+)$/.test(raw) ? Number(raw) : raw
      if (typeof value === "number" && value >= 0 && value <= 1) return value
      return new ValueRefused(
        "E3110",
        `${quoted(raw, false)} is not a share`,
        "write a number from 0 to 1, such as 0.01"
      )
    },
    encode: String
  })

export const tracingSection = section({
  enabled: boolean({
    fallback: false,
    summary: "Make OpenTelemetry spans of published messages and their deliveries, and send them to tracing.endpoint."
  }),
  endpoint: text({
    fallback: "http://127.0.0.1:4318/v1/traces",
    pattern: /^https?:\/\/[^\s@]+$/,
    patternWords: 'an address such as "http://collector:4318/v1/traces"',
    summary: "Where spans go: the whole address of a collector's OTLP/HTTP receiver."
  }),
  headers: text({
    fallback: "",
    fallbackWords: "none",
    secret: true,
    pattern: /^([\w-]+=[^,=][^,]*(,[\w-]+=[^,=][^,]*)*)?$/,
    patternWords: '"name=value,name=value"',
    summary: "HTTP headers sent along with spans, such as a token the collector asks for."
  }),
  serviceName: text({
    fallback: "promptmq",
    pattern: /^\S{1,128}$/,
    patternWords: "1 to 128 characters without blanks",
    summary: "Name of the service in the spans (service.name)."
  }),
  sampleRatio: ratio({
    fallback: "0.01",
    summary:
      "Share of messages that get spans, 0 to 1; decided by the trace id, and never for a trace that is marked unsampled."
  }),
  topics: texts({
    fallback: [],
    mayBeEmpty: true,
    fallbackWords: "all topics",
    pattern: /^[^\0]{1,1024}$/u,
    patternWords: 'a topic filter, such as "plant/+/alarm"',
    summary: "Topic filters: only messages whose topic matches one get spans."
  }),
  maxQueuedSpans: integer({
    fallback: 2048,
    minimum: 16,
    maximum: 1_000_000,
    summary: "Most spans that wait for the collector; above that they are dropped and counted."
  }),
  exportTimeoutMs: duration({
    fallback: "10s",
    minimum: "100ms",
    maximum: "1m",
    summary: "Longest time for handing one batch of spans to the collector; at the broker's stop at most 3s."
  }),
  maxTraces: integer({
    fallback: 8,
    minimum: 1,
    maximum: 100,
    live: true,
    summary: "Most live traces (promptmq trace, the dashboard) kept at once, those that ended included."
  }),
  maxSteps: integer({
    fallback: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
    summary: "Most steps one live trace keeps; what comes after that is counted only."
  }),
  maxSeconds: durationSeconds({
    key: "max-duration",
    fallback: "1h",
    minimum: "1s",
    maximum: "1d",
    live: true,
    summary: "Longest time one live trace runs."
  }),
  traceBytesMax: size({
    key: "max-trace-size",
    fallback: "8MiB",
    minimum: "64KiB",
    maximum: "1GiB",
    live: true,
    summary: "Most memory for the steps of one live trace."
  }),
  payloadBytesMax: size({
    key: "max-payload-shown",
    fallback: "1KiB",
    minimum: "0B",
    maximum: "64KiB",
    live: true,
    summary: "What a live trace keeps of a payload, where it was asked for payloads."
  }),
  maxClientEvents: integer({
    fallback: 20_000,
    minimum: 0,
    maximum: 10_000_000,
    live: true,
    summary: "Most events remembered of all clients (connected, disconnected, refused ...), 20 of each; 0 = none."
  })
})
