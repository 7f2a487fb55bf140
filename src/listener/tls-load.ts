/**
 * Reads the files of TLS and judges them: readable, PEM, valid now, key and certificate belong together, accepted by
 * OpenSSL as a whole.
 *
 * Every problem is found in one run, names its file, and carries a code that `promptmq explain-error` explains. What
 * comes out without a problem can be served: the last step builds the secure context that the listeners will use.
 * Neither passphrase nor key appears in a message. Limit: FILE_BYTES_MAX per file.
 *
 * Certificate and key may be missing together while there is a file of pre-shared keys: then only these open the door.
 *
 * Elsewhere: pre-shared keys (tls-psk.ts), times of revocation lists (tls-crl.ts); which settings go together (settings/rules.ts), serving and reloading (tls-material.ts).
 */
import { constants, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { createSecureContext, type SecureContextOptions } from "node:tls"
import { type RevocationList, readRevocationLists } from "./tls-crl.ts"
import { ciphersWithPsk, type PskKeys, readPskFile, withoutTickets } from "./tls-psk.ts"

export interface TlsSettings {
  /** PEM: the broker's own certificate, then those of the authorities between it and the root. */
  readonly certificateFile: string
  readonly keyFile: string
  /** "" = the key is not encrypted. */
  readonly passphrase: string
  /** "" = certificates of clients are not asked for. */
  readonly authorityFile: string
  /** "" = nobody is asked whether a certificate was revoked. */
  readonly revocationFile: string
  /** "" = no pre-shared keys. */
  readonly pskFile: string
  /** "" = none is told. */
  readonly pskHint: string
  readonly clientAuthentication: "none" | "request" | "require"
  readonly minimumVersion: "TLSv1.2" | "TLSv1.3"
  /** "" = the list of node. */
  readonly ciphers: string
}

export interface TlsProblem {
  readonly code: string
  readonly fact: string
  readonly fix: string
}

/** What was read and may be served. */
export interface LoadedTls {
  readonly context: SecureContextOptions
  /** The broker's own certificate; undefined = there are pre-shared keys only. */
  readonly certificate: X509Certificate | undefined
  /** When the first certificate of the chain expires; Infinity without one. */
  readonly expiresAtMs: number
  readonly pskKeys: PskKeys
  readonly authorities: ReadonlyArray<X509Certificate>
  readonly revocations: ReadonlyArray<RevocationList>
}

/** [TLS-1] OpenSSL answers with an alert, before anything is computed. */
const withoutRenegotiation = constants.SSL_OP_NO_RENEGOTIATION

/** A chain of certificates has some kilobytes, a bundle of authorities some hundred. */
const FILE_BYTES_MAX = 4_194_304

export function loadTls(settings: TlsSettings, nowMs: number): LoadedTls | ReadonlyArray<TlsProblem> {
  const problems: Array<TlsProblem> = []
  const told = <A>(result: A | TlsProblem): A | undefined => {
    if (!isProblem(result)) return result
    problems.push(result)
    return undefined
  }
  const { authorityFile, certificateFile, keyFile, pskFile, revocationFile } = settings
  const isBare = certificateFile === "" && keyFile === "" && pskFile !== ""
  const chain = isBare ? [] : told(readCertificates(certificateFile, "certificate"))
  const key = isBare ? undefined : told(readKey(settings))
  const authorities = authorityFile === "" ? [] : told(readCertificates(authorityFile, "authority"))
  const revocations = revocationFile === "" ? [] : told(readRevocations(revocationFile, nowMs))
  const pskKeys = pskFile === "" ? new Map<string, Buffer>() : told(readPskFile(pskFile))
  if (chain !== undefined) problems.push(...validity(chain, certificateFile, nowMs))
  if (authorities !== undefined) told(authorityValidity(authorities, authorityFile, nowMs) ?? true)
  if (chain !== undefined && key !== undefined) told(belongTogether(chain, key, settings) ?? true)
  if (problems.length > 0 || chain === undefined || authorities === undefined) return problems
  if (revocations === undefined || pskKeys === undefined) return problems
  const context = contextOf(settings, { chain, key, authorities, revocations })
  const refused = refusal(context, settings)
  if (refused !== undefined) return [refused]
  const expiresAtMs = Math.min(...chain.map(({ validToDate }) => validToDate.getTime()))
  return { context, certificate: chain[0], expiresAtMs, pskKeys, authorities, revocations }
}

const isProblem = (result: unknown): result is TlsProblem =>
  typeof result === "object" && result !== null && "code" in result && "fix" in result

function readCertificates(file: string, what: string): ReadonlyArray<X509Certificate> | TlsProblem {
  const content = readFile(file)
  if (isProblem(content)) return content
  const blocks = content.toString("latin1").match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g)
  if (blocks === null) {
    return { code: "E3502", fact: `${file} holds no ${what} in PEM form${insteadOf(content)}`, fix: "name a PEM file" }
  }
  const certificates: Array<X509Certificate> = []
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block))
    } catch {
      const fact = `certificate ${index + 1} of ${blocks.length} in ${file} is damaged`
      return { code: "E3502", fact, fix: "copy the file again" }
    }
  }
  return certificates
}

