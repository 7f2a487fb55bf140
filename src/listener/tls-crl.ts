/**
 * Revocation lists of the authorities that sign clients' certificates: read from a PEM file, judged whether they are in
 * force, and asked about clients that are connected already.
 *
 *   CertificateList ::= SEQUENCE { tbsCertList, ... }                                          RFC 5280, 5.1
 *   tbsCertList     ::= SEQUENCE { version INTEGER optional, signature SEQUENCE, issuer SEQUENCE, thisUpdate Time,
 *                                  nextUpdate Time optional, revokedCertificates SEQUENCE optional, ... }
 *   revoked         ::= SEQUENCE { serialNumber INTEGER, ... }
 *   Time            ::= UTCTime 0x17 "YYMMDDhhmmssZ" | GeneralizedTime 0x18 "YYYYMMDDhhmmssZ"
 *
 * Invariants
 * - Of a handshake OpenSSL decides who is revoked, and refuses every certificate whose authority has no list in force
 *   here. It never looks at a connection again: for those that are open when a list is exchanged, serials are read [CRL-2].
 * - A list in which a part is not found where it belongs is damaged.
 *
 * Elsewhere: reading files and telling problems (tls-load.ts), what a connection was made with (tls-proof.ts), the bytes
 * of names and numbers (tls-der.ts).
 */
import { type DerElement, elementAt, INTEGER, nameKey, SEQUENCE } from "./tls-der.ts"

export interface RevocationList {
  readonly pem: string
  readonly thisUpdateMs: number
  /** Infinity = the list does not say. */
  readonly nextUpdateMs: number
  /** Who has made it, in the form of nameKey(). */
  readonly issuer: string
  /** Serial numbers of the certificates that are revoked, in hex. */
  readonly serials: ReadonlySet<string>
}

/** Every list of the file; undefined = one of them is damaged. */
export function readRevocationLists(content: string): ReadonlyArray<RevocationList> | undefined {
  const blocks = content.match(/-----BEGIN X509 CRL-----[\s\S]+?-----END X509 CRL-----/g) ?? []
  const lists: Array<RevocationList> = []
  for (const pem of blocks) {
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64")
    const parts = partsOf(der)
    if (parts === undefined) return undefined
    lists.push({ pem, ...parts })
  }
  return lists
}

const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18

function partsOf(der: Buffer): Omit<RevocationList, "pem"> | undefined {
  const list = elementAt(der, 0)
  const body = list?.tag === SEQUENCE ? elementAt(der, list.start) : undefined
  if (body?.tag !== SEQUENCE) return undefined
  let element = elementAt(der, body.start)
  if (element?.tag === INTEGER) element = elementAt(der, element.end)
  const issuer = element?.tag === SEQUENCE ? elementAt(der, element.end) : undefined
  const thisUpdate = issuer?.tag === SEQUENCE ? elementAt(der, issuer.end) : undefined
  const thisUpdateMs = thisUpdate === undefined ? undefined : timeOf(der, thisUpdate)
  if (issuer === undefined || thisUpdate === undefined || thisUpdateMs === undefined) return undefined
  const next = thisUpdate.end < body.end ? elementAt(der, thisUpdate.end) : undefined
  const nextUpdateMs = next === undefined ? undefined : timeOf(der, next)
  const after = nextUpdateMs === undefined ? thisUpdate.end : (next as DerElement).end
  const serials = serialsIn(der, after, body.end)
  if (serials === undefined) return undefined
  return {
    thisUpdateMs,
    nextUpdateMs: nextUpdateMs ?? Number.POSITIVE_INFINITY,
    issuer: nameKey(der, issuer),
    serials
  }
}

/** Of a list without entries the sequence is left out, and extensions follow. */
function serialsIn(der: Buffer, offset: number, end: number): ReadonlySet<string> | undefined {
  const serials = new Set<string>()
  if (offset >= end) return serials
  const entries = elementAt(der, offset)
  if (entries === undefined) return undefined
  if (entries.tag !== SEQUENCE) return serials
  for (let at = entries.start; at < entries.end; ) {
    const entry = elementAt(der, at)
    const serial = entry?.tag === SEQUENCE ? elementAt(der, entry.start) : undefined
    if (entry === undefined || serial?.tag !== INTEGER) return undefined
    serials.add(der.toString("hex", serial.start, serial.end))
    at = entry.end
  }
  return serials
}

function timeOf(der: Buffer, { end, start, tag }: DerElement): number | undefined {
  if (tag !== UTC_TIME && tag !== GENERALIZED_TIME) return undefined
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(der.toString("latin1", start, end))
  if (match === null) return undefined
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  // RFC 5280, 4.1.2.5.1: two digits from 50 on are of the last century.
  const century = tag === UTC_TIME ? (year >= 50 ? 1900 : 2000) : 0
  return Date.UTC(century + year, month - 1, day, hour, minute, second)
}
