/**
 * What the listeners with TLS have in common (tls.ts, websocket.ts): how handshakes are done, and how failed ones
 * are told.
 *
 * Invariants
 * - A handshake is done within the time limit or the connection ends; node only tells that the time is over.
 * - With `require` nobody comes in without a certificate that verified or a pre-shared key. [PSK-2]
 * - A scan of the port cannot fill the log: one line per REPORT_INTERVAL_MS, with the number of those in between.
 *
 * Elsewhere: certificates and pre-shared keys (tls-material.ts, tls-psk.ts), which of a client's is to be relied on (peer-certificate.ts).
 */
import type { TLSSocket, TlsOptions } from "node:tls"
import * as Effect from "effect/Effect"
import { formatPeer } from "./address.ts"
import type { Door } from "./door.ts"
import { isTrusted } from "./peer-certificate.ts"
import type { TlsMaterial } from "./tls-material.ts"

const HANDSHAKE_TIMEOUT_MS_DEFAULT = 10_000
const REPORT_INTERVAL_MS = 1_000

interface OpensslError extends Error {
  /** "wrong version number": its message has file and line of OpenSSL's source around it. */
  readonly reason?: string
}

export interface HandshakeOptions {
  readonly material: TlsMaterial
  readonly handshakeTimeoutMs?: number | undefined
}

export function handshakeOptions({ handshakeTimeoutMs, material }: HandshakeOptions): TlsOptions {
  const { clientAuthentication, pskFile, pskHint } = material.settings
  // Asked anew for each handshake: keys that were read again count at once.
  const pskCallback = (socket: TLSSocket, identity: string) =>
    material.pskIdentities.keyFor(socket, identity, material.pskKeys)
  return {
    ...material.context,
    requestCert: clientAuthentication !== "none",
    // Node would refuse those with a key too: see peerRefusal.
    rejectUnauthorized: clientAuthentication === "require" && pskFile === "",
    ...(pskFile === "" ? {} : { pskCallback, ...(pskHint === "" ? {} : { pskIdentityHint: pskHint }) }),
    handshakeTimeout: handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS_DEFAULT
  }
}

/** Why a client stays outside although its handshake is done; undefined = it may come in. */
export function peerRefusal(socket: TLSSocket, material: TlsMaterial): string | undefined {
  if (!isTrusted(socket)) return `certificate refused: ${socket.authorizationError}`
  // The handshake may have begun before the last reload. [CRL-2]
  const proof = material.proofOf(socket)
  const doubt = proof === undefined ? undefined : material.doubtOf(proof)
  if (doubt !== undefined) return doubt
  if (material.settings.clientAuthentication !== "require" || socket.authorized) return undefined
  return material.pskIdentities.of(socket) === undefined ? "neither a certificate nor a pre-shared key" : undefined // [PSK-2]
}

export type EndHandshake = (error: Error, socket: TLSSocket) => void

/** Ends the connection and says why. */
export const handshakeEnd = (listener: string, door?: Door): Effect.Effect<EndHandshake> =>
  Effect.map(Effect.context<never>(), (context) => {
    const runFork = Effect.runForkWith(context)
    let quietUntilMs = Number.NEGATIVE_INFINITY
    let untold = 0
    return (error, socket) => {
      const peer = door?.peerOf(socket) ?? formatPeer(socket)
      socket.destroy()
      const nowMs = performance.now()
      untold++
      if (nowMs < quietUntilMs) return
      const fields = { listener, peer, why: (error as OpensslError).reason ?? error.message, failures: untold }
      quietUntilMs = nowMs + REPORT_INTERVAL_MS
      untold = 0
      runFork(Effect.logInfo("TLS handshake failed", fields))
    }
  })
