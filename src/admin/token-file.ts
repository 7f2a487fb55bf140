/**
 * The admin token: one line in one file that only its owner can read.
 *
 *   first start   256 random bits, base64url, in a temporary file of mode 0600 that is linked to its name:
 *                 the name never shows half a token, and never replaces one another start has just made
 *   later starts  the token in the file is used again, also one that somebody wrote by hand
 *
 * A file that group or others may touch is refused, not repaired: someone may have read it. Mode bits mean
 * nothing on Windows and are not looked at there. The token itself appears in no message and no log.
 */
import { randomBytes } from "node:crypto"
import { link, mkdir, open, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { AdminError, adminError } from "./admin-error.ts"

const tokenBits = 256
const fileBytesMax = 4096
const ownerOnly = 0o600
const tokenPattern = /^[\x21-\x7e]{16,512}$/

/** The token in the file, which is made if there is none. */
export function openTokenFile(file: string): Effect.Effect<string, AdminError> {
  return Effect.tryPromise({
    try: async () => {
      const existing = await readToken(file)
      if (existing !== undefined) return existing
      await makeTokenFile(file)
      const made = await readToken(file)
      if (made === undefined) throw new Error("it vanished as soon as it was made")
      return made
    },
    catch: (cause) => (cause instanceof AdminError ? cause : adminError("unreachable", file, detailOf(cause), cause))
  })
}

/** Undefined when there is no file. */
async function readToken(file: string): Promise<string | undefined> {
  const handle = await open(file, "r").catch((cause) => {
    if (cause.code === "ENOENT") return undefined
    throw cause
  })
  if (handle === undefined) return undefined
  try {
    // The open file is judged, not its name: nobody can exchange it in between.
    const stat = await handle.stat()
    if (!stat.isFile()) throw adminError("notAFile", file, undefined, undefined)
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) {
      throw adminError("readableByOthers", file, `its mode is ${(stat.mode & 0o777).toString(8)}`, undefined)
    }
    const token = stat.size > fileBytesMax ? "" : (await handle.readFile("utf8")).trim()
    if (!tokenPattern.test(token)) throw adminError("noToken", file, undefined, undefined)
    return token
  } finally {
    await handle.close()
  }
}

async function makeTokenFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(8).toString("hex")}`
  try {
    const handle = await open(temporary, "wx", ownerOnly)
    try {
      await handle.writeFile(`${randomBytes(tokenBits / 8).toString("base64url")}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(temporary, file).catch((cause) => {
      if (cause.code === "EEXIST") return
      // A file system without hard links: the name is still never seen half written.
      return rename(temporary, file)
    })
  } finally {
    await rm(temporary, { force: true })
  }
}

function detailOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
