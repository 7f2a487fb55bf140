/**
 * Claim: a persistent QoS 1 subscriber that stands still costs no more memory than configured, and nobody else a
 * message; when it goes on it gets what the log still holds, in order, and the ledger has the rest.
 *
 *   npm run bench -- stalled-subscriber [--seconds 60] [--rate 50000] [--memory-buffer-mib 256]
 *                                       [--write-timeout 0s] [--filter flood/+]
 *
 * Method: harness/stall.ts. The subscriber's process is stopped (SIGSTOP) for `seconds` while 256-byte messages come
 * at `rate`, five seconds of flood before and after. With a write timeout the broker cuts the connection meanwhile
 * and the subscriber resumes its session; without one its connection outlives the stop.
 */
import { parseArgs } from "node:util"
import { markdownTable, short } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"
import { runStall } from "./harness/stall.ts"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    rate: { type: "string", default: "50000" },
    "memory-buffer-mib": { type: "string", default: "256" },
    "write-timeout": { type: "string", default: "0s" },
    filter: { type: "string", default: "flood/+" }
  }
})
const rate = Number(values.rate)
const machine = describeMachine()
const options = {
  rate,
  payloadBytes: 256,
  before: rate * 5,
  during: rate * Number(values.seconds),
  after: rate * 5,
  seconds: Number(values.seconds),
  memoryBufferBytes: Number(values["memory-buffer-mib"]) * 2 ** 20,
  writeTimeout: values["write-timeout"],
  filter: values.filter,
  flags: ["--storage-engine=memory"]
}
const report = await runStall(options)

const { dropped, rssBytes, sleeper, witnesses } = report
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
const overtaken = dropped["overtaken"] ?? 0
const rows = [
  ["published, 256 B, QoS 1", `${report.published} in ${report.seconds.toFixed(1)} s`],
  ["rate, wanted / reached", `${short(rate)}/s / ${short(report.published / report.seconds)}/s`],
  ["stopped for", `${report.stoppedSeconds.toFixed(1)} s, ${report.publishedWhileStopped} messages`],
  ["other subscribers received", witnesses.map(({ received }) => received).join(", ")],
  ["the stopped one received", `${sleeper.received}, ${sleeper.repeated} of them twice (DUP), ${sleeper.wrong} wrong`],
  ["drop ledger, overtaken", `${overtaken}; together ${sleeper.received + overtaken}`],
  ["gaps in what it received", String(sleeper.gaps.length)],
  ["its connections", String(sleeper.connections)],
  ["caught up after the flood in", `${report.drainSeconds.toFixed(1)} s`],
  ["RSS before / at stop / peak / after", Object.values(rssBytes).map(mebibytes).join(" / ")],
  ["RSS growth / allowed", `${mebibytes(rssBytes.peak - rssBytes.before)} / ${mebibytes(report.rssAllowedBytes)}`],
  ["log / memory-buffer", `${mebibytes(report.logBytes)} / ${mebibytes(options.memoryBufferBytes)}`]
]
process.stdout.write(`${markdownTable(["stalled subscriber", ""], rows)}\n${machineLine(machine)}.\n`)
for (const fault of report.faults) process.stdout.write(`FAULT ${fault}\n`)
saveResult("stalled-subscriber", { machine, options, report })
process.exitCode = report.faults.length === 0 ? 0 : 1
