/**
 * Mutants of the log: the ways to lose an acknowledged message. The statements are the promises WAL-1 to WAL-17 in the
 * header of src/wal/commit.ts; the tests are power cuts, faults, bit rot.
 */
import type { Mutant } from "./mutant.ts"

const cuts = ["test/wal/cuts.test.ts"]
const bitRot = ["test/wal/bit-rot.test.ts"]
const promises = ["test/wal/promises.test.ts"]
const place = ["test/wal/store-place.test.ts"]
const formats = ["test/store/tools/formats.test.ts"]
const compactionCuts = ["test/wal/compaction-cuts.test.ts"]
const compactionRot = ["test/wal/compaction-rot.test.ts"]
const compactor = ["test/store/compactor.test.ts"]
const compactorCuts = ["test/store/compactor-cuts.test.ts"]

export const walMutants: ReadonlyArray<Mutant> = [
  // Acknowledged before the sync.
  {
    file: "src/wal/commit.ts",
    find: 'this.#policy.acknowledge === "durable" ? this.#durableLsn : this.#writtenLsn',
    replace: "this.#writtenLsn",
    statement: "WAL-1",
    tests: cuts
  },
  {
    file: "src/wal/commit.ts",
    find: 'this.#policy.acknowledge === "durable" ? this.#durableLsn : this.#writtenLsn',
    replace: "this.#writtenLsn + 0",
    statement: "WAL-1",
    tests: promises
  },
  // A frame that claims more than a sync has covered: torn tails become false alarms.
  {
    file: "src/wal/commit.ts",
    find: "frame.durableLsn = this.#durableLsn",
    replace: "frame.durableLsn = this.#nextLsn - 1",
    statement: "WAL-2",
    tests: cuts
  },
  // Truncated at the first error.
  {
    file: "src/wal/scan.ts",
    find: "return isTail ? false : this.#search(from)",
    replace: "return false",
    statement: "WAL-3",
    tests: bitRot
  },
  // A torn tail taken for corruption.
  {
    file: "src/wal/scan.ts",
    find: "return isTail ? false : this.#search(from)",
    replace: "return this.#search(from)",
    statement: "WAL-3",
    tests: cuts
  },
  // The unsynced tail served as it is, not written again.
  {
    file: "src/wal/recover.ts",
    find: "const baseLsn = end.tail[0]?.firstLsn ?? nextLsn // [WAL-4]\n",
    replace: "const baseLsn = nextLsn // [WAL-4]\n",
    statement: "WAL-4",
    tests: cuts
  },
  // A short write ignored.
  {
    file: "src/wal/store-fs.ts",
    find: "if (start + writtenBytes >= end) return done(undefined)",
    replace: "if (writtenBytes > 0) return done(undefined)",
    statement: "WAL-5",
    tests: promises
  },
  // No sync of the folder.
  {
    file: "src/wal/create-segment.ts",
    find: "yield* fs.syncDirectory(directory) // [WAL-6]",
    replace: "yield* Effect.void // [WAL-6]",
    statement: "WAL-6",
    tests: cuts
  },
  // A segment named before its header is synced: seal before fsync.
  {
    file: "src/wal/create-segment.ts",
    find: "yield* datasync(file) // [WAL-6]",
    replace: "yield* Effect.void // [WAL-6]",
    statement: "WAL-6",
    tests: cuts
  },
  // Rotation without the old segment's sync.
  {
    file: "src/wal/commit.ts",
    find: "    if (this.#writtenLsn > this.#durableLsn) {\n      this.#startSync() // [WAL-6]\n      return\n    }\n",
    replace: "    // [WAL-6]\n",
    statement: "WAL-6",
    tests: cuts
  },
  // No salt: an earlier use of the file, or a payload, passes for records.
  {
    file: "src/wal/segment.ts",
    find: 'return crc32(Buffer.from(salt, "hex")) | 0',
    replace: "return salt.length - 16",
    statement: "WAL-7",
    tests: bitRot
  },
  {
    file: "src/wal/segment.ts",
    find: 'return crc32(Buffer.from(salt, "hex")) | 0',
    replace: "return salt.length * 0",
    statement: "WAL-7",
    tests: place
  },
  // Appended to the segment of an old epoch.
  {
    file: "src/wal/recover.ts",
    find: "id: found.lastId + 1, // [WAL-8]",
    replace: "id: Math.max(1, found.lastId), // [WAL-8]",
    statement: "WAL-8",
    tests: cuts
  },
  // What a later epoch replaced is believed again.
  {
    file: "src/wal/scan.ts",
    find: "if (frame.firstLsn >= limit && frame.count > 0) return false",
    replace: "if (frame.firstLsn >= limit && frame.count < 0) return false",
    statement: "WAL-8",
    tests: cuts
  },
  // No heartbeat when idle.
  {
    file: "src/wal/commit.ts",
    find: "this.#writeControl(FrameFlag.heartbeat, this.#resume) // [WAL-9]",
    replace: "this.#resume() // [WAL-9]",
    statement: "WAL-9",
    tests: promises
  },
  // Tried again after a failed sync.
  {
    file: "src/wal/commit.ts",
    find: "if (fault !== undefined) return this.#fail(fault) // [WAL-10]",
    replace: "if (fault !== undefined) return void setImmediate(() => this.#startSync()) // [WAL-10]",
    statement: "WAL-10",
    tests: promises
  },
  // Gone on after a failed sync as if nothing were.
  {
    file: "src/wal/commit.ts",
    find: "if (fault !== undefined) return this.#fail(fault) // [WAL-10]",
    replace: "if (fault?.code === undefined && fault !== undefined) return this.#fail(fault) // [WAL-10]",
    statement: "WAL-10",
    tests: promises
  },
  // A compacted segment named before it is synced: seal before the output's fsync.
  {
    file: "src/wal/compact.ts",
    find: "yield* datasync(file) // [WAL-11]",
    replace: "yield* Effect.void // [WAL-11]",
    statement: "WAL-11",
    tests: compactionCuts
  },
  // Its inputs gone before its name is on the platter.
  {
    file: "src/wal/compact.ts",
    find: "yield* fs.syncDirectory(logDirectory) // [WAL-11]",
    replace: "yield* Effect.void // [WAL-11]",
    statement: "WAL-11",
    tests: compactionCuts
  },
  // What it replaces believed as well.
  {
    file: "src/wal/survey.ts",
    find: "if (input !== undefined) voided.add(input) // [WAL-11]",
    replace: "if (input === undefined) voided.add(output) // [WAL-11]",
    statement: "WAL-11",
    tests: compactionCuts
  },
  // One that was never finished believed, although its inputs are there.
  {
    file: "src/wal/survey.ts",
    find: "output.gen > 0 && !output.isSealed && inputs.every(",
    replace: "output.gen > 1e9 && !output.isSealed && inputs.every(",
    statement: "WAL-11",
    tests: compactionRot
  },
  // The replacer an input before its own inputs are gone for good: no sync of the folder between the two.
  {
    file: "src/wal/compact.ts",
    find: "yield* fs.syncDirectory(logDirectory) // [WAL-12]",
    replace: "yield* Effect.void // [WAL-12]",
    statement: "WAL-12",
    tests: compactionCuts
  },
  {
    file: "src/wal/recover.ts",
    find: "if (gone.length > 0) yield* fs.syncDirectory(logDirectory) // [WAL-12]",
    replace: "// [WAL-12]",
    statement: "WAL-12",
    tests: compactionCuts
  },
  // No SEG-DROP.
  {
    file: "src/store/compactor.ts",
    find: "if (ranges.length === 0) return true",
    replace: "if (ranges.length >= 0) return true",
    statement: "WAL-13",
    tests: compactor
  },
  // SEG-DROP not waited for.
  {
    file: "src/store/compactor.ts",
    find: "yield* Effect.timeoutOption(target.force, TELL_LIMIT_MS) // [WAL-13]",
    replace: "yield* Effect.timeoutOption(Effect.void, TELL_LIMIT_MS) // [WAL-13]",
    statement: "WAL-13",
    tests: compactorCuts
  },
  // SEG-DROP lost with the file that holds it.
  {
    file: "src/wal/segment-drop.ts",
    find: "      again.push(...left)\n",
    replace: "",
    statement: "WAL-13",
    tests: compactionCuts
  },
  // A gap that was told of taken for damage.
  {
    file: "src/wal/walk.ts",
    find: "without(missing.lost, known) // [WAL-13]",
    replace: "missing.lost // [WAL-13]",
    statement: "WAL-13",
    tests: compactionCuts
  },
  // What a segment made void comes back when that segment is dropped.
  {
    file: "src/wal/recover.ts",
    find: "Effect.andThen(file.truncate(cutAt), datasync(file))",
    replace: "Effect.void",
    statement: "WAL-14",
    tests: compactionCuts
  },
  // Announced together, torn apart.
  {
    file: "src/wal/commit.ts",
    find: "    this.#groups.forRecord(size, this.#segment.capacityBytes - SEGMENT_HEADER_BYTES)\n    return true\n",
    replace: "    return true\n",
    statement: "WAL-15",
    tests: promises
  },
  // A full device stalls a file that grows, although spares are there.
  {
    file: "src/wal/commit.ts",
    find: "else if (this.#isPlaced && this.#segment.isGrowing) {",
    replace: "else if (this.#isPlaced && this.#segment.epoch < 0) {",
    statement: "WAL-16",
    tests: promises
  },
  // The earlier version opens a log with segments that it does not know.
  {
    file: "src/wal/log.ts",
    find: "    yield* raiseFormat(fs, options, opened) // [WAL-17]\n",
    replace: "",
    statement: "WAL-17",
    tests: formats
  },
  // A later version's store is read as far as it is understood.
  {
    file: "src/wal/format-file.ts",
    find: "  return version > STORE_VERSION || unknownFeatures !== 0\n",
    replace: "  return version > STORE_VERSION\n",
    statement: "WAL-17",
    tests: formats
  },
  // Commits are not looked at while something is copied.
  {
    file: "src/store/copy-pace.ts",
    find: "this.#share = isFelt ? Math.max(1 / SLOWEST, this.#share / 2) : Math.min(1, this.#share * 2) // [CMP-1]",
    replace: "this.#share = isFelt ? 1 : Math.min(1, this.#share * 2) // [CMP-1]",
    statement: "CMP-1",
    tests: ["test/store/copy-pace.test.ts", "test/store/compactor.test.ts"]
  },
  {
    file: "src/store/compactor.ts",
    find: "allowed * this.#copyPace.judge(nowMs)",
    replace: "allowed",
    statement: "CMP-1",
    tests: compactor
  }
]
