/**
 * The provider password-file: user names and passwords from a file (password-file.ts), read again when it changes.
 *
 * Invariants
 * - A file that cannot be used keeps the broker from starting [PWD-3]; while it runs the old entries stay at work, and
 *   the log says what is wrong, once per state of the file [PWD-4].
 * - With a new file, answers given from the old one are forgotten.
 */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import { stateOfFile } from "../listener/file-state.ts"
import { watchFile } from "./file-watch.ts"
import { isProblem, type PasswordFile, readPasswordFile } from "./password-file.ts"
import { checkPassword, type PasswordUsers } from "./password-users.ts"
import { type Provider, ProviderFailed } from "./provider.ts"
import { type MakeProvider, ProviderRefused } from "./providers.ts"

const PROVIDER = "password-file"
const KEY_BYTES = 32
const SERVER_UNAVAILABLE = 0x88

export const makeProvider: MakeProvider = ({ background, changed, hashes, log, settings }) =>
  Effect.gen(function* () {
    const file = settings.auth.passwordFile
    let state = stateOfFile(file)
    const first = readPasswordFile(file)
    if (isProblem(first)) return yield* new ProviderRefused({ provider: PROVIDER, problems: [first] }) // [PWD-3]
    let current: PasswordFile = first
    let recipes = recipesOf(first)
    const tellWarning = () => {
      if (current.warning !== undefined) log.write("warn", current.warning, { file })
    }
    tellWarning()
    const reload = Effect.suspend(() => {
      state = stateOfFile(file)
      const read = readPasswordFile(file)
      if (isProblem(read)) {
        log.write("error", "the password file changed and is not used", {
          code: read.code,
          fact: read.fact,
          fix: read.fix
        })
        return Effect.fail(new ProviderFailed({ provider: PROVIDER, reasonCode: SERVER_UNAVAILABLE, why: read.fact })) // [PWD-4]
      }
      current = read
      recipes = recipesOf(read)
      changed()
      log.write("info", "the password file was read again", { file, users: read.users.size })
      tellWarning()
      return Effect.void
    })
    // [RELOAD-1] Looked at before anything is changed.
    const judge = Effect.sync(() => {
      const read = readPasswordFile(file)
      return isProblem(read) ? [read] : []
    })
    yield* background(
      "the watch over the password file",
      watchFile(file, () => state, Effect.ignore(reload))
    )
    const users: PasswordUsers = {
      provider: PROVIDER,
      find: (username) => current.users.get(username),
      anyRecipe: (number) => recipes[number % Math.max(1, recipes.length)],
      hashes,
      key: randomBytes(KEY_BYTES)
    }
    return {
      name: PROVIDER,
      authenticate: (request) => checkPassword(users, request),
      scramKeysOf: (username) => {
        const keys = current.users.get(username)?.scram
        return keys === undefined ? undefined : { keys }
      },
      reload,
      judge
    } satisfies Provider
  })

const recipesOf = ({ users }: PasswordFile) => Array.from(users.values(), ({ hash }) => hash.recipe)
