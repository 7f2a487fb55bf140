/**
 * `promptmq user add`: a new user in the password file, which is made if there is none. The password comes from a prompt
 * without echo, or from standard input.
 */
import { withUser } from "../access/password-file.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
import { chooseFile, nameFault, nameOperand, newLine, readUsers, userFileOptions, writeUsers } from "./user-file.ts"
import { complain, say } from "./world.ts"

export const body = commandBody({
  notes: [
    "Only a hash is kept (argon2id, or as auth.password-hash says). A running broker that uses the file takes the user in within seconds.",
    "The broker asks for passwords when auth.chain names password-file."
  ],
  examples: [
    { line: "promptmq user add alice", why: "asks for the password, twice, without showing it" },
    { line: "promptmq user add alice < password.txt", why: "takes the first line of a file" },
    { line: "promptmq user add --scram alice", why: "also for clients that use SCRAM-SHA-256" }
  ],
  operands: [nameOperand],
  options: { ...userFileOptions, scram: flag("also keep keys for SCRAM-SHA-256") },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const [username = ""] = operands
    const fault = nameFault(username)
    if (fault !== undefined) return fault
    const chosen = await chooseFile(options, world)
    if (typeof chosen === "number") return chosen
    const read = readUsers(chosen.file, world)
    if (typeof read === "number") return read
    if (read !== "none" && read.users.has(username)) {
      const fix = `promptmq user passwd ${username} changes the password`
      complain(world, { code: "E1401", fact: `${chosen.file} has a user ${username} already`, fix })
      return exitCodes.failed
    }
    const made = await newLine(username, chosen, options.scram, world)
    if (typeof made === "number" || made instanceof UsageFault) return made
    const failed = writeUsers(chosen.file, withUser(read === "none" ? "" : read.text, username, made.line), world)
    if (failed !== undefined) return failed
    say(world, `added ${username} to ${chosen.file}`)
    if (chosen.isInChain === false) say(world, "next: write auth.chain: [password-file] into the configuration")
    return exitCodes.done
  }
})
