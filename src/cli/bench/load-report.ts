/**
 * The result of a load run as lines for people and as one JSON object for programs. Units are in the keys; a figure that
 * means nothing for a shape is left out.
 */

import { type ConnectionSettings, targetText } from "../client/connection-settings.ts"
import { reasonText } from "../client/reason-text.ts"
import type { Latency } from "./latency.ts"
import type { LoadResult } from "./load-run.ts"
import type { LoadPlan } from "./plan.ts"

/** Above this share of a core the client may be what limits the figures. */
const busyShare = 0.9
const barWidth = 40
const versionNames = { 3: "MQTT 3.1", 4: "MQTT 3.1.1", 5: "MQTT 5" } as const

export function reportLines(plan: LoadPlan, settings: ConnectionSettings, result: LoadResult): ReadonlyArray<string> {
  const { tally } = result
  const lines = [headline(plan, settings), ""]
  const row = (name: string, text: string) => lines.push(`${name.padEnd(15)}${text}`)
  row("connected", `${result.clients} clients in ${result.connectSeconds.toFixed(2)} s`)
  if (plan.publishers > 0) row("published", rate(result.publishedPerSecond, result.bytesOutPerSecond))
  if (plan.qos > 0 && plan.publishers > 0) row("acknowledged", `${grouped(result.acknowledgedPerSecond)}/s`)
  if (plan.subscribers > 0) row("delivered", rate(result.deliveredPerSecond, result.bytesInPerSecond))
  row(
    "measured",
    `${result.seconds.toFixed(2)} s, ${grouped(tally.published)} published and ${grouped(tally.delivered)} delivered in all`
  )
  if (plan.fan > 0) row("lost", `${grouped(lostOf(result))}, repeated or out of order ${grouped(tally.repeated)}`)
  if (tally.refused > 0) row("refused", `${grouped(tally.refused)}, ${reasonText(tally.refusedReason)}`)
  if (tally.lostConnections > 0) row("connections", `${tally.lostConnections} ended by the broker`)
  if (tally.delivery.count > 0) lines.push(...latencyLines("delivered after", tally.delivery))
  if (tally.acknowledgement.count > 0) lines.push(...latencyLines("acknowledged after", tally.acknowledgement))
  const share = Math.round(result.ownCpu * 100)
  lines.push(
    "",
    `This client used ${share} % of a core${result.ownCpu > busyShare ? ": it may be the limit, not the broker" : ""}.`
  )
  return lines
}

export function reportJson(plan: LoadPlan, settings: ConnectionSettings, result: LoadResult): object {
  const { tally } = result
  const { fan, inFlightMax, publishers, qos, ratePerSecond, retain, shape, sizeBytes, subscribers, topics, windowMax } =
    plan
  return {
    shape,
    target: targetText(settings.target),
    version: versionNames[settings.protocolVersion],
    publishers,
    subscribers,
    topics,
    qos,
    retain,
    sizeBytes,
    ratePerSecond,
    windowMax,
    inFlightMax,
    connectSeconds: rounded(result.connectSeconds, 3),
    seconds: rounded(result.seconds, 3),
    publishedPerSecond: Math.round(result.publishedPerSecond),
    ...(qos > 0 ? { acknowledgedPerSecond: Math.round(result.acknowledgedPerSecond) } : {}),
    deliveredPerSecond: Math.round(result.deliveredPerSecond),
    bytesInPerSecond: Math.round(result.bytesInPerSecond),
    bytesOutPerSecond: Math.round(result.bytesOutPerSecond),
    published: tally.published,
    acknowledged: tally.acknowledged,
    delivered: tally.delivered,
    ...(fan > 0 ? { expected: result.expected, lost: lostOf(result), repeated: tally.repeated } : {}),
    refused: tally.refused,
    lostConnections: tally.lostConnections,
    clientCpuPercent: Math.round(result.ownCpu * 100),
    isInterrupted: result.isInterrupted,
    ...(tally.delivery.count > 0 ? { deliveryUs: latencyJson(tally.delivery) } : {}),
    ...(tally.acknowledgement.count > 0 ? { acknowledgementUs: latencyJson(tally.acknowledgement) } : {})
  }
}

export function lostOf({ expected, tally }: LoadResult): number {
  return Math.max(0, expected - (tally.delivered - tally.repeated))
}

export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US")
}

function headline(plan: LoadPlan, settings: ConnectionSettings): string {
  const who = [
    ...(plan.publishers > 0 ? [`${plan.publishers} publishers`] : []),
    ...(plan.subscribers > 0 ? [`${plan.subscribers} subscribers`] : [])
  ]
  const pace =
    plan.ratePerSecond > 0
      ? [`${grouped(plan.ratePerSecond)} messages/s offered`]
      : plan.windowMax > 0
        ? [`at most ${grouped(plan.windowMax)} under way`]
        : []
  const what = [`QoS ${plan.qos}`, `${plan.sizeBytes} bytes`, versionNames[settings.protocolVersion]]
  return `${plan.shape}: ${[...who, ...what, ...pace].join(", ")}, ${targetText(settings.target)}`
}

function rate(messagesPerSecond: number, bytesPerSecond: number): string {
  return `${grouped(messagesPerSecond)}/s, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s on the wire`
}

function latencyLines(title: string, latency: Latency): ReadonlyArray<string> {
  const quantiles = [0.5, 0.9, 0.99, 0.999].map((q) => `p${q * 100} ${milliseconds(latency.quantileUs(q))}`)
  const lines = ["", `${title}  ${quantiles.join("   ")}   max ${milliseconds(latency.maxUs)}`]
  for (const { boundUs, count } of latency.powers()) {
    const share = count / latency.count
    const bar = "█".repeat(Math.round(share * barWidth))
    lines.push(`  < ${milliseconds(boundUs).padStart(10)}  ${(share * 100).toFixed(2).padStart(6)} %  ${bar}`.trimEnd())
  }
  return lines
}

function latencyJson(latency: Latency) {
  const at = (q: number) => latency.quantileUs(q)
  return {
    count: latency.count,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: latency.maxUs,
    histogram: latency.powers()
  }
}

function milliseconds(us: number): string {
  const digits = us < 100 ? 3 : us < 10_000 ? 2 : 0
  return `${(us / 1000).toFixed(digits)} ms`
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
