/**
 * Questions about rules and their rows, between the shapes of the API and those of access/. A question names a client, an
 * action and a topic, or a filter to subscribe to; what is neither is no question.
 */
import { type Rule, ruleActions } from "../access/rule.ts"
import { ruleWords } from "../access/rules-authorizer.ts"
import type { RulesProblem } from "../access/rules-file.ts"
import type { AclQuestion } from "../broker/acl-desk.ts"
import { withoutReplay } from "../router/replay-filter.ts"
import { filterFault, parseSharedFilter, topicFault } from "../router/topic-filter.ts"
import type { ExplainRequest } from "./api/security.ts"

const LEVELS_MAX = 65_536

/** Numbered from 1; 0 = a client's own. */
export const ruleRow = (rule: Rule, index: number) => ({
  number: index + 1,
  effect: rule.effect,
  text: ruleWords(rule),
  source: rule.source
})

export const questionOf = (asked: ExplainRequest): AclQuestion | undefined => {
  const { address, client, qos = 0, retain = false, topic, username } = asked
  const action = [...ruleActions, "read" as const].find((each) => each === asked.action)
  if (action === undefined) return undefined
  const judged =
    action === "subscribe" ? innerFilter(topic) : topicFault(topic, LEVELS_MAX) === undefined ? topic : undefined
  return judged === undefined ? undefined : { action, topic: judged, qos, retain, client, username, address }
}

/** What a subscription is judged by; undefined when it is no filter. */
export const innerFilter = (text: string): string | undefined => {
  if (filterFault(text, LEVELS_MAX) !== undefined) return undefined
  const plain = withoutReplay(text)
  const shared = parseSharedFilter(plain)
  return shared === undefined || !("filter" in shared) ? plain : shared.filter
}

export const problemEntry = ({ code, fact, fix, place }: RulesProblem) => {
  const at = place.line === undefined ? place.file : `${place.file}:${place.line}:${place.column ?? 1}`
  return { code, key: "acl.rules-file", place: at, fact, fix }
}
