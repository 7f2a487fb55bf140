/**
 * The provider `jwt`: a token, signed by somebody the operator trusts, says who a client is and what it may do.
 *
 *   nothing that looks like a token ▶ unknown     no key can be had ▶ failed     a token that is wrong ▶ denied, 0x86
 *
 * Invariants
 * - Claims are read after the signature, issuer, audience and times were found good, never before. [AUTH-JWT]
 * - Times are judged by the broker's clock with the configured tolerance; with `exp` the identity ends.
 * - No part of a token is told: neither in answers nor in the log.
 *
 * Elsewhere: keys and algorithms (jwt-keys.ts, jwt-jwks.ts), who somebody is by the claims (jwt-claims.ts).
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from "jose"
import type { ConnectRequest } from "./access.ts"
import { Egress, egressFault } from "./egress.ts"
import { identityOf } from "./jwt-claims.ts"
import { Jwks } from "./jwt-jwks.ts"
import {
  algorithmsOf,
  type Jose,
  type JwtSettings,
  jwtSettingsProblem,
  localKeys,
  readPublicKeys,
  readSecret
} from "./jwt-keys.ts"
import { type Provider, type ProviderAnswer, ProviderFailed, unknown } from "./provider.ts"
import { type FileProblem, isFileProblem, readProviderFile } from "./provider-file.ts"
import { type MakeProvider, type ProviderContext, ProviderRefused } from "./providers.ts"

const NAME = "jwt"
const BAD_USER_NAME_OR_PASSWORD = 0x86
const SERVER_UNAVAILABLE = 0x88
/** Three parts of base64url, the first of which is a JSON object. */
const TOKEN = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/

/** Where keys come from, whatever the source. */
interface Keys {
  readonly current: Effect.Effect<JWTVerifyGetKey, string>
  /** Others, for a token that none of the current ones fits. */
  readonly after: (tried: JWTVerifyGetKey) => Effect.Effect<JWTVerifyGetKey | undefined>
  readonly reload: Effect.Effect<void, ProviderFailed>
  readonly judge?: Effect.Effect<ReadonlyArray<FileProblem>>
}

export const makeProvider: MakeProvider = (context) =>
  Effect.gen(function* () {
    const settings = context.settings.auth.jwt
    const problem = jwtSettingsProblem(settings)
    if (problem !== undefined) return yield* refused(problem)
    const jose = yield* Effect.promise(() => import("./jose.ts"))
    const keys = yield* settings.jwksUrl === "" ? fileKeys(context, jose) : fetchedKeys(context, jose)
    const judge = (request: ConnectRequest, token: string) => verified({ context, jose, keys, request, token })
    return {
      name: NAME,
      authenticate: (request) =>
        Effect.suspend(() => {
          const token = tokenIn(request, settings)
          return token === undefined ? Effect.succeed(unknown) : judge(request, token)
        }),
      reload: keys.reload,
      judge: keys.judge
    } satisfies Provider
  })

function tokenIn({ password, username }: ConnectRequest, { tokenFrom }: JwtSettings): string | undefined {
  const text =
    tokenFrom === "username" ? username : password === undefined ? undefined : Buffer.from(password).toString("latin1")
  return text !== undefined && TOKEN.test(text) ? text : undefined
}

interface Case {
  readonly context: ProviderContext
  readonly jose: Jose
  readonly keys: Keys
  readonly request: ConnectRequest
  readonly token: string
}

function verified({ context, jose, keys, request, token }: Case): Effect.Effect<ProviderAnswer, ProviderFailed> {
  const settings = context.settings.auth.jwt
  if (token.length > settings.tokenSizeBytes)
    return Effect.succeed(denied("the token is longer than auth.jwt.max-token-size"))
  const nowMs = context.wallClockMs()
  const options = verifyOptions(settings, nowMs)
  return Effect.gen(function* () {
    const first = yield* Effect.mapError(keys.current, failure)
    let outcome = yield* verify(jose, token, first, options)
    if (outcome === "no key") {
      const next = yield* keys.after(first)
      if (next !== undefined) outcome = yield* verify(jose, token, next, options)
    }
    if (typeof outcome === "string") return denied(outcome === "no key" ? "no known key fits the token" : outcome)
    const identity = identityOf(outcome, request, settings)
    return typeof identity === "string" ? denied(identity) : { kind: "allowed", identity }
  })
}

function verifyOptions(settings: JwtSettings, nowMs: number): JWTVerifyOptions {
  const { audiences, clockToleranceMs, issuers, requireExpiry } = settings
  return {
    algorithms: [...algorithmsOf(settings)], // [AUTH-JWT]
    clockTolerance: clockToleranceMs / 1000,
    currentDate: new Date(nowMs),
    requiredClaims: requireExpiry ? ["exp"] : [],
    ...(issuers.length === 0 ? {} : { issuer: [...issuers] }),
    ...(audiences.length === 0 ? {} : { audience: [...audiences] })
  }
}

