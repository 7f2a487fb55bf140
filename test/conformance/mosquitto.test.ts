/**
 * The rules of MQTT 5.0 against Mosquitto: they are rules for any broker, and each can fail.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { failsAtMosquitto, notOfferedByMosquitto } from "./mosquitto-failures.ts"
import { mosquittoVersion, startMosquitto } from "./support/mosquitto.ts"
import { type Outcome, runRules, verdictsById } from "./support/rules.ts"
import type { Target } from "./support/target.ts"
import { rulesV5 } from "./v5/all.ts"

/** Rules that run side by side. */
const TOGETHER = 32

// Skipped with another Mosquitto, because the list is what 2.0.11 does.
describe.skipIf(mosquittoVersion() !== "2.0.11")("MQTT 5.0, Mosquitto", () => {
  let target: Target
  let verdicts: ReadonlyMap<string, Outcome>
  beforeAll(async () => {
    target = await startMosquitto()
    verdicts = verdictsById(await runRules(rulesV5, target, TOGETHER))
  })
  afterAll(() => target.stop())

  const told = (wanted: Outcome["verdict"], listed: Readonly<Record<string, string>>) => {
    const found = [...verdicts].filter(([, { verdict }]) => verdict === wanted)
    const surprises = found.filter(([id]) => !(id in listed)).map(([id, { why }]) => `${id}: ${why}`)
    assert.deepEqual(surprises, [], "not in the list")
    const ids = found.map(([id]) => id)
    assert.deepEqual(
      Object.keys(listed).filter((id) => !ids.includes(id)),
      [],
      "in the list only"
    )
  }
  it("fails what is listed, and nothing else", () => told("fail", failsAtMosquitto))
  it("cannot be asked what is listed, and nothing else", () => told("not offered", notOfferedByMosquitto))
})
