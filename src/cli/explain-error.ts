/**
 * `promptmq explain-error E3107`: the long text behind an error code; without a code, the list of them.
 * The texts are the table of config/error-codes.ts.
 */
import { errorCodes } from "../config/error-codes.ts"
import { nearest } from "../settings/nearest.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { complain } from "./world.ts"

export const body = commandBody({
  notes: ["The first digit of a code is the exit code of the command that ended with it."],
  examples: [{ line: "promptmq explain-error E3107", why: "why, and what to do" }],
  operands: [
    {
      name: "code",
      summary: "such as E3107; without it all codes are listed",
      isRequired: false,
      suggests: Object.keys(errorCodes)
    }
  ],
  options: {},
  isHelpWhenBare: false,
  run: async ({ operands }, world) => {
    const typed = operands[0]
    if (typed === undefined) {
      const list = Object.entries(errorCodes).map(([code, { title }]) => `${code}  ${title}\n`)
      world.stdout.write(list.join(""))
      return exitCodes.done
    }
    const code = typed.toUpperCase().replace(/^(?=\d)/, "E")
    const found = errorCodes[code]
    if (found === undefined) {
      const guess = nearest(code, Object.keys(errorCodes))
      const fix = guess === undefined ? "promptmq explain-error lists them" : `did you mean "${guess}"?`
      complain(world, { code: "E6001", fact: `there is no error code ${typed}`, fix })
      return exitCodes.notFound
    }
    world.stdout.write(`${code}  ${found.title}\n\n${found.text}\n\nfix: ${found.fix}\n`)
    return exitCodes.done
  }
})
