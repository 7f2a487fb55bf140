/**
 * Claim: from start to listening takes at most 300 ms; what is installed to run the broker, without the dashboard and the
 * documentation page, is at most 2 MB. Resident memory when idle is stated.
 *
 *   npm run bench -- start-up [--repetitions 9]
 *
 * Method: `node dist/main.js` as a fresh process on core 0, everything switched on, timed from spawn until a TCP connection is
 * accepted (tried every millisecond from the other core). Median and range; the bare start of Node beside it, which is not
 * ours, and Mosquitto. Size: the JavaScript files of the command in dist/; beside them what V8 made of them (src/main.ts), as
 * the build leaves it. Memory: RSS half a second later.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type BrokerName, everythingOn, startBroker, versionOf } from "./harness/brokers.ts"
import { spreadOf } from "./harness/figures.ts"
import { root } from "./harness/folders.ts"
import { pinned } from "./harness/machine.ts"
import { cpuSeconds, residentMiB } from "./harness/process-figures.ts"
import { Report } from "./harness/report.ts"

const listeningMsMax = 300
const bundleBytesMax = 2_000_000
const idleMs = 500
/** Loaded by a browser or on demand of one: the page of the dashboard, the page of the API's documentation. */
const pages = /dashboard|docs|Scalar/i

const { values } = parseArgs({ options: { repetitions: { type: "string", default: "9" } } })
const report = new Report("start-up")
const hasMosquitto = versionOf("mosquitto") !== undefined
const listeningMs: Record<"promptmq" | "mosquitto", Array<number>> = { promptmq: [], mosquitto: [] }
const idleMiB: Record<"promptmq" | "mosquitto", Array<number>> = { promptmq: [], mosquitto: [] }
const bareMs: Array<number> = []
/** Stands even where other work took part of the core. */
const cpuMs: Array<number> = []
for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
  await startOnce("promptmq")
  if (hasMosquitto) await startOnce("mosquitto")
  const [command, args] = pinned(0, process.execPath, ["--eval", "0"])
  const fromMs = performance.now()
  spawnSync(command, args)
  bareMs.push(performance.now() - fromMs)
}
// main.js and its own chunks; the library (index-*) holds the same again for programs that embed it.
const bytes = bytesOf((path) => /^main[^/]*\.js$/.test(path) && !pages.test(path))
const compiledBytes = bytesOf((path) => path.startsWith("compiled/"))

const own = spreadOf(listeningMs.promptmq)
const cells = (values: ReadonlyArray<number>) => {
  const { high, low, median } = spreadOf(values)
  return values.length === 0 ? ["–", "–"] : [median.toFixed(0), `${low.toFixed(0)}–${high.toFixed(0)}`]
}
report.table(
  "Start, size, memory",
  ["", "median", "range", "promised"],
  [
    ["start to listening, ms", ...cells(listeningMs.promptmq), `≤ ${listeningMsMax}`],
    ["CPU time spent on it, all threads, ms", ...cells(cpuMs), "–"],
    ["Mosquitto, ms", ...cells(listeningMs.mosquitto), "–"],
    ["bare Node, start to end, ms", ...cells(bareMs), "–"],
    ["bundle of the command without pages, KB", (bytes / 1000).toFixed(0), "–", `≤ ${bundleBytesMax / 1000}`],
    ["what V8 made of it, in dist/compiled, KB", (compiledBytes / 1000).toFixed(0), "–", "stated"],
    ["idle RSS, MiB", ...cells(idleMiB.promptmq), "stated"],
    ["Mosquitto, MiB", ...cells(idleMiB.mosquitto), "–"]
  ]
)
if (own.median > listeningMsMax)
  report.fault(`start to listening ${own.median.toFixed(0)} ms, promised ${listeningMsMax}`)
if (bytes > bundleBytesMax) report.fault(`bundle ${bytes} bytes, promised ${bundleBytesMax}`)
report.data("listeningMs", listeningMs)
report.data("cpuMs", cpuMs)
report.data("bareMs", bareMs)
report.data("idleMiB", idleMiB)
report.data("bundleBytes", bytes)
report.finish()

async function startOnce(name: BrokerName & keyof typeof listeningMs): Promise<void> {
  const broker = await startBroker(name, name === "promptmq" ? everythingOn : [])
  listeningMs[name].push(broker.listeningMs)
  if (name === "promptmq") cpuMs.push(cpuSeconds(broker.pid) * 1000)
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  idleMiB[name].push(residentMiB(broker.pid))
  await broker.discard()
}

/** Of the files of dist/ that count by their path below it. */
function bytesOf(isCounted: (path: string) => boolean): number {
  const dist = join(root, "dist")
  if (!existsSync(dist)) return Number.NaN
  const found = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter(isCounted)
  return found.reduce((sum, path) => {
    const stat = statSync(join(dist, path))
    return stat.isFile() ? sum + stat.size : sum
  }, 0)
}
