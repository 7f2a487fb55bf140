/**
 * The chain of authentication: asks the providers in the configured order until one knows.
 *
 *   allowed  ▶ in                       denied ▶ refused, unless `auth.fall-through` names the provider: the next one
 *   unknown  ▶ the next one             failed, died ▶ refused
 *   nobody knew ▶ anonymous, when it is allowed and no credentials were shown; else refused
 *
 * Invariants
 * - Fails closed: ProviderFailed and a defect are refusals (0x88), whoever would have come next [CHN-1].
 * - A user name has no control characters: it goes into logs, rules, and what others are asked (security.md, row 33).
 * - The cache holds a keyed hash of what was asked, never a password; it holds answers, never failures; an entry ends
 *   with its time, with the identity's expiry, and when a provider says that something changed.
 * - Methods of enhanced authentication: the first provider that brings a method has it.
 *
 * Deliberately elsewhere: what a provider does (provider.ts), making them (providers.ts), verdicts (authorizer.ts).
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { ConnectRefused, type ConnectRequest, type EnhancedMethod, type EnhancedStep, type Identity } from "./access.ts"
import type { Provider, ProviderAnswer, ProviderFailed } from "./provider.ts"
import type { FileProblem } from "./provider-file.ts"
import type { ResultCache } from "./result-cache.ts"

export interface ChainOptions {
  /** In the order they are asked. */
  readonly providers: ReadonlyArray<Provider>
  /** Names of providers whose denial is not the last word. */
  readonly fallThrough: ReadonlySet<string>
  readonly allowAnonymous: boolean
  readonly cache: ResultCache
}

export interface Chain {
  authenticate(request: ConnectRequest): Effect.Effect<Identity, ConnectRefused>
  readonly methods: ReadonlyMap<string, EnhancedMethod>
  /** What each provider has answered since the start; what was remembered is not asked and not counted. */
  readonly tallies: ReadonlyArray<Readonly<Tally>>
  /** Every provider reads again what it was made from; each failure leaves that provider as it was. */
  readonly reload: Effect.Effect<ReadonlyArray<ProviderFailed>>
  /** What is wrong with the files that `reload` would read. */
  readonly judge: Effect.Effect<ReadonlyArray<FileProblem>>
}

export interface Tally {
  readonly name: string
  allowed: number
  denied: number
  unknown: number
  failed: number
}

const BAD_USER_NAME_OR_PASSWORD = 0x86
const NOT_AUTHORIZED = 0x87
const SERVER_UNAVAILABLE = 0x88

export const makeChain = (options: ChainOptions): Chain => {
  const { cache, providers } = options
  const tallies = providers.map(({ name }): Tally => ({ name, allowed: 0, denied: 0, unknown: 0, failed: 0 }))
  const methods = new Map<string, EnhancedMethod>()
  for (const provider of providers) {
    for (const method of provider.methods ?? []) {
      if (!methods.has(method.name)) methods.set(method.name, guarded(method))
    }
  }
  return {
    methods,
    tallies,
    authenticate: (request) =>
      Effect.suspend(() => {
        const unfit = unfitUserName(request)
        if (unfit !== undefined) return Effect.fail(unfit)
        const known = cache.get(request)
        if (known !== undefined) return answerOf(request, known)
        const { epoch } = cache
        return ask(options, tallies, request).pipe(
          Effect.tap((answer) => Effect.sync(() => cache.set(request, answer, epoch))),
          Effect.flatMap((answer) => answerOf(request, answer))
        )
      }),
    reload: Effect.gen(function* () {
      const failures: Array<ProviderFailed> = []
      for (const { reload } of providers) {
        const failure =
          reload === undefined
            ? undefined
            : yield* Effect.match(reload, { onSuccess: () => undefined, onFailure: (error) => error })
        if (failure !== undefined) failures.push(failure)
      }
      cache.clear()
      return failures
    }),
    judge: Effect.map(
      Effect.forEach(providers, ({ judge }) => judge ?? Effect.succeed([])),
      (problems) => problems.flat()
    )
  }
}

