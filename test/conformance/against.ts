/**
 * The suite against any broker, without a test framework:
 *
 *   node test/conformance/against.ts                      our broker, in this process
 *   node test/conformance/against.ts --target mosquitto   Mosquitto, started here
 *   node test/conformance/against.ts --target host:port   a broker that somebody else started
 *   ... --version 5.0                                     one version of 5.0, 3.1.1, 3.1
 *   ... --only MQTT-3.1.2-24                              the rules that cite this id
 *
 * Prints every id with its verdict, the reason of each failure, and the sums. A broker that runs elsewhere is asked
 * in the make-up "plain" only. Exit code 1 when an id fails.
 */
import { parseArgs } from "node:util"
import { tcpWire } from "../support/wire.ts"
import { statementsV5 } from "./statements-v5.ts"
import { statementsV31 } from "./statements-v31.ts"
import { statementsV311 } from "./statements-v311.ts"
import { startMosquitto } from "./support/mosquitto.ts"
import { startPromptmq } from "./support/promptmq.ts"
import { runRules, verdictsById } from "./support/rules.ts"
import { verdictTable } from "./support/statements.ts"
import { type Target, unknownFeatures } from "./support/target.ts"
import { rulesV5 } from "./v5/all.ts"
import { rulesV31 } from "./v31/rules.ts"
import { rulesV311 } from "./v311/all.ts"

const TOGETHER = 32

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "promptmq" },
    version: { type: "string" },
    only: { type: "string" }
  }
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)

const elsewhere = (address: string): Target => {
  const at = address.lastIndexOf(":")
  const [host, port] = [address.slice(0, at), Number(address.slice(at + 1))]
  return {
    name: address,
    features: unknownFeatures,
    open: (makeUp) => (makeUp === "plain" ? tcpWire(port, host) : undefined),
    stop: async () => undefined
  }
}

const start = (name: string): Promise<Target> => {
  if (name === "promptmq") return startPromptmq()
  if (name === "mosquitto") return startMosquitto()
  return Promise.resolve(elsewhere(name))
}

const versions = [
  { version: "5.0", statements: statementsV5, rules: rulesV5 },
  { version: "3.1.1", statements: statementsV311, rules: rulesV311 },
  { version: "3.1", statements: statementsV31, rules: rulesV31 }
].filter(({ version }) => values.version === undefined || values.version === version)

const target = await start(values.target)
try {
  const { only } = values
  let failed = 0
  for (const { version, ...suite } of versions) {
    const rules = suite.rules.filter(({ ids }) => only === undefined || ids.includes(only))
    const statements = suite.statements.filter(({ id }) => only === undefined || id === only)
    if (statements.length === 0) continue
    const outcomes = await runRules(rules, target, TOGETHER)
    const verdicts = verdictsById(outcomes)
    for (const line of verdictTable(statements, verdicts)) say(line)
    say("")
    for (const { rule, verdict, why } of outcomes) if (verdict === "fail") say(`FAIL ${rule.name}\n     ${why}`)
    const count = (wanted: string) => statements.filter(({ id }) => verdicts.get(id)?.verdict === wanted).length
    const sums = `${count("pass")} passed, ${count("fail")} failed, ${count("not offered")} not offered`
    say(`${target.name}, MQTT ${version}: ${sums}, of ${statements.length} statements\n`)
    failed += count("fail")
  }
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  await target.stop()
}
