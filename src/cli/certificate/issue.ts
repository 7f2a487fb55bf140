/**
 * An authority for tests, and a server's certificate that it signs: ECDSA on P-256 with SHA-256, X.509 version 3.
 *
 *   Certificate = SEQUENCE { tbs, algorithm, signature }
 *   tbs         = SEQUENCE { [0] version 2, serial, algorithm, issuer, validity, subject, public key, [3] extensions }
 *
 * Invariants
 * - The authority may sign certificates and nothing else, and no further authorities; the server's certificate
 *   may be a server and nothing else. Clients check both.
 * - Names of hosts stand in the Subject Alternative Name, addresses as addresses: nobody looks at the common name.
 * - Serial numbers are random; keys are made by node:crypto and leave as PKCS #8.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"
import { isIP, isIPv4 } from "node:net"
import * as der from "./der.ts"

export interface Issued {
  /** PEM. */
  readonly certificate: string
  readonly key: string
}

export interface IssuedPair {
  readonly authority: Issued
  readonly server: Issued
}

export interface IssueRequest {
  readonly hosts: ReadonlyArray<string>
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

const ECDSA_WITH_SHA256 = der.sequence(der.objectIdentifier("1.2.840.10045.4.3.2"))
const SERIAL_BYTES = 16
const KEY_IDENTIFIER_BYTES = 20
/** An uncompressed point of P-256: the end of every such public key. */
const POINT_BYTES = 65

export function issuePair({ hosts, notAfterMs, notBeforeMs }: IssueRequest): IssuedPair {
  const authorityKeys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const serverKeys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  // A name of its own for each authority: clients that know an older one must not take them for the same.
  const issuer = name(`PromptMQ test authority ${randomBytes(4).toString("hex")}`)
  const validity = der.sequence(der.time(new Date(notBeforeMs)), der.time(new Date(notAfterMs)))
  const signed = (subject: Buffer, publicKey: KeyObject, extensions: ReadonlyArray<Buffer>): string =>
    certificate({ issuer, subject, validity, publicKey, extensions, signer: authorityKeys.privateKey })
  const authorityId = keyIdentifier(authorityKeys.publicKey)
  return {
    authority: {
      certificate: signed(issuer, authorityKeys.publicKey, [
        extension("2.5.29.19", der.sequence(der.boolean(true), der.integer(0)), true),
        // keyCertSign and cRLSign.
        extension("2.5.29.15", der.bitString(Buffer.from([0x06]), 1), true),
        extension("2.5.29.14", der.octetString(authorityId))
      ]),
      key: pemKey(authorityKeys.privateKey)
    },
    server: {
      certificate: signed(name(hosts[0] ?? "localhost"), serverKeys.publicKey, [
        extension("2.5.29.19", der.sequence(), true),
        // digitalSignature.
        extension("2.5.29.15", der.bitString(Buffer.from([0x80]), 7), true),
        extension("2.5.29.37", der.sequence(der.objectIdentifier("1.3.6.1.5.5.7.3.1"))),
        extension("2.5.29.17", der.sequence(...hosts.map(alternativeName))),
        extension("2.5.29.14", der.octetString(keyIdentifier(serverKeys.publicKey))),
        extension("2.5.29.35", der.sequence(der.implicit(0, authorityId)))
      ]),
      key: pemKey(serverKeys.privateKey)
    }
  }
}

interface CertificateParts {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly validity: Buffer
  readonly publicKey: KeyObject
  readonly extensions: ReadonlyArray<Buffer>
  readonly signer: KeyObject
}

function certificate({ extensions, issuer, publicKey, signer, subject, validity }: CertificateParts): string {
  const serial = randomBytes(SERIAL_BYTES)
  // Positive, and never zero.
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40
  const signedPart = der.sequence(
    der.explicit(0, der.integer(2)),
    der.integer(serial),
    ECDSA_WITH_SHA256,
    issuer,
    validity,
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der.explicit(3, der.sequence(...extensions))
  )
  const signature = sign("sha256", signedPart, { key: signer, dsaEncoding: "der" })
  return pem("CERTIFICATE", der.sequence(signedPart, ECDSA_WITH_SHA256, der.bitString(signature)))
}

function name(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.objectIdentifier("2.5.4.3"), der.utf8String(commonName))))
}

function extension(identifier: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [der.boolean(true)] : []
  return der.sequence(der.objectIdentifier(identifier), ...critical, der.octetString(value))
}

const DNS_NAME = 2
const IP_ADDRESS = 7

function alternativeName(host: string): Buffer {
  if (isIP(host) === 0) return der.implicit(DNS_NAME, Buffer.from(host, "latin1"))
  return der.implicit(IP_ADDRESS, addressBytes(host))
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number))
  const [front = "", back = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::")
  const groups = (text: string): ReadonlyArray<number> =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16))
  const head = groups(front)
  const tail = groups(back)
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0)
  return Buffer.from([...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 255]))
}

function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: "spki", format: "der" })
  return createHash("sha256").update(spki.subarray(-POINT_BYTES)).digest().subarray(0, KEY_IDENTIFIER_BYTES)
}

function pemKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString()
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`
}
