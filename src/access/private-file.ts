/**
 * Files that are the broker's own and nobody else's: mode 0600, and exchanged as a whole, so that a reader and a crash find
 * the old one or the new one.
 *
 *   exchangeFile      by a command, maybe as another user than the broker's: owner and a group's right to read stay
 *   replaceFile       by the running broker, which alone writes it, without stopping for the disk
 *   replaceFileSync   the same where somebody is answered behind it
 *
 * Both throw what the system says. Whatever lies where they write aside, a link of somebody's included, is not written through.
 */
import { randomBytes } from "node:crypto"
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { mkdir, open, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"

const OWNER_ONLY = 0o600
const GROUP_MAY_READ = 0o040

/** Owner and mode stay those of the file before; the first ones are those of its folder. */
export const exchangeFile = (file: string, text: string): void => {
  const before = statSync(file, { throwIfNoEntry: false })
  const owner = before ?? statSync(dirname(file))
  exchange(file, `${file}.${randomBytes(8).toString("hex")}`, text, (handle) => {
    // Written by root for a broker that is not: it must be able to read it.
    if (process.getuid?.() === 0) fchownSync(handle, owner.uid, owner.gid)
    fchmodSync(handle, OWNER_ONLY | ((before?.mode ?? 0) & GROUP_MAY_READ))
  })
}

/** Its folder is made where there is none. */
export const replaceFile = async (file: string, text: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const next = `${file}.new`
  await rm(next, { force: true })
  const handle = await open(next, "wx", OWNER_ONLY)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, file)
}

/** Its folder is made where there is none. */
export const replaceFileSync = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const next = `${file}.new`
  rmSync(next, { force: true })
  exchange(file, next, text, () => undefined)
}

const exchange = (file: string, aside: string, text: string, prepare: (handle: number) => void): void => {
  const handle = openSync(aside, "wx", OWNER_ONLY)
  try {
    try {
      prepare(handle)
      // Not writeSync, because that may write less.
      writeFileSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(aside, file)
  } catch (cause) {
    rmSync(aside, { force: true })
    throw cause
  }
}
