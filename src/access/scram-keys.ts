/**
 * What a server keeps of a password for SCRAM-SHA-256 (RFC 5802, 3; RFC 7677): enough to recognise who knows it, not
 * enough to pretend to be one who does.
 *
 *   SaltedPassword  PBKDF2-HMAC-SHA-256(password, salt, iterations), which is the client's work
 *   StoredKey       H(HMAC(SaltedPassword, "Client Key"))
 *   ServerKey       HMAC(SaltedPassword, "Server Key")
 *
 * As text, in a password file after the hash:  $scram-sha-256$i=<iterations>$<salt>$<StoredKey>$<ServerKey>
 *
 * They are made only when asked for (`promptmq user add --scram`): who steals them can try passwords faster than against
 * argon2id. Plain: the salt comes in.
 */
import { createHash, createHmac, pbkdf2Sync } from "node:crypto"

export interface ScramKeys {
  readonly iterations: number
  readonly salt: Uint8Array
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** RFC 7677 asks for 4096 at least; each is paid by the client, which may be a small one. */
export const scramIterations = 16_384
const ITERATIONS_MIN = 4096
const ITERATIONS_MAX = 10_000_000
const KEY_BYTES = 32

/** Blocks its thread; in the broker the salted password comes from a hash worker instead. */
export const makeScramKeys = (password: string, salt: Uint8Array, iterations = scramIterations): ScramKeys =>
  scramKeysOf(pbkdf2Sync(normalized(password), salt, iterations, KEY_BYTES, "sha256"), salt, iterations)

/** The part of SASLprep that changes letters: what is typed differently and looks the same is the same. */
export const normalized = (password: string): string => password.normalize("NFKC")

export const scramKeysOf = (saltedPassword: Uint8Array, salt: Uint8Array, iterations: number): ScramKeys => ({
  iterations,
  salt,
  storedKey: sha256(hmac(saltedPassword, "Client Key")),
  serverKey: hmac(saltedPassword, "Server Key")
})

export const formatScramKeys = ({ iterations, salt, serverKey, storedKey }: ScramKeys): string =>
  `$scram-sha-256$i=${iterations}$${[salt, storedKey, serverKey].map(base64).join("$")}`

export const parseScramKeys = (text: string): ScramKeys | undefined => {
  const match =
    /^\$scram-sha-256\$i=(\d{1,9})\$([A-Za-z0-9+/=]{4,128})\$([A-Za-z0-9+/=]{44})\$([A-Za-z0-9+/=]{44})$/.exec(text)
  if (match === null) return undefined
  const iterations = Number(match[1])
  const [salt, storedKey, serverKey] = match.slice(2).map((part) => Buffer.from(part, "base64"))
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined
  if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX || salt.length === 0) return undefined
  if (storedKey.length !== KEY_BYTES || serverKey.length !== KEY_BYTES) return undefined
  return { iterations, salt, storedKey, serverKey }
}

export const hmac = (key: Uint8Array, text: string): Buffer => createHmac("sha256", key).update(text).digest()
export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest()

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")
