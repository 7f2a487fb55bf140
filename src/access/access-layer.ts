/**
 * Access made from settings: the chain of providers (who) and the rules (what), joined, as production has it.
 *
 *   auth.chain empty ─▶ everybody is admitted as what they call themselves, or nobody (auth.allow-anonymous: false);
 *                       rules.ts has made sure that strangers cannot reach that by accident (E3202)
 *   else             ─▶ hash workers, user database, providers, cache ─▶ chain
 *
 * Invariants
 * - All or nothing: a provider or a rules file that cannot be used ends the start.
 * - Everything opened belongs to the layer's scope: threads, database, the providers' watches.
 * - `reload` tries everything and tells what failed; what failed stays as it was (security.md, row 29).
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Settings } from "../settings/settings.ts"
import type { Log } from "../telemetry/logging.ts"
import { Access, ConnectRefused } from "./access.ts"
import { type Admission, accessWith } from "./authorizer.ts"
import { type Chain, makeChain, type Tally } from "./chain.ts"
import { openHashWorkers } from "./hash-workers.ts"
import type { Provider } from "./provider.ts"
import type { FileProblem } from "./provider-file.ts"
import { providers } from "./provider-table.ts"
import type { ProviderContext, ProviderRefused } from "./providers.ts"
import { ResultCache } from "./result-cache.ts"
import type { RulesProblem } from "./rules-file.ts"
import { type RulesChange, type RulesInvalid, RulesSource, refusedWords, watchRules } from "./rules-source.ts"
import { makeScram } from "./scram.ts"
import { makeUserAdmin, type UserAdmin } from "./user-admin.ts"

export interface AccessOptions {
  readonly settings: Settings
  readonly log: Log
  readonly wallClockMs: () => number
  readonly background: ProviderContext["background"]
  /** The provider `custom` of the program around an embedded broker. */
  readonly custom?: ProviderContext["custom"]
}

/** What the admin API, signals and commands may do with access; the broker itself needs Access only. */
export interface AccessControlShape {
  /** Names of the providers, in the order they are asked. */
  readonly chain: ReadonlyArray<string>
  /** What each of them has answered since the start. */
  readonly tallies: ReadonlyArray<Readonly<Tally>>
  /** Told when users of a provider changed, all or one: who is connected may be somebody it would not let in any more. */
  followIdentities: (onChanged: (username: string | undefined) => void) => void
  /** Files are read again now. Answers with what is wrong, one line each; empty = all is new. */
  readonly reload: Effect.Effect<ReadonlyArray<string>>
  /** What is wrong with those files, as they are now; nothing changes. */
  readonly judge: Effect.Effect<ReadonlyArray<FileProblem | RulesProblem>>
  /** Undefined while auth.chain does not name user-database. */
  readonly users: UserAdmin | undefined
  readonly rules: RulesSource
  /** Password hashes computed or refused since the start: for metrics. */
  readonly hashed: () => number
  /** Password hashes that wait for a thread. */
  readonly waiting: () => number
}

export class AccessControl extends Context.Service<AccessControl, AccessControlShape>()(
  "promptmq/access/AccessControl"
) {}

export type AccessError = ProviderRefused | RulesInvalid

export const accessLayer = (options: AccessOptions): Layer.Layer<Access | AccessControl, AccessError> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { log, settings } = options
      const rules = yield* RulesSource.open(settings.acl)
      let identitiesChanged: (username: string | undefined) => void = () => undefined
      const tell = (username: string | undefined) => identitiesChanged(username)
      const { admission, chain, hashed, users, waiting } = yield* openAdmission(options, tell)
      if (settings.acl.rulesFile !== "") {
        const reports = {
          onReloaded: ({ summary }: RulesChange) => log.write("info", "the rules were read again", { summary }),
          onRefused: (invalid: RulesInvalid) => log.write("error", refusedWords(invalid))
        }
        yield* options.background("the watch over the rules", watchRules(rules, reports))
      }
      const reload = Effect.gen(function* () {
        const failures = chain === undefined ? [] : yield* chain.reload
        const refused = yield* Effect.match(rules.reload, {
          onSuccess: ({ summary }) => {
            if (settings.acl.rulesFile !== "") log.write("info", "the rules were read again", { summary })
            return []
          },
          onFailure: (invalid) => [refusedWords(invalid)]
        })
        return [...failures.map(({ message }) => message), ...refused]
      })
      const judge = Effect.gen(function* () {
        const faults = chain === undefined ? [] : yield* chain.judge
        const refused = yield* Effect.match(rules.preview, {
          onSuccess: () => [],
          onFailure: ({ problems }) => problems
        })
        return [...faults, ...refused]
      })
      return Context.make(Access, accessWith(admission, rules.authorizer)).pipe(
        Context.add(AccessControl, {
          chain: settings.auth.chain,
          tallies: chain?.tallies ?? [],
          followIdentities: (onChanged) => {
            identitiesChanged = onChanged
          },
          reload,
          judge,
          users,
          rules,
          hashed,
          waiting
        })
      )
    })
  )

