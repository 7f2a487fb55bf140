/**
 * A rule is one test of one or more statements; a chapter is a list of them. Neither knows a test framework:
 * vitest runs them against our broker, against.ts runs them against any other.
 *
 *   export const chapter3 = chapter("3.12 PINGREQ", 5, (rule) => {
 *     rule("MQTT-3.12.4-1", "PINGREQ is answered by PINGRESP", async (stage) => {
 *       const client = await stage.join("client")
 *       ...
 */
import type { Version } from "./packets.ts"
import { Stage } from "./stage.ts"
import { NotOffered, type Target } from "./target.ts"

export interface Rule {
  readonly ids: ReadonlyArray<string>
  readonly chapter: string
  readonly version: Version
  /** `[id] [id] what is demanded` */
  readonly name: string
  readonly test: (stage: Stage) => Promise<void>
}

type Declare = (ids: string | ReadonlyArray<string>, title: string, test: Rule["test"]) => void

export const chapter = (title: string, version: Version, declare: (rule: Declare) => void): ReadonlyArray<Rule> => {
  const rules: Array<Rule> = []
  declare((ids, what, test) => {
    const list = [ids].flat()
    rules.push({ ids: list, chapter: title, version, name: `${list.map((id) => `[${id}]`).join(" ")} ${what}`, test })
  })
  return rules
}

/** Runs one rule; throws what went wrong. */
export const runRule = async (rule: Rule, target: Target): Promise<void> => {
  const stage = new Stage(target, rule.version)
  try {
    await rule.test(stage)
    stage.verify()
  } finally {
    stage.leave()
  }
}

export type Verdict = "pass" | "fail" | "not offered"
export interface Outcome {
  readonly verdict: Verdict
  readonly rule: Rule
  readonly why: string
}

/** Runs all rules, `together` at a time. */
export const runRules = async (
  rules: ReadonlyArray<Rule>,
  target: Target,
  together: number
): Promise<ReadonlyArray<Outcome>> => {
  const outcomes: Array<Outcome> = []
  const waiting = [...rules]
  const work = async (): Promise<void> => {
    for (let rule = waiting.shift(); rule !== undefined; rule = waiting.shift()) {
      outcomes.push(await judged(rule, target))
    }
  }
  await Promise.all(Array.from({ length: together }, work))
  return outcomes
}

const judged = async (rule: Rule, target: Target): Promise<Outcome> => {
  try {
    await runRule(rule, target)
    return { rule, verdict: "pass", why: "" }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { rule, verdict: error instanceof NotOffered ? "not offered" : "fail", why }
  }
}

/** A statement fails when one of its rules does; it is not offered when none of them could be asked. */
export const verdictsById = (outcomes: ReadonlyArray<Outcome>): ReadonlyMap<string, Outcome> => {
  const rank = { "not offered": 0, pass: 1, fail: 2 }
  const byId = new Map<string, Outcome>()
  for (const outcome of outcomes) {
    for (const id of outcome.rule.ids) {
      const before = byId.get(id)
      if (before === undefined || rank[outcome.verdict] > rank[before.verdict]) byId.set(id, outcome)
    }
  }
  return byId
}
