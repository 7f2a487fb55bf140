/**
 * Claim: QoS 0 throughput with metrics, limits and the dashboard on is within 3 % of what it is with all of them off.
 *
 *   npm run bench -- operating-cost [--couples 3] [--rounds 12] [--seconds 1]
 *
 *   off   no admin listener, no metrics, limits as they are by default
 *   on    admin listener with the dashboard's stream of events held open (a snapshot a second), /metrics scraped every
 *         5 s, and each limit on the way of a message switched on, so high that it never holds
 *
 * Both keep their store on disk, which QoS 0 to connected subscribers never touches. Method: harness/paired-sides.ts.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"
import { freePort, type RunningBroker } from "./harness/brokers.ts"
import { findGenerator } from "./harness/generator.ts"
import {
  type Beside,
  compareSides,
  costHead,
  costOf,
  percent,
  ratePerCpuSecond,
  type Side
} from "./harness/paired-sides.ts"
import { Report } from "./harness/report.ts"

const promisedCost = 0.03
const scrapeIntervalMs = 5000
const load = ["--pubs", "10", "--subs", "10", "--window", "20000"]

const { values } = parseArgs({
  options: {
    couples: { type: "string", default: "3" },
    rounds: { type: "string", default: "12" },
    seconds: { type: "string", default: "1" }
  }
})

const adminPort = await freePort()
const metricsPort = await freePort()
const off: Side = { name: "off", flags: ["--admin=false", "--metrics=false"] }
const on: Side = {
  name: "on",
  flags: [
    `--admin-bind=127.0.0.1:${adminPort}`,
    "--metrics=true",
    `--metrics-bind=127.0.0.1:${metricsPort}`,
    "--limits-publish-rate=10000000",
    "--limits-publish-rate-bytes=1TiB"
  ],
  beside: operate
}

const report = new Report("operating-cost")
const compared = await compareSides(off, on, {
  generator: findGenerator(),
  load,
  couples: Number(values.couples),
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  onRound: (text) => report.progress(text)
})
const { cells, high, low, median } = costOf(compared)
report.table(
  "QoS 0, 10:10, messages per second of the broker's CPU time",
  ["", "per CPU second", ...costHead],
  [
    ["all off", ratePerCpuSecond(compared.first), "", ""],
    ["all on", ratePerCpuSecond(compared.second), ...cells]
  ]
)
if (median > promisedCost) report.fault(`all on costs ${percent(median)}, promised at most ${percent(promisedCost)}`)
for (const fault of new Set(compared.faults)) report.fault(fault)
report.data("cost", { median, low, high })
report.data("costs", compared.costs)
report.finish()

/** What an open dashboard and a Prometheus ask for. */
async function operate(broker: RunningBroker): Promise<Beside> {
  // It listens for MQTT a moment before the admin listener has its token.
  while (!existsSync(join(broker.folder, "admin-token"))) await setTimeout(10)
  const stop = new AbortController()
  const authorization = `Bearer ${readFileSync(join(broker.folder, "admin-token"), "utf8").trim()}`
  const { signal } = stop
  const stream = follow(`http://127.0.0.1:${adminPort}/api/v1/events`, { headers: { authorization }, signal })
  const scrape = () => void follow(`http://127.0.0.1:${metricsPort}/metrics`, { signal })
  const timer = setInterval(scrape, scrapeIntervalMs)
  return {
    end: async () => {
      clearInterval(timer)
      stop.abort()
      await stream
    }
  }
}

/** Reads it to its end, or until it is stopped. */
async function follow(url: string, init: RequestInit): Promise<void> {
  try {
    const response = await fetch(url, init)
    if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status}`)
    for await (const chunk of response.body) void chunk
  } catch (error) {
    if (init.signal?.aborted !== true) report.fault(`${url}: ${String(error)}`)
  }
}
