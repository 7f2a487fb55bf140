/**
 * What a client proved about itself with a certificate, as the rules of access need it.
 *
 * Invariants
 * - It exists only when the certificate was shown and tls-ca has signed it: whoever finds one may rely on it. A
 *   certificate that does not verify ends the connection, also where none is necessary.
 * - Nothing is thrown away that a rule may want to refuse: a subject may have several common names, and their order
 *   is the maker's choice.
 *
 * Elsewhere: what an identity is made of (access).
 */
import type { TLSSocket } from "node:tls"

export interface PeerCertificate {
  /** As OpenSSL prints it, one part per line: "O=Example\nCN=sensor-7". */
  readonly subject: string
  readonly commonNames: ReadonlyArray<string>
  /** With their kinds: "DNS:sensor-7.example", "URI:urn:sensor:7"; names with commas or quotes as JSON texts. */
  readonly alternativeNames: ReadonlyArray<string>
  /** SHA-256, as "AB:CD:...". */
  readonly fingerprint: string
  readonly expiresAtMs: number
}

/** False for a client that has shown a certificate which is not to be relied on. */
export function isTrusted(socket: TLSSocket): boolean {
  return socket.authorized || socket.getPeerX509Certificate() === undefined
}

/** Undefined when the client has shown none, or one that is not to be relied on. */
export function peerCertificate(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (certificate === undefined) return undefined
  const commonName: unknown = certificate.toLegacyObject().subject.CN
  return {
    subject: certificate.subject,
    commonNames: commonName === undefined ? [] : Array.isArray(commonName) ? commonName : [String(commonName)],
    alternativeNames: alternativeNames(certificate.subjectAltName ?? ""),
    fingerprint: certificate.fingerprint256,
    expiresAtMs: certificate.validToDate.getTime()
  }
}

/** A comma separates names unless it stands within a JSON text: node quotes what could be mistaken. */
export function alternativeNames(text: string): ReadonlyArray<string> {
  const names = text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return names.map((name) => name.trim()).filter((name) => name !== "")
}
