/**
 * One rule of authorisation, as a value: what a rules file, a token's claims, an answer over HTTP and the admin API
 * have in common. Decoded and checked once, where it enters (rules-file.ts); compiled in compile-rules.ts.
 *
 * Invariants
 * - A field that is left out asks nothing; the fields that are written must all hold. Lists hold when one entry does.
 * - The first rule that holds decides. When there are rules and none holds, the answer is deny.
 * - `${clientid}` and `${username}` in a topic filter stand for one whole topic level, literally: an identity with
 *   `+`, `#` or `/` in it matches no rule that has its placeholder.
 */

export const ruleActions = ["publish", "subscribe", "retained", "will"] as const

/** `retained` = publish a retained message; `will` = leave a will. A rule for publish speaks for these two as well. */
export type RuleAction = (typeof ruleActions)[number]

export interface Rule {
  readonly effect: "allow" | "deny"
  readonly users?: ReadonlyArray<string> | undefined
  readonly clientIdentifiers?: ReadonlyArray<string> | undefined
  readonly groups?: ReadonlyArray<string> | undefined
  /** Networks in CIDR notation, or single addresses. */
  readonly addresses?: ReadonlyArray<string> | undefined
  readonly listeners?: ReadonlyArray<string> | undefined
  readonly actions?: ReadonlyArray<RuleAction> | undefined
  readonly qos?: ReadonlyArray<0 | 1 | 2> | undefined
  readonly retain?: boolean | undefined
  /** Topic filters, with placeholders; `eq ` before one means the filter itself as a text, not what it matches. */
  readonly topics?: ReadonlyArray<string> | undefined
  /** Where it was written, e.g. "acl.yaml:12", "token claim acl[0]": what `promptmq explain` names. */
  readonly source: string
}

export type RuleList = ReadonlyArray<Rule>
