/**
 * What is open to whom, for the security page: listeners with their certificates, and the chain of authentication with what
 * it has answered.
 *
 * Rules, bans and refusals come from their own desks (handlers/security.ts).
 */
import type { AccessControlShape } from "../access/access-layer.ts"
import type { OpenListener } from "../listener/listeners.ts"
import type { TlsMaterial } from "../listener/tls-material.ts"
import type { Settings } from "../settings/settings.ts"
import type { SecurityView } from "./api/security.ts"

const secureNames = new Set(["tls", "wss"])

export const listenersView = (
  listeners: ReadonlyArray<OpenListener>,
  tls: TlsMaterial | undefined,
  { server }: Settings
): Pick<SecurityView, "listeners"> => ({
  listeners: listeners.map(({ name, url }) => {
    const material = secureNames.has(name) ? tls : undefined
    const expiresAtMs = material?.expiresAtMs ?? Number.POSITIVE_INFINITY
    return {
      name,
      address: url,
      isTls: material !== undefined,
      clientCertificates: material === undefined ? "none" : server.tlsClientAuth,
      certificateSubject: material === undefined || material.subject === "" ? null : material.subject,
      certificateExpiresAt: Number.isFinite(expiresAtMs) ? new Date(expiresAtMs).toISOString() : null
    }
  })
})

/** Without a chain nobody is asked who he is: everybody is let in, or nobody. */
export const admissionView = (
  { tallies }: AccessControlShape,
  { auth }: Settings
): Pick<SecurityView, "chain" | "isAnonymousAllowed"> => ({
  isAnonymousAllowed: auth.chain.length === 0 ? auth.allowAnonymous !== false : auth.allowAnonymous === true,
  chain: tallies.map(({ allowed, denied, failed, name }) => ({ name, allowed, denied, failed }))
})
