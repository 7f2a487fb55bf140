/**
 * The rules over the admin API: what is in force, reading them again, and why somebody may or may not. What rules mean is
 * access/, who is connected the broker's (broker/acl-desk.ts).
 *
 *   GET  /api/v1/acl           a page: { items: [RuleRow], total, isTotalExact }
 *   POST /api/v1/acl/reload    { rules }; 422 with every problem, and then nothing has changed
 *   POST /api/v1/acl/explain   { client, username?, address?, action, topic, qos?, retain? } ─▶ Explanation
 *   GET  /api/v1/acl/preview   what reading the file again would take away from connected clients
 */
import { type Rule, ruleActions } from "../access/rule.ts"
import { ruleWords } from "../access/rules-authorizer.ts"
import type { RulesProblem } from "../access/rules-file.ts"
import type { AclDesk, AclQuestion } from "../broker/acl-desk.ts"
import { withoutReplay } from "../router/replay-filter.ts"
import { filterFault, parseSharedFilter, topicFault } from "../router/topic-filter.ts"
import { failureEntry, failures } from "./failures.ts"

const PAGE_MAX = 10_000
const PAGE_DEFAULT = 100
const LEVELS_MAX = 65_536

/** Bodies as api/security.ts declares them. */
export interface AclAnswer {
  readonly status: number
  readonly body: object
}

export function listRules(desk: AclDesk, query: URLSearchParams) {
  const limit = numberOf(query.get("limit"), PAGE_DEFAULT)
  const offset = numberOf(query.get("offset"), 0)
  if (limit === undefined || offset === undefined || limit < 1 || limit > PAGE_MAX) return failed("badLimit")
  const wanted = query.get("filter") ?? ""
  const rows = desk.rules().map(ruleRow)
  const found =
    wanted === "" ? rows : rows.filter(({ source, text }) => text.includes(wanted) || source.includes(wanted))
  const items = found.slice(offset, offset + limit)
  return { status: 200, body: { items, total: found.length, isTotalExact: true } }
}

export async function reloadRules(desk: AclDesk) {
  const done = await desk.reload()
  if (done === undefined) return failed("noRulesFile")
  if ("summary" in done) return { status: 200, body: { rules: done.after.length } }
  return { status: 422, body: { errors: done.map(problemEntry) } }
}

export async function previewRules(desk: AclDesk) {
  const effect = await desk.preview()
  if ("summary" in effect) return { status: 200, body: effect }
  return { status: 422, body: { errors: effect.map(problemEntry) } }
}

export function explainRules(desk: AclDesk, body: unknown) {
  const question = questionOf(body)
  if (question === undefined) return failed("badAclQuestion")
  const { allowed, because, identity, isConnected, number, rule } = desk.explain(question)
  const { clientIdentifier, groups = [], provider = null, username = null } = identity
  return {
    status: 200,
    body: {
      verdict: allowed ? "allow" : "deny",
      decidedBy: rule?.source ?? because,
      rule: rule === undefined ? null : { ...ruleRow(rule, number ?? -1), number: (number ?? -1) + 1 },
      identity: { clientIdentifier, username, groups, provider, isConnected }
    }
  }
}

/** Numbered from 1; 0 = a client's own. */
const ruleRow = (rule: Rule, index: number) => ({
  number: index + 1,
  effect: rule.effect,
  text: ruleWords(rule),
  source: rule.source
})

function questionOf(body: unknown): AclQuestion | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined
  const {
    action,
    address,
    client,
    qos = 0,
    retain = false,
    topic,
    username
  } = body as Readonly<Record<string, unknown>>
  const known = [...ruleActions, "read" as const].find((each) => each === action)
  if (known === undefined || typeof client !== "string" || typeof topic !== "string") return undefined
  if (qos !== 0 && qos !== 1 && qos !== 2) return undefined
  if (typeof retain !== "boolean" || !isTextOrAbsent(username) || !isTextOrAbsent(address)) return undefined
  const asked =
    known === "subscribe" ? innerFilter(topic) : topicFault(topic, LEVELS_MAX) === undefined ? topic : undefined
  if (asked === undefined) return undefined
  return { action: known, topic: asked, qos, retain, client, username, address }
}

/** What a subscription is judged by; undefined when it is no filter. */
export function innerFilter(text: string): string | undefined {
  if (filterFault(text, LEVELS_MAX) !== undefined) return undefined
  const plain = withoutReplay(text)
  const shared = parseSharedFilter(plain)
  return shared === undefined || !("filter" in shared) ? plain : shared.filter
}

const isTextOrAbsent = (value: unknown): value is string | undefined => value === undefined || typeof value === "string"

const numberOf = (text: string | null, fallback: number): number | undefined => {
  if (text === null) return fallback
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

const problemEntry = ({ code, fact, fix, place }: RulesProblem) => {
  const at = place.line === undefined ? place.file : `${place.file}:${place.line}:${place.column ?? 1}`
  return { code, key: "acl.rules-file", fact: `${at}  ${fact}`, fix }
}

function failed(name: "badLimit" | "noRulesFile" | "badAclQuestion") {
  return { status: failures[name].status, body: { errors: [failureEntry(name)] } }
}
