/**
 * Password hashes as text: what one line of a password file, or an entry of the user database, holds.
 *
 *   $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>     ours by default (PHC string format)
 *   $scrypt$ln=<log2 N>,r=<r>,p=<p>$<salt>$<hash>                 ours by choice
 *   $7$<iterations>$<salt>$<hash>                                 mosquitto_passwd: PBKDF2-HMAC-SHA-512
 *   $6$<salt>$<hash>                                              mosquitto_passwd before 1.6.13: SHA-512, one round
 *
 * Base64, in ours without padding. Plain: the salt comes in.
 *
 * Invariants
 * - Costs are bounded: a hash from a file cannot ask for more than COST_MAX of memory or an hour of work.
 * - A hash is compared in constant time, and nothing here ever shows one in an error.
 * - `derive` is called in hash workers and in commands, never in the broker's own thread. It is self-contained, because
 *   a worker gets it as text (hash-workers.ts).
 */
import type * as Crypto from "node:crypto"
import { timingSafeEqual } from "node:crypto"

/** What it takes to compute a hash, but for the password. */
export type HashRecipe =
  | {
      readonly kind: "argon2id"
      readonly memoryKiB: number
      readonly passes: number
      readonly lanes: number
      readonly salt: Uint8Array
      readonly length: number
    }
  | {
      readonly kind: "scrypt"
      readonly costLog2: number
      readonly blockSize: number
      readonly lanes: number
      readonly salt: Uint8Array
      readonly length: number
    }
  | { readonly kind: "pbkdf2-sha512"; readonly iterations: number; readonly salt: Uint8Array; readonly length: number }
  | { readonly kind: "pbkdf2-sha256"; readonly iterations: number; readonly salt: Uint8Array; readonly length: number }
  | { readonly kind: "sha512"; readonly salt: Uint8Array; readonly length: number }

export interface PasswordHash {
  readonly recipe: HashRecipe
  readonly hash: Uint8Array
}

export type NewHashKind = "argon2id" | "scrypt"

export const saltBytes = 16

/** For a new password: about 40 ms of one core, 19 MiB (argon2id) or 32 MiB (scrypt). */
export const newRecipe = (kind: NewHashKind, salt: Uint8Array): HashRecipe =>
  kind === "argon2id"
    ? { kind, memoryKiB: 19_456, passes: 2, lanes: 1, salt, length: 32 }
    : { kind, costLog2: 15, blockSize: 8, lanes: 1, salt, length: 32 }

/** Undefined when it is none of the forms above, or asks for too much. */
export const parsePasswordHash = (text: string): PasswordHash | undefined => {
  const [empty, scheme, ...parts] = text.split("$")
  if (empty !== "") return undefined
  switch (scheme) {
    case "argon2id":
      return parts.length === 4 && parts[0] === "v=19" ? argon2id(parts) : undefined
    case "scrypt":
      return parts.length === 3 ? scrypt(parts) : undefined
    case "7":
      return parts.length === 3 ? mosquitto(parts[1], parts[2], wholeNumber(parts[0], ITERATIONS_MAX)) : undefined
    case "6":
      return parts.length === 2 ? mosquitto(parts[0], parts[1], 0) : undefined
    default:
      return undefined
  }
}

export const formatPasswordHash = ({ hash, recipe }: PasswordHash): string => {
  const tail = `${unpadded(recipe.salt)}$${unpadded(hash)}`
  switch (recipe.kind) {
    case "argon2id":
      return `$argon2id$v=19$m=${recipe.memoryKiB},t=${recipe.passes},p=${recipe.lanes}$${tail}`
    case "scrypt":
      return `$scrypt$ln=${recipe.costLog2},r=${recipe.blockSize},p=${recipe.lanes}$${tail}`
    case "sha512":
      return `$6$${padded(recipe.salt)}$${padded(hash)}`
    default:
      return `$7$${recipe.iterations}$${padded(recipe.salt)}$${padded(hash)}`
  }
}

export const isSameHash = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other)

