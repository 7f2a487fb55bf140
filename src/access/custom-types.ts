/**
 * What a module of the operator's own exports to decide who may connect: `auth.custom.module` names it, or the program
 * around an embedded broker passes the function itself.
 *
 *   // auth.mjs
 *   export const createProvider = async ({ log }) => ({
 *     authenticate: async ({ clientIdentifier, username, password }) =>
 *       username === undefined ? { result: "ignore" } : { result: "allow", groups: ["sensors"] }
 *   })
 *
 * Types only. Elsewhere: how it is loaded and called, and that it fails closed (custom-provider.ts).
 */
import type { ConnectRequest } from "./access.ts"

export type { PeerCertificate } from "../listener/peer-certificate.ts"
export type { ConnectRequest } from "./access.ts"

/** Called once, at the start. What it throws keeps the broker from starting. */
export type CreateProvider = (context: CustomContext) => CustomProvider | PromiseLike<CustomProvider>

export interface CustomContext {
  readonly log: (
    level: "debug" | "info" | "warn" | "error",
    message: string,
    fields?: Readonly<Record<string, unknown>>
  ) => void
  /** Answers given earlier may be wrong now: cached ones are forgotten. */
  readonly changed: () => void
}

export interface CustomProvider {
  /**
   * Who is this client? The signal is aborted when nobody waits for the answer any more. What it throws, an answer of
   * another form and no answer in time are a refusal of the client.
   */
  authenticate(request: ConnectRequest, signal: AbortSignal): CustomAnswer | PromiseLike<CustomAnswer>
  /** At the end of the broker. */
  close?(): void | PromiseLike<void>
}

export type CustomAnswer =
  | {
      readonly result: "allow"
      /** Where it is left out, what the client calls itself. */
      readonly username?: string
      readonly clientIdentifier?: string
      readonly groups?: ReadonlyArray<string>
      /** Rules of this client, in any of the forms of a token's claim `acl`. */
      readonly acl?: unknown
      readonly isSuperuser?: boolean
      /** Milliseconds since 1970 at which the connection ends. */
      readonly expiresAtMs?: number
    }
  /** `why` goes into the log; the CONNACK reason code is 0x87 unless it is given. */
  | { readonly result: "deny"; readonly why?: string; readonly reasonCode?: number }
  /** Not its business: the next provider of the chain is asked. */
  | { readonly result: "ignore" }
