/**
 * The rules as the admin API handles them: shown, read again, explained for a client that is connected, away, or made up.
 *
 * Who a client is comes from the broker when it knows the client and the question names no other user; else from the
 * question alone: then groups and rules of its own are not known, and the answer says so.
 */
import * as Effect from "effect/Effect"
import type { Identity } from "../access/access.ts"
import { type Explanation, explainWith, type Question } from "../access/authorizer.ts"
import type { Rule, RuleList } from "../access/rule.ts"
import { RulesAuthorizer } from "../access/rules-authorizer.ts"
import { type RulesEffect, rulesEffect } from "../access/rules-effect.ts"
import type { RulesProblem } from "../access/rules-file.ts"
import type { RulesChange, RulesSource } from "../access/rules-source.ts"
import { clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { liveClients } from "./live-clients.ts"
import { rightsOf } from "./permissions.ts"

export interface AclQuestion extends Question {
  readonly client: string
  readonly username: string | undefined
  readonly address: string | undefined
}

export interface AclAnswer extends Explanation {
  readonly identity: Identity
  readonly isConnected: boolean
  /** Number of the deciding rule in the list of rules; absent where it is the identity's own. */
  readonly number: number | undefined
}

export interface AclDesk {
  readonly rules: () => RuleList
  readonly noMatch: () => "allow" | "deny"
  /** Undefined: there is no rules file. Rejects never. */
  readonly reload: () => Promise<RulesChange | ReadonlyArray<RulesProblem> | undefined>
  readonly explain: (question: AclQuestion) => AclAnswer
  /** The same of rules that are in no file of the broker's yet; `name` is what their places are told with. */
  readonly judge: (text: string, name: string) => Promise<RulesEffect | ReadonlyArray<RulesProblem>>
  /** What the file, as it is now, would take away from those who are connected. */
  readonly preview: () => Promise<RulesEffect | ReadonlyArray<RulesProblem>>
}

export const makeAclDesk = (core: Core, source: RulesSource): AclDesk => ({
  rules: () => source.authorizer.rules,
  noMatch: () => source.settings.noMatch,
  reload: () =>
    source.settings.rulesFile === ""
      ? Promise.resolve(undefined)
      : Effect.runPromise(
          Effect.match(source.reload, { onSuccess: (change) => change, onFailure: ({ problems }) => problems })
        ),
  explain: (question) => explain(core, source, question),
  judge: async (text, name) => {
    // The parser is loaded only when it is needed.
    const { readRules } = await import("../access/rules-file.ts")
    const { problems, rules } = readRules(text, name)
    return problems.length > 0 ? problems : effectOf(core, source, rules)
  },
  preview: () =>
    Effect.runPromise(
      Effect.match(source.preview, {
        onSuccess: (rules) => {
          const { authorizer, settings } = source
          return settings.rulesFile === "" ? rulesEffect(authorizer, authorizer, []) : effectOf(core, source, rules)
        },
        onFailure: ({ problems }) => problems
      })
    )
})

const effectOf = (core: Core, { authorizer, settings }: RulesSource, rules: RuleList): RulesEffect =>
  rulesEffect(authorizer, new RulesAuthorizer({ rules, noMatch: settings.noMatch }), liveClients(core))

const explain = (core: Core, { authorizer }: RulesSource, question: AclQuestion): AclAnswer => {
  const { identity, isConnected } = identityOf(core, question)
  const told = explainWith(authorizer, identity, question)
  const number = told.rule === undefined ? -1 : authorizer.rules.indexOf(told.rule as Rule)
  return { ...told, identity, isConnected, number: number < 0 ? undefined : number }
}

const identityOf = (
  core: Core,
  { address, client, username }: AclQuestion
): Pick<AclAnswer, "identity" | "isConnected"> => {
  const session = core.sessions.get(client)
  const made = { clientIdentifier: client, username, peer: address }
  if (session === undefined) return { identity: made, isConnected: false }
  const { identity } = rightsOf(core, session)
  const isOther = username !== undefined && username !== identity.username
  if (isOther || address !== undefined)
    return { identity: isOther ? made : { ...identity, peer: address }, isConnected: false }
  return { identity, isConnected: clientOf(session) !== undefined }
}
