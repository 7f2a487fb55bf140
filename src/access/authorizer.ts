/**
 * What the rules say: the port between the rules (rules file, inline rules, an identity's own) and everybody who asks.
 * access-layer.ts joins it with the chain of providers to one Access (`accessWith`).
 *
 * Invariants
 * - Plain and synchronous: a question is answered from memory, at once, with allow or deny.
 * - `generation` rises with every change of the rules and is never 0 again, so that verdicts kept by others are void.
 * - Never half of a rules file: a change is all or nothing, and bad rules leave the old ones at work.
 *
 * Elsewhere: what a rule is (rule.ts), how it is read (rules-file.ts), how it is matched (compile-rules.ts).
 */
import * as Effect from "effect/Effect"
import type { AccessDecisions, Identity, RightsClasses } from "./access.ts"
import type { Rule, RuleAction, RuleList } from "./rule.ts"

/** What somebody wants to do. `read` = be handed a message; `retain` then says that it is a retained one. */
export interface Question {
  readonly action: RuleAction | "read"
  /** Topic name, or for `subscribe` a topic filter without $share and $replay. */
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
}

export interface Explanation {
  readonly allowed: boolean
  /** The rule that decided; absent when none holds, or none was asked. */
  readonly rule?: Rule | undefined
  /** One line for people: "acl.yaml:12 denies it", "no rule holds: acl.no-match is deny". */
  readonly because: string
}

export interface Authorizer {
  readonly classes?: RightsClasses | undefined
  readonly generation: number
  /** No rules, and no-match allows: an identity without rules of its own is never refused anything. */
  readonly allowsEverything: boolean
  publishVerdict(identity: Identity, topic: string, qos: number, retain: boolean, isWill: boolean): number
  subscribeVerdict(identity: Identity, filter: string, qos: number): number
  readVerdict(identity: Identity, topic: string, qos: number, isRetained: boolean): number
  /** The same answer, with its reason. */
  explain(identity: Identity, question: Question): Explanation
  /** In the order in which they are asked. */
  readonly rules: RuleList
}

/** What the broker would answer: topics that begin with `$` are written by nobody, whatever the rules say [MQTT-4.7.2-1]. */
export const explainWith = (authorizer: Authorizer, identity: Identity, question: Question): Explanation => {
  const isWrite = question.action !== "subscribe" && question.action !== "read"
  if (!isWrite || !question.topic.startsWith("$")) return authorizer.explain(identity, question)
  return { allowed: false, because: "topics that begin with $ are the server's, whatever the rules say" }
}

/** Who may connect: what the chain of providers brings to an Access. */
export type Admission = Pick<AccessDecisions, "admitsEverybody" | "authenticate" | "methods">

/** The two halves as one. Getters: a change of the rules shows at once. */
export const accessWith = (admission: Admission, authorizer: Authorizer): AccessDecisions => ({
  get generation() {
    return authorizer.generation
  },
  get allowsEverything() {
    return authorizer.allowsEverything
  },
  get classes() {
    return authorizer.classes
  },
  get admitsEverybody() {
    return admission.admitsEverybody
  },
  get methods() {
    return admission.methods
  },
  authenticate: (request) => admission.authenticate(request),
  publishVerdict: (identity, topic, qos, retain, isWill) =>
    authorizer.publishVerdict(identity, topic, qos, retain, isWill),
  decidePublish: (identity, topic, qos, retain, isWill) =>
    Effect.sync(() => authorizer.publishVerdict(identity, topic, qos, retain, isWill) === 1),
  subscribeVerdict: (identity, filter, qos) => authorizer.subscribeVerdict(identity, filter, qos),
  decideSubscribe: (identity, filter, qos) =>
    Effect.sync(() => authorizer.subscribeVerdict(identity, filter, qos) === 1),
  readVerdict: (identity, topic, qos, isRetained) => authorizer.readVerdict(identity, topic, qos, isRetained)
})
