/**
 * `promptmq token ls`: the further tokens of the admin API: names and roles. What they are nobody can print: the file holds
 * digests.
 */
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { jsonOption, table } from "./store-place.ts"
import { chooseTokens, tokensFileOptions } from "./token-place.ts"
import { say } from "./world.ts"

export const body = commandBody({
  notes: ["The admin's own token is not among them: it is the content of admin.token-file, and always an admin's."],
  examples: [{ line: "promptmq token ls --json", why: "for a program" }],
  operands: [],
  options: { ...tokensFileOptions, ...jsonOption },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const chosen = await chooseTokens(options, world)
    if (typeof chosen === "number") return chosen
    const { file, rows } = chosen
    const tokens = rows.map(({ name, role }) => ({ name, role }))
    if (options.json) world.stdout.write(`${JSON.stringify({ version: 1, file, tokens })}\n`)
    else if (tokens.length === 0) say(world, `${file} has no tokens; promptmq token add makes one`)
    else world.stdout.write(table([["token", "role"], ...tokens.map(({ name, role }) => [name, role])]))
    return exitCodes.done
  }
})
