/**
 * Files that the settings of a provider name: read whole, judged before they are used.
 *
 * Invariants
 * - At most FILE_BYTES_MAX, and a plain file. A secret may be read by its owner and group only, and code that runs here
 *   be written by them only.
 * - What is wrong is a value with a code; neither it nor a log line ever has the content.
 *
 * Elsewhere: files of the listeners (listener/tls-load.ts).
 */
import { readFileSync, statSync } from "node:fs"

export interface FileProblem {
  readonly code: string
  readonly fact: string
  readonly fix: string
}

const FILE_BYTES_MAX = 4_194_304
const MODE_OF_OTHERS = 0o027
const WRITABLE_BY_OTHERS = 0o002

export function readProviderFile(file: string, kind: "public" | "secret" | "code"): Buffer | FileProblem {
  const fix = "correct the path, or let this user read it"
  try {
    const status = statSync(file)
    if (!status.isFile()) return { code: "E3541", fact: `${file} is not a plain file`, fix }
    if (status.size > FILE_BYTES_MAX)
      return { code: "E3542", fact: `${file} is larger than 4 MiB`, fix: "check the path" }
    if (kind === "secret" && (status.mode & MODE_OF_OTHERS) !== 0) {
      return {
        code: "E3543",
        fact: `${file} holds a secret that other users may read or change`,
        fix: `chmod 600 ${file}`
      }
    }
    if (kind === "code" && (status.mode & WRITABLE_BY_OTHERS) !== 0) {
      return { code: "E3543", fact: `${file} is code that every user may change`, fix: `chmod o-w ${file}` }
    }
    return readFileSync(file)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === "ENOENT" ? "does not exist" : code === "EACCES" ? "may not be read by this user" : message
    return { code: "E3541", fact: `${file} ${why}`, fix }
  }
}

export const isFileProblem = (read: Buffer | FileProblem): read is FileProblem => !Buffer.isBuffer(read)
