/**
 * Who may do what: users of the built-in database, rules, bans, listeners and certificates, failed logins.
 *
 *   GET    /security                   viewer     listeners, the chain, counts of refused logins, certificates
 *   GET    /users                      admin      a page; no hash is ever shown
 *   PUT    /users/{name}               admin      { password, groups, isSuperuser }: makes or changes one
 *   DELETE /users/{name}               admin
 *   GET    /acl                        viewer     the rules in force, in order, with their sources
 *   POST   /acl/reload                 admin      reads the rules file again
 *   POST   /acl/preview                viewer     { rules, name }: what other rules would take from whom; nothing changes
 *   POST   /acl/explain                viewer     allow or deny, and the rule that decides
 *   GET    /bans                       viewer
 *   POST   /bans                       operator   { client | user | address, seconds, reason }
 *   DELETE /bans/{id}                  operator
 *   GET    /quotas                     viewer     what users have used of their quotas, and who comes near one
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Impact } from "./settings.ts"
import {
  Authorization,
  BadRequest,
  Busy,
  Conflict,
  Done,
  NotFound,
  pageOf,
  pageQuery,
  RoleNeeded,
  Unprocessable
} from "./shared.ts"

export const SecurityView = Schema.Struct({
  listeners: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      address: Schema.String,
      isTls: Schema.Boolean,
      clientCertificates: Schema.Literals(["none", "request", "require"]),
      certificateSubject: Schema.NullOr(Schema.String),
      certificateExpiresAt: Schema.NullOr(Schema.String)
    })
  ),
  isAnonymousAllowed: Schema.Boolean,
  chain: Schema.Array(
    Schema.Struct({ name: Schema.String, allowed: Schema.Number, denied: Schema.Number, failed: Schema.Number })
  ),
  rules: Schema.Number,
  noMatch: Schema.Literals(["allow", "deny"]),
  bans: Schema.Number,
  /** The last refusals, newest first. */
  refusals: Schema.Array(
    Schema.Struct({
      at: Schema.String,
      clientIdentifier: Schema.String,
      address: Schema.String,
      listener: Schema.String,
      reasonCode: Schema.Number,
      why: Schema.String
    })
  )
})
export type SecurityView = typeof SecurityView.Type

export const UserRow = Schema.Struct({
  name: Schema.String,
  groups: Schema.Array(Schema.String),
  isSuperuser: Schema.Boolean,
  /** Kind of the password's hash: "argon2id". */
  hash: Schema.String,
  scram: Schema.Boolean,
  createdAt: Schema.NullOr(Schema.String),
  changedAt: Schema.NullOr(Schema.String)
})
export type UserRow = typeof UserRow.Type

export const UserChange = Schema.Struct({
  password: Schema.optionalKey(Schema.String),
  groups: Schema.optionalKey(Schema.Array(Schema.String)),
  isSuperuser: Schema.optionalKey(Schema.Boolean),
  /** Keys for SCRAM are made with the password; without a word they stay as they are. */
  scram: Schema.optionalKey(Schema.Boolean)
})

export const RuleRow = Schema.Struct({
  number: Schema.Number,
  effect: Schema.Literals(["allow", "deny"]),
  /** The rule in words: "deny publish to plant/# for group guests". */
  text: Schema.String,
  source: Schema.String
})
export type RuleRow = typeof RuleRow.Type

export const ExplainRequest = Schema.Struct({
  client: Schema.String,
  username: Schema.optionalKey(Schema.String),
  address: Schema.optionalKey(Schema.String),
  action: Schema.Literals(["publish", "subscribe", "retained", "will", "read"]),
  topic: Schema.String,
  qos: Schema.optionalKey(Schema.Literals([0, 1, 2])),
  retain: Schema.optionalKey(Schema.Boolean)
})
export type ExplainRequest = typeof ExplainRequest.Type

