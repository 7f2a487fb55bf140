/**
 * Reads single records back from a segment, by the offset that recovery and onPlaced() told: for readers that are behind
 * what memory still holds.
 *
 * A record is verified again on every read: what does not verify, or is another record than the one asked for, is not
 * handed out. One reader per segment and user; its slab grows to the largest record it met.
 */
import * as Effect from "effect/Effect"
import { makeSlab, type Slab } from "./checksum.ts"
import { RECORD_HEADER_BYTES, type RecordView, readLsn, readRecord, recordSize, verifyRecord } from "./record.ts"
import type { StoreFault, StoreFile } from "./store-fs.ts"

const READ_AHEAD_BYTES = 4096

export class RecordReader {
  readonly #file: StoreFile
  readonly #seed: number
  #slab: Slab = makeSlab(READ_AHEAD_BYTES)

  /** `seed`: of the segment, as its decoded header or the active segment names it. */
  constructor(file: StoreFile, seed: number) {
    this.#file = file
    this.#seed = seed
  }

  /** Fills `record`, whose body is valid until the next read; false when what lies there is not that record. */
  read(lsn: number, offset: number, record: RecordView): Effect.Effect<boolean, StoreFault> {
    return Effect.gen({ self: this }, function* () {
      let bytes = yield* this.#file.read(this.#slab.bytes, 0, this.#slab.bytes.length, offset)
      if (bytes < RECORD_HEADER_BYTES) return false
      const size = recordSize(this.#slab.bytes.readUInt32LE(16))
      if (size > this.#slab.bytes.length) {
        // A damaged length must not be believed: no record is longer than what is left of its file.
        if (size > (yield* this.#file.size) - offset) return false
        this.#slab = makeSlab(size)
        bytes = yield* this.#file.read(this.#slab.bytes, 0, size, offset)
      }
      if (verifyRecord(this.#slab, 0, bytes & ~7, this.#seed) === 0 || readLsn(this.#slab, 0) !== lsn) return false
      readRecord(this.#slab, 0, record)
      return true
    })
  }
}
