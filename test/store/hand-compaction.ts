/**
 * Compaction by hand: the test says which messages stay, every sealed file is dropped or copied accordingly, and the log
 * is told, as src/store/compactor.ts does by its own reasons.
 */
import * as Effect from "effect/Effect"
import type { CompactionFile } from "../../src/store/compaction-target.ts"
import type { DurableLog, DurableLogOptions } from "../../src/store/durable-log.ts"
import { compactSegments, dropSegment } from "../../src/wal/compact.ts"
import { RecordType } from "../../src/wal/record.ts"
import { DropLedger, segmentDropRecord } from "../../src/wal/segment-drop.ts"

export class HandCompaction {
  readonly #log: DurableLog
  readonly #options: DurableLogOptions
  readonly #ledger: DropLedger
  #salts = 0

  constructor(log: DurableLog, options: DurableLogOptions) {
    this.#log = log
    this.#options = options
    this.#ledger = new DropLedger(log.wal.dropped)
  }

  /** `together`: how many neighbours become one output at most. */
  run(stays: (sequence: number) => boolean, together = 1) {
    return Effect.gen({ self: this }, function* () {
      const files = this.#log.files()
      for (let at = 0; at < files.length; at += together) {
        const inputs = files.slice(at, at + together)
        if (inputs.some((input) => this.#holds(input, stays))) yield* this.#copy(inputs, stays)
        else for (const input of inputs) yield* this.#drop(input)
      }
    })
  }

  #holds({ endSequence, firstSequence }: CompactionFile, stays: (sequence: number) => boolean): boolean {
    for (let sequence = firstSequence; sequence < endSequence; sequence++) {
      if (this.#log.topicAt(sequence) >= 0 && stays(sequence)) return true
    }
    return false
  }

  #copy(inputs: ReadonlyArray<CompactionFile>, stays: (sequence: number) => boolean) {
    return Effect.gen({ self: this }, function* () {
      const log = this.#log
      const { fs, logDirectory } = this.#options
      const ends = { firstSequence: inputs[0]?.firstSequence ?? 0, endSequence: inputs.at(-1)?.endSequence ?? 0 }
      // The output stands where they stood: gaps beside it are gaps still.
      yield* this.#tellAgain(inputs, log.files())
      yield* compactSegments(fs, {
        logDirectory,
        quarantineDirectory: "data/quarantine",
        storeUuid: log.wal.storeUuid,
        epoch: log.wal.epoch,
        nowMs: 1_765_000_000_000,
        salt: String(++this.#salts).padStart(16, "0"),
        inputs,
        lastLsn: inputs.at(-1)?.lastLsn ?? 0,
        batchRecords: 100,
        isLive: ({ sequence, type }) => type === RecordType.message && stays(sequence),
        pace: () => Effect.void,
        replaced: (output) => {
          const { messageOffsets, sequences } = output.survivors
          log.replaced(inputs, { ...output, ...ends, lastControlLsn: 0 }, sequences, messageOffsets)
        }
      })
      this.#ledger.went(inputs)
    })
  }

  #drop(input: CompactionFile) {
    return Effect.gen({ self: this }, function* () {
      const stay = this.#log.files().filter(({ path }) => path !== input.path)
      yield* this.#tellAgain([input], stay)
      if (this.#log.files()[0]?.id !== input.id) {
        yield* this.#tell(input.id, { from: input.firstLsn, to: input.lastLsn })
      }
      yield* dropSegment(this.#options.fs, this.#options.logDirectory, input.path)
      this.#ledger.went([input])
      this.#log.dropped(input)
    })
  }

  #tellAgain(going: ReadonlyArray<CompactionFile>, stay: ReadonlyArray<CompactionFile>) {
    return Effect.gen({ self: this }, function* () {
      for (const range of this.#ledger.toTellAgain(going, stay)) yield* this.#tell(0, range)
    })
  }

  #tell(id: number, range: { readonly from: number; readonly to: number }) {
    return Effect.gen({ self: this }, function* () {
      const lsn = this.#log.appendControl(segmentDropRecord(id, range))
      yield* this.#log.force
      this.#ledger.tell(range, lsn)
    })
  }
}
