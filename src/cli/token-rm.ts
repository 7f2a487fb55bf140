/**
 * `promptmq token rm NAME`: a further token of the admin API counts for nothing any more, in a running broker within a
 * second. Streams that it has opened stay open until their reader leaves.
 */
import { removeToken } from "../admin/tokens-file.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { chooseTokens, tokensFileOptions } from "./token-place.ts"
import { complain, say } from "./world.ts"

export const body = commandBody({
  notes: ["A running broker that uses the file refuses the token within a second."],
  examples: [{ line: "promptmq token rm grafana", why: "takes it back" }],
  operands: [{ name: "name", summary: "whose token: promptmq token ls lists them", isRequired: true }],
  options: tokensFileOptions,
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const [name = ""] = operands
    const chosen = await chooseTokens(options, world)
    if (typeof chosen === "number") return chosen
    const { file, rows } = chosen
    if (!rows.some((row) => row.name === name)) {
      complain(world, { code: "E6001", fact: `${file} has no token ${name}`, fix: "promptmq token ls lists them" })
      return exitCodes.notFound
    }
    try {
      removeToken(file, name)
    } catch (cause) {
      complain(world, { code: "E1001", fact: `${file}: ${(cause as Error).message}`, fix: "let this user write it" })
      return exitCodes.failed
    }
    say(world, `removed ${name} from ${file}`)
    return exitCodes.done
  }
})
