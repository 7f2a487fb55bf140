/**
 * Rules that came with credentials: the claim of a token, the answer of a service. Three forms; two as other brokers
 * have them.
 *
 *   [ { "effect": "allow", "actions": ["publish"], "topics": ["a/${clientid}/#"] }, ... ]        as in a rules file
 *   [ { "permission": "allow", "action": "publish", "topic": "a/#", "qos": [0, 1], "retain": false }, ... ]
 *   { "pub": ["a/b"], "sub": ["c/#"], "all": ["d"] }                                 everything in it is allowed
 *
 * `action` is publish, subscribe or all (also pub, sub, pubsub), and all when it is left out. A list is asked in its order.
 *
 * Invariants
 * - The two other forms are translated to the first, and one judge (decode-rule.ts) reads them all. All or nothing: one
 *   entry or one key that is not understood, and the whole is refused; a deny that was skipped or a condition that was
 *   dropped would let somebody in.
 * - At most `rulesMax` rules; a rule says its source ("token claim acl[2]").
 *
 * Elsewhere: what a rule means (rule.ts), files with rules (rules-file.ts).
 */
import * as Predicate from "effect/Predicate"
import { decodeRules } from "./decode-rule.ts"
import type { RuleList } from "./rule.ts"

type Written = Readonly<Record<string, unknown>>

/** The rules; or what is wrong with them. */
export function carriedRules(raw: unknown, source: string, rulesMax: number): RuleList | string {
  const written = Array.isArray(raw) ? raw.map(translated) : translatedLists(raw)
  if (written === undefined) return `${source} is neither a list of rules nor lists pub, sub and all`
  if (written.length > rulesMax) return `${source} has more than ${rulesMax} rules`
  const { faults, rules } = decodeRules(written, (index) => `${source}[${index}]`)
  const [fault] = faults
  return fault === undefined ? rules : `${source}${fault.at}: ${fault.fact}`
}

/** An entry in the form of others, as it would stand in a rules file. What is not known stays, and is refused there. */
function translated(entry: unknown): unknown {
  if (!Predicate.isObject(entry) || !("permission" in entry)) return entry
  const { action = "all", permission, topic, ...rest } = entry as Written
  const actions = typeof action === "string" && Object.hasOwn(actionsOf, action) ? actionsOf[action] : [action]
  return {
    ...rest,
    effect: permission,
    ...(actions === undefined ? {} : { actions }),
    // Without any topic it would be a rule for all of them.
    ...(topic === undefined && rest["topics"] !== undefined ? {} : { topics: topic ?? [] })
  }
}

function translatedLists(raw: unknown): ReadonlyArray<unknown> | undefined {
  if (!Predicate.isObject(raw)) return undefined
  const lists = Object.entries(raw as Written)
  if (lists.some(([name]) => !listNames.includes(name))) return undefined
  return lists.flatMap(([name, topics]) => {
    if (Array.isArray(topics) && topics.length === 0) return []
    return [{ effect: "allow", topics, ...(name === "all" ? {} : { actions: actionsOf[name] }) }]
  })
}

const listNames = ["pub", "sub", "all"]

/** A rule for publish speaks for retained messages and wills as well; without actions for everything (rule.ts). */
const actionsOf: Readonly<Record<string, ReadonlyArray<string> | undefined>> = {
  publish: ["publish"],
  pub: ["publish"],
  subscribe: ["subscribe"],
  sub: ["subscribe"],
  all: undefined,
  pubsub: undefined
}
