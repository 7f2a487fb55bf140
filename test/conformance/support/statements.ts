/**
 * Statements of a standard, and how many of them the rules of the suite cite.
 */
import type { Outcome, Rule } from "./rules.ts"

export interface Statement {
  readonly id: string
  /** Who must act: the server, or both sides. */
  readonly role: "server" | "both"
  /** What a test observes. */
  readonly expectation: string
}

/** One statement per line: id, role, expectation. */
export const statementsOf = (text: string): ReadonlyArray<Statement> =>
  text
    .trim()
    .split("\n")
    .map((line) => {
      const [id = "", role = "", ...words] = line.split(" ")
      if (role !== "server" && role !== "both") throw new Error(`${id}: no role "${role}"`)
      return { id, role, expectation: words.join(" ") }
    })

export interface Coverage {
  /** Statements that no rule cites. */
  readonly missing: ReadonlyArray<string>
  /** Ids that a rule cites and nobody wrote down. */
  readonly unknown: ReadonlyArray<string>
  /** `chapter  covered / total  rules`, one line each, the sum last. */
  readonly table: string
}

export const coverageOf = (
  title: string,
  statements: ReadonlyArray<Statement>,
  rules: ReadonlyArray<Rule>
): Coverage => {
  const cited = new Set(rules.flatMap(({ ids }) => ids))
  const known = new Set(statements.map(({ id }) => id))
  const chapters = [...new Set(statements.map(({ id }) => chapterOf(id)))]
  const line = (name: string, belongs: (id: string) => boolean) => {
    const all = statements.filter(({ id }) => belongs(id))
    const covered = all.filter(({ id }) => cited.has(id)).length
    const tests = rules.filter(({ ids }) => ids.some(belongs)).length
    return `${name.padEnd(12)} ${`${covered} / ${all.length}`.padStart(9)} ${`${tests} tests`.padStart(10)}`
  }
  const table = [
    ...chapters.map((name) => line(`${title} ${name}`, (id) => chapterOf(id) === name)),
    line(title, () => true)
  ].join("\n")
  return {
    missing: statements.filter(({ id }) => !cited.has(id)).map(({ id }) => id),
    unknown: [...cited].filter((id) => !known.has(id)),
    table
  }
}

/** MQTT-3.1.2-24 belongs to 3.1, MQTT-6.0.0-1 to 6; a version may stand in front. */
const chapterOf = (id: string): string => {
  const [first = "", second = ""] = id.replace(/^(.* )?(MQTT-)?/, "").split(/[.-]/)
  return first === "6" || first === "7" ? first : `${first}.${second}`
}

/** `id verdict why`, for every statement in order. */
export const verdictTable = (
  statements: ReadonlyArray<Statement>,
  verdicts: ReadonlyMap<string, Outcome>
): ReadonlyArray<string> =>
  statements.map(({ id }) => {
    const outcome = verdicts.get(id)
    if (outcome === undefined) return `${id.padEnd(16)} no rule`
    return `${id.padEnd(16)} ${outcome.verdict}${outcome.why === "" ? "" : `: ${outcome.why.split("\n")[0]}`}`
  })
