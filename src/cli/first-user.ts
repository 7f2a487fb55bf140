/**
 * The first start where strangers can reach the broker, in a container above all: `promptmq server --first-user admin`
 * makes the password file with one user and a random password, says the password once, and starts.
 *
 * Invariants
 * - [FIRST-1] Only where there is no password file yet: one that is there, also a damaged one, is left alone.
 * - [FIRST-2] The password is on stderr once and nowhere else; the file has its hash, with mode 0600.
 */
import * as crypto from "node:crypto"
import { isProblem, readPasswordFile, withUser } from "../access/password-file.ts"
import { derive, formatPasswordHash, newRecipe, saltBytes } from "../access/password-hash.ts"
import type { Settings } from "../settings/settings.ts"
import type { ExitCode } from "./exit-codes.ts"
import { UsageFault } from "./grammar/option.ts"
import { nameFault, writeUsers } from "./user-file.ts"
import { say, type World } from "./world.ts"

const PASSWORD_BYTES = 18

/** Undefined = go on. */
export function makeFirstUser(
  username: string,
  { auth, server }: Settings,
  world: World
): UsageFault | ExitCode | undefined {
  const fault = nameFault(username)
  if (fault !== undefined) return fault
  if (!auth.chain.includes("password-file")) {
    return new UsageFault("--first-user needs the password file", "write auth.chain: [password-file]")
  }
  const read = readPasswordFile(auth.passwordFile)
  if (!isProblem(read) || read.isMissing !== true) return undefined // [FIRST-1]
  const password = crypto.randomBytes(PASSWORD_BYTES).toString("base64url")
  const recipe = newRecipe(auth.passwordHash, crypto.randomBytes(saltBytes))
  const hash = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from(password), recipe) })
  const failed = writeUsers(auth.passwordFile, withUser("", username, `${username}:${hash}`), world)
  if (failed !== undefined) return failed
  const port = server.bind[0]?.port ?? 1883
  say(world, `first start: made the user ${username} in ${auth.passwordFile}. Its password is told this once:`)
  say(world, `  promptmq pub -h localhost -p ${port} -u ${username} -P ${password} -t hello -m world`)
  return undefined
}