/** The claims; or why not. Several keys without names may fit: each is tried. */
const verify = (
  jose: Jose,
  token: string,
  keys: JWTVerifyGetKey,
  options: JWTVerifyOptions
): Effect.Effect<JWTPayload | string> =>
  Effect.promise(async () => {
    try {
      return (await jose.jwtVerify(token, keys, options)).payload
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) return whyNot(jose, error)
      for await (const key of error) {
        try {
          return (await jose.jwtVerify(token, key, options)).payload
        } catch (other) {
          if (!(other instanceof jose.errors.JWSSignatureVerificationFailed)) return whyNot(jose, other)
        }
      }
      return "no key"
    }
  })

/** In words of ours: those of the library may quote claims. */
function whyNot({ errors }: Jose, error: unknown): string {
  if (error instanceof errors.JWKSNoMatchingKey) return "no key"
  if (error instanceof errors.JWTExpired) return "the token has expired"
  if (error instanceof errors.JWTClaimValidationFailed)
    return `the token's claim ${error.claim} does not do (${error.reason})`
  if (error instanceof errors.JOSEAlgNotAllowed) return "the token is signed by an algorithm that is not allowed"
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the token's signature is wrong"
  if (error instanceof errors.JOSEError) return `the token is not valid (${error.code})`
  return "the token does not fit its key"
}

const fileKeys = ({ changed, log, settings }: ProviderContext, jose: Jose): Effect.Effect<Keys, ProviderRefused> =>
  Effect.suspend(() => {
    const { jwt } = settings.auth
    const read = () => readKeys(jwt, jose)
    const first = read()
    if (typeof first !== "function") return refused(first)
    let keys: JWTVerifyGetKey = first
    return Effect.succeed({
      current: Effect.sync(() => keys),
      after: () => Effect.undefined,
      judge: Effect.sync(() => {
        const next = read()
        return typeof next === "function" ? [] : [next]
      }),
      reload: Effect.suspend(() => {
        const next = read()
        if (typeof next !== "function") {
          log.write("error", "the keys of tokens changed and are not used", { ...next })
          return Effect.fail(failure(next.fact))
        }
        keys = next
        changed()
        return Effect.void
      })
    })
  })

function readKeys(jwt: JwtSettings, jose: Jose): JWTVerifyGetKey | FileProblem {
  if (jwt.hmacKeyFile !== "") {
    const secret = readSecret(jwt)
    return secret instanceof Uint8Array ? async () => secret : secret
  }
  const set = readPublicKeys(jwt.publicKeyFile)
  if ("fact" in set) return set as FileProblem
  try {
    return localKeys(jose, set)
  } catch {
    return { code: "E3542", fact: `${jwt.publicKeyFile} is no JSON Web Key Set`, fix: "correct the file" }
  }
}

const fetchedKeys = (
  { changed, log, settings, wallClockMs }: ProviderContext,
  jose: Jose
): Effect.Effect<Keys, ProviderRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const { jwt } = settings.auth
    const place = { url: jwt.jwksUrl, allowed: jwt.egress, mayBePlain: false }
    const fault = egressFault(place)
    if (fault !== undefined) {
      const fix = "use https, or correct auth.jwt.jwks-url or auth.jwt.egress"
      return yield* refused({ code: "E3544", fact: `auth.jwt.jwks-url: ${fault}`, fix })
    }
    const authorities = jwt.jwksCa === "" ? undefined : readProviderFile(jwt.jwksCa, "public")
    if (authorities !== undefined && isFileProblem(authorities)) return yield* refused(authorities)
    const limits = { connectionsMax: 1, responseBytesMax: jwt.jwksSizeBytes }
    const egress = yield* Effect.acquireRelease(
      Effect.sync(() => new Egress({ ...place, ...limits, authorities: authorities?.toString("latin1") })),
      (opened) => Effect.sync(() => opened.close())
    )
    const jwks = new Jwks({
      fetch: egress.get(),
      jose,
      refreshMs: jwt.jwksRefreshMs,
      cooldownMs: jwt.jwksCooldownMs,
      keepMs: jwt.jwksKeepMs,
      timeoutMs: jwt.jwksTimeoutMs,
      wallClockMs,
      onFailure: (why) => log.write("warn", "the key set of tokens could not be fetched", { why })
    })
    return {
      current: jwks.current,
      after: (tried) => jwks.after(tried),
      reload: Effect.sync(() => {
        jwks.forget()
        changed()
      })
    }
  })

const denied = (why: string): ProviderAnswer => ({ kind: "denied", reasonCode: BAD_USER_NAME_OR_PASSWORD, why })

const failure = (why: string): ProviderFailed =>
  new ProviderFailed({ provider: NAME, reasonCode: SERVER_UNAVAILABLE, why })

const refused = (problem: FileProblem): Effect.Effect<never, ProviderRefused> =>
  Effect.fail(new ProviderRefused({ provider: NAME, problems: [problem] }))
