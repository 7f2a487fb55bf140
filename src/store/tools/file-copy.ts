/**
 * Copies a file piece by piece, counts and checksums what it copied, and syncs the copy.
 *
 * A copy, not a hard link: a link would share the bytes, so a flipped bit, a file that is cut at its end or one that is
 * used again as a spare would change the backup too. Between two pieces other work gets its turn.
 */
import { crc32 } from "node:zlib"
import * as Effect from "effect/Effect"
import { datasync, type StoreFault, type StoreFile, type StoreFs, withFile, write } from "../../wal/store-fs.ts"

const PIECE_BYTES = 1_048_576

export interface Copied {
  readonly sizeBytes: number
  readonly crc32: string
}

/** The first `limitBytes` of the file, or all of it. */
export const copyFile = (
  fs: StoreFs,
  from: string,
  to: string,
  limitBytes = Number.POSITIVE_INFINITY
): Effect.Effect<Copied, StoreFault> =>
  withFile(fs, from, "read", (source) =>
    withFile(fs, to, "create", (target) =>
      Effect.tap(
        pieces(source, limitBytes, (piece, at) => write(target, piece, at)),
        () => datasync(target)
      )
    )
  )

/** What copyFile would answer, without a copy. */
export const checksumFile = (fs: StoreFs, path: string): Effect.Effect<Copied, StoreFault> =>
  withFile(fs, path, "read", (source) => pieces(source, Number.POSITIVE_INFINITY, () => Effect.void))

const pieces = (
  source: StoreFile,
  limitBytes: number,
  use: (piece: Buffer, at: number) => Effect.Effect<void, StoreFault>
): Effect.Effect<Copied, StoreFault> =>
  Effect.gen(function* () {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES)
    let sum = 0
    let at = 0
    while (at < limitBytes) {
      const read = yield* source.read(buffer, 0, Math.min(PIECE_BYTES, limitBytes - at), at)
      if (read === 0) break
      const piece = buffer.subarray(0, read)
      sum = crc32(piece, sum)
      yield* use(piece, at)
      at += read
      yield* Effect.yieldNow
    }
    return { sizeBytes: at, crc32: sum.toString(16).padStart(8, "0") }
  })
