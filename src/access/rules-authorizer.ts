/**
 * The authorizer that asks rules: an identity's own first, then those of the rules file.
 *
 *   superuser ▶ allow
 *   a rule of its own holds ▶ what it says        a rule of the file holds ▶ what it says
 *   none holds ▶ acl.no-match, by default deny    no rules anywhere ▶ allow
 *
 * Invariants
 * - [ACL-7] A rules file without a rule is rules, of which none holds: an empty file opens nothing (security.md, row 28).
 * - `replace` is one step: a question is answered by the old rules or by the new ones.
 * - What is known of an identity under old rules is not asked again: subjects are found by identity and thrown away
 *   as a whole.
 * - [ACL-9] Identities of one class have the same rules that apply: unless a placeholder decides, the same verdicts. Numbers of
 *   classes are never given again, so a class of old rules is nobody's.
 *
 * Verdicts are not kept here but with the connection or topic (broker/permissions.ts). Plain; no clock, no I/O.
 */
import { type Identity, type RightsClasses, Verdict } from "./access.ts"
import type { Authorizer, Explanation, Question } from "./authorizer.ts"
import { CompiledRules, publishBit, readBit, type Subject, subscribeBit, willBit } from "./compile-rules.ts"
import type { Rule, RuleList } from "./rule.ts"

export type NoMatch = "allow" | "deny"

export interface RulesOptions {
  /** Undefined: there is no rules file. Not the same as an empty one. */
  readonly rules: RuleList | undefined
  readonly noMatch: NoMatch
}

/** An identity before both lists of rules. */
interface Known {
  classNumber: number
  readonly own: CompiledRules | undefined
  readonly ownSubject: Subject | undefined
  readonly fileSubject: Subject | undefined
}

/** Beyond it, who has rights that were seen before may be counted as a class of its own. */
const CLASSES_MAX = 4096

export class RulesAuthorizer implements Authorizer, RightsClasses {
  generation = 1
  allowsEverything = true
  rules: RuleList = []
  #noMatch: NoMatch = "deny"
  #file: CompiledRules | undefined = undefined
  #known = new WeakMap<Identity, Known>()
  /** Identities of one token share their list. */
  readonly #own = new WeakMap<RuleList, CompiledRules>()
  readonly #ownNumbers = new WeakMap<CompiledRules, number>()
  #ownLast = 0
  /** By which of the rules apply. */
  readonly #classes = new Map<string, number>()
  #lastClass = 0
  firstClass = 1
  isPersonal = false

  constructor(options: RulesOptions) {
    this.#use(options)
  }

  /** Other rules from now on; verdicts given before are void. */
  replace(options: RulesOptions): void {
    this.#use(options)
    this.generation += 1
  }

  get classes(): RightsClasses {
    return this
  }

  classOf(identity: Identity): number {
    const known = this.#knownOf(identity)
    if (known.classNumber === 0) known.classNumber = this.#classOf(known)
    return known.classNumber
  }

  get options(): RulesOptions {
    return { rules: this.#file?.rules, noMatch: this.#noMatch }
  }

  publishVerdict(identity: Identity, topic: string, qos: number, retain: boolean, isWill: boolean): number {
    return this.#verdict(identity, isWill ? willBit(qos, retain) : publishBit(qos, retain), topic)
  }

  subscribeVerdict(identity: Identity, filter: string, qos: number): number {
    return this.#verdict(identity, subscribeBit(qos), filter)
  }

  readVerdict(identity: Identity, topic: string, qos: number, isRetained: boolean): number {
    return this.#verdict(identity, readBit(qos, isRetained), topic)
  }

  explain(identity: Identity, question: Question): Explanation {
    const { qos, retain, topic } = question
    if (identity.isSuperuser === true) return { allowed: true, because: "superuser: no rule is asked" }
    if (this.#asksNobody(identity)) return { allowed: true, because: "there are no rules" }
    const rule = this.#deciding(identity, bitOf(question.action, qos, retain), topic)
    if (rule === undefined)
      return { allowed: this.#noMatch === "allow", because: `no rule holds (acl.no-match: ${this.#noMatch})` }
    return { allowed: rule.effect === "allow", rule, because: `${rule.source} ${words[rule.effect]}` }
  }

  #use({ noMatch, rules }: RulesOptions): void {
    this.#file = rules === undefined ? undefined : new CompiledRules(rules)
    this.#noMatch = noMatch
    this.#known = new WeakMap()
    this.#classes.clear()
    this.firstClass = this.#lastClass + 1 // [ACL-9]
    this.rules = rules ?? []
    // [ACL-7]
    this.allowsEverything = rules === undefined || (rules.length === 0 && noMatch === "allow")
  }

  #asksNobody(identity: Identity): boolean {
    return this.allowsEverything && identity.rules === undefined
  }

  #verdict(identity: Identity, bit: number, text: string): number {
    if (identity.isSuperuser === true || this.#asksNobody(identity)) {
      this.isPersonal = true
      return Verdict.allow
    }
    const effect = this.#deciding(identity, bit, text)?.effect ?? this.#noMatch
    return effect === "allow" ? Verdict.allow : Verdict.deny
  }

