/**
 * `promptmq user rm`: takes a user out of the password file.
 */
import { withUser } from "../access/password-file.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { chooseUser, nameOperand, userFileOptions, writeUsers } from "./user-file.ts"
import { say } from "./world.ts"

export const body = commandBody({
  notes: ["Connections that are open stay open; the user cannot open another one."],
  examples: [{ line: "promptmq user rm alice", why: "alice cannot log in any more" }],
  operands: [nameOperand],
  options: userFileOptions,
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const [username = ""] = operands
    const found = await chooseUser(username, options, world)
    if (typeof found === "number") return found
    const { chosen, text } = found
    const failed = writeUsers(chosen.file, withUser(text, username, undefined), world)
    if (failed !== undefined) return failed
    say(world, `removed ${username} from ${chosen.file}`)
    return exitCodes.done
  }
})
