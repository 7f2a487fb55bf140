/**
 * Spare segments: files of the right size whose blocks exist already, so that a frame's sync has no metadata to write.
 *
 * A spare is a name and bytes without meaning. It becomes a segment by createSegment(); it is made by filling a new file
 * with zeroes, or from a retired segment, whose old bytes stay where they are: the salt of the next header makes them
 * mean nothing. [WAL-7]
 *
 * The spares are also the reserve of space: a full device shows here, one or two segments before the appender feels it.
 *   ready >= 2              ok
 *   fewer, device full      "scarce": take no new messages, go on with acknowledgements and deletions
 * The last spare is not for messages: it is kept for acknowledgements and deletions, which make room, and for shutdown.
 */
import * as Effect from "effect/Effect"
import { spareName } from "./segment.ts"
import { datasync, type StoreFault, type StoreFs, TEMPORARY_SUFFIX, withFile, zeroFill } from "./store-fs.ts"

export const SPARES_READY = 2

export class Spares {
  readonly #fs: StoreFs
  readonly #directory: string
  readonly #sizeBytes: number
  readonly #ready: Array<Spare>
  #number: number

  constructor(fs: StoreFs, directory: string, sizeBytes: number, found: ReadonlyArray<string>) {
    this.#fs = fs
    this.#directory = directory
    this.#sizeBytes = sizeBytes
    this.#ready = found.map((name) => ({ path: `${directory}/${name}`, isRecycled: name.includes(".used.") }))
    this.#number = found.reduce((most, name) => Math.max(most, Number(/\d+/.exec(name)?.[0] ?? 0)), 0)
  }

  get ready(): number {
    return this.#ready.length
  }

  take(): Spare | undefined {
    return this.#ready.shift()
  }

  /** A spare that was taken and not used. */
  giveBack(spare: Spare): void {
    this.#ready.unshift(spare)
  }

  /** Makes one more, zero-filled and synced. */
  readonly prepare: Effect.Effect<void, StoreFault> = Effect.suspend(() => {
    const path = this.#nextPath(false)
    const temporary = path + TEMPORARY_SUFFIX
    return withFile(this.#fs, temporary, "create", (file) =>
      Effect.andThen(zeroFill(file, 0, this.#sizeBytes), datasync(file))
    ).pipe(
      Effect.andThen(this.#fs.rename(temporary, path)),
      Effect.andThen(Effect.sync(() => void this.#ready.push({ path, isRecycled: false }))),
      Effect.tapError(() => Effect.ignore(this.#fs.unlink(temporary)))
    )
  })

  /** Turns a segment that nothing needs any more into a spare; removes it when there are enough of them. */
  recycle(name: string): Effect.Effect<void, StoreFault> {
    const from = `${this.#directory}/${name}`
    const syncNames = this.#fs.syncDirectory(this.#directory)
    return Effect.suspend(() => {
      if (this.#ready.length >= SPARES_READY) return Effect.andThen(this.#fs.unlink(from), syncNames)
      const path = this.#nextPath(true)
      // The name first, durably: as long as it is a segment's, its bytes must stay those of a segment.
      return this.#fs
        .rename(from, path)
        .pipe(
          Effect.andThen(syncNames),
          Effect.andThen(withFile(this.#fs, path, "update", (file) => refill(file, this.#sizeBytes))),
          Effect.andThen(Effect.sync(() => void this.#ready.push({ path, isRecycled: true })))
        )
    })
  }

  #nextPath(isRecycled: boolean): string {
    this.#number++
    return `${this.#directory}/${spareName(this.#number, isRecycled)}`
  }
}

export interface Spare {
  readonly path: string
  readonly isRecycled: boolean
}

/** The old bytes may stay; what sealing cut off comes back as zeroes. */
const refill = (file: Parameters<typeof datasync>[0], sizeBytes: number): Effect.Effect<void, StoreFault> =>
  Effect.gen(function* () {
    const size = yield* file.size
    if (size > sizeBytes) yield* file.truncate(sizeBytes)
    yield* zeroFill(file, size, sizeBytes)
    yield* datasync(file)
  })
