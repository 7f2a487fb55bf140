/**
 * `promptmq token add NAME --role viewer`: a further token of the admin API. It is printed once, to standard output; the
 * file gets its name, its role and its digest. A running broker knows it within a second.
 */
import { resolve } from "node:path"
import { roles } from "../admin/api/role-names.ts"
import { appendToken, isTokenName, newToken, readTokens } from "../admin/tokens-file.ts"
import { ConfigInvalid } from "../config/config-invalid.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text, UsageFault } from "./grammar/option.ts"
import { configOption, load, printInvalid } from "./settings-options.ts"
import { complain, say } from "./world.ts"

export const body = commandBody({
  notes: [
    "A viewer may look, an operator may also act on clients, messages and the store, an admin may do everything.",
    "Nobody can print it again: the file holds a digest. To take it back, remove its line from the file."
  ],
  examples: [
    { line: "promptmq token add grafana --role viewer", why: "prints the token" },
    { line: "promptmq token add ops --role operator > ops.token", why: "into a file" }
  ],
  operands: [{ name: "name", summary: "who has it: up to 64 letters, digits and . _ @ -", isRequired: true }],
  options: {
    config: configOption.config,
    role: text("what it may do (viewer)", { placeholder: "role", choices: roles }),
    file: text("the tokens file (admin.tokens-file)", { placeholder: "file", isFile: true })
  },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const [name = ""] = operands
    if (!isTokenName(name)) return new UsageFault(`"${name}" cannot be a name: up to 64 letters, digits and . _ @ -`)
    let file = options.file === undefined ? undefined : resolve(world.workingDirectory, options.file)
    if (file === undefined) {
      const loaded = await load(options.config, new Map(), world)
      if (loaded instanceof ConfigInvalid) {
        printInvalid(world, loaded)
        return exitCodes.configInvalid
      }
      file = loaded.settings.admin.tokensFile
    }
    const rows = readTokens(file)
    if (typeof rows === "string") {
      complain(world, {
        code: "E3562",
        fact: `${file}: ${rows}`,
        fix: "mend it, or remove it and make its tokens anew"
      })
      return exitCodes.configInvalid
    }
    if (rows.some((row) => row.name === name)) {
      const fix = "remove its line first, or choose another name"
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
