/**
 * The provider `custom`: code of the operator's own (custom-types.ts), loaded at the start, asked like all others.
 *
 * Invariants
 * - Fails closed: what cannot be loaded keeps the broker from starting; what it throws, an answer that is not of the
 *   documented form, and silence are failures, never an admission. [AUTH-CUSTOM]
 * - It runs in this process, with all that the process may do: a file that every user may write to is not loaded.
 * - What it throws is told by its name and message, never with the request.
 *
 * Elsewhere: number of questions and time (circuit-breaker.ts).
 */
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ConnectRequest } from "./access.ts"
import { carriedRules } from "./carried-rules.ts"
import { hasControlCharacter } from "./chain.ts"
import { Guard } from "./circuit-breaker.ts"
import type { CreateProvider, CustomContext, CustomProvider } from "./custom-types.ts"
import { type Provider, type ProviderAnswer, ProviderFailed, unknown } from "./provider.ts"
import { type FileProblem, isFileProblem, readProviderFile } from "./provider-file.ts"
import { type MakeProvider, ProviderRefused } from "./providers.ts"

const NAME = "custom"
const SERVER_UNAVAILABLE = 0x88
const RULES_MAX = 10_000
const CLOSE_TIMEOUT_MS = 5_000

export const makeProvider: MakeProvider = ({ changed, custom, log, settings }) =>
  Effect.gen(function* () {
    const { maxInFlight, maxWaiting, module: file, timeoutMs } = settings.auth.custom
    const create = custom ?? (yield* load(file))
    const told: CustomContext = { log: (level, message, fields) => log.write(level, message, fields), changed }
    const made = yield* Effect.acquireRelease(make(create, told, file), close)
    const guard = new Guard({ name: NAME, inFlightMax: maxInFlight, waitingMax: maxWaiting, timeoutMs })
    return {
      name: NAME,
      authenticate: (request) => guard.run(Effect.flatMap(ask(made, request), (answer) => judged(answer, request)))
    } satisfies Provider
  })

const load = (file: string): Effect.Effect<CreateProvider, ProviderRefused> =>
  Effect.gen(function* () {
    if (file === "") {
      const fact = "auth.chain names custom, and auth.custom.module is empty"
      return yield* refused({ code: "E3545", fact, fix: "name the module" })
    }
    const content = readProviderFile(file, "code")
    if (isFileProblem(content)) return yield* refused(content)
    const loaded: unknown = yield* Effect.tryPromise({
      try: () => import(pathToFileURL(file).href),
      catch: (cause) => unusable(file, `cannot be loaded: ${whyOf(cause)}`)
    })
    const create: unknown = Predicate.hasProperty(loaded, "createProvider") ? loaded.createProvider : undefined
    if (typeof create !== "function") return yield* unusable(file, "exports no function createProvider")
    return create as CreateProvider
  })

const make = (
  create: CreateProvider,
  context: CustomContext,
  file: string
): Effect.Effect<CustomProvider, ProviderRefused> =>
  Effect.tryPromise({
    try: async () => create(context),
    catch: (cause) => unusable(file, `createProvider failed: ${whyOf(cause)}`)
  }).pipe(
    Effect.filterOrFail(
      (made) => Predicate.hasProperty(made, "authenticate") && typeof made.authenticate === "function",
      () => unusable(file, "createProvider answered with nothing that has a function authenticate")
    )
  )

const close = (made: CustomProvider): Effect.Effect<void> =>
  Effect.tryPromise(async () => made.close?.()).pipe(
    Effect.timeoutOption(CLOSE_TIMEOUT_MS),
    Effect.catch((error) => Effect.logWarning("the module of auth.custom could not be closed", { why: whyOf(error) }))
  )

const ask = (made: CustomProvider, request: ConnectRequest): Effect.Effect<unknown, ProviderFailed> =>
  Effect.tryPromise({
    try: async (signal) => made.authenticate(request, signal),
    catch: (cause) => failure(`it failed: ${whyOf(cause)}`)
  })

const Text = Schema.String
const Answer = Schema.Union([
  Schema.Struct({
    result: Schema.Literal("allow"),
    username: Schema.optional(Text),
    clientIdentifier: Schema.optional(Text),
    groups: Schema.optional(Schema.Array(Text)),
    acl: Schema.optional(Schema.Unknown),
    isSuperuser: Schema.optional(Schema.Boolean),
    expiresAtMs: Schema.optional(Schema.Finite)
  }),
  Schema.Struct({
    result: Schema.Literal("deny"),
    why: Schema.optional(Text),
    reasonCode: Schema.optional(Schema.Int.check(Schema.isBetween({ minimum: 0x80, maximum: 0xa2 })))
  }),
  Schema.Struct({ result: Schema.Literal("ignore") })
])
const decodeAnswer = Schema.decodeUnknownOption(Answer, { onExcessProperty: "error" })

function judged(raw: unknown, request: ConnectRequest): Effect.Effect<ProviderAnswer, ProviderFailed> {
  const answer = Option.getOrUndefined(decodeAnswer(raw))
  if (answer === undefined) return Effect.fail(failure("its answer is not understood")) // [AUTH-CUSTOM]
  if (answer.result === "ignore") return Effect.succeed(unknown)
  if (answer.result === "deny") {
    return Effect.succeed({ kind: "denied", why: answer.why ?? "the module denied it", reasonCode: answer.reasonCode })
  }
  const { acl, expiresAtMs, groups, isSuperuser } = answer
  const username = answer.username ?? request.username
  const clientIdentifier = answer.clientIdentifier ?? request.clientIdentifier
  if (hasControlCharacter(username ?? "") || hasControlCharacter(clientIdentifier) || clientIdentifier === "") {
    return Effect.fail(failure("its answer has a name that cannot be one"))
  }
  const rules = acl === undefined ? undefined : carriedRules(acl, "custom acl", RULES_MAX)
  if (typeof rules === "string") return Effect.fail(failure(rules))
  const identity = { clientIdentifier, username, groups, rules, isSuperuser, expiresAtMs, provider: NAME }
  return Effect.succeed({ kind: "allowed", identity })
}

const whyOf = (cause: unknown): string => {
  const error = Predicate.hasProperty(cause, "cause") && cause.cause instanceof Error ? cause.cause : cause
  return error instanceof Error ? `${error.name}: ${error.message.split("\n")[0]}` : "something that is no Error"
}

const failure = (why: string): ProviderFailed =>
  new ProviderFailed({ provider: NAME, reasonCode: SERVER_UNAVAILABLE, why })

const unusable = (file: string, why: string): ProviderRefused => {
  const fact = `${file === "" ? "the provider of the program" : file} ${why}`
  const fix = "export createProvider as the package's type CreateProvider says"
  return new ProviderRefused({ provider: NAME, problems: [{ code: "E3546", fact, fix }] })
}

const refused = (problem: FileProblem): Effect.Effect<never, ProviderRefused> =>
  Effect.fail(new ProviderRefused({ provider: NAME, problems: [problem] }))
