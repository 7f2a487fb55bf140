/**
 * Mutants of the message log on disk. The statements are the promises LOG-1 to LOG-7 in the header of
 * src/store/durable-log.ts.
 */
import type { Mutant } from "./mutant.ts"

const coldReads = ["test/store/cold-reads.test.ts"]
const compaction = ["test/store/durable-compaction.test.ts"]
const log = ["test/store/durable-log.test.ts"]
const model = ["test/store/durable-model.test.ts"]

export const messageLogMutants: ReadonlyArray<Mutant> = [
  // The sequences of messages that compaction took are given again.
  {
    file: "src/store/recovered-files.ts",
    find: "return this.#below + Math.max(0, nextLsn - this.#nextLsn) // [LOG-1]",
    replace: "return this.#next",
    statement: "LOG-1",
    tests: compaction
  },
  // A frame leaves memory before it is in its file.
  {
    file: "src/store/durable-index.ts",
    find: "oldest.lastLsn > writtenLsn) return // [LOG-2]",
    replace: "writtenLsn < 0) return",
    statement: "LOG-2",
    tests: coldReads
  },
  // A block that was read while its file was written to is believed behind what was written then.
  {
    file: "src/store/cold-reads.ts",
    find: "return block !== undefined && sequence < block.below ? block : undefined",
    replace: "return block",
    statement: "LOG-3",
    tests: coldReads
  },
  {
    file: "src/store/cold-reads.ts",
    find: "if (verifyRecord(slab, at, at + sizeBytes, fileOf(place).seed) !== sizeBytes) {",
    replace: "if (verifyRecord(slab, at, at + sizeBytes, fileOf(place).seed) < 0) {",
    statement: "LOG-3",
    tests: coldReads
  },
  // A bad sector takes the whole block with it.
  {
    file: "src/store/cold-reads.ts",
    find: "} else if (isExtent(key) && !this.#isClosed) this.#loseExtent(block)",
    replace: "} else if (!this.#isClosed) this.#loseExtent(block)",
    statement: "LOG-4",
    tests: coldReads
  },
  // Told every time it is asked for.
  {
    file: "src/store/cold-reads.ts",
    find: "    this.#lost.add(sequence)\n",
    replace: "",
    statement: "LOG-4",
    tests: coldReads
  },
  // While a move is taken in, its end is looked for where it was.
  {
    file: "src/store/durable-index.ts",
    find: "if (move === undefined || sequence < move.at) return segment.placeAt(i) // [LOG-5]",
    replace: "return segment.placeAt(i)",
    statement: "LOG-5",
    tests: compaction
  },
  {
    file: "src/store/durable-index.ts",
    find: "if (sequences[next] === sequence) places[i] = offsets[next] as number",
    replace: "if (sequences[next] === sequence) continue",
    statement: "LOG-5",
    tests: model
  },
  // What cleared a retained value goes before the value does.
  {
    file: "src/store/durable-index.ts",
    find: "return this.firstOfTopic(topicId) < (this.table.of(sequence)?.from ?? 0) // [LOG-6]",
    replace: "return false",
    statement: "LOG-6",
    tests: compaction
  },
  {
    file: "src/store/durable-log.ts",
    find: 'if (!this.hasMemory(sizeBytes)) return "memory" // [LOG-7]',
    replace: "",
    statement: "LOG-7",
    tests: log
  }
]