function readKey({ keyFile, passphrase }: TlsSettings): KeyObject | TlsProblem {
  const content = readFile(keyFile)
  if (isProblem(content)) return content
  try {
    return createPrivateKey({ key: content, format: "pem", ...(passphrase === "" ? {} : { passphrase }) })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(
      content.toString("latin1")
    )
    if (code === "ERR_MISSING_PASSPHRASE" || (isEncrypted && passphrase === "")) {
      const fix = "set PROMPTMQ_SERVER_TLS_KEY_PASSPHRASE_FILE to a file that holds the passphrase"
      return { code: "E3505", fact: `${keyFile} is encrypted and there is no passphrase`, fix }
    }
    if (isEncrypted) {
      return {
        code: "E3505",
        fact: `the passphrase does not open ${keyFile}`,
        fix: "correct server.tls-key-passphrase"
      }
    }
    const fact = `${keyFile} holds no private key in PEM form${insteadOf(content)}`
    return { code: "E3502", fact, fix: "name a PEM file" }
  }
}

function readFile(file: string): Buffer | TlsProblem {
  const fix = "correct the path, or let this user read it"
  try {
    const status = statSync(file)
    if (!status.isFile()) return { code: "E3501", fact: `${file} is not a plain file`, fix }
    if (status.size > FILE_BYTES_MAX) return { code: "E3502", fact: `${file} is larger than 4 MiB`, fix }
    return readFileSync(file)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === "ENOENT" ? "does not exist" : code === "EACCES" ? "may not be read by this user" : message
    return { code: "E3501", fact: `${file} ${why}`, fix }
  }
}

/** What the file seems to be, as a hint. */
function insteadOf(content: Buffer): string {
  const text = content.toString("latin1")
  if (content.length === 0) return ": it is empty"
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return ", but a private key: are the two files swapped?"
  if (text.includes("-----BEGIN CERTIFICATE-----")) return ", but a certificate: are the two files swapped?"
  // The first byte of every DER sequence.
  if (content[0] === 0x30) return ": it may be in DER form"
  return ""
}

function validity(chain: ReadonlyArray<X509Certificate>, file: string, nowMs: number): ReadonlyArray<TlsProblem> {
  return chain.flatMap((certificate, index): ReadonlyArray<TlsProblem> => {
    const which = chain.length === 1 ? file : `certificate ${index + 1} of ${chain.length} in ${file}`
    const { validFromDate, validToDate } = certificate
    if (nowMs < validFromDate.getTime()) {
      const fact = `${which} is not valid before ${validFromDate.toISOString()}`
      return [{ code: "E3504", fact, fix: "check this machine's clock, or wait" }]
    }
    if (nowMs <= validToDate.getTime()) return []
    return [{ code: "E3504", fact: `${which} expired at ${validToDate.toISOString()}`, fix: "renew the certificate" }]
  })
}