/** Blocks its thread for as long as the recipe costs. */
export function derive(crypto: typeof Crypto, password: Uint8Array, recipe: HashRecipe): Uint8Array {
  const { length, salt } = recipe
  switch (recipe.kind) {
    case "argon2id":
      return crypto.argon2Sync("argon2id", {
        message: password,
        nonce: salt,
        memory: recipe.memoryKiB,
        passes: recipe.passes,
        parallelism: recipe.lanes,
        tagLength: length
      })
    case "scrypt": {
      const cost = 2 ** recipe.costLog2
      const maxmem = 2 * 128 * recipe.blockSize * (cost + recipe.lanes)
      return crypto.scryptSync(password, salt, length, {
        cost,
        blockSize: recipe.blockSize,
        parallelization: recipe.lanes,
        maxmem
      })
    }
    case "pbkdf2-sha512":
      return crypto.pbkdf2Sync(password, salt, recipe.iterations, length, "sha512")
    case "pbkdf2-sha256":
      return crypto.pbkdf2Sync(password, salt, recipe.iterations, length, "sha256")
    case "sha512":
      return crypto.createHash("sha512").update(password).update(salt).digest()
  }
}

/** 256 MiB: more than any advice asks for, and what one hash may cost a small machine. */
const COST_MAX = 256 * 1_048_576
const ITERATIONS_MAX = 10_000_000
const SALT_BYTES_MAX = 64
const HASH_BYTES_MIN = 16
const HASH_BYTES_MAX = 64

const argon2id = ([, costs, salt, hash]: ReadonlyArray<string>): PasswordHash | undefined => {
  const [, m, t, p] = /^m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})$/.exec(costs ?? "") ?? []
  const memoryKiB = Number(m)
  const lanes = Number(p)
  const passes = Number(t)
  const isBounded = lanes >= 1 && lanes <= 16 && passes >= 1 && passes <= 64
  if (!isBounded || !(memoryKiB >= 8 * lanes) || memoryKiB * 1024 > COST_MAX) return undefined
  return whole(salt, hash, false, (parts) => ({ kind: "argon2id", memoryKiB, passes, lanes, ...parts }))
}

const scrypt = ([costs, salt, hash]: ReadonlyArray<string>): PasswordHash | undefined => {
  const [, ln, r, p] = /^ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})$/.exec(costs ?? "") ?? []
  const costLog2 = Number(ln)
  const blockSize = Number(r)
  const lanes = Number(p)
  const isBounded = costLog2 >= 1 && blockSize >= 1 && lanes >= 1 && lanes <= 16
  if (!isBounded || 128 * blockSize * 2 ** costLog2 > COST_MAX) return undefined
  return whole(salt, hash, false, (parts) => ({ kind: "scrypt", costLog2, blockSize, lanes, ...parts }))
}

/** 0 iterations: the old form. */
const mosquitto = (
  salt: string | undefined,
  hash: string | undefined,
  iterations: number | undefined
): PasswordHash | undefined => {
  if (iterations === undefined) return undefined
  const parsed = whole(salt, hash, true, (parts) =>
    iterations === 0 ? { kind: "sha512", ...parts } : { kind: "pbkdf2-sha512", iterations, ...parts }
  )
  return parsed?.hash.length === 64 ? parsed : undefined
}

const whole = (
  saltText: string | undefined,
  hashText: string | undefined,
  isPadded: boolean,
  recipeOf: (parts: { readonly salt: Uint8Array; readonly length: number }) => HashRecipe
): PasswordHash | undefined => {
  const salt = fromBase64(saltText ?? "", isPadded)
  const hash = fromBase64(hashText ?? "", isPadded)
  if (salt === undefined || hash === undefined || salt.length > SALT_BYTES_MAX) return undefined
  if (salt.length === 0 || hash.length < HASH_BYTES_MIN || hash.length > HASH_BYTES_MAX) return undefined
  return { recipe: recipeOf({ salt, length: hash.length }), hash }
}

const wholeNumber = (text: string | undefined, max: number): number | undefined => {
  const value = /^\d{1,9}$/.test(text ?? "") ? Number(text) : 0
  return value >= 1 && value <= max ? value : undefined
}

/** Strict: Buffer skips what it does not know, so the bytes are written back and compared. */
const fromBase64 = (text: string, isPadded: boolean): Uint8Array | undefined => {
  const bytes = Buffer.from(text, "base64")
  return (isPadded ? padded(bytes) : unpadded(bytes)) === text ? bytes : undefined
}

const padded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")
const unpadded = (bytes: Uint8Array): string => padded(bytes).replace(/=+$/, "")
