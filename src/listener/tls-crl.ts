/**
 * Revocation lists of the authorities that sign clients' certificates: read from a PEM file, and judged whether they
 * are in force.
 *
 *   CertificateList ::= SEQUENCE { tbsCertList, ... }                                          RFC 5280, 5.1
 *   tbsCertList     ::= SEQUENCE { version INTEGER optional, signature SEQUENCE, issuer SEQUENCE,
 *                                  thisUpdate Time, nextUpdate Time optional, ... }
 *   Time            ::= UTCTime 0x17 "YYMMDDhhmmssZ" | GeneralizedTime 0x18 "YYYYMMDDhhmmssZ"
 *
 * Invariants
 * - OpenSSL decides who is revoked, and refuses every certificate whose authority has no list in force here. What is
 *   found in this file only says so before the first client does.
 * - Only the times are read; a list in which they are not found is damaged.
 *
 * Elsewhere: reading files and telling problems (tls-load.ts).
 */

export interface RevocationList {
  readonly pem: string
  readonly thisUpdateMs: number
  /** Infinity = the list does not say. */
  readonly nextUpdateMs: number
}

/** Every list of the file; undefined = one of them is damaged. */
export function readRevocationLists(content: string): ReadonlyArray<RevocationList> | undefined {
  const blocks = content.match(/-----BEGIN X509 CRL-----[\s\S]+?-----END X509 CRL-----/g) ?? []
  const lists: Array<RevocationList> = []
  for (const pem of blocks) {
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64")
    const times = timesOf(der)
    if (times === undefined) return undefined
    lists.push({ pem, ...times })
  }
  return lists
}

const SEQUENCE = 0x30
const INTEGER = 0x02
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18

function timesOf(der: Buffer): Pick<RevocationList, "thisUpdateMs" | "nextUpdateMs"> | undefined {
  const list = elementAt(der, 0)
  const body = list?.tag === SEQUENCE ? elementAt(der, list.start) : undefined
  if (body?.tag !== SEQUENCE) return undefined
  let element = elementAt(der, body.start)
  if (element?.tag === INTEGER) element = elementAt(der, element.end)
  const issuer = element?.tag === SEQUENCE ? elementAt(der, element.end) : undefined
  const thisUpdate = issuer?.tag === SEQUENCE ? elementAt(der, issuer.end) : undefined
  const thisUpdateMs = thisUpdate === undefined ? undefined : timeOf(der, thisUpdate)
  if (thisUpdate === undefined || thisUpdateMs === undefined) return undefined
  const next = thisUpdate.end < body.end ? elementAt(der, thisUpdate.end) : undefined
  const nextUpdateMs = next === undefined ? undefined : timeOf(der, next)
  return { thisUpdateMs, nextUpdateMs: nextUpdateMs ?? Number.POSITIVE_INFINITY }
}

interface Element {
  readonly tag: number
  readonly start: number
  readonly end: number
}

/** The element whose tag stands at `offset`; undefined when it does not lie within the bytes. */
function elementAt(der: Buffer, offset: number): Element | undefined {
  const tag = der[offset]
  const first = der[offset + 1]
  if (tag === undefined || first === undefined) return undefined
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  const start = offset + 2 + lengthBytes
  if (lengthBytes > 4 || start > der.length) return undefined
  const length = lengthBytes === 0 ? first : der.readUIntBE(offset + 2, lengthBytes)
  return start + length <= der.length ? { tag, start, end: start + length } : undefined
}

function timeOf(der: Buffer, { end, start, tag }: Element): number | undefined {
  if (tag !== UTC_TIME && tag !== GENERALIZED_TIME) return undefined
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(der.toString("latin1", start, end))
  if (match === null) return undefined
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  // RFC 5280, 4.1.2.5.1: two digits from 50 on are of the last century.
  const century = tag === UTC_TIME ? (year >= 50 ? 1900 : 2000) : 0
  return Date.UTC(century + year, month - 1, day, hour, minute, second)
}
