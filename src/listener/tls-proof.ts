/**
 * What a client proved in its handshake, in so far as it may be taken back: certificates can be revoked, authorities
 * be put out, pre-shared keys be changed, while the connection they opened is still there.
 *
 * Invariants
 * - [CRL-2] A connection is held against the material in force whenever that changes, and once when its handshake is
 *   done: that one may have begun under the material before.
 * - Names of authorities are told apart by name and key: a certificate of the same authority that was made anew is the same
 *   authority.
 * - A pre-shared key is kept as its hash.
 *
 * Elsewhere: the material (tls-material.ts), who ends connections (broker/recheck.ts).
 */
import { createHash, type X509Certificate } from "node:crypto"
import type { TLSSocket } from "node:tls"
import type { RevocationList } from "./tls-crl.ts"
import { elementAt, INTEGER, nameKey, SEQUENCE } from "./tls-der.ts"
import type { PskIdentities, PskKeys } from "./tls-psk.ts"

export interface TlsProof {
  /** Authority and serial number of each certificate, the client's first. */
  readonly certificates: ReadonlyArray<CertificateNumber>
  /** Authorities of tls-ca that it rested on, by authorityKey(). */
  readonly authorities: ReadonlyArray<string>
  readonly psk: { readonly identity: string; readonly keyHash: string } | undefined
}

interface CertificateNumber {
  readonly issuer: string
  readonly serial: string
}

/** What is in force. */
export interface TlsStanding {
  readonly authorities: ReadonlyArray<X509Certificate>
  /** By authorityKey(). */
  readonly authorityKeys: ReadonlySet<string>
  readonly revocations: ReadonlyArray<RevocationList>
  readonly pskKeys: PskKeys
}

/** Longer chains than this are not made; one that leads back to itself ends here. */
const CHAIN_MAX = 10

/** After the handshake; undefined for a client that has proved nothing. */
export function proofOf(socket: TLSSocket, standing: TlsStanding, identities: PskIdentities): TlsProof | undefined {
  const identity = identities.of(socket)
  const keyHash = identities.keyHashOf(socket)
  const psk = identity === undefined || keyHash === undefined ? undefined : { identity, keyHash }
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (certificate === undefined) return psk === undefined ? undefined : { certificates: [], authorities: [], psk }
  const chain = chainOf(certificate, standing.authorities)
  const keys = chain.map(authorityKey)
  return {
    certificates: chain.flatMap((each) => numberOf(each) ?? []),
    authorities: keys.filter((key) => standing.authorityKeys.has(key)),
    psk
  }
}

/** Why a connection does not count any more; undefined = it does. */
export function doubtOf(proof: TlsProof, standing: TlsStanding): string | undefined {
  const { authorities, certificates, psk } = proof
  if (psk !== undefined && hashOfKey(standing.pskKeys.get(psk.identity)) !== psk.keyHash) {
    return "its pre-shared key was taken away"
  }
  if (certificates.length === 0) return undefined
  // Of a list that was given out twice the union counts.
  const isRevoked = ({ issuer, serial }: CertificateNumber) =>
    standing.revocations.some((list) => list.issuer === issuer && list.serials.has(serial))
  if (certificates.some(isRevoked)) return "its certificate was revoked" // [CRL-2]
  const isSigned = authorities.some((key) => standing.authorityKeys.has(key))
  return isSigned ? undefined : "no authority in tls-ca has signed its certificate"
}

export function authorityKey(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: "spki", format: "der" })
  return createHash("sha256").update(certificate.subject).update("\0").update(key).digest("base64")
}

export const hashOfKey = (key: Buffer | undefined): string | undefined =>
  key === undefined ? undefined : createHash("sha256").update(key).digest("base64")

/** The client sends what it likes of the chain; the authorities are ours. */
function chainOf(certificate: X509Certificate, authorities: ReadonlyArray<X509Certificate>): Array<X509Certificate> {
  const chain = [certificate]
  while (chain.length < CHAIN_MAX) {
    const last = chain.at(-1) as X509Certificate
    const issuer = authorities.find((each) => last.checkIssued(each)) ?? last.issuerCertificate
    if (issuer === undefined || issuer.fingerprint256 === last.fingerprint256) break
    chain.push(issuer)
  }
  return chain
}

/** Certificate ::= SEQUENCE { SEQUENCE { version [0] optional, serialNumber INTEGER, signature SEQUENCE, issuer Name ... */
function numberOf({ raw: der }: X509Certificate): CertificateNumber | undefined {
  const whole = elementAt(der, 0)
  const body = whole?.tag === SEQUENCE ? elementAt(der, whole.start) : undefined
  const first = body?.tag === SEQUENCE ? elementAt(der, body.start) : undefined
  const serial = first === undefined || first.tag === INTEGER ? first : elementAt(der, first.end)
  const signature = serial?.tag === INTEGER ? elementAt(der, serial.end) : undefined
  const issuer = signature?.tag === SEQUENCE ? elementAt(der, signature.end) : undefined
  if (serial === undefined || issuer?.tag !== SEQUENCE) return undefined
  return { issuer: nameKey(der, issuer), serial: der.toString("hex", serial.start, serial.end) }
}
