/**
 * What the `promptmq user` commands share: which password file, reading it, writing it, new passwords.
 *
 * The file is auth.password-file of the configuration, found as `promptmq server` does, or the one of --file. A running
 * broker whose chain has password-file reads it again by itself.
 *
 * Exit codes: 2 a name or a password that cannot be used, 3 a damaged file or configuration, 5 the system refused, 6 no
 * such user or file, 1 the rest.
 */
import * as crypto from "node:crypto"
import { mkdirSync, readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { type FileUser, isProblem, readPasswordFile, unfitForFile } from "../access/password-file.ts"
import { derive, formatPasswordHash, type NewHashKind, newRecipe, saltBytes } from "../access/password-hash.ts"
import { exchangeFile } from "../access/private-file.ts"
import { formatScramKeys, makeScramKeys } from "../access/scram-keys.ts"
import { unfitPassword } from "../access/user-admin.ts"
import { ConfigInvalid } from "../config/config-invalid.ts"
import { askSecret } from "./ask-secret.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { type Decoded, text, UsageFault } from "./grammar/option.ts"
import { configOption, load, printInvalid } from "./settings-options.ts"
import { complain, printProblem, type World } from "./world.ts"

export const userFileOptions = {
  config: configOption.config,
  file: text("the password file (auth.password-file)", { placeholder: "file", isFile: true })
}
export const nameOperand = { name: "name", summary: "user name", isRequired: true }

export interface ChosenFile {
  readonly file: string
  readonly hashKind: NewHashKind
  /** auth.chain has password-file; undefined with --file, where no configuration is asked. */
  readonly isInChain: boolean | undefined
}

export async function chooseFile(
  options: Decoded<typeof userFileOptions>,
  world: World
): Promise<ChosenFile | ExitCode> {
  if (options.file !== undefined) {
    return { file: resolve(world.workingDirectory, options.file), hashKind: "argon2id", isInChain: undefined }
  }
  const loaded = await load(options.config, new Map(), world)
  if (loaded instanceof ConfigInvalid) {
    printInvalid(world, loaded)
    return exitCodes.configInvalid
  }
  for (const warning of loaded.warnings) printProblem(world, warning)
  const { auth } = loaded.settings
  return { file: auth.passwordFile, hashKind: auth.passwordHash, isInChain: auth.chain.includes("password-file") }
}

export interface ReadUsers {
  readonly text: string
  readonly users: ReadonlyMap<string, FileUser>
}

/** "none" = there is no such file. */
export function readUsers(file: string, world: World): ReadUsers | "none" | ExitCode {
  const read = readPasswordFile(file)
  if (!isProblem(read)) return { text: readFileSync(file, "utf8"), users: read.users }
  if (read.isMissing === true) return "none"
  complain(world, read)
  return exitCodes.configInvalid
}

/** One user that is there: which file, all of its text, and the user's entry. */
export interface ChosenUser {
  readonly chosen: ChosenFile
  readonly text: string
  readonly user: FileUser
}

export async function chooseUser(
  username: string,
  options: Decoded<typeof userFileOptions>,
  world: World
): Promise<ChosenUser | ExitCode> {
  const chosen = await chooseFile(options, world)
  if (typeof chosen === "number") return chosen
  const read = readUsers(chosen.file, world)
  if (typeof read === "number") return read
  const user = read === "none" ? undefined : read.users.get(username)
  return read === "none" || user === undefined
    ? noSuchUser(world, username, chosen.file)
    : { chosen, text: read.text, user }
}

function noSuchUser(world: World, username: string, file: string): ExitCode {
  complain(world, { code: "E6001", fact: `${file} has no user ${username}`, fix: "promptmq user ls lists them" })
  return exitCodes.notFound
}

/** Undefined = written. */
export function writeUsers(file: string, content: string, world: World): ExitCode | undefined {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    exchangeFile(file, content)
    return undefined
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isRefused = code === "EACCES" || code === "EPERM" || code === "EROFS"
    const fix = "run it as the user who owns the file, or name another one with --file"
    complain(world, { code: isRefused ? "E5002" : "E1001", fact: `${file} cannot be written (${code})`, fix })
    return isRefused ? exitCodes.refused : exitCodes.failed
  }
}

export function nameFault(username: string): UsageFault | undefined {
  const unfit = unfitForFile(username)
  return unfit === undefined ? undefined : new UsageFault(`the user name ${unfit}`)
}

/** A line for the file, of a password that is asked for. */
export async function newLine(
  username: string,
  { hashKind }: ChosenFile,
  withScram: boolean,
  world: World
): Promise<{ readonly line: string } | UsageFault | ExitCode> {
  const password = await askSecret(world, `Password for ${username}: `, "Again: ")
  if (password === undefined) return new UsageFault("no password was given", "type one, or pipe it in")
  if (password === "differ") return new UsageFault("the two passwords differ", "try again")
  const unfit = unfitPassword(password)
  if (unfit !== undefined) return new UsageFault(`the password ${unfit}`)
  const recipe = newRecipe(hashKind, crypto.randomBytes(saltBytes))
  const hash = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from(password), recipe) })
  const scram = withScram ? `:${formatScramKeys(makeScramKeys(password, crypto.randomBytes(saltBytes)))}` : ""
  return { line: `${username}:${hash}${scram}` }
}
