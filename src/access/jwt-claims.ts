/**
 * Who a client is by the claims of its token: user name, groups, rules, when it ends.
 *
 * Invariants
 * - A claim that is there and has another form than expected is a denial, never left out: a group that is missing could
 *   be one that a rule denies. [AUTH-CLAIM]
 * - A superuser is made by the boolean true under the configured name and by nothing else. [AUTH-CLAIM]
 * - A claim is found by its whole name ("https://example.com/roles"), else as a path ("realm_access.roles"); only what the
 *   token itself holds counts.
 *
 * Plain: no Effect. Elsewhere: signature and times (jwt-provider.ts), rules (carried-rules.ts).
 */
import type { JWTPayload } from "jose"
import type { ConnectRequest, Identity } from "./access.ts"
import { carriedRules } from "./carried-rules.ts"
import { hasControlCharacter } from "./chain.ts"
import type { JwtSettings } from "./jwt-keys.ts"

const GROUPS_MAX = 1_000
const NAME = "jwt"

/** Who it is; or what is wrong with the claims. */
export function identityOf(claims: JWTPayload, request: ConnectRequest, settings: JwtSettings): Identity | string {
  const { clientIdClaim, clockToleranceMs, groupsClaim, maxRules, rulesClaim, superuserClaim, usernameClaim } = settings
  const { clientIdentifier } = request
  const ownName = settings.tokenFrom === "username" ? undefined : request.username
  const username = usernameClaim === "" ? ownName : claimIn(claims, usernameClaim)
  if (usernameClaim !== "" && !isName(username)) return `the token's claim ${usernameClaim} is no user name`
  if (clientIdClaim !== "" && claimIn(claims, clientIdClaim) !== clientIdentifier) {
    return `the token's claim ${clientIdClaim} is for another client identifier`
  }
  const groups = groupsOf(groupsClaim === "" ? undefined : claimIn(claims, groupsClaim))
  if (groups === null) return `the token's claim ${groupsClaim} is no list of groups` // [AUTH-CLAIM]
  const written = rulesClaim === "" ? undefined : claimIn(claims, rulesClaim)
  const rules = written === undefined ? undefined : carriedRules(written, `token claim ${rulesClaim}`, maxRules)
  if (typeof rules === "string") return rules
  return {
    clientIdentifier,
    username: username as string | undefined,
    groups,
    rules,
    isSuperuser: superuserClaim !== "" && claimIn(claims, superuserClaim) === true, // [AUTH-CLAIM]
    expiresAtMs: claims.exp === undefined ? undefined : claims.exp * 1000 + clockToleranceMs,
    provider: NAME
  }
}

/** By its whole name; else as a path, "realm_access.roles". */
function claimIn(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  let value: unknown = claims
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[part]
  }
  return value
}

const isName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && !hasControlCharacter(value)

function groupsOf(value: unknown): ReadonlyArray<string> | undefined | null {
  if (value === undefined) return undefined
  const groups: unknown = typeof value === "string" ? value.split(" ").filter((part) => part !== "") : value
  const areGroups =
    Array.isArray(groups) && groups.length <= GROUPS_MAX && groups.every((group) => typeof group === "string")
  return areGroups ? groups : null
}
