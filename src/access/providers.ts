/**
 * What a provider is made of, and why it can be refused. The table of all of them is in provider-table.ts.
 *
 * Invariants
 * - Making one fails closed: what is wrong with its settings or files is a ProviderRefused, and the broker does not start.
 * - What a provider opens belongs to the scope it was made in.
 *
 * Deliberately elsewhere: what it answers (provider.ts), the order, fall-through and cache (chain.ts).
 */
import type * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Settings } from "../settings/settings.ts"
import type { Log } from "../telemetry/logging.ts"
import type { CreateProvider } from "./custom-types.ts"
import type { HashWorkers } from "./hash-workers.ts"
import type { Provider } from "./provider.ts"
import type { UserDatabase } from "./user-database.ts"

/** What a provider gets to be made of. */
export interface ProviderContext {
  readonly settings: Settings
  readonly log: Log
  readonly wallClockMs: () => number
  /** Call it when an answer given earlier may be wrong now (a file was read again): cached results are forgotten. */
  readonly changed: () => void
  /** Runs in the background until the scope ends; a failure is told to the log. Never for something per connection. */
  readonly background: (
    name: string,
    loop: Effect.Effect<unknown, unknown>
  ) => Effect.Effect<unknown, never, Scope.Scope>
  /** Slow password hashes are computed there and nowhere else. */
  readonly hashes: HashWorkers
  /** The users of the admin API; opened by the plan when the chain names user-database. */
  readonly users: UserDatabase | undefined
  /** What the program around an embedded broker passes instead of auth.custom.module. */
  readonly custom?: CreateProvider | undefined
}

export type MakeProvider = (context: ProviderContext) => Effect.Effect<Provider, ProviderRefused, Scope.Scope>

/** What is wrong with a provider's settings or with the files they name; ends the start with exit code 3. */
export class ProviderRefused extends Schema.TaggedError<ProviderRefused>()("ProviderRefused", {
  provider: Schema.String,
  problems: Schema.Array(Schema.Struct({ code: Schema.String, fact: Schema.String, fix: Schema.String }))
}) {
  override get message(): string {
    return this.problems.map(({ code, fact, fix }) => `${code}  ${fact}\n   fix: ${fix}`).join("\n")
  }
  override readonly [Runtime.errorExitCode] = 3
}
