/**
 * The model of authorisation: rules asked one after the other, filters compared level by level with placeholders put in.
 * Slow, and written to be read against rule.ts and the words in compile-rules.ts.
 */
import type { Identity } from "../../src/access/access.ts"
import type { Question } from "../../src/access/authorizer.ts"
import type { Rule } from "../../src/access/rule.ts"

export const naiveDecision = (rules: ReadonlyArray<Rule>, identity: Identity, question: Question): Rule | undefined =>
  rules.find((rule) => holds(rule, identity, question))

const holds = (rule: Rule, identity: Identity, question: Question): boolean => {
  const { action, qos, retain } = question
  const has = <A>(list: ReadonlyArray<A> | undefined, entry: A): boolean => list === undefined || list.includes(entry)
  if (!has(rule.users, identity.username ?? "")) return false
  if (!has(rule.clientIdentifiers, identity.clientIdentifier)) return false
  const isOther = rule.groups !== undefined || rule.listeners !== undefined || rule.addresses !== undefined
  if (identity.isPartial === true && isOther) {
    if (rule.effect === "allow") return false
  } else {
    if (rule.groups !== undefined && !rule.groups.some((group) => identity.groups?.includes(group) === true))
      return false
    if (!has(rule.listeners, identity.listener ?? "")) return false
    if (rule.addresses !== undefined && !rule.addresses.some((network) => isIn(network, identity.peer ?? "")))
      return false
  }
  if (!hasAction(rule, action, retain)) return false
  if (rule.qos !== undefined) {
    const isAtMost = action === "read" && rule.effect === "allow"
    if (!rule.qos.some((each) => (isAtMost ? each >= qos : each === qos))) return false
  }
  if (rule.retain !== undefined) {
    if (action === "subscribe") {
      if (rule.effect === "deny") return false
    } else if (rule.retain !== retain) return false
  }
  return rule.topics === undefined || rule.topics.some((topic) => covers(topic, question.topic, identity))
}

const hasAction = ({ actions }: Rule, action: Question["action"], retain: boolean): boolean => {
  if (actions === undefined) return true
  switch (action) {
    case "read":
    case "subscribe":
      return actions.includes("subscribe")
    case "will":
      return actions.includes("will") || actions.includes("publish") || (retain && actions.includes("retained"))
    default:
      return actions.includes("publish") || (retain && actions.includes("retained"))
  }
}

/** Does everything that `asked` (a topic, or a filter) matches match the rule's filter? */
export const covers = (ruleTopic: string, asked: string, identity: Identity): boolean => {
  if (ruleTopic.startsWith("eq ")) return ruleTopic.slice(3) === asked
  const wanted = ruleTopic.split("/")
  const levels = asked.split("/")
  for (const [depth, level] of wanted.entries()) {
    const isServers = depth === 0 && asked.startsWith("$")
    if (level === "#") return !isServers
    const given = levels[depth]
    if (given === undefined || given === "#") return false
    if (level === "+") {
      if (isServers) return false
    } else if (level === "${clientid}" || level === "${username}") {
      const value = level === "${clientid}" ? identity.clientIdentifier : identity.username
      if (value === undefined || value === "" || /[+#/]/.test(value) || isServers || value !== given) return false
    } else if (level !== given) return false
  }
  return levels.length === wanted.length
}

/** Only the networks the tests use: whole bytes of IPv4. */
const isIn = (network: string, peer: string): boolean => {
  const [address = "", bits = "32"] = network.split("/")
  const bytes = Number(bits) / 8
  const own = peer.replace(/:\d+$/, "").split(".")
  return own.length === 4 && address.split(".").slice(0, bytes).join(".") === own.slice(0, bytes).join(".")
}
