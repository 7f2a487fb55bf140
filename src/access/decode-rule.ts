/**
 * Rules as somebody wrote them, in a file, a token's claims or an answer over HTTP, to Rule values.
 *
 *   effect      allow | deny                          necessary
 *   users       client-ids  groups  listeners         a text, or a list of texts; compared whole
 *   addresses   10.0.0.0/8, 2001:db8::/32, 192.0.2.7  of the client
 *   actions     publish subscribe retained will       none: all of them
 *   qos         0 1 2                                 of the publish; asked for in the subscribe
 *   retain      true | false
 *   topics      filters; ${clientid} and ${username} fill a whole level; "eq <text>" means the text itself
 *
 * Invariants
 * - Every fault is told, each with the path to its place: "[3].topics[0]". Text that is quoted is cut.
 * - With one fault there are no rules: half of them may be the half that allows.
 * - A key that is unknown is a fault: misspelt `user:` would make a rule for everybody.
 *
 * Elsewhere: where a path is in a file (rules-file.ts), what rules mean (compile-rules.ts).
 */
import { isIP } from "node:net"
import { filterFault } from "../router/topic-filter.ts"
import { nearest } from "../settings/nearest.ts"
import { quoted } from "../settings/setting-fault.ts"
import { type Rule, ruleActions } from "./rule.ts"

export interface RuleFault {
  /** Path below the list: "[1].topics[0]"; "" is the list itself. */
  readonly at: string
  readonly fact: string
  readonly fix: string
}

export interface DecodedRules {
  /** Empty when there are faults. */
  readonly rules: ReadonlyArray<Rule>
  readonly faults: ReadonlyArray<RuleFault>
}

export const rulesMax = 100_000
export const ruleListMax = 1000
export const ruleTopicLevelsMax = 128
const FAULTS_MAX = 100

export const placeholders = ["${clientid}", "${username}"] as const

/** `sourceOf` names the rule at an index: "acl.yaml:12", "token claim acl[0]". */
export const decodeRules = (raw: unknown, sourceOf: (index: number) => string): DecodedRules => {
  const faults: Array<RuleFault> = []
  if (!Array.isArray(raw)) {
    return {
      rules: [],
      faults: [{ at: "", fact: `${quoted(raw, false)} is not a list of rules`, fix: "write a list" }]
    }
  }
  if (raw.length > rulesMax) {
    return { rules: [], faults: [{ at: "", fact: `there are ${raw.length} rules`, fix: `write at most ${rulesMax}` }] }
  }
  const rules: Array<Rule> = []
  for (let index = 0; index < raw.length && faults.length < FAULTS_MAX; index++) {
    const rule = decodeRule(raw[index], `[${index}]`, sourceOf(index), faults)
    if (rule !== undefined) rules.push(rule)
  }
  return { rules: faults.length === 0 ? rules : [], faults }
}

type Fields = Readonly<Record<string, unknown>>
type Report = (at: string, fact: string, fix: string) => undefined

/** Key as written, field of Rule, what an entry is. */
const textFields = [
  ["users", "users"],
  ["client-ids", "clientIdentifiers"],
  ["groups", "groups"],
  ["listeners", "listeners"]
] as const

const keys = ["effect", "users", "client-ids", "groups", "addresses", "listeners", "actions", "qos", "retain", "topics"]

const decodeRule = (raw: unknown, at: string, source: string, faults: Array<RuleFault>): Rule | undefined => {
  const report: Report = (where, fact, fix) => void faults.push({ at: at + where, fact, fix })
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return report("", `${quoted(raw, false)} is not a rule`, `write keys: ${keys.join(", ")}`)
  }
  const written = raw as Fields
  const before = faults.length
  for (const key of Object.keys(written)) {
    if (keys.includes(key)) continue
    const close = nearest(key, keys)
    const fix = close === undefined ? `a rule has ${keys.join(", ")}` : `did you mean ${close}?`
    report(`.${key}`, `${quoted(key, false)} is not a key of a rule`, fix)
  }
  const { effect, retain } = written
  if (effect !== "allow" && effect !== "deny") {
    const fact = effect === undefined ? "the rule has no effect" : `${quoted(effect, false)} is not an effect`
    report(effect === undefined ? "" : ".effect", fact, "write effect: allow, or effect: deny")
  }
  const lists: Record<string, unknown> = {}
  for (const [key, field] of textFields) lists[field] = list(written, key, report, textFault)
  const addresses = list(written, "addresses", report, networkFault)
  const actions = list(written, "actions", report, actionFault)
  const qos = list(written, "qos", report, qosFault)
  const topics = list(written, "topics", report, topicFault)
  if (retain !== undefined && typeof retain !== "boolean") {
    report(".retain", `${quoted(retain, false)} is not true or false`, "write true or false, without quotes")
  }
  if (faults.length > before) return undefined
  const rule = { effect, ...lists, addresses, actions, qos, retain, topics, source }
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined)) as unknown as Rule
}