  #deciding(identity: Identity, bit: number, text: string): Rule | undefined {
    const { fileSubject, own, ownSubject } = this.#knownOf(identity)
    this.isPersonal = false
    if (own !== undefined && ownSubject !== undefined) {
      const number = own.decide(ownSubject, bit, text)
      this.isPersonal = own.isPersonal
      if (number >= 0) return own.rules[number]
    }
    const file = this.#file
    if (file === undefined || fileSubject === undefined) return undefined
    const number = file.decide(fileSubject, bit, text)
    this.isPersonal ||= file.isPersonal
    return number < 0 ? undefined : file.rules[number]
  }

  #knownOf(identity: Identity): Known {
    let known = this.#known.get(identity)
    if (known !== undefined) return known
    const own = identity.rules === undefined ? undefined : this.#compiled(identity.rules)
    const ownSubject = own?.subjectOf(identity)
    known = { classNumber: 0, own, ownSubject, fileSubject: this.#file?.subjectOf(identity) }
    this.#known.set(identity, known)
    return known
  }

  #classOf({ fileSubject, own, ownSubject }: Known): number {
    const ownNumber = own === undefined ? 0 : (this.#ownNumbers.get(own) ?? 0)
    const key = `${ownNumber}:${ownSubject?.applies.join() ?? ""}:${fileSubject?.applies.join() ?? ""}`
    const found = this.#classes.get(key)
    if (found !== undefined) return found
    if (this.#classes.size >= CLASSES_MAX) this.#classes.clear()
    this.#classes.set(key, ++this.#lastClass)
    return this.#lastClass
  }

  #compiled(rules: RuleList): CompiledRules {
    let compiled = this.#own.get(rules)
    if (compiled === undefined) {
      compiled = new CompiledRules(rules)
      this.#own.set(rules, compiled)
      this.#ownNumbers.set(compiled, ++this.#ownLast)
    }
    return compiled
  }
}

const words = { allow: "allows it", deny: "denies it" } as const

const bitOf = (action: Question["action"], qos: number, retain: boolean): number => {
  switch (action) {
    case "publish":
      return publishBit(qos, retain)
    case "retained":
      return publishBit(qos, true)
    case "will":
      return willBit(qos, retain)
    case "subscribe":
      return subscribeBit(qos)
    case "read":
      return readBit(qos, retain)
  }
}

/** A rule in words, as lists of rules show it: "deny publish, will to plant/# for users alice, bob". */
export const ruleWords = (rule: Rule): string => {
  const parts = [rule.effect, rule.actions?.join(", ") ?? "everything"]
  if (rule.topics !== undefined) parts.push(`on ${rule.topics.join(", ")}`)
  const about: ReadonlyArray<readonly [string, ReadonlyArray<string | number> | undefined]> = [
    ["users", rule.users?.map((user) => (user === "" ? "(none)" : user))],
    ["client-ids", rule.clientIdentifiers],
    ["groups", rule.groups],
    ["addresses", rule.addresses],
    ["listeners", rule.listeners]
  ]
  const who = about.flatMap(([name, list]) => (list === undefined ? [] : [`${name} ${list.join(", ")}`]))
  if (who.length > 0) parts.push(`for ${who.join(" and ")}`)
  if (rule.qos !== undefined) parts.push(`at QoS ${rule.qos.join(", ")}`)
  if (rule.retain !== undefined) parts.push(rule.retain ? "retained" : "not retained")
  return parts.join(" ")
}
