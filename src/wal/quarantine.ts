/**
 * Damaged bytes are copied here before anything else happens, and never deleted by us.
 *
 *   quarantine/<segment>.<offset>.<length>     the bytes as they were found
 *
 * The name says what it is, so the same damage found again by a later recovery is not copied, and not new.
 */
import * as Effect from "effect/Effect"
import type { Damage } from "./scan.ts"
import { replaceFile, type StoreFault, type StoreFs } from "./store-fs.ts"

/** True when this damage was not known before. */
export const quarantine = (
  fs: StoreFs,
  directory: string,
  segment: string,
  { lengthBytes, offset }: Damage,
  bytes: Buffer
): Effect.Effect<boolean, StoreFault> =>
  Effect.gen(function* () {
    const name = `${segment}.${offset}.${lengthBytes}`
    if ((yield* fs.list(directory)).includes(name)) return false
    yield* fs.makeDirectory(directory)
    yield* replaceFile(fs, directory, name, bytes)
    return true
  })