/** A bundle may hold old ones; one that still counts is enough to let somebody in. */
function authorityValidity(
  authorities: ReadonlyArray<X509Certificate>,
  file: string,
  nowMs: number
): TlsProblem | undefined {
  const counts = ({ validFromDate, validToDate }: X509Certificate) =>
    nowMs >= validFromDate.getTime() && nowMs <= validToDate.getTime()
  if (authorities.length === 0 || authorities.some(counts)) return undefined
  const fix = "renew the authority's certificate"
  return { code: "E3504", fact: `no authority in ${file} is valid now: no client could connect`, fix }
}

/** One that is over would keep everybody out: told now, and not by the first client. */
function readRevocations(file: string, nowMs: number): ReadonlyArray<RevocationList> | TlsProblem {
  const content = readFile(file)
  if (isProblem(content)) return content
  const lists = readRevocationLists(content.toString("latin1"))
  if (lists === undefined) {
    return { code: "E3502", fact: `a revocation list in ${file} is damaged`, fix: "copy the file again" }
  }
  if (lists.length === 0) {
    return { code: "E3502", fact: `${file} holds no revocation list in PEM form`, fix: "name a PEM file" }
  }
  const over = lists.find(({ nextUpdateMs, thisUpdateMs }) => nowMs < thisUpdateMs || nowMs > nextUpdateMs)
  if (over === undefined) return lists
  const times = [over.thisUpdateMs, over.nextUpdateMs].map((ms) =>
    Number.isFinite(ms) ? new Date(ms).toISOString() : "no end"
  )
  const fact = `a revocation list in ${file} is in force from ${times.join(" to ")} only: no client could connect`
  return { code: "E3507", fact, fix: "get the authority's new list, or check this machine's clock" }
}

function belongTogether(
  chain: ReadonlyArray<X509Certificate>,
  key: KeyObject,
  { certificateFile, keyFile }: TlsSettings
): TlsProblem | undefined {
  const index = chain.findIndex((certificate) => certificate.checkPrivateKey(key))
  if (index === 0) return undefined
  const fact = `the certificate in ${certificateFile} was not made for the key in ${keyFile}`
  if (index === -1) return { code: "E3503", fact, fix: "name the key that belongs to the certificate" }
  const place = `certificate ${index + 1} of ${chain.length} in that file was`
  return { code: "E3503", fact: `${fact}; ${place}`, fix: "put that certificate first in the file" }
}

interface Read {
  readonly chain: ReadonlyArray<X509Certificate>
  readonly key: KeyObject | undefined
  readonly authorities: ReadonlyArray<X509Certificate>
  readonly revocations: ReadonlyArray<RevocationList>
}

function contextOf(settings: TlsSettings, { authorities, chain, key, revocations }: Read): SecureContextOptions {
  const hasKeys = settings.pskFile !== ""
  const ciphers = hasKeys ? ciphersWithPsk(settings.ciphers) : settings.ciphers
  return {
    ...(key === undefined
      ? {}
      : { cert: chain.map(String).join(""), key: key.export({ type: "pkcs8", format: "pem" }) }),
    minVersion: settings.minimumVersion,
    ...(authorities.length === 0 ? {} : { ca: authorities.map(String) }),
    ...(revocations.length === 0 ? {} : { crl: revocations.map(({ pem }) => pem) }), // [CRL-1]
    secureOptions: hasKeys ? withoutRenegotiation | withoutTickets : withoutRenegotiation,
    ...(ciphers === "" ? {} : { ciphers })
  }
}

/** The library's own judgement: whether suites exist, whether keys are strong enough. */
function refusal(context: SecureContextOptions, settings: TlsSettings): TlsProblem | undefined {
  const why = complaint(context)
  if (why === undefined) return undefined
  const { ciphers: _ciphers, ...withoutCiphers } = context
  if (complaint(withoutCiphers) === undefined) {
    const fact = `the cipher suites "${settings.ciphers}" cannot be used: ${why}`
    return { code: "E3506", fact, fix: "correct server.tls-ciphers, or remove it" }
  }
  const fact = `TLS refuses ${settings.certificateFile} with ${settings.keyFile}: ${why}`
  return { code: "E3506", fact, fix: "make a certificate with a stronger key and signature" }
}

function complaint(context: SecureContextOptions): string | undefined {
  try {
    createSecureContext(context)
    return undefined
  } catch (cause) {
    return (cause as Error).message
  }
}
