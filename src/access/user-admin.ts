/**
 * What the admin API may do with the user database: add, change, remove, list. Hashes go in and never come out.
 *
 * Invariants
 * - One change at a time: two requests about the same user do not both see the old one.
 * - A password is hashed by the hash workers; a full queue is "busy", and nothing has changed then.
 * - After a change, results that were remembered are forgotten, and connections of a user who was removed or got another
 *   password, other groups or rank are ended, before the answer is given [USR-1].
 * - A password that is too short or has NUL is refused; no other rule about passwords (NIST SP 800-63B).
 */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import { hasControlCharacter } from "./chain.ts"
import type { HashWorkers } from "./hash-workers.ts"
import { formatPasswordHash, type NewHashKind, newRecipe, saltBytes } from "./password-hash.ts"
import { formatScramKeys, normalized, scramIterations, scramKeysOf } from "./scram-keys.ts"
import type { StoredUser, UserDatabase } from "./user-database.ts"

export interface UserChange {
  readonly username: string
  readonly password?: string | undefined
  readonly scram?: boolean | undefined
  readonly groups?: ReadonlyArray<string> | undefined
  readonly superuser?: boolean | undefined
}

/** A user as it is shown: no hash, no key. */
export interface ShownUser {
  readonly username: string
  /** Kind of the hash, e.g. "argon2id". */
  readonly hash: string
  readonly scram: boolean
  readonly groups: ReadonlyArray<string>
  readonly superuser: boolean
  readonly createdAt: string
  readonly changedAt: string
}

export type UserRefusal = "exists" | "unknown" | "full" | "busy" | "bad-name" | "bad-password" | "bad-groups"

export interface UserAdmin {
  readonly list: (after: string | undefined, limit: number) => ReadonlyArray<ShownUser>
  readonly count: () => number
  readonly add: (user: UserChange) => Promise<ShownUser | UserRefusal>
  /** Makes the user, or changes what is written. */
  readonly put: (user: UserChange) => Promise<ShownUser | UserRefusal>
  readonly remove: (username: string) => Promise<ShownUser | UserRefusal>
}

export interface UserAdminOptions {
  readonly database: UserDatabase
  readonly hashes: HashWorkers
  readonly hashKind: NewHashKind
  readonly usersMax: number
  readonly changed: (username: string) => void
  readonly wallClockMs: () => number
}

export const passwordLengthMin = 4
const PASSWORD_BYTES_MAX = 1024
const GROUPS_MAX = 256
const NAME_BYTES_MAX = 65_535

export const makeUserAdmin = (options: UserAdminOptions): UserAdmin => {
  const { changed, database } = options
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <A>(work: () => Promise<A>): Promise<A> => {
    const done = last.then(work)
    last = done.catch(() => undefined)
    return done
  }
  const save = async (user: UserChange, before: StoredUser | undefined): Promise<ShownUser | UserRefusal> => {
    const refusal = refusalOf(user)
    if (refusal !== undefined) return refusal
    const secrets =
      user.password === undefined ? undefined : await secretsOf(options, user.password, user.scram, before)
    if (secrets === "busy") return "busy"
    const stored = merged(user, before, secrets, options.wallClockMs())
    await database.put(stored)
    changed(user.username) // [USR-1]
    return shown(stored)
  }
  const make = async (user: UserChange): Promise<ShownUser | UserRefusal> => {
    if (user.password === undefined) return "bad-password"
    return database.count() >= options.usersMax ? "full" : save(user, undefined)
  }
  return {
    list: (after, limit) => database.page(after, limit).map(shown),
    count: database.count,
    add: (user) => inTurn(async () => (database.find(user.username) === undefined ? make(user) : "exists")),
    put: (user) =>
      inTurn(async () => {
        const before = database.find(user.username)
        return before === undefined ? make(user) : save(user, before.stored)
      }),
    remove: (username) =>
      inTurn(async () => {
        const before = database.find(username)
        if (before === undefined) return "unknown"
        await database.remove(username)
        changed(username) // [USR-1]
        return shown(before.stored)
      })
  }
}

/** What is wrong with a password, in words; undefined = nothing. */
export const unfitPassword = (password: string): string | undefined => {
  if (password.length < passwordLengthMin) return `is shorter than ${passwordLengthMin} characters`
  if (password.includes("\0")) return "has NUL characters"
  return Buffer.byteLength(password) > PASSWORD_BYTES_MAX ? `is longer than ${PASSWORD_BYTES_MAX} bytes` : undefined
}

const refusalOf = ({ groups, password, username }: UserChange): UserRefusal | undefined => {
  const isNameBad = username === "" || hasControlCharacter(username) || Buffer.byteLength(username) > NAME_BYTES_MAX
  if (isNameBad) return "bad-name"
  if (password !== undefined && unfitPassword(password) !== undefined) return "bad-password"
  const isBad = (group: string) => group === "" || hasControlCharacter(group) || group.length > 256
  return groups !== undefined && (groups.length > GROUPS_MAX || groups.some(isBad)) ? "bad-groups" : undefined
}

interface Secrets {
  readonly hash: string
  readonly scram: string | undefined
}

/** With SCRAM keys when they are asked for, or when there were some and nothing is said. */
const secretsOf = async (
  { hashes, hashKind }: UserAdminOptions,
  password: string,
  scram: boolean | undefined,
  before: StoredUser | undefined
): Promise<Secrets | "busy"> => {
  const salt = randomBytes(saltBytes)
  const recipe = newRecipe(hashKind, salt)
  const scramRecipe = { kind: "pbkdf2-sha256", iterations: scramIterations, salt, length: 32 } as const
  const wantsScram = scram ?? before?.scram !== undefined
  const work = Effect.all([
    hashes.derive(Buffer.from(password), recipe),
    wantsScram ? hashes.derive(Buffer.from(normalized(password)), scramRecipe) : Effect.succeed(undefined)
  ])
  const done = await Effect.runPromise(Effect.option(work))
  if (done._tag === "None") return "busy"
  const [hash, salted] = done.value
  return {
    hash: formatPasswordHash({ recipe, hash }),
    scram: salted === undefined ? undefined : formatScramKeys(scramKeysOf(salted, salt, scramIterations))
  }
}

/** What is not said stays; a new password without SCRAM keys takes the old ones away, and so does `scram: false`. */
const merged = (
  { groups, scram, superuser, username }: UserChange,
  before: StoredUser | undefined,
  secrets: Secrets | undefined,
  nowMs: number
): StoredUser => {
  const scramText = secrets === undefined ? (scram === false ? undefined : before?.scram) : secrets.scram
  const nextGroups = groups ?? before?.groups
  const nextSuperuser = superuser ?? before?.superuser
  return {
    version: 1,
    username,
    hash: secrets?.hash ?? (before as StoredUser).hash,
    ...(scramText === undefined ? {} : { scram: scramText }),
    ...(nextGroups === undefined ? {} : { groups: nextGroups }),
    ...(nextSuperuser === undefined ? {} : { superuser: nextSuperuser }),
    createdAtMs: before?.createdAtMs ?? nowMs,
    changedAtMs: nowMs
  }
}

const shown = ({ changedAtMs, createdAtMs, groups, hash, scram, superuser, username }: StoredUser): ShownUser => ({
  username,
  hash: hash.split("$")[1] ?? "",
  scram: scram !== undefined,
  groups: groups ?? [],
  superuser: superuser === true,
  createdAt: new Date(createdAtMs).toISOString(),
  changedAt: new Date(changedAtMs).toISOString()
})
