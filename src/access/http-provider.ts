/**
 * The provider `http`: a service of the operator's decides. One POST per client, JSON both ways.
 *
 *   question   { "clientid", "username", "password", "peer", "listener",
 *                "certificate": { "subject", "common_names", "alternative_names", "fingerprint" }, "psk_identity" }
 *              What the client did not send is null: never "" and never left out. A password that is no UTF-8 is null, and
 *              stands in "password_base64".
 *   answer     200 and { "result": "allow" | "deny" | "ignore", "username"?, "is_superuser"?, "groups"?, "acl"?,
 *                "expire_at"? (seconds since 1970), "reason"? }      401 and 403 deny as well
 *
 * Invariants
 * - Anything else fails closed: another status, another type, a key of a wrong type. [AUTH-HTTP]
 * - Nothing of the client is part of the address or of a header.
 * - The service's reason is shown only when it has no control characters; the password goes nowhere else.
 *
 * Elsewhere: where a question may go (egress.ts), how many (circuit-breaker.ts), `acl` (carried-rules.ts).
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Settings } from "../settings/settings.ts"
import type { ConnectRequest, Identity } from "./access.ts"
import { carriedRules } from "./carried-rules.ts"
import { hasControlCharacter } from "./chain.ts"
import { CircuitBreaker, Guard } from "./circuit-breaker.ts"
import { Egress, type EgressAnswer, type EgressOptions, egressFault } from "./egress.ts"
import { type ProviderAnswer, ProviderFailed, unknown } from "./provider.ts"
import { type FileProblem, isFileProblem, readProviderFile } from "./provider-file.ts"
import { type MakeProvider, ProviderRefused } from "./providers.ts"

const NAME = "http"
const BAD_USER_NAME_OR_PASSWORD = 0x86
const SERVER_UNAVAILABLE = 0x88

type HttpSettings = Settings["auth"]["http"]

export const makeProvider: MakeProvider = ({ settings, wallClockMs }) =>
  Effect.gen(function* () {
    const http = settings.auth.http
    const options = egressOptions(http)
    if (Array.isArray(options)) return yield* new ProviderRefused({ provider: NAME, problems: options })
    const egress = yield* Effect.acquireRelease(
      Effect.sync(() => new Egress(options as EgressOptions)),
      (opened) => Effect.sync(() => opened.close())
    )
    const guard = new Guard({
      name: NAME,
      inFlightMax: http.maxInFlight,
      waitingMax: http.maxWaiting,
      timeoutMs: http.timeoutMs,
      breaker: new CircuitBreaker({
        failuresMax: http.breakerFailures,
        pauseMs: http.breakerPauseMs,
        loopClockMs: () => performance.now()
      })
    })
    const headers = http.authorization === "" ? {} : { authorization: http.authorization }
    return {
      name: NAME,
      authenticate: (request: ConnectRequest) => {
        const asked = egress.post(questionOf(request), headers).pipe(
          Effect.mapError(({ why }) => failure(why)),
          Effect.filterOrFail(
            ({ status }) => status < 500,
            ({ status }) => failure(`the service answered ${status}`)
          )
        )
        // Judged outside: an answer that is no good for one client says nothing about the service.
        return Effect.flatMap(guard.run(asked), (answer) => judge(answer, request, http.maxRules, wallClockMs()))
      }
    }
  })

function egressOptions(http: HttpSettings): EgressOptions | Array<FileProblem> {
  const { ca, cert, egress, key, plainHttp, url } = http
  const problems: Array<FileProblem> = []
  if (url === "") {
    const fact = "auth.chain names http, and auth.http.url is empty"
    problems.push({ code: "E3545", fact, fix: "write the address of the service" })
  } else {
    const fault = egressFault({ url, allowed: egress, mayBePlain: plainHttp })
    const fix = "use https, or correct auth.http.url, auth.http.egress or auth.http.plain-http"
    if (fault !== undefined) problems.push({ code: "E3544", fact: `auth.http.url: ${fault}`, fix })
  }
  const read = (file: string, kind: "public" | "secret"): string | undefined => {
    if (file === "") return undefined
    const content = readProviderFile(file, kind)
    if (!isFileProblem(content)) return content.toString("latin1")
    problems.push(content)
    return undefined
  }
  const authorities = read(ca, "public")
  const certificate = read(cert, "public")
  const secret = read(key, "secret")
  if (problems.length > 0) return problems
  const { maxInFlight: connectionsMax, responseSizeBytes: responseBytesMax } = http
  const limits = { connectionsMax, responseBytesMax }
  return { url, allowed: egress, mayBePlain: plainHttp, authorities, certificate, key: secret, ...limits }
}

/** [row 8] null for what is absent: a template of the other side cannot take it for an empty password. */
export function questionOf(request: ConnectRequest): Buffer {
  const { certificate, clientIdentifier, listener, password, peer, pskIdentity, username } = request
  const text = password === undefined ? undefined : utf8Of(password)
  const isBinary = password !== undefined && text === undefined
  return Buffer.from(
    JSON.stringify({
      clientid: clientIdentifier,
      username: username ?? null,
      password: text ?? null,
      ...(isBinary ? { password_base64: Buffer.from(password).toString("base64") } : {}),
      peer,
      listener,
      certificate:
        certificate === undefined
          ? null
          : {
              subject: certificate.subject,
              common_names: certificate.commonNames,
              alternative_names: certificate.alternativeNames,
              fingerprint: certificate.fingerprint
            },
      psk_identity: pskIdentity ?? null
    })
  )
}

