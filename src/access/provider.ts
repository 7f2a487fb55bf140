/**
 * The port of one provider of authentication: a password file, a token, a directory, a certificate ... The chain
 * (chain.ts) asks them in the configured order.
 *
 *   allowed   it vouches for the client: `identity` is who it is; the chain ends
 *   denied    it knows the client and says no: the chain ends, unless `auth.fall-through` names the provider
 *   unknown   not its business (no such user, no token, no certificate): the next one is asked
 *
 * Invariants
 * - Fails closed: a provider that fails (ProviderFailed) or dies is a refusal with 0x88 or 0x87, never `unknown`.
 * - An answer never carries a secret, nor does its `why`, which goes into the log.
 * - A provider keeps its own limits: entries cached, requests in flight, time. Its scope owns what it opened.
 * - Every implementation passes test/contract/provider.ts.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ConnectRequest, EnhancedMethod, Identity } from "./access.ts"
import type { FileProblem } from "./provider-file.ts"
import type { ScramKeys } from "./scram-keys.ts"

export type ProviderAnswer =
  | { readonly kind: "allowed"; readonly identity: Identity }
  /** `reasonCode` of CONNACK, by default 0x87; 0x86 for a wrong password, 0x89 when it is busy, 0x8A when banned. */
  | { readonly kind: "denied"; readonly why: string; readonly reasonCode?: number | undefined }
  | { readonly kind: "unknown" }

/** The provider could not find out: its server is away, its file unreadable, its queue full. */
export class ProviderFailed extends Schema.TaggedError<ProviderFailed>()("ProviderFailed", {
  provider: Schema.String,
  reasonCode: Schema.Number,
  why: Schema.String
}) {
  override get message(): string {
    return `${this.provider}: ${this.why}`
  }
}

export interface Provider {
  /** As it is written in `auth.chain`, e.g. "password-file". */
  readonly name: string
  authenticate(request: ConnectRequest): Effect.Effect<ProviderAnswer, ProviderFailed>
  /** Methods of enhanced authentication it brings along, e.g. SCRAM-SHA-256. */
  readonly methods?: ReadonlyArray<EnhancedMethod> | undefined
  /**
   * Keys for SCRAM-SHA-256, by user name: the dialogue itself is one for the whole chain (scram.ts). Undefined = this
   * provider does not know the user, or has no such keys.
   */
  readonly scramKeysOf?: ((username: string) => ScramUser | undefined) | undefined
  /** Reads again what it was configured from; a failure leaves everything as it was. */
  readonly reload?: Effect.Effect<void, ProviderFailed> | undefined
  /** What is wrong with what `reload` would read now; changes nothing. Absent: nothing that could be judged before. */
  readonly judge?: Effect.Effect<ReadonlyArray<FileProblem>> | undefined
}

/** What SCRAM needs of a user, and who it then is, without what the request tells. */
export interface ScramUser {
  readonly keys: ScramKeys
  readonly groups?: ReadonlyArray<string> | undefined
  readonly isSuperuser?: boolean | undefined
}

export const unknown: ProviderAnswer = { kind: "unknown" }
