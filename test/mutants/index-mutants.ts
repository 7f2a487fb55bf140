/**
 * Mutants of the index, the snapshots and the model of a start: the ways to recover something that was not so. The
 * statements are the promises IDX-1 to IDX-6 in the headers of src/store/indexer.ts and src/store/session-image.ts.
 */
import type { Mutant } from "./mutant.ts"

const indexer = ["test/store/indexer.test.ts"]
const image = ["test/store/session-image.test.ts"]
const lmdb = ["test/store/lmdb-index.test.ts"]
const snapshots = ["test/store/snapshot.test.ts"]
const store = ["test/store/durable-store.test.ts"]
const topics = ["test/store/topic-table.test.ts"]

export const indexMutants: ReadonlyArray<Mutant> = [
  // A topic that goes hides those behind it.
  {
    file: "src/store/topic-table.ts",
    find: "if (((slot - (this.#hashes[follower - 1] as number)) & mask) < ((slot - free) & mask)) continue",
    replace: "if (((slot - (this.#hashes[follower - 1] as number)) & mask) >= 0) continue",
    statement: "TOP-1",
    tests: topics
  },
  // Names of topics that are gone come back, or those that stay are lost with their chunk.
  {
    file: "src/store/topic-table.ts",
    find: "if (this.#places[id] === at * CHUNK_BYTES + offset) {",
    replace: "if ((this.#places[id] as number) >= 0) {",
    statement: "TOP-2",
    tests: topics
  },
  // Applied before the log is durable: the index is ahead of it after a power cut.
  {
    file: "src/store/indexer.ts",
    find: "sealed.meta.appliedLsn <= log.durable // [IDX-1]",
    replace: "sealed.meta.appliedLsn <= log.ticket // [IDX-1]",
    statement: "IDX-1",
    tests: indexer
  },
  {
    file: "src/store/indexer.ts",
    find: "sealed.meta.appliedLsn <= log.durable // [IDX-1]",
    replace: "sealed.meta.appliedLsn <= log.ticket + 0 // [IDX-1]",
    statement: "IDX-1",
    tests: store
  },
  // LMDB without a sync, and with the one that trusts the kernel.
  {
    file: "src/store/lmdb-index.ts",
    find: "overlappingSync: false, // [IDX-2]",
    replace: "noSync: true, // [IDX-2]",
    statement: "IDX-2",
    tests: lmdb
  },
  {
    file: "src/store/lmdb-index.ts",
    find: "overlappingSync: false, // [IDX-2]",
    replace: "overlappingSync: true, // [IDX-2]",
    statement: "IDX-2",
    tests: lmdb
  },
  // A failed commit counted as one.
  {
    file: "src/store/lmdb-index.ts",
    find: "if (cause !== undefined) return yield* this.#fail(cause) // [IDX-2]",
    replace: "// [IDX-2]",
    statement: "IDX-2",
    tests: lmdb
  },
  // A file of an unclean end mapped without a look.
  {
    file: "src/store/lmdb-index.ts",
    find: "if (reason !== undefined) return new LmdbUnusable(reason)",
    replace: "if (reason === directory) return new LmdbUnusable(reason)",
    statement: "IDX-3",
    tests: lmdb
  },
  // One snapshot is enough; the newer one tells; steps are not looked at.
  {
    file: "src/store/snapshot.ts",
    find: "older === undefined || newer.length === 0 ? 0 : older.header.coveredLsn // [IDX-4]",
    replace: "older === undefined || newer.length > 9 ? 0 : older.header.coveredLsn // [IDX-4]",
    statement: "IDX-4",
    tests: indexer
  },
  {
    file: "src/store/snapshot.ts",
    find: "older === undefined || newer.length === 0 ? 0 : older.header.coveredLsn // [IDX-4]",
    replace: "older === undefined || newer.length === 0 ? 0 : (newer[0]?.header.coveredLsn ?? 0) // [IDX-4]",
    statement: "IDX-4",
    tests: snapshots
  },
  {
    file: "src/store/indexer.ts",
    find: "coveredLsn: Math.min(log.ticket, sessions.firstUncoveredLsn - 1) } // [IDX-4]",
    replace: "coveredLsn: log.ticket } // [IDX-4]",
    statement: "IDX-4",
    tests: store
  },
  // A cursor does not cover the steps before it; whole values of the index are applied a second time.
  {
    file: "src/store/session-image.ts",
    find: "if (lsn <= image.cursorLsn) return // [IDX-5]",
    replace: "if (lsn < 0) return // [IDX-5]",
    statement: "IDX-5",
    tests: image
  },
  {
    file: "src/store/session-image.ts",
    find: "else if (lsn > this.#appliedLsn) this.#whole(record, lsn) // [IDX-5]",
    replace: "else this.#whole(record, lsn) // [IDX-5]",
    statement: "IDX-5",
    tests: image
  },
  {
    file: "src/store/session-image.ts",
    find: "if (image === undefined || lsn <= image.lsn) return // [IDX-5]",
    replace: "if (image === undefined) return // [IDX-5]",
    statement: "IDX-5",
    tests: image
  },
  // QoS 2 handed over after the last cursor: forgotten, and handed over twice.
  {
    file: "src/store/session-image.ts",
    find: 'if (kind === "ordinary" && sequence >= cursor) handed.add(sequence) // [IDX-6]',
    replace: 'if (kind === "shared" && sequence >= cursor) handed.add(sequence) // [IDX-6]',
    statement: "IDX-6",
    tests: image
  },
  {
    file: "src/store/session-image.ts",
    find: 'if (packetIdentifier > 0) this.apply({ kind: "received", number: publisher, packetIdentifier }, lsn) // [IDX-6]',
    replace: "// [IDX-6]",
    statement: "IDX-6",
    tests: image
  },
  // A retained message is as old as the process.
  {
    file: "src/store/retained-recovery.ts",
    find: "writtenMs > 0 ? Math.min(writtenMs, this.#nowMs) : this.#nowMs // [RET-1]",
    replace: "this.#nowMs // [RET-1]",
    statement: "RET-1",
    tests: store
  },
  // An expired retained message brings the one before it back.
  {
    file: "src/store/retained-recovery.ts",
    find: "if (payloadStart === frameEnd || expiresAtMs <= this.#nowMs) return void this.#store.clear(topic) // [IDX-6]",
    replace: "if (payloadStart === frameEnd || expiresAtMs <= this.#nowMs) return // [IDX-6]",
    statement: "IDX-6",
    tests: store
  },
  // An index older than the newest snapshot is used: what the log lost in between is gone.
  {
    file: "src/store/open-base.ts",
    find: "if (meta.appliedLsn < snapshots.newestLsn)",
    replace: "if (meta.appliedLsn < 0)",
    statement: "IDX-4",
    tests: ["test/store/durable-store-index.test.ts"]
  }
]
