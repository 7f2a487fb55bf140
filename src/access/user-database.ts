/**
 * The built-in user database: an LMDB folder of its own, <data-dir>/users, that the admin API writes and the provider
 * user-database reads. Not part of the store: it is derived from nothing, so nothing makes it anew.
 *
 *   key    SHA-256 of the user name: whatever stands in a name, it is never part of a path or of a key's order
 *   value  JSON: version, name, hash (password-hash.ts), SCRAM keys, groups, superuser, times
 *
 * Invariants
 * - Folder 0700, files 0600, made so before LMDB opens them.
 * - put and remove answer when the change is on the disk.
 * - A value that cannot be read is a fault that is told, and a user who cannot log in: never one without a password.
 * - At most `usersMax` users.
 *
 * Elsewhere: who may change it (admin), what is hashed how (user-admin.ts).
 */
import { createHash } from "node:crypto"
import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Database, RootDatabase } from "lmdb"
import { type HashRecipe, type PasswordHash, parsePasswordHash } from "./password-hash.ts"
import { ProviderRefused } from "./providers.ts"
import { parseScramKeys, type ScramKeys } from "./scram-keys.ts"

/** As it is stored. */
const StoredUserJson = Schema.fromJsonString(
  Schema.Struct({
    version: Schema.Literal(1),
    username: Schema.String,
    hash: Schema.String,
    scram: Schema.optionalKey(Schema.String),
    groups: Schema.optionalKey(Schema.Array(Schema.String)),
    superuser: Schema.optionalKey(Schema.Boolean),
    createdAtMs: Schema.Number,
    changedAtMs: Schema.Number
  })
)
export type StoredUser = typeof StoredUserJson.Type

export interface DatabaseUser {
  readonly stored: StoredUser
  readonly hash: PasswordHash
  readonly scram: ScramKeys | undefined
}

export interface UserDatabase {
  readonly count: () => number
  /** Undefined also when the value is damaged; `onDamage` is told then. */
  readonly find: (username: string) => DatabaseUser | undefined
  /** Some user's recipe, the same for the same number. */
  readonly anyRecipe: (number: number) => HashRecipe | undefined
  /** In no order that means anything; `after` is the name the last page ended with. */
  readonly page: (after: string | undefined, limit: number) => ReadonlyArray<StoredUser>
  /** On the disk when it resolves. */
  readonly put: (user: StoredUser) => Promise<void>
  readonly remove: (username: string) => Promise<void>
}

export interface UserDatabaseOptions {
  readonly directory: string
  readonly onDamage: (what: string) => void
}

const OWNER_ONLY = 0o600
/** Address space, not memory: room for ten million users, taken when there are that many. */
const MAP_BYTES = 4 * 1_073_741_824

/** The scope's end closes it. Only the holder of the data folder may call this. */
export const openUserDatabase = (
  options: UserDatabaseOptions
): Effect.Effect<UserDatabase, ProviderRefused, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => open(options.directory),
      catch: (cause) => refused(options.directory, cause)
    }),
    (root) => Effect.promise(() => root.close())
  ).pipe(Effect.map((root) => makeDatabase(root, options)))

const refused = (directory: string, cause: unknown): ProviderRefused => {
  const fact = `the user database ${directory} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`
  const fix = "let the broker's user read and write the folder; restore it from a backup if it is damaged"
  return new ProviderRefused({ provider: "user-database", problems: [{ code: "E3513", fact, fix }] })
}

const open = async (directory: string): Promise<RootDatabase<string, Buffer>> => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chmodSync(directory, 0o700)
  for (const name of ["data.mdb", "lock.mdb"]) {
    const handle = openSync(join(directory, name), "a", OWNER_ONLY)
    fchmodSync(handle, OWNER_ONLY)
    closeSync(handle)
  }
  const lmdb = await import("lmdb")
  return lmdb.open<string, Buffer>({
    path: directory,
    keyEncoding: "binary",
    encoding: "string",
    mapSize: MAP_BYTES,
    overlappingSync: false
  })
}

const makeDatabase = (db: Database<string, Buffer>, { onDamage }: UserDatabaseOptions): UserDatabase => {
  const decoded = (value: string): DatabaseUser | undefined => {
    const user = decodeUser(value)
    if (user === undefined) onDamage("an entry of the user database cannot be read: that user cannot log in")
    return user
  }
  const from = (key: Buffer): DatabaseUser | undefined => {
    for (const { value } of db.getRange({ start: key, limit: 1 })) return decoded(value)
    return undefined
  }
  return {
    count: () => (db.getStats() === undefined ? 0 : db.getCount()),
    find: (username) => {
      const value = db.get(keyOf(username))
      const user = value === undefined ? undefined : decoded(value)
      return user?.stored.username === username ? user : undefined
    },
    anyRecipe: (number) => {
      const start = Buffer.alloc(4)
      start.writeUInt32BE(number >>> 0)
      return (from(start) ?? from(Buffer.alloc(1)))?.hash.recipe
    },
    page: (after, limit) => {
      const users: Array<StoredUser> = []
      const start = after === undefined ? Buffer.alloc(1) : keyOf(after)
      for (const { key, value } of db.getRange({ start, limit: limit + 1 })) {
        if (after !== undefined && Buffer.compare(Buffer.from(key), start) === 0) continue
        const user = decoded(value)
        if (user !== undefined && users.length < limit) users.push(user.stored)
      }
      return users
    },
    put: async (user) => {
      await db.put(keyOf(user.username), encodeUser(user))
      await db.flushed
    },
    remove: async (username) => {
      await db.remove(keyOf(username))
      await db.flushed
    }
  }
}

const keyOf = (username: string): Buffer => createHash("sha256").update(username).digest()

const encodeUser = Schema.encodeUnknownSync(StoredUserJson)
const decodeStored = Schema.decodeUnknownOption(StoredUserJson)

const decodeUser = (value: string): DatabaseUser | undefined => {
  const stored = decodeStored(value)
  if (stored._tag === "None") return undefined
  const hash = parsePasswordHash(stored.value.hash)
  const scram = stored.value.scram === undefined ? undefined : parseScramKeys(stored.value.scram)
  if (hash === undefined || (stored.value.scram !== undefined && scram === undefined)) return undefined
  return { stored: stored.value, hash, scram }
}
