/**
 * Every statement that a server must be seen to keep on the wire has a rule that cites it, and rules cite nothing
 * else.
 */
import { assert, describe, it } from "@effect/vitest"
import { statementsV5 } from "./statements-v5.ts"
import { statementsV31 } from "./statements-v31.ts"
import { statementsV311 } from "./statements-v311.ts"
import { coverageOf } from "./support/statements.ts"
import { rulesV5 } from "./v5/all.ts"
import { rulesV31 } from "./v31/rules.ts"
import { rulesV311 } from "./v311/all.ts"

const versions = [
  { version: "3.1", statements: statementsV31, rules: rulesV31 },
  { version: "3.1.1", statements: statementsV311, rules: rulesV311 },
  { version: "5.0", statements: statementsV5, rules: rulesV5 }
]

for (const { version, statements, rules } of versions) {
  describe(`MQTT ${version}`, () => {
    const { missing, table, unknown } = coverageOf(version, statements, rules)
    process.stdout.write(`${table}\n`)

    it("every statement has a rule", () => assert.deepEqual(missing, []))
    it("every citation is a statement's", () => assert.deepEqual(unknown, []))
    it("no two rules have the same name", () => {
      const names = rules.map(({ name }) => name)
      assert.strictEqual(new Set(names).size, names.length)
    })
  })
}