/** What is wrong with one entry; undefined = nothing. */
type Judge = (entry: unknown) => Omit<RuleFault, "at"> | undefined

/** One entry may stand without the list. An empty list is a fault: it could mean nobody or everybody. */
const list = (written: Fields, key: string, report: Report, judge: Judge): ReadonlyArray<unknown> | undefined => {
  const raw = written[key]
  if (raw === undefined) return undefined
  const entries: ReadonlyArray<unknown> = Array.isArray(raw) ? raw : [raw]
  if (entries.length === 0) return report(`.${key}`, "the list is empty", `remove ${key} to ask nothing of it`)
  if (entries.length > ruleListMax) {
    return report(`.${key}`, `the list has ${entries.length} entries`, `write at most ${ruleListMax}`)
  }
  for (const [index, entry] of entries.entries()) {
    const fault = judge(entry)
    if (fault !== undefined) report(`.${key}${Array.isArray(raw) ? `[${index}]` : ""}`, fault.fact, fault.fix)
  }
  return entries
}

const textFault: Judge = (entry) =>
  typeof entry === "string"
    ? undefined
    : { fact: `${quoted(entry, false)} is not text`, fix: "write text, in quotes where it is a number" }

const networkFault: Judge = (entry) =>
  typeof entry === "string" && parseNetwork(entry) !== undefined
    ? undefined
    : {
        fact: `${quoted(entry, false)} is not a network`,
        fix: 'write an address or a network, such as "10.1.0.0/16", "192.0.2.7" or "2001:db8::/32"'
      }

const actionFault: Judge = (entry) => {
  if (typeof entry === "string" && (ruleActions as ReadonlyArray<string>).includes(entry)) return undefined
  const close = typeof entry === "string" ? nearest(entry, ruleActions) : undefined
  const fix = close === undefined ? `write one of ${ruleActions.join(", ")}` : `did you mean ${close}?`
  return { fact: `${quoted(entry, false)} is not an action`, fix }
}

const qosFault: Judge = (entry) =>
  entry === 0 || entry === 1 || entry === 2
    ? undefined
    : { fact: `${quoted(entry, false)} is not a QoS`, fix: "write 0, 1 or 2" }

const topicFault: Judge = (entry) => {
  if (typeof entry !== "string") return { fact: `${quoted(entry, false)} is not a topic filter`, fix: "write text" }
  const isLiteral = entry.startsWith(LITERAL_PREFIX)
  const text = isLiteral ? entry.slice(LITERAL_PREFIX.length) : entry
  const fault = filterFault(text, ruleTopicLevelsMax)
  if (fault !== undefined) return { fact: `${quoted(entry, false)}: ${fault.why}`, fix: "correct the topic filter" }
  if (text.startsWith("$share/") || text.startsWith("$replay/")) {
    const fix = "write the filter itself: shared and replaying subscriptions are judged by it"
    return { fact: `${quoted(entry, false)} begins with a prefix of subscriptions`, fix }
  }
  if (isLiteral) return undefined
  for (const level of text.split("/")) {
    if (!level.includes("${") || (placeholders as ReadonlyArray<string>).includes(level)) continue
    const fix = `write ${placeholders.join(" or ")} as a whole level; "eq " before the text takes it as it is`
    return { fact: `${quoted(level, false)} is not a placeholder that fills its level`, fix }
  }
  return undefined
}

/** Before a filter that is meant as a text. */
export const LITERAL_PREFIX = "eq "

export interface Network {
  readonly address: string
  readonly family: "ipv4" | "ipv6"
  readonly prefixBits: number
}

/** Undefined when it is none. IPv4 written as ::ffff:192.0.2.7 is IPv6 here: what clients have is made IPv4 first. */
export const parseNetwork = (text: string): Network | undefined => {
  const slashAt = text.indexOf("/")
  const address = slashAt < 0 ? text : text.slice(0, slashAt)
  const version = address.includes("%") ? 0 : isIP(address)
  if (version === 0) return undefined
  const bitsMax = version === 4 ? 32 : 128
  const bits = slashAt < 0 ? String(bitsMax) : text.slice(slashAt + 1)
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > bitsMax) return undefined
  return { address, family: version === 4 ? "ipv4" : "ipv6", prefixBits: Number(bits) }
}