interface OpenedAdmission {
  readonly admission: Admission
  readonly chain: Chain | undefined
  readonly users: UserAdmin | undefined
  readonly hashed: () => number
  readonly waiting: () => number
}

const openAdmission = (
  options: AccessOptions,
  identitiesChanged: (username: string | undefined) => void
): Effect.Effect<OpenedAdmission, ProviderRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const { auth } = options.settings
    if (auth.chain.length === 0) {
      return {
        admission: auth.allowAnonymous === false ? nobody : everybody,
        chain: undefined,
        users: undefined,
        hashed: () => 0,
        waiting: () => 0
      }
    }
    return yield* openChain(options, identitiesChanged)
  })

const openChain = Effect.fnUntraced(function* (
  options: AccessOptions,
  identitiesChanged: (username: string | undefined) => void
) {
  const { background, custom, log, settings, wallClockMs } = options
  const { auth, storage } = settings
  const cache = new ResultCache({
    entriesMax: auth.cache.maxEntries,
    ttlMs: auth.cache.ttlMs,
    deniedTtlMs: auth.cache.deniedTtlMs,
    key: randomBytes(KEY_BYTES),
    wallClockMs
  })
  const changed = (username?: string) => {
    cache.clear()
    identitiesChanged(username)
  }
  let isDamageTold = false
  const hashes = yield* openHashWorkers({ threads: auth.hashWorkers, queueMax: auth.hashQueue })
  const database = auth.chain.includes("user-database")
    ? yield* (yield* Effect.promise(() => import("./user-database.ts"))).openUserDatabase({
        directory: join(storage.dataDir, "users"),
        onDamage: (what) => {
          // Once: whoever tries to log in as that user must not fill the log.
          if (!isDamageTold) log.write("error", what)
          isDamageTold = true
        }
      })
    : undefined
  const context: ProviderContext = { settings, log, wallClockMs, changed, background, hashes, users: database, custom }
  const opened: Array<Provider> = []
  for (const name of auth.chain as ReadonlyArray<keyof typeof providers>) {
    const make = yield* Effect.promise(providers[name])
    opened.push(yield* make(context))
  }
  const chain = makeChain({
    providers: withScram(opened),
    fallThrough: new Set(auth.fallThrough),
    allowAnonymous: auth.allowAnonymous === true,
    cache
  })
  const users =
    database === undefined
      ? undefined
      : makeUserAdmin({
          database,
          hashes,
          hashKind: auth.passwordHash,
          usersMax: auth.maxDatabaseUsers,
          changed,
          wallClockMs
        })
  const { authenticate, methods } = chain
  return {
    admission: { admitsEverybody: false, authenticate, methods },
    chain,
    users,
    hashed: hashes.asked,
    waiting: hashes.waiting
  }
})

const KEY_BYTES = 32
const NONCE_BYTES = 24
const NOT_AUTHORIZED = 0x87

/** One dialogue for all providers that have keys; the first one that knows the user answers. */
const withScram = (opened: ReadonlyArray<Provider>): ReadonlyArray<Provider> => {
  const able = opened.filter(({ scramKeysOf }) => scramKeysOf !== undefined)
  const [first] = able
  if (first === undefined) return opened
  const scram = makeScram({
    key: randomBytes(KEY_BYTES),
    randomNonce: () => randomBytes(NONCE_BYTES).toString("base64"),
    find: (username) => {
      for (const { name, scramKeysOf } of able) {
        const user = scramKeysOf?.(username)
        if (user !== undefined) return { ...user, provider: name }
      }
      return undefined
    }
  })
  return opened.map((provider) =>
    provider === first ? { ...provider, methods: [...(provider.methods ?? []), scram] } : provider
  )
}

const everybody: Admission = {
  admitsEverybody: true,
  methods: new Map(),
  authenticate: ({ clientIdentifier, listener, peer, username }) =>
    Effect.succeed({ clientIdentifier, username, listener, peer, provider: "anonymous" })
}

const nobody: Admission = {
  admitsEverybody: false,
  methods: new Map(),
  authenticate: () =>
    Effect.fail(
      new ConnectRefused({ reasonCode: NOT_AUTHORIZED, why: "auth.allow-anonymous is false and auth.chain is empty" })
    )
}
