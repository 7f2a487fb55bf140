/**
 * Which name of a certificate is the client's. The certificate was verified (listener/peer-certificate.ts); what is
 * judged here is whether it says one thing only.
 *
 * Invariants
 * - Two candidates are none: two common names, two alternative names of the kind, a subject in which one part has
 *   several values ("CN=a + OU=b"), in any order. Makers of certificates choose the order, and who can have one more
 *   name put in must not become somebody else by it. [AUTH-X509]
 * - Names are texts without control characters, not empty, and of at most NAME_BYTES_MAX bytes.
 *
 * Plain: no Effect. Elsewhere: who asks (x509-provider.ts).
 */
import type { PeerCertificate } from "../listener/peer-certificate.ts"
import { hasControlCharacter } from "./chain.ts"

export type NameSource = "none" | "cn" | "dn" | "san-dns" | "san-email" | "san-uri" | "san-ip"

export type FoundName = { readonly name: string } | { readonly fault: string }

const NAME_BYTES_MAX = 1024

const sanPrefixes: Readonly<Record<string, string>> = {
  "san-dns": "DNS:",
  "san-email": "email:",
  "san-uri": "URI:",
  "san-ip": "IP Address:"
}

export function nameIn(certificate: PeerCertificate, source: Exclude<NameSource, "none">): FoundName {
  const candidates = candidatesIn(certificate, source)
  if (typeof candidates === "string") return { fault: candidates }
  const [name, ...others] = candidates
  if (name === undefined) return { fault: `the certificate has no ${source}` }
  if (others.length > 0) return { fault: `the certificate has more than one ${source}` } // [AUTH-X509]
  if (name === "" || Buffer.byteLength(name) > NAME_BYTES_MAX || hasControlCharacter(name)) {
    return { fault: `the ${source} of the certificate cannot be a name` }
  }
  return { name }
}

function candidatesIn(
  { alternativeNames, commonNames, subject }: PeerCertificate,
  source: Exclude<NameSource, "none">
): ReadonlyArray<string> | string {
  if (source === "cn" || source === "dn") {
    const parts = subject.split("\n")
    if (parts.some(hasSeveralValues)) return "a part of the certificate's subject has several values" // [AUTH-X509]
    // Most specific first, as RFC 4514 writes names.
    return source === "cn" ? commonNames : subject === "" ? [] : [parts.reverse().join(",")]
  }
  const prefix = sanPrefixes[source] ?? ""
  return alternativeNames.flatMap((name) => (name.startsWith(prefix) ? [unquoted(name.slice(prefix.length))] : []))
}

/** Node puts " + " between the values of one part, and a backslash before a plus sign within a value. */
function hasSeveralValues(part: string): boolean {
  return /(^|[^\\])(\\\\)*\+/.test(part)
}

/** Node writes a name that could be mistaken for several as a JSON text. */
function unquoted(name: string): string {
  if (!name.startsWith('"')) return name
  try {
    return String(JSON.parse(name))
  } catch {
    return ""
  }
}
