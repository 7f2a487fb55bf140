/**
 * The provider `psk`: who has made the TLS handshake with a pre-shared key is the key's identity; no password is asked.
 *
 * Invariants
 * - The transport has an identity only when the handshake was made with its key (listener/tls-psk.ts): an identity that
 *   was merely offered is none.
 *
 * Elsewhere: the file of keys, its reload (listener/tls-psk.ts, listener/tls-material.ts).
 */
import * as Effect from "effect/Effect"
import { unknown } from "./provider.ts"
import { type MakeProvider, ProviderRefused } from "./providers.ts"

const NAME = "psk"

export const makeProvider: MakeProvider = ({ settings }) => {
  if (!settings.server.tls || settings.auth.psk.file === "") {
    const fact = "auth.chain names psk, and no listener has keys to share"
    const problems = [
      { code: "E3545", fact, fix: "set server.tls, and auth.psk.file to a file of identities and keys" }
    ]
    return Effect.fail(new ProviderRefused({ provider: NAME, problems }))
  }
  return Effect.succeed({
    name: NAME,
    authenticate: ({ clientIdentifier, pskIdentity }) =>
      Effect.succeed(
        pskIdentity === undefined
          ? unknown
          : { kind: "allowed", identity: { clientIdentifier, username: pskIdentity, provider: NAME } }
      )
  })
}
