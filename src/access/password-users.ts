/**
 * Checks user name and password against hashes, wherever they are kept: the common half of the password file and the
 * user database.
 *
 * Invariants
 * - A user without a password is denied, never let in [PWD-1] (security.md, row 30).
 * - A name nobody has costs what a known one costs: its password is checked against the recipe of some entry, always
 *   the same for the name, with a salt of its own [PWD-2]. What comes out of that is thrown away.
 * - A right answer needs the whole hash: compared in constant time.
 * - Who was let in may be asked about later: with another hash, other groups, or none at all it is not who it was [PWD-5].
 * - Fails closed: a hash that cannot be computed is ProviderFailed, 0x89 when the queue is full, else 0x88.
 */
import { createHmac } from "node:crypto"
import * as Effect from "effect/Effect"
import type { ConnectRequest } from "./access.ts"
import type { HashUnavailable, HashWorkers } from "./hash-workers.ts"
import { type HashRecipe, isSameHash, newRecipe, type PasswordHash, saltBytes } from "./password-hash.ts"
import { type ProviderAnswer, ProviderFailed, unknown } from "./provider.ts"

export interface PasswordUser {
  readonly hash: PasswordHash
  readonly groups?: ReadonlyArray<string> | undefined
  readonly isSuperuser?: boolean | undefined
}

export interface PasswordUsers {
  readonly provider: string
  readonly find: (username: string) => PasswordUser | undefined
  /** Some entry's recipe, chosen by a number; undefined when there is no entry. */
  readonly anyRecipe: (number: number) => HashRecipe | undefined
  readonly hashes: HashWorkers
  /** Random, of this process: which name gets which recipe and salt is nobody's knowledge. */
  readonly key: Uint8Array
}

export const checkPassword = (
  users: PasswordUsers,
  { clientIdentifier, password, username }: ConnectRequest
): Effect.Effect<ProviderAnswer, ProviderFailed> => {
  if (username === undefined) return Effect.succeed(unknown)
  const user = users.find(username)
  if (password === undefined) return Effect.succeed(user === undefined ? unknown : withoutPassword) // [PWD-1]
  const recipe = user === undefined ? decoy(users, username) : user.hash.recipe // [PWD-2]
  return users.hashes.derive(password, recipe).pipe(
    Effect.mapError((error) => failedAs(users.provider, error)),
    Effect.map((hash): ProviderAnswer => {
      if (user === undefined) return unknown
      if (!isSameHash(hash, user.hash.hash)) return wrongPassword
      const { groups, isSuperuser } = user
      const isStillGood = () => isSameUser(user, users.find(username)) // [PWD-5]
      return {
        kind: "allowed",
        identity: { clientIdentifier, username, provider: users.provider, groups, isSuperuser, isStillGood }
      }
    })
  )
}

const isSameUser = (before: PasswordUser, now: PasswordUser | undefined): boolean =>
  now !== undefined &&
  isSameHash(before.hash.hash, now.hash.hash) &&
  before.isSuperuser === now.isSuperuser &&
  (before.groups ?? []).join("\0") === (now.groups ?? []).join("\0")

const BAD_USER_NAME_OR_PASSWORD = 0x86
const SERVER_UNAVAILABLE = 0x88
const SERVER_BUSY = 0x89

const withoutPassword: ProviderAnswer = {
  kind: "denied",
  reasonCode: BAD_USER_NAME_OR_PASSWORD,
  why: "a user name without a password"
}

const wrongPassword: ProviderAnswer = {
  kind: "denied",
  reasonCode: BAD_USER_NAME_OR_PASSWORD,
  why: "wrong password"
}

const decoy = ({ anyRecipe, key }: PasswordUsers, username: string): HashRecipe => {
  const digest = createHmac("sha256", key).update(username).digest()
  const salt = digest.subarray(0, saltBytes)
  const recipe = anyRecipe(digest.readUInt32LE(saltBytes))
  return recipe === undefined ? newRecipe("argon2id", salt) : { ...recipe, salt }
}

const failedAs = (provider: string, { reason, why }: HashUnavailable): ProviderFailed =>
  new ProviderFailed({ provider, reasonCode: reason === "busy" ? SERVER_BUSY : SERVER_UNAVAILABLE, why })
