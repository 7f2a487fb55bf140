/**
 * The keys that tokens may be signed with, and the algorithms that go with them. One source: a shared secret, a file of
 * public keys, or a key set at an address.
 *
 *   source            algorithms at most                 changes
 *   hmac-key-file     HS256 HS384 HS512                  reload
 *   public-key-file   RS* PS* ES* EdDSA                  reload
 *   jwks-url          RS* PS* ES* EdDSA                  jwt-jwks.ts
 *
 * Invariants
 * - A secret is never tried for a signature by a public key, nor a public key as a secret: the source decides the
 *   family before a token is looked at, and `none` is in no family. [AUTH-JWT]
 * - A secret has SECRET_BYTES_MIN bytes, an RSA key 2048 bits: shorter ones are guessed.
 *
 * Elsewhere: what a token must say (jwt-provider.ts).
 */
import { createPublicKey, type KeyObject } from "node:crypto"
import type { JSONWebKeySet, JWK, JWTVerifyGetKey } from "jose"
import type { Settings } from "../settings/settings.ts"
import { type FileProblem, isFileProblem, readProviderFile } from "./provider-file.ts"

export type Jose = typeof import("./jose.ts")
export type JwtSettings = Settings["auth"]["jwt"]

const SECRET_BYTES_MIN = 32
const RSA_BITS_MIN = 2048

/** Of the configured ones, those of the source's family. */
export function algorithmsOf({ algorithms, hmacKeyFile }: JwtSettings): ReadonlyArray<string> {
  const family = hmacKeyFile === "" ? publicAlgorithms : hmacAlgorithms // [AUTH-JWT]
  return algorithms.length === 0 ? family : algorithms.filter((name) => family.includes(name))
}

const hmacAlgorithms = ["HS256", "HS384", "HS512"]
const publicAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519"
]

/** What the settings say that cannot be. */
export function jwtSettingsProblem(settings: JwtSettings): FileProblem | undefined {
  const { algorithms, hmacKeyFile, jwksUrl, publicKeyFile } = settings
  const sources = [hmacKeyFile, publicKeyFile, jwksUrl].filter((text) => text !== "")
  if (sources.length !== 1) {
    const fact = `auth.chain names jwt, and ${sources.length} of hmac-key-file, public-key-file and jwks-url are written`
    return { code: "E3545", fact, fix: "write exactly one of them under auth.jwt" }
  }
  if (algorithmsOf(settings).length > 0 && algorithmsOf(settings).length >= algorithms.length) return undefined
  const fact = `auth.jwt.algorithms ${algorithms.join(", ")}: not all of them fit the kind of key`
  const fix = hmacKeyFile === "" ? "write algorithms with public keys" : "write HS256, HS384 or HS512"
  return { code: "E3545", fact, fix }
}

export function readSecret({ hmacKeyEncoding, hmacKeyFile }: JwtSettings): Uint8Array | FileProblem {
  const content = readProviderFile(hmacKeyFile, "secret")
  if (isFileProblem(content)) return content
  const text = content.toString("latin1").replace(/\r?\n$/, "")
  const secret = Buffer.from(text, hmacKeyEncoding === "base64" ? "base64" : "latin1")
  if (secret.length >= SECRET_BYTES_MIN) return new Uint8Array(secret)
  const fact = `${hmacKeyFile} holds ${secret.length} bytes: a secret that short can be guessed`
  return { code: "E3542", fact, fix: "openssl rand -base64 48" }
}

/** A key set, from PEM or JSON. */
export function readPublicKeys(file: string): JSONWebKeySet | FileProblem {
  const content = readProviderFile(file, "public")
  if (isFileProblem(content)) return content
  const text = content.toString("utf8")
  const keys = text.trimStart().startsWith("{") ? keySetOf(text) : keysOfPem(text)
  if (typeof keys === "object") return keys
  return { code: "E3542", fact: `${file} ${keys}`, fix: "name a file with public keys (PEM), or a JSON Web Key Set" }
}

/** The set; or what is wrong with it. Private and secret members are a mistake that is told, never used. */
export function keySetOf(text: string): JSONWebKeySet | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return "is not JSON"
  }
  const { keys } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as { readonly keys?: unknown }
  if (!Array.isArray(keys)) return "is no JSON Web Key Set"
  if (keys.length === 0) return "holds no key"
  if (keys.some((key) => typeof key !== "object" || key === null)) return "is no JSON Web Key Set"
  if (keys.some((key) => "d" in key || "k" in key)) return "holds private or secret keys"
  return { keys }
}

function keysOfPem(text: string): JSONWebKeySet | string {
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g) ?? []
  if (blocks.length === 0) return "holds no key in PEM form"
  const keys: Array<JWK> = []
  for (const [index, block] of blocks.entries()) {
    if (block.includes("PRIVATE KEY")) return "holds a private key: the issuer alone needs that"
    let key: KeyObject
    try {
      key = createPublicKey(block)
    } catch {
      return `holds no public key in block ${index + 1}`
    }
    if ((key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN) < RSA_BITS_MIN)
      return "holds an RSA key below 2048 bits"
    keys.push(key.export({ format: "jwk" }) as JWK)
  }
  return { keys }
}

/** Keys of PEM files have no names, so a name in the token asks nothing of them. */
export function localKeys(jose: Jose, set: JSONWebKeySet): JWTVerifyGetKey {
  const find = jose.createLocalJWKSet(set)
  const areNamed = set.keys.some(({ kid }) => kid !== undefined)
  if (areNamed) return find
  return ({ kid: _kid, ...header }, token) => find(header, token)
}