/** Undefined when the bytes are no UTF-8. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const Answer = Schema.Struct({
  result: Schema.Literals(["allow", "deny", "ignore"]),
  username: Schema.optionalKey(Schema.String),
  is_superuser: Schema.optionalKey(Schema.Boolean),
  groups: Schema.optionalKey(Schema.Array(Schema.String)),
  acl: Schema.optionalKey(Schema.Unknown),
  expire_at: Schema.optionalKey(Schema.Finite),
  reason: Schema.optionalKey(Schema.String)
})
const decodeAnswer = Schema.decodeUnknownOption(Schema.fromJsonString(Answer))

const REASON_LENGTH_MAX = 200

function judge(
  { body, status }: EgressAnswer,
  request: ConnectRequest,
  rulesMax: number,
  nowMs: number
): Effect.Effect<ProviderAnswer, ProviderFailed> {
  if (status === 401 || status === 403) return Effect.succeed(denied(`the service answered ${status}`))
  if (status !== 200) return Effect.fail(failure(`the service answered ${status}`)) // [AUTH-HTTP]
  const answer = Option.getOrUndefined(decodeAnswer(utf8Of(body)))
  if (answer === undefined) return Effect.fail(failure("the service's answer is not understood")) // [AUTH-HTTP]
  if (answer.result === "ignore") return Effect.succeed(unknown)
  if (answer.result === "deny") {
    return Effect.succeed(denied(reasonOf(answer)))
  }
  const identity = identityOf(answer, request, rulesMax)
  if (typeof identity === "string") return Effect.fail(failure(identity))
  if ((identity.expiresAtMs ?? nowMs + 1) <= nowMs) return Effect.succeed(denied("the service's answer has expired"))
  return Effect.succeed({ kind: "allowed", identity })
}

/** In the service's words where they can be shown (row 33). */
function reasonOf({ reason }: typeof Answer.Type): string {
  if (reason === undefined || hasControlCharacter(reason)) return "the service denied it"
  return reason.slice(0, REASON_LENGTH_MAX)
}

function identityOf(answer: typeof Answer.Type, request: ConnectRequest, rulesMax: number): Identity | string {
  const { acl, expire_at: expireAt, groups, is_superuser: isSuperuser } = answer
  const username = answer.username ?? request.username
  if (username !== undefined && hasControlCharacter(username)) return "the service's user name has control characters"
  const rules = acl === undefined || acl === null ? undefined : carriedRules(acl, "http acl", rulesMax)
  if (typeof rules === "string") return rules
  const expiresAtMs = expireAt === undefined ? undefined : expireAt * 1000
  const { clientIdentifier } = request
  return { clientIdentifier, username, groups, rules, expiresAtMs, isSuperuser, provider: NAME }
}

const denied = (why: string): ProviderAnswer => ({ kind: "denied", reasonCode: BAD_USER_NAME_OR_PASSWORD, why })

const failure = (why: string): ProviderFailed =>
  new ProviderFailed({ provider: NAME, reasonCode: SERVER_UNAVAILABLE, why })
