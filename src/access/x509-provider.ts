/**
 * The provider `x509`: a certificate that verified says who a client is; no password is asked.
 *
 *   no certificate ▶ unknown      one that says two things, or nothing ▶ denied      else ▶ allowed
 *
 * Invariants
 * - A name of CONNECT is replaced by the certificate's, never compared loosely with it.
 * - The identity ends with the certificate: a connection does not outlive it.
 *
 * Elsewhere: which certificates verify, and which are revoked (listener/tls-load.ts); names (x509-identity.ts).
 */
import * as Effect from "effect/Effect"
import type { PeerCertificate } from "../listener/peer-certificate.ts"
import type { ConnectRequest } from "./access.ts"
import { type ProviderAnswer, unknown } from "./provider.ts"
import { type MakeProvider, ProviderRefused } from "./providers.ts"
import { type NameSource, nameIn } from "./x509-identity.ts"

const NAME = "x509"

export const makeProvider: MakeProvider = ({ settings }) => {
  const { server } = settings
  const { clientId, username } = settings.auth.x509
  // A proxy in front may have verified the certificate, and tells its common name.
  const isAsked = (server.tls && server.tlsClientAuth !== "none") || server.proxyProtocol.length > 0
  if (!isAsked) {
    const fact = "auth.chain names x509, and no listener asks clients for certificates"
    const fix = "set server.tls, and server.tls-client-auth to request or require"
    return Effect.fail(new ProviderRefused({ provider: NAME, problems: [{ code: "E3545", fact, fix }] }))
  }
  return Effect.succeed({
    name: NAME,
    authenticate: (request) => Effect.sync(() => answer(request, username, clientId))
  })
}

function answer(request: ConnectRequest, username: NameSource, clientId: NameSource): ProviderAnswer {
  const { certificate } = request
  if (certificate === undefined) return unknown
  const user = nameOr(certificate, username, request.username)
  if (typeof user === "object") return user
  const client = nameOr(certificate, clientId, request.clientIdentifier)
  if (typeof client === "object") return client
  const clientIdentifier = client ?? request.clientIdentifier
  // A proxy does not tell when it ends.
  const expiresAtMs = Number.isFinite(certificate.expiresAtMs) ? certificate.expiresAtMs : undefined
  return {
    kind: "allowed",
    identity: { clientIdentifier, username: user, expiresAtMs, provider: NAME }
  }
}

function nameOr(
  certificate: PeerCertificate,
  source: NameSource,
  otherwise: string | undefined
): string | undefined | ProviderAnswer {
  if (source === "none") return otherwise
  const found = nameIn(certificate, source)
  return "name" in found ? found.name : { kind: "denied", why: found.fault }
}
