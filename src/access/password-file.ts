/**
 * The password file: one user per line, as mosquitto_passwd writes it and more.
 *
 *   # a comment; empty lines are passed over
 *   alice:$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
 *   bob:$7$101$<salt>$<hash>
 *   carol:$scrypt$ln=15,r=8,p=1$<salt>$<hash>:$scram-sha-256$i=16384$<salt>$<StoredKey>$<ServerKey>
 *
 * Invariants
 * - All or nothing: one line that cannot be read refuses the whole file (security.md, rows 28 and 29), by its number;
 *   what stands in it is in no message.
 * - Others than the owner may not write it, and the world may not read it; a group may read it, with a warning.
 * - Written whole, aside, with mode 0600, synced and renamed: a reader sees the old file or the new one. Comments and
 *   the order of lines stay.
 *
 * Elsewhere: when it is read (password-file-provider.ts), who writes it (cli/user-add.ts) and how (private-file.ts).
 */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs"
import { hasControlCharacter } from "./chain.ts"
import { type PasswordHash, parsePasswordHash } from "./password-hash.ts"
import { parseScramKeys, type ScramKeys } from "./scram-keys.ts"

export interface FileUser {
  readonly hash: PasswordHash
  readonly scram: ScramKeys | undefined
}

export interface PasswordFile {
  readonly users: ReadonlyMap<string, FileUser>
  /** Something to tell that does not keep it from being used. */
  readonly warning: string | undefined
}

export interface PasswordFileProblem {
  readonly code: string
  readonly fact: string
  readonly fix: string
  readonly isMissing?: boolean
}

/** A million lines of ours. */
const FILE_BYTES_MAX = 256 * 1_048_576
const OWNER_ONLY = 0o600

export const readPasswordFile = (file: string): PasswordFile | PasswordFileProblem => {
  const content = contentOf(file)
  if ("code" in content) return content
  const users = parsePasswords(content.text)
  if ("line" in users) {
    const fact = `${file}:${users.line}: ${users.why}`
    return {
      code: "E3512",
      fact,
      fix: "correct or remove the line; promptmq user add and mosquitto_passwd write good ones"
    }
  }
  return { users: users.users, warning: content.warning }
}

export const isProblem = (read: PasswordFile | PasswordFileProblem): read is PasswordFileProblem => "code" in read

export type ParsedPasswords =
  | { readonly users: ReadonlyMap<string, FileUser> }
  | { readonly line: number; readonly why: string }

export const parsePasswords = (text: string): ParsedPasswords => {
  const users = new Map<string, FileUser>()
  for (const [index, written] of text.split("\n").entries()) {
    const line = written.endsWith("\r") ? written.slice(0, -1) : written
    if (line === "" || line.startsWith("#")) continue
    const wrong = (why: string) => ({ line: index + 1, why })
    const [username = "", hashText, scramText, ...rest] = line.split(":")
    if (username === "" || hashText === undefined || rest.length > 0) return wrong("is not user:hash")
    if (hasControlCharacter(username)) return wrong("the user name has control characters")
    if (users.has(username)) return wrong("the user is there twice")
    const hash = parsePasswordHash(hashText)
    if (hash === undefined) return wrong("the hash is of no known kind, or too costly; plain passwords are not read")
    const scram = scramText === undefined ? undefined : parseScramKeys(scramText)
    if (scramText !== undefined && scram === undefined) return wrong("the SCRAM keys cannot be read")
    users.set(username, { hash, scram })
  }
  return { users }
}

/** Undefined when the name can stand in a password file. */
export const unfitForFile = (username: string): string | undefined => {
  if (username === "") return "is empty"
  if (hasControlCharacter(username)) return "has control characters"
  if (username.includes(":")) return "has a colon, which ends a name in the password file"
  if (username.startsWith("#")) return "begins with #, as comments do"
  return Buffer.byteLength(username) > 65_535 ? "is longer than 65,535 bytes" : undefined
}

/** The text with the user's line exchanged, added at the end, or (without a line) taken out. */
export const withUser = (text: string, username: string, line: string | undefined): string => {
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n")
  const at = lines.findIndex((each) => each.startsWith(`${username}:`))
  if (line === undefined) {
    if (at !== -1) lines.splice(at, 1)
  } else if (at === -1) lines.push(line)
  else lines[at] = line
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}

const contentOf = (
  file: string
): { readonly text: string; readonly warning: string | undefined } | PasswordFileProblem => {
  let handle: number
  try {
    handle = openSync(file, "r")
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const fact = `the password file ${file} ${code === "ENOENT" ? "is not there" : `cannot be read (${code})`}`
    const isMissing = code === "ENOENT"
    return { code: "E3510", fact, fix: "promptmq user add <name> makes it; auth.password-file names it", isMissing }
  }
  try {
    // The open file is judged, not its name: nobody can exchange it in between.
    const stat = fstatSync(handle)
    if (!stat.isFile() || stat.size > FILE_BYTES_MAX) {
      return { code: "E3510", fact: `${file} is not a password file`, fix: "let auth.password-file name a file" }
    }
    const mode = process.platform === "win32" ? OWNER_ONLY : stat.mode & 0o777
    if ((mode & 0o027) !== 0) {
      const fact = `others may read or write the password file ${file}: its mode is ${mode.toString(8)}`
      return { code: "E3511", fact, fix: `chmod 600 ${file}` }
    }
    const warning =
      (mode & 0o040) === 0 ? undefined : `a group may read the password file: its mode is ${mode.toString(8)}`
    return { text: readFileSync(handle, "utf8"), warning }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    return { code: "E3510", fact: `the password file ${file} cannot be read (${code})`, fix: "look at its disk" }
  } finally {
    closeSync(handle)
  }
}