/** What the chain as a whole says; `unknown` is never the last word. */
const ask = (
  { allowAnonymous, fallThrough, providers }: ChainOptions,
  tallies: ReadonlyArray<Tally>,
  request: ConnectRequest
): Effect.Effect<ProviderAnswer, ConnectRefused> =>
  Effect.gen(function* () {
    let denied: ProviderAnswer | undefined
    for (const [index, provider] of providers.entries()) {
      const tally = tallies[index] as Tally
      const answer = yield* provider
        .authenticate(request)
        .pipe(Effect.tapCause(() => Effect.sync(() => void (tally.failed += 1))))
        .pipe(Effect.catchCause((cause) => failed(cause, provider.name))) // [CHN-1]
      tally[answer.kind] += 1
      if (answer.kind === "allowed") return answer
      if (answer.kind === "denied") {
        if (!fallThrough.has(provider.name)) return answer // [CHN-2]
        denied ??= answer
      }
    }
    if (denied !== undefined) return denied
    if (request.username !== undefined || request.password !== undefined) return nobodyKnows // [CHN-3]
    return allowAnonymous ? { kind: "allowed", identity: anonymous(request) } : noCredentials
  })

const nobodyKnows: ProviderAnswer = {
  kind: "denied",
  reasonCode: BAD_USER_NAME_OR_PASSWORD,
  why: "no provider knows these credentials"
}

const noCredentials: ProviderAnswer = {
  kind: "denied",
  reasonCode: NOT_AUTHORIZED,
  why: "no credentials, and anonymous clients are not allowed"
}

const anonymous = ({ clientIdentifier, username }: ConnectRequest): Identity => ({
  clientIdentifier,
  username,
  provider: "anonymous"
})

const failed = (cause: Cause.Cause<ProviderFailed>, name: string): Effect.Effect<never, ConnectRefused> => {
  const failure = Cause.findErrorOption(cause)
  if (failure._tag === "Some") {
    const { message, reasonCode } = failure.value
    return Effect.fail(new ConnectRefused({ reasonCode, why: message }))
  }
  return Effect.logError(`the provider ${name} died`, cause).pipe(
    Effect.andThen(Effect.fail(new ConnectRefused({ reasonCode: SERVER_UNAVAILABLE, why: `${name} died` })))
  )
}

/** The request's own place goes over what a cached identity says: the next client comes from elsewhere. */
const answerOf = (
  { listener, peer }: ConnectRequest,
  answer: ProviderAnswer
): Effect.Effect<Identity, ConnectRefused> => {
  if (answer.kind === "allowed") return Effect.succeed({ ...answer.identity, listener, peer })
  const reasonCode = (answer.kind === "denied" ? answer.reasonCode : undefined) ?? NOT_AUTHORIZED
  return Effect.fail(new ConnectRefused({ reasonCode, why: answer.kind === "denied" ? answer.why : "nobody knows it" }))
}

const unfitUserName = ({ username }: ConnectRequest): ConnectRefused | undefined =>
  username === undefined || !hasControlCharacter(username)
    ? undefined
    : new ConnectRefused({ reasonCode: BAD_USER_NAME_OR_PASSWORD, why: "the user name has control characters" })

/** C0, DEL and C1. */
export const hasControlCharacter = (text: string): boolean => {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true
  }
  return false
}

/** A dialogue fails closed as well, and its user name is judged when it is known. */
const guarded = (method: EnhancedMethod): EnhancedMethod => ({
  name: method.name,
  begin: (request, data) => {
    const unfit = unfitUserName(request)
    if (unfit !== undefined) return Effect.fail(unfit)
    return Effect.map(method.begin(request, data), (step) => placed(step, request))
  }
})

const placed = (step: EnhancedStep, request: ConnectRequest): EnhancedStep => {
  const { identity, next } = step
  const { listener, peer } = request
  return {
    ...step,
    identity: identity === undefined ? undefined : { ...identity, listener, peer },
    next: next === undefined ? undefined : (data) => Effect.map(next(data), (later) => placed(later, request))
  }
}
