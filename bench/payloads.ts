/**
 * Figures: payloads from 64 bytes to 1 MiB beside Mosquitto; the same load over TCP, WebSocket, TLS and both.
 *
 *   npm run bench -- payloads [--only sizes,transports] [--repetitions 3] [--seconds 2] [--no-charts]
 *
 * Method: sizes: mqttload 1:1 at QoS 0, as many messages under way as fit in 2 MiB. transports: `promptmq bench pair` with 10
 * pairs, the same client for all four; what counts is the broker's CPU time per message (set-up and warm-up included), as
 * the client is slower than the broker. The certificate is made by openssl for this run.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { benchOptions } from "./harness/bench-options.ts"
import { type BrokerName, everythingOn, freePort, startBroker, versionOf } from "./harness/brokers.ts"
import { short, shortSpread, spreadOf } from "./harness/figures.ts"
import { scratchFolder } from "./harness/folders.ts"
import { deliveryFaults, findGenerator, runGenerator } from "./harness/generator.ts"
import { type OwnReport, runOwnLoad } from "./harness/own-load.ts"
import { Report } from "./harness/report.ts"
import { barChart, lineChart } from "./harness/svg-chart.ts"

const options = benchOptions()
const { isWanted, repetitions } = options
const report = new Report("payloads")
const names: ReadonlyArray<BrokerName> = versionOf("mosquitto") === undefined ? ["promptmq"] : ["promptmq", "mosquitto"]

if (isWanted("sizes")) await sizes()
if (isWanted("transports")) await transports()
report.note("admin API and metrics on; nothing raised besides --max-inflight=1000")
report.finish()

async function sizes(): Promise<void> {
  const windowBytes = 2 * 2 ** 20
  const windowMost = 20_000
  const sizesBytes = [64, 1024, 16_384, 131_072, 1_048_576]
  const generator = findGenerator()
  const rates = new Map<string, Array<number>>()
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const size of sizesBytes) {
      for (const name of names) {
        const window = Math.max(2, Math.min(windowMost, Math.floor(windowBytes / size)))
        const load = [
          "--size",
          String(size),
          "--window",
          String(window),
          "--seconds",
          options.seconds,
          "--warmup",
          "0.7"
        ]
        const broker = await startBroker(name, name === "promptmq" ? everythingOn : [])
        const found = await runGenerator(generator, broker.port, broker.pid, load)
        await broker.discard()
        if (name === "promptmq")
          for (const fault of deliveryFaults(found, false)) report.fault(`${size} bytes: ${fault}`)
        const key = `${name} ${size}`
        rates.set(key, [...(rates.get(key) ?? []), found.delivered_per_s])
        report.progress(`${key}: ${short(found.delivered_per_s)}/s`)
      }
    }
  }
  const rate = (name: string, size: number) => spreadOf(rates.get(`${name} ${size}`) ?? [])
  const megabytes = (name: string, size: number) => (rate(name, size).median * size) / 1e6
  const rows = sizesBytes.map((size) => [
    `${short(size)} B`,
    `${shortSpread(rate("promptmq", size))}/s`,
    megabytes("promptmq", size).toFixed(0),
    names.length === 1 ? "–" : `${shortSpread(rate("mosquitto", size))}/s`,
    names.length === 1 ? "–" : megabytes("mosquitto", size).toFixed(0),
    (megabytes("promptmq", size) / megabytes("mosquitto", size)).toFixed(2)
  ])
  report.table("Payload size, QoS 0, 1:1", ["payload", "PromptMQ", "MB/s", "Mosquitto", "MB/s", "ratio"], rows)
  report.data("sizes", Object.fromEntries(rates))
  const series = names.map((name) => ({
    name: name === "promptmq" ? "PromptMQ" : "Mosquitto",
    points: sizesBytes.map((size) => [size, megabytes(name, size)] as const)
  }))
  chart(
    "payloads",
    lineChart({ title: "Payload delivered, QoS 0, 1:1", xLabel: "bytes per message", yLabel: "MB/s", series })
  )
}

async function transports(): Promise<void> {
  const folder = mkdtempSync(join(scratchFolder(), "tls-"))
  const certificate = join(folder, "cert.pem")
  const key = join(folder, "key.pem")
  try {
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    execFileSync("openssl", [...made, ...subject, "-keyout", key, "-out", certificate], { stdio: "ignore" })
  } catch {
    report.note("transports left out: openssl is not installed")
    return
  }
  const runs = new Map<string, Array<OwnReport>>()
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const [ws, tls, wss] = [await freePort(), await freePort(), await freePort()]
    const secure = ["--tls=true", `--tls-cert=${certificate}`, `--tls-key=${key}`]
    const binds = [`--ws-bind=127.0.0.1:${ws}`, `--tls-bind=127.0.0.1:${tls}`, `--wss-bind=127.0.0.1:${wss}`]
    const broker = await startBroker("promptmq", [...everythingOn, ...secure, ...binds])
    const ways: ReadonlyArray<readonly [name: string, words: ReadonlyArray<string>]> = [
      ["TCP", ["-p", String(broker.port)]],
      ["WebSocket", ["--ws", "-p", String(ws)]],
      ["TLS", ["--cafile", certificate, "-p", String(tls)]],
      ["WebSocket with TLS", ["--ws", "--cafile", certificate, "-p", String(wss)]]
    ]
    for (const [name, words] of ways) {
      const pace = ["--clients", "10", "--seconds", options.seconds, "--warmup", "1"]
      const found = await runOwnLoad(broker.pid, ["pair", "-h", "127.0.0.1", "-V", "311", ...words, ...pace])
      if (found.lost + found.repeated > 0) report.fault(`${name}: ${found.lost} lost, ${found.repeated} repeated`)
      runs.set(name, [...(runs.get(name) ?? []), found])
      report.progress(`${name}: ${short(found.deliveredPerSecond)}/s, ${found.brokerUsPerMessage.toFixed(2)} µs each`)
    }
    await broker.discard()
  }
  const rows = [...runs].map(([name, found]) => [
    name,
    `${shortSpread(spreadOf(found.map((run) => run.deliveredPerSecond)))}/s`,
    `${spreadOf(found.map((run) => run.brokerUsPerMessage)).median.toFixed(2)} µs`,
    `${spreadOf(found.map((run) => run.clientCpuPercent)).median.toFixed(0)} %`
  ])
  report.table("Transports, QoS 0, 10:10, 64 bytes", ["", "delivered", "broker CPU per message", "client's core"], rows)
  report.data("transports", Object.fromEntries(runs))
  const bars = [...runs].map(([label, found]) => ({
    label,
    value: spreadOf(found.map((run) => run.brokerUsPerMessage)).median
  }))
  chart("transports", barChart({ title: "CPU time of the broker per message by transport", unit: "µs", bars }))
}

function chart(name: string, svg: string): void {
  options.chart(report, name, () => svg)
}
