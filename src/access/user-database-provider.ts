/**
 * The provider user-database: the users of the admin API (user-database.ts). A change there counts from the next CONNECT
 * on: whoever makes it calls `changed` (user-admin.ts).
 */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import { assert } from "../base/assert.ts"
import { checkPassword, type PasswordUsers } from "./password-users.ts"
import type { Provider } from "./provider.ts"
import type { MakeProvider } from "./providers.ts"

const PROVIDER = "user-database"
const KEY_BYTES = 32

export const makeProvider: MakeProvider = ({ hashes, users: database }) =>
  Effect.sync(() => {
    assert(database !== undefined, "the plan opens the database when the chain names it")
    const users: PasswordUsers = {
      provider: PROVIDER,
      find: (username) => {
        const user = database.find(username)
        return user === undefined ? undefined : { hash: user.hash, ...rightsOf(user.stored) }
      },
      anyRecipe: database.anyRecipe,
      hashes,
      key: randomBytes(KEY_BYTES)
    }
    return {
      name: PROVIDER,
      authenticate: (request) => checkPassword(users, request),
      scramKeysOf: (username) => {
        const user = database.find(username)
        return user?.scram === undefined ? undefined : { keys: user.scram, ...rightsOf(user.stored) }
      }
    } satisfies Provider
  })

const rightsOf = ({
  groups,
  superuser
}: {
  readonly groups?: ReadonlyArray<string>
  readonly superuser?: boolean
}) => ({ groups, isSuperuser: superuser })
