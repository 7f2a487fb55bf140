/**
 * The file with further tokens of the admin API: names, roles and digests; never a token.
 *
 *   # name  role  SHA-256 of the token, hex
 *   grafana viewer 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *
 * A digest is enough: a token has 256 random bits, so nothing can be guessed from it. What must not happen is that somebody
 * else adds a line, so a file that group or others may write is refused, as a whole, like one with a line that is not
 * understood: half a list would be a list that nobody wrote.
 *
 * Elsewhere: the token of the admin (token-file.ts), who a presented token belongs to (callers.ts), the commands
 * (cli/token-*.ts).
 */
import { createHash, randomBytes } from "node:crypto"
import { appendFileSync, chmodSync, mkdirSync, readFileSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { exchangeFile } from "../access/private-file.ts"
import { stateOfFile } from "../listener/file-state.ts"
import type { Role } from "./api/shared.ts"

export interface TokenRow {
  readonly name: string
  readonly role: Role
  /** SHA-256 of the token. */
  readonly digest: Buffer
}

export const tokensMax = 1000
const fileBytesMax = 256 * 1024
const tokenBytes = 32
const ownerOnly = 0o600
const namePattern = /^[A-Za-z0-9._@-]{1,64}$/
const linePattern = /^(\S+)[ \t]+(viewer|operator|admin)[ \t]+([0-9a-fA-F]{64})$/

export const isTokenName = (name: string): boolean => namePattern.test(name)

/** Rows, or what is wrong, in a sentence. Without a file there are none. */
export const readTokens = (file: string): ReadonlyArray<TokenRow> | string => {
  try {
    const { mode, size } = statSync(file)
    // [ADM-3]
    if (process.platform !== "win32" && (mode & 0o022) !== 0) return "others than its owner may write it: chmod 600"
    if (size > fileBytesMax) return `it is larger than ${fileBytesMax} bytes`
    return parseTokens(readFileSync(file, "utf8"))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    return code === "ENOENT" || code === "ENOTDIR" ? [] : message
  }
}

export const parseTokens = (text: string): ReadonlyArray<TokenRow> | string => {
  const rows: Array<TokenRow> = []
  const names = new Set<string>()
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim()
    if (line === "" || line.startsWith("#")) continue
    const [, name = "", role, digest = ""] = linePattern.exec(line) ?? []
    if (!isTokenName(name)) return `line ${index + 1} is not: name role sha256-of-token`
    if (names.has(name)) return `line ${index + 1} names "${name}" again`
    names.add(name)
    rows.push({ name, role: role as Role, digest: Buffer.from(digest, "hex") })
    if (rows.length > tokensMax) return `it has more than ${tokensMax} tokens`
  }
  return rows
}

export const newToken = (): string => randomBytes(tokenBytes).toString("base64url")

export const digestOf = (token: string): Buffer => createHash("sha256").update(token).digest()

/** Adds a row; the file is made with mode 0600 where there is none. */
export const appendToken = (file: string, name: string, role: Role, token: string): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const isNew = stateOfFile(file) === "ENOENT"
  const head = isNew ? "# Tokens of the admin API: name role sha256-of-token (promptmq token add)\n" : ""
  const before = isNew ? "" : readFileSync(file, "utf8")
  const gap = before === "" || before.endsWith("\n") ? "" : "\n"
  appendFileSync(file, `${head}${gap}${name} ${role} ${digestOf(token).toString("hex")}\n`, { mode: ownerOnly })
  if (isNew) chmodSync(file, ownerOnly)
}

/** Takes the row of that name out; everything else stays as it is, comments too. The file is exchanged as a whole. */
export const removeToken = (file: string, name: string): void => {
  const kept = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => linePattern.exec(line.trim())?.[1] !== name)
  exchangeFile(file, kept.join("\n"))
}
