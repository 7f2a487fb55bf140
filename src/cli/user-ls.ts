/**
 * `promptmq user ls`: the users of the password file, with the kind of their hash and never the hash.
 */
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { jsonOption, table } from "./store-place.ts"
import { chooseFile, readUsers, userFileOptions } from "./user-file.ts"
import { complain } from "./world.ts"

export const body = commandBody({
  notes: ["Users of the built-in database are listed by the admin API: GET /api/v1/users."],
  examples: [{ line: "promptmq user ls --json", why: "for a program" }],
  operands: [],
  options: { ...userFileOptions, ...jsonOption },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const chosen = await chooseFile(options, world)
    if (typeof chosen === "number") return chosen
    const read = readUsers(chosen.file, world)
    if (typeof read === "number") return read
    if (read === "none") {
      const fix = "promptmq user add <name> makes it"
      complain(world, { code: "E6001", fact: `there is no password file ${chosen.file}`, fix })
      return exitCodes.notFound
    }
    const users = Array.from(read.users, ([username, { hash, scram }]) => ({
      username,
      hash: hash.recipe.kind,
      scram: scram !== undefined
    }))
    if (options.json) {
      world.stdout.write(`${JSON.stringify({ version: 1, file: chosen.file, users })}\n`)
      return exitCodes.done
    }
    const rows = users.map(({ hash, scram, username }) => [username, hash, scram ? "yes" : "no"])
    world.stdout.write(table([["user", "hash", "SCRAM"], ...rows]))
    return exitCodes.done
  }
})
