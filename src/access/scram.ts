/**
 * SCRAM-SHA-256 as enhanced authentication (MQTT 5.0, 4.12; RFC 5802, 7677): the password crosses the network in no form,
 * and each side learns that the other one knows it.
 *
 *   client  CONNECT / AUTH 0x19   n,,n=<user>,r=<nonce>
 *   broker  AUTH 0x18             r=<nonce><ours>,s=<salt>,i=<iterations>
 *   client  AUTH 0x18             c=biws,r=<nonce><ours>,p=<proof>
 *   broker  CONNACK / AUTH 0x00   v=<signature>
 *
 * Invariants
 * - A name nobody has gets salt and iterations like everybody, the same ones each time, and fails at the proof [SCR-1].
 * - The proof is for this exchange: our nonce is fresh, and must come back whole [SCR-2].
 * - A user name in CONNECT is the one that is proved, or the client is refused.
 * - No channel binding: a client that insists on it is refused; `y` (it could, and believes we cannot) is true of us.
 * - No slow hash is computed here: that is the client's part.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import * as Effect from "effect/Effect"
import { ConnectRefused, type ConnectRequest, type EnhancedMethod, type EnhancedStep, type Identity } from "./access.ts"
import type { ScramUser } from "./provider.ts"
import { hmac, type ScramKeys, scramIterations, sha256 } from "./scram-keys.ts"

export interface ScramOptions {
  readonly find: (username: string) => FoundUser | undefined
  /** Printable ASCII without a comma. */
  readonly randomNonce: () => string
  /** Random, of this process. */
  readonly key: Uint8Array
}

export interface FoundUser extends ScramUser {
  readonly provider: string
}

export const scramName = "SCRAM-SHA-256"

export const makeScram = (options: ScramOptions): EnhancedMethod => ({
  name: scramName,
  begin: (request, data) => {
    const first = parseFirst(data)
    if (typeof first === "string") return refused(first)
    if (request.username !== undefined && request.username !== first.username) {
      return refused("the user name of CONNECT is not the one of the exchange")
    }
    const user = options.find(first.username)
    const keys = user?.keys ?? nobody(options.key, first.username) // [SCR-1]
    const nonce = `${first.nonce}${options.randomNonce()}`
    const challenge = `r=${nonce},s=${Buffer.from(keys.salt).toString("base64")},i=${keys.iterations}`
    const exchange: Exchange = { request, first, nonce, challenge, keys, user, find: options.find }
    return Effect.succeed({ data: Buffer.from(challenge), next: (proof) => judge(exchange, proof) })
  }
})

interface First {
  /** "n,," or the like: what `c=` must repeat. */
  readonly header: string
  /** The message without the header, as it was sent. */
  readonly bare: string
  readonly username: string
  readonly nonce: string
}

interface Exchange {
  readonly request: ConnectRequest
  readonly first: First
  readonly nonce: string
  readonly challenge: string
  readonly keys: ScramKeys
  readonly user: FoundUser | undefined
  readonly find: ScramOptions["find"]
}

const NOT_AUTHORIZED = 0x87
const MESSAGE_BYTES_MAX = 8192
const NONCE_LENGTH_MAX = 256
const KEY_BYTES = 32

const refused = (why: string): Effect.Effect<never, ConnectRefused> =>
  Effect.fail(new ConnectRefused({ reasonCode: NOT_AUTHORIZED, why: `SCRAM: ${why}` }))

const parseFirst = (data: Buffer | undefined): First | string => {
  if (data === undefined || data.length === 0 || data.length > MESSAGE_BYTES_MAX) return "no first message"
  const text = data.toString("utf8")
  const match = /^((?:n|y),(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]*)*)$/.exec(text)
  if (match === null) return text.startsWith("p=") ? "channel binding is not offered" : "the first message is malformed"
  const [, header = "", authority, bare = "", name = "", nonce = ""] = match
  const username = unescaped(name)
  if (username === undefined) return "the user name is malformed"
  if (authority !== undefined && unescaped(authority) !== username) return "it wants to act for somebody else"
  return nonce.length > NONCE_LENGTH_MAX ? "the nonce is too long" : { header, bare, username, nonce }
}

/** "=2C" and "=3D" stand for a comma and an equals sign, and no other "=" may be there. */
const unescaped = (name: string): string | undefined => {
  if (/=(?!2C|3D)/.test(name)) return undefined
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=")
}

const judge = (exchange: Exchange, data: Buffer | undefined): Effect.Effect<EnhancedStep, ConnectRefused> => {
  const { challenge, first, keys, nonce, request, user } = exchange
  const text = data === undefined || data.length > MESSAGE_BYTES_MAX ? "" : data.toString("utf8")
  const match = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]*)*),p=([A-Za-z0-9+/=]{44})$/.exec(
    text
  )
  if (match === null) return refused("the final message is malformed")
  const [, withoutProof = "", binding = "", repeated, proofText = ""] = match
  if (repeated !== nonce) return refused("the nonce is another one") // [SCR-2]
  if (Buffer.from(binding, "base64").toString("utf8") !== first.header) return refused("the header is another one")
  const message = `${first.bare},${challenge},${withoutProof}`
  const isProved = proves(Buffer.from(proofText, "base64"), keys.storedKey, message)
  if (user === undefined || !isProved) return refused("wrong proof, or no such user")
  const { clientIdentifier } = request
  const { groups, isSuperuser, provider } = user
  const isStillGood = () => isSameUser(user, exchange.find(first.username))
  const identity: Identity = { clientIdentifier, username: first.username, provider, groups, isSuperuser, isStillGood }
  return Effect.succeed({ data: Buffer.from(`v=${hmac(keys.serverKey, message).toString("base64")}`), identity })
}

const isSameUser = (before: FoundUser, now: FoundUser | undefined): boolean =>
  now !== undefined &&
  timingSafeEqual(before.keys.storedKey, now.keys.storedKey) &&
  before.isSuperuser === now.isSuperuser &&
  (before.groups ?? []).join("\0") === (now.groups ?? []).join("\0")

/** ClientKey = proof XOR HMAC(StoredKey, message), and StoredKey is its hash. */
const proves = (proof: Buffer, storedKey: Uint8Array, message: string): boolean => {
  if (proof.length !== KEY_BYTES) return false
  const clientKey = hmac(storedKey, message)
  for (let index = 0; index < KEY_BYTES; index++)
    clientKey[index] = (clientKey[index] as number) ^ (proof[index] as number)
  return timingSafeEqual(sha256(clientKey), storedKey)
}

const nobody = (key: Uint8Array, username: string): ScramKeys => {
  const digest = createHmac("sha512", key).update(username).digest()
  return {
    iterations: scramIterations,
    salt: digest.subarray(0, 16),
    storedKey: digest.subarray(16, 48),
    serverKey: digest.subarray(16, 48)
  }
}
