/**
 * `promptmq user passwd`: another password for a user of the password file. SCRAM keys are renewed where there were some.
 */
import { withUser } from "../access/password-file.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
import { chooseUser, nameOperand, newLine, userFileOptions, writeUsers } from "./user-file.ts"
import { say } from "./world.ts"

export const body = commandBody({
  notes: ["Connections that are open stay open; the new password is asked for from the next one on."],
  examples: [{ line: "promptmq user passwd alice", why: "asks for the new password, twice, without showing it" }],
  operands: [nameOperand],
  options: { ...userFileOptions, scram: flag("also keep keys for SCRAM-SHA-256") },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const [username = ""] = operands
    const found = await chooseUser(username, options, world)
    if (typeof found === "number") return found
    const { chosen, text, user } = found
    const made = await newLine(username, chosen, options.scram || user.scram !== undefined, world)
    if (typeof made === "number" || made instanceof UsageFault) return made
    const failed = writeUsers(chosen.file, withUser(text, username, made.line), world)
    if (failed !== undefined) return failed
    say(world, `changed the password of ${username} in ${chosen.file}`)
    return exitCodes.done
  }
})
