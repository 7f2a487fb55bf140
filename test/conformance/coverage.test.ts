/**
 * Every statement that a server must be seen to keep on the wire has a rule that cites it, and rules cite nothing
 * else.
 */
import { assert, describe, it } from "@effect/vitest"
import { coverageOf, coverageTable, type Suite } from "./coverage.ts"
import { statementsV311 } from "./statements-v311.ts"
import { rulesV31, statementsV31 } from "./v31/rules.ts"
import { rulesV311 } from "./v311/all.ts"

const suites: ReadonlyArray<Suite> = [
  { version: "3.1", statements: statementsV31, rules: rulesV31 },
  { version: "3.1.1", statements: statementsV311, rules: rulesV311 }
]

describe("coverage", () => {
  const coverages = suites.map(coverageOf)
  process.stdout.write(coverageTable(coverages))

  for (const { version, missing, unknown } of coverages) {
    it(`MQTT ${version}: every statement has a rule`, () => assert.deepEqual(missing, []))
    it(`MQTT ${version}: every citation is a statement's`, () => assert.deepEqual(unknown, []))
  }

  it("names of rules differ", () => {
    const names = suites.flatMap(({ rules }) => rules.map((rule) => rule.name))
    assert.deepEqual(
      names.filter((name, at) => names.indexOf(name) !== at),
      []
    )
  })
})