export const Explanation = Schema.Struct({
  verdict: Schema.Literals(["allow", "deny"]),
  /** "acl.yaml:12", "no rule holds (acl.no-match: deny)", "superuser". */
  decidedBy: Schema.String,
  rule: Schema.NullOr(RuleRow),
  /** Who the client is, as far as it is known: connected, or as asked. */
  identity: Schema.Struct({
    clientIdentifier: Schema.String,
    username: Schema.NullOr(Schema.String),
    groups: Schema.Array(Schema.String),
    provider: Schema.NullOr(Schema.String),
    isConnected: Schema.Boolean
  })
})
export type Explanation = typeof Explanation.Type

export const BanRow = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literals(["client", "user", "address"]),
  value: Schema.String,
  reason: Schema.String,
  /** Name and role of the token that asked for it: "ops (operator)"; "flapping" for the broker itself. */
  by: Schema.String,
  since: Schema.String,
  until: Schema.NullOr(Schema.String)
})
export type BanRow = typeof BanRow.Type

export const BanRequest = Schema.Struct({
  client: Schema.optionalKey(Schema.String),
  user: Schema.optionalKey(Schema.String),
  address: Schema.optionalKey(Schema.String),
  seconds: Schema.optionalKey(Schema.Number),
  reason: Schema.optionalKey(Schema.String)
})

export const QuotaRow = Schema.Struct({
  user: Schema.String,
  quota: Schema.Literals(["messages-per-day", "bytes-per-day", "connections", "subscriptions"]),
  used: Schema.Number,
  limit: Schema.Number,
  percent: Schema.Number,
  /** "near" above limits.quota-warning-percent; "exceeded" when something was refused or nothing fits any more. */
  state: Schema.Literals(["ok", "near", "exceeded"]),
  /** Messages refused today. */
  refused: Schema.Number,
  /** When counting begins anew; null where use ends by itself. */
  resetsAt: Schema.NullOr(Schema.String)
})
export type QuotaRow = typeof QuotaRow.Type

/** What rules that are not in force would take from clients that are connected. */
export const RulesPreview = Schema.Struct({
  impacts: Schema.Array(Impact),
  /** Clients that lose something; `impacts` shows at most 1,000. */
  clientsAffected: Schema.Number,
  topicsAffected: Schema.Number
})
export type RulesPreview = typeof RulesPreview.Type

export class Security extends HttpApiGroup.make("security")
  .add(
    HttpApiEndpoint.get("security", "/security", { success: SecurityView }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("users", "/users", { query: pageQuery, success: pageOf(UserRow), error: Conflict }).annotate(
      RoleNeeded,
      "admin"
    ),
    HttpApiEndpoint.put("putUser", "/users/:name", {
      params: { name: Schema.String },
      payload: UserChange,
      success: UserRow,
      error: [Unprocessable, Conflict, Busy]
    }).annotate(RoleNeeded, "admin"),
    HttpApiEndpoint.delete("removeUser", "/users/:name", {
      params: { name: Schema.String },
      success: Done,
      error: [NotFound, Conflict]
    }).annotate(RoleNeeded, "admin"),
    HttpApiEndpoint.get("rules", "/acl", { query: pageQuery, success: pageOf(RuleRow) }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("reloadRules", "/acl/reload", {
      success: Schema.Struct({ rules: Schema.Number }),
      error: [Unprocessable, Conflict]
    }).annotate(RoleNeeded, "admin"),
    HttpApiEndpoint.post("previewRules", "/acl/preview", {
      payload: Schema.Struct({ rules: Schema.String, name: Schema.String }),
      success: RulesPreview,
      error: [Unprocessable, Conflict]
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("explain", "/acl/explain", {
      payload: ExplainRequest,
      success: Explanation,
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("quotas", "/quotas", { query: pageQuery, success: pageOf(QuotaRow) }).annotate(
      RoleNeeded,
      "viewer"
    ),
    HttpApiEndpoint.get("bans", "/bans", { query: pageQuery, success: pageOf(BanRow) }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("ban", "/bans", {
      payload: BanRequest,
      success: BanRow,
      error: [BadRequest, Busy]
    }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.delete("unban", "/bans/:id", {
      params: { id: Schema.String },
      success: Done,
      error: NotFound
    }).annotate(RoleNeeded, "operator")
  )
  .middleware(Authorization) {}
