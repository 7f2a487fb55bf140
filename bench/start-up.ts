/**
 * Claim: from start to listening takes at most 400 ms.
 *
 *   npm run bench -- start-up [--repetitions 9]
 *
 * Method: `node dist/main.js` as a fresh process on core 0, timed from spawn until a TCP connection is accepted (tried
 * every millisecond from the other core). Median and range; the bare start of Node beside it, which is not ours.
 */
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import { startBroker } from "./harness/brokers.ts"
import { markdownTable, spreadOf } from "./harness/figures.ts"
import { saveResult } from "./harness/folders.ts"
import { describeMachine, machineLine, pinned } from "./harness/machine.ts"

const listeningMsMax = 400

const { values } = parseArgs({ options: { repetitions: { type: "string", default: "9" } } })
const machine = describeMachine()
const listeningMs: Array<number> = []
const bareMs: Array<number> = []
for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
  const broker = await startBroker("promptmq")
  await broker.stop()
  listeningMs.push(broker.listeningMs)
  const [command, args] = pinned(0, process.execPath, ["--eval", "0"])
  const fromMs = performance.now()
  spawnSync(command, args)
  bareMs.push(performance.now() - fromMs)
}

const row = (words: string, times: ReadonlyArray<number>) => {
  const { median, low, high } = spreadOf(times)
  return [words, median.toFixed(0), `${low.toFixed(0)}–${high.toFixed(0)}`]
}
const rows = [row("start to listening", listeningMs), row("bare Node, start to end", bareMs)]
process.stdout.write(`${markdownTable(["ms", "median", "range"], rows)}\n${machineLine(machine)}.\n`)
saveResult("start-up", { machine, listeningMs, bareMs })
if (spreadOf(listeningMs).median > listeningMsMax) {
  process.stdout.write(`FAULT above ${listeningMsMax} ms\n`)
  process.exitCode = 1
}
