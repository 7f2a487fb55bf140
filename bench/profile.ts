/**
 * Where the broker's time goes: `npm run bench:profile -- SCENARIO [--seconds 5] [--proto 5] [--top 25] [--keep-default-window]
 * [--rules]`.
 *
 * Runs one row of harness/scenarios.ts (A, B, C ...) against a broker with Node's own sampling profiler, leaves
 * .bench/<SCENARIO>.cpuprofile for the tools that draw flame graphs, and prints the functions by the time spent in
 * themselves. The profiler slows the broker a little: rates of this run are no figures.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { parseArgs } from "node:util"
import { accessFlags } from "./harness/access-rules.ts"
import { everythingOn, startBroker } from "./harness/brokers.ts"
import { selfTimes } from "./harness/cpu-profile.ts"
import { markdownTable, short } from "./harness/figures.ts"
import { root, scratchFolder } from "./harness/folders.ts"
import { findGenerator, runGenerator } from "./harness/generator.ts"
import { describeMachine, machineLine } from "./harness/machine.ts"
import { cpuOf, scenarios } from "./harness/scenarios.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "5" },
    warmup: { type: "string", default: "1" },
    proto: { type: "string", default: "4" },
    top: { type: "string", default: "25" },
    "keep-default-window": { type: "boolean", default: false },
    rules: { type: "boolean", default: false }
  }
})
const scenario = scenarios.find(({ name }) => name === positionals[0])
if (scenario === undefined) {
  process.stderr.write(`npm run bench:profile -- SCENARIO, one of ${scenarios.map(({ name }) => name).join(", ")}\n`)
  process.exit(2)
}

const generator = findGenerator()
const timing = ["--seconds", values.seconds, "--warmup", values.warmup]
const rules = values.rules ? accessFlags(mkdtempSync(join(scratchFolder(), "rules-"))) : []
const broker = await startBroker("promptmq", [...everythingOn, ...rules, ...(scenario.promptmq ?? [])], {
  nodeFlags: ["--cpu-prof", "--cpu-prof-interval=500"],
  isDefaultWindow: values["keep-default-window"]
})
const load = [...scenario.flags, ...(scenario.isTimed ? timing : []), "--proto", values.proto]
const found = await runGenerator(generator, broker.port, broker.pid, load)
await broker.stop()
const profile = readdirSync(broker.folder).find((file) => file.endsWith(".cpuprofile"))
if (profile === undefined) throw new Error(`the broker left no profile: ${broker.output()}`)
const kept = join(root, ".bench", `${scenario.name}.cpuprofile`)
mkdirSync(join(root, ".bench"), { recursive: true })
copyFileSync(join(broker.folder, profile), kept)

const { rows, totalMs } = selfTimes(JSON.parse(readFileSync(kept, "utf8")))
const head = [`${scenario.name} ${scenario.words}: self time`, "ms", "% of busy", "where"]
const cells = rows
  .slice(0, Number(values.top))
  .map(({ name, ms, place }) => [name, ms.toFixed(0), ((ms / totalMs) * 100).toFixed(1), place])
process.stdout.write(`${markdownTable(head, cells)}\n`)
const told = scenario.figures.map((figure) => `${figure.name} ${short(figure.of(found))}${figure.unit}`)
const { broker: brokerCpu, generator: generatorCpu } = cpuOf(found)
process.stdout.write(`${told.join(", ")}; CPU % broker/generator ${brokerCpu}/${generatorCpu}.\n`)
process.stdout.write(`${machineLine(describeMachine())}.\n\nFor a flame graph: .bench/${basename(kept)}\n`)
