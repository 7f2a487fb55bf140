/**
 * The lines of a text file, one after the other, whatever its size. A line ends with "\n" only: U+2028 and the like are
 * legal inside JSON, and would end a line elsewhere.
 */
import * as Effect from "effect/Effect"
import { type StoreFault, type StoreFs, withFile } from "../../wal/store-fs.ts"

const PIECE_BYTES = 1_048_576
const NEWLINE = 10

/** `use` gets every line that is not empty, with its number from 1. */
export const eachLine = <E>(
  fs: StoreFs,
  path: string,
  use: (text: string, number: number) => Effect.Effect<void, E>
): Effect.Effect<void, E | StoreFault> =>
  withFile(fs, path, "read", (file) =>
    Effect.gen(function* () {
      const parts: Array<Buffer> = []
      let number = 0
      for (let position = 0; ; ) {
        const piece = Buffer.allocUnsafe(PIECE_BYTES)
        const read = yield* file.read(piece, 0, PIECE_BYTES, position)
        position += read
        let from = 0
        for (let at = piece.indexOf(NEWLINE); at >= 0 && at < read; at = piece.indexOf(NEWLINE, from)) {
          parts.push(piece.subarray(from, at))
          from = at + 1
          number++
          const text = joined(parts)
          if (text !== "") yield* use(text, number)
        }
        if (from < read) parts.push(piece.subarray(from, read))
        if (read < PIECE_BYTES) break
      }
      const rest = joined(parts)
      if (rest !== "") yield* use(rest, number + 1)
    })
  )

function joined(parts: Array<Buffer>): string {
  const text = (parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)).toString("utf8")
  parts.length = 0
  return text
}
