/**
 * Pre-shared keys: the file that holds them, the suites that use them, and which identity a connection was made with.
 *
 *   # a comment
 *   sensor-7:6d792d7365637265742d6b6579313233       identity, a colon, the key in hex: 16 to 512 bytes
 *
 * Invariants
 * - Nobody but owner and group may read the file. Neither key nor line is ever part of a message.
 * - An identity counts only when the handshake was made with its key. A client of TLS 1.3 may offer one, without having
 *   its key, together with suites it does not go with: OpenSSL then makes the handshake by certificate, and the offer
 *   means nothing. [PSK-1]
 * - With keys there are no session tickets: a resumed session would have no identity, and in TLS 1.3 it could not be
 *   told from one made with a key. [PSK-1]
 *
 * Elsewhere: reload (tls-material.ts), the user name that follows from an identity (access/psk-provider.ts).
 */
import { constants } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { DEFAULT_CIPHERS, type TLSSocket } from "node:tls"
import type { TlsProblem } from "./tls-load.ts"
import { hashOfKey } from "./tls-proof.ts"

export type PskKeys = ReadonlyMap<string, Buffer>

const FILE_BYTES_MAX = 4_194_304
const KEY_BYTES_MIN = 16
const KEY_BYTES_MAX = 512
/** What OpenSSL takes in TLS 1.2. */
const IDENTITY_BYTES_MAX = 128
const MODE_OF_OTHERS = 0o027

/** A key goes with SHA-256 in TLS 1.3 (RFC 8446, 4.2.11): with another hash first OpenSSL would pass keys over. */
const SUITES_13 = ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"]
/** Of TLS 1.2, best first. Before the others: only clients with a key offer them. */
const SUITES = [
  "ECDHE-PSK-CHACHA20-POLY1305",
  "PSK-AES256-GCM-SHA384",
  "PSK-CHACHA20-POLY1305",
  "PSK-AES128-GCM-SHA256",
  "ECDHE-PSK-AES256-CBC-SHA384",
  "ECDHE-PSK-AES128-CBC-SHA256"
]

export function readPskFile(file: string): PskKeys | TlsProblem {
  const fix = "correct the path, or let this user read it"
  try {
    const status = statSync(file)
    if (!status.isFile()) return { code: "E3508", fact: `${file} is not a plain file`, fix }
    if (status.size > FILE_BYTES_MAX)
      return { code: "E3508", fact: `${file} is larger than 4 MiB`, fix: "check the path" }
    if ((status.mode & MODE_OF_OTHERS) !== 0) {
      return { code: "E3508", fact: `${file} holds keys that other users may read or change`, fix: `chmod 600 ${file}` }
    }
    return keysIn(readFileSync(file, "utf8"), file)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === "ENOENT" ? "does not exist" : code === "EACCES" ? "may not be read by this user" : message
    return { code: "E3508", fact: `${file} ${why}`, fix }
  }
}

function keysIn(text: string, file: string): PskKeys | TlsProblem {
  const keys = new Map<string, Buffer>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue
    const colon = line.lastIndexOf(":")
    const identity = line.slice(0, Math.max(0, colon))
    const hex = line.slice(colon + 1).trim()
    const fact =
      faultOf(identity, hex) ?? (keys.has(identity) ? "has an identity that stands above already" : undefined)
    if (fact !== undefined) {
      return { code: "E3508", fact: `line ${index + 1} of ${file} ${fact}`, fix: "write identity:key, the key in hex" }
    }
    keys.set(identity, Buffer.from(hex, "hex"))
  }
  return keys
}

function faultOf(identity: string, hex: string): string | undefined {
  if (identity === "" || Buffer.byteLength(identity) > IDENTITY_BYTES_MAX || /\p{Cc}/u.test(identity)) {
    return `has no identity of 1 to ${IDENTITY_BYTES_MAX} bytes before the last colon`
  }
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) return "has a key that is not in hex"
  const bytes = hex.length / 2
  return bytes < KEY_BYTES_MIN || bytes > KEY_BYTES_MAX
    ? `has a key of ${bytes} bytes, not of ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX}`
    : undefined
}

/** Node's list rules these suites out; what an operator wrote is left alone where it names some of a kind itself. */
export function ciphersWithPsk(ciphers: string): string {
  const written = ciphers.split(":").filter((name) => name !== "" && name !== "!PSK")
  const is13 = (name: string): boolean => name.startsWith("TLS_")
  const others = ciphers === "" ? DEFAULT_CIPHERS.split(":").filter((name) => name !== "!PSK" && !is13(name)) : written
  const newer = written.some(is13) ? [] : SUITES_13
  const older = written.some((name) => /^[A-Z0-9-]*PSK/.test(name)) ? [] : SUITES
  return [...newer, ...older, ...others].join(":")
}

export const withoutTickets = constants.SSL_OP_NO_TICKET // [PSK-1]

/** Remembers which identity was found for a socket, until it is known whether the handshake used it. */
export class PskIdentities {
  readonly #found = new WeakMap<TLSSocket, { readonly identity: string; readonly key: Buffer }>()

  keyFor(socket: TLSSocket, identity: string, keys: PskKeys): Buffer | null {
    const key = keys.get(identity)
    // In TLS 1.3 several may be offered; the first one that is known is the one OpenSSL takes.
    if (key !== undefined && !this.#found.has(socket)) this.#found.set(socket, { identity, key })
    return key ?? null
  }

  /** After the handshake: whose key it was made with. */
  of(socket: TLSSocket): string | undefined {
    return isMadeWithKey(socket) ? this.#found.get(socket)?.identity : undefined // [PSK-1]
  }

  /** With which one: to tell later whether it is still the identity's. */
  keyHashOf(socket: TLSSocket): string | undefined {
    return isMadeWithKey(socket) ? hashOfKey(this.#found.get(socket)?.key) : undefined
  }
}

function isMadeWithKey(socket: TLSSocket): boolean {
  if (socket.getProtocol() === "TLSv1.3") return socket.isSessionReused()
  return /(^|-)PSK-/.test(socket.getCipher().name)
}
