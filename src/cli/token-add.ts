/**
 * `promptmq token add NAME --role viewer`: a further token of the admin API. It is printed once, to standard output; the
 * file gets its name, its role and its digest. A running broker knows it within a second.
 */
import { roles } from "../admin/api/role-names.ts"
import { appendToken, isTokenName, newToken } from "../admin/tokens-file.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text, UsageFault } from "./grammar/option.ts"
import { chooseTokens, tokensFileOptions } from "./token-place.ts"
import { complain, say } from "./world.ts"

export const body = commandBody({
  notes: [
    "A viewer may look, an operator may also act on clients, messages and the store, an admin may do everything.",
    "Nobody can print it again: the file holds a digest. promptmq token rm takes it back."
  ],
  examples: [
    { line: "promptmq token add grafana --role viewer", why: "prints the token" },
    { line: "promptmq token add ops --role operator > ops.token", why: "into a file" }
  ],
  operands: [{ name: "name", summary: "who has it: up to 64 letters, digits and . _ @ -", isRequired: true }],
  options: {
    role: text("what it may do (viewer)", { placeholder: "role", choices: roles }),
    ...tokensFileOptions
  },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const [name = ""] = operands
    if (!isTokenName(name)) return new UsageFault(`"${name}" cannot be a name: up to 64 letters, digits and . _ @ -`)
    const chosen = await chooseTokens(options, world)
    if (typeof chosen === "number") return chosen
    const { file, rows } = chosen
    if (rows.some((row) => row.name === name)) {
      const fix = `promptmq token rm ${name} takes it back; or choose another name`
      complain(world, { code: "E1401", fact: `${file} has a token ${name} already`, fix })
      return exitCodes.failed
    }
    const token = newToken()
    const role = roles.find((each) => each === options.role) ?? "viewer"
    try {
      appendToken(file, name, role, token)
    } catch (cause) {
      complain(world, { code: "E1001", fact: `${file}: ${(cause as Error).message}`, fix: "let this user write it" })
      return exitCodes.failed
    }
    world.stdout.write(`${token}\n`)
    say(world, `added ${name} (${role}) to ${file}; the token is not shown again`)
    return exitCodes.done
  }
})
