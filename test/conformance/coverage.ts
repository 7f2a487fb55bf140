/**
 * Which statements have a rule: the table that `npm test` prints, and what is missing.
 */
import type { Rule } from "./support/rules.ts"

export interface Suite {
  readonly version: string
  readonly statements: ReadonlyArray<readonly [id: string, expectation: string]>
  readonly rules: ReadonlyArray<Rule>
}

export interface Coverage {
  readonly version: string
  readonly total: number
  readonly covered: number
  readonly rules: number
  /** Statements without a rule, with what they demand. */
  readonly missing: ReadonlyArray<string>
  /** Ids that rules cite and no statement has. */
  readonly unknown: ReadonlyArray<string>
}

export const coverageOf = ({ version, statements, rules }: Suite): Coverage => {
  const cited = new Set(rules.flatMap((rule) => rule.ids))
  const known = new Set(statements.map(([id]) => id))
  const missing = statements.filter(([id]) => !cited.has(id)).map(([id, expectation]) => `${id}: ${expectation}`)
  const unknown = [...cited].filter((id) => !known.has(id))
  return { version, total: known.size, covered: known.size - missing.length, rules: rules.length, missing, unknown }
}

export const coverageTable = (coverages: ReadonlyArray<Coverage>): string => {
  const head = "version   statements   covered   rules"
  const lines = coverages.map(
    ({ version, total, covered, rules }) =>
      `${version.padEnd(7)} ${`${total}`.padStart(12)} ${`${covered}`.padStart(9)} ${`${rules}`.padStart(7)}`
  )
  return `${[head, ...lines].join("\n")}\n`
}
