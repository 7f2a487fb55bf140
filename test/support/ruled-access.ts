/**
 * A broker whose clients are who they say, and may do what rules say. Rules are exchanged while it runs.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Access, type ConnectRequest } from "../../src/access/access.ts"
import { accessWith } from "../../src/access/authorizer.ts"
import { decodeRules } from "../../src/access/decode-rule.ts"
import type { RuleList } from "../../src/access/rule.ts"
import { RulesAuthorizer } from "../../src/access/rules-authorizer.ts"
import type { Swaps } from "./environments.ts"

/** As in a rules file. */
export type WrittenRule = Readonly<Record<string, unknown>>

export interface RuledAccess {
  readonly authorizer: RulesAuthorizer
  readonly swaps: Swaps
  /** Other rules from now on; undefined = no rules. */
  readonly use: (...rules: ReadonlyArray<WrittenRule>) => void
}

/** User "root" is a superuser; user "guest" carries a rule of his own that allows "guest/#". */
export const ruled = (...rules: ReadonlyArray<WrittenRule>): RuledAccess => {
  const authorizer = new RulesAuthorizer({ rules: rulesOf(rules), noMatch: "deny" })
  const guests = rulesOf([{ effect: "allow", topics: "guest/#" }])
  const admission = {
    admitsEverybody: false,
    methods: new Map(),
    authenticate: ({ clientIdentifier, listener, peer, username }: ConnectRequest) =>
      Effect.succeed({
        clientIdentifier,
        username,
        listener,
        peer,
        isSuperuser: username === "root",
        rules: username === "guest" ? guests : undefined
      })
  }
  return {
    authorizer,
    swaps: [Layer.succeed(Access, accessWith(admission, authorizer))],
    use: (...others) => authorizer.replace({ rules: rulesOf(others), noMatch: "deny" })
  }
}

const rulesOf = (written: ReadonlyArray<WrittenRule>): RuleList => {
  const { faults, rules } = decodeRules(written, (index) => `rule ${index}`)
  if (faults.length > 0) throw new Error(JSON.stringify(faults))
  return rules
}
