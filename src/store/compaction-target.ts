/**
 * What compaction asks of the log's index, and tells it. The compactor (compactor.ts) decides and moves bytes; the index
 * (durable-log.ts) knows which record lies where. All calls are plain, and answer at once, except `force`.
 *
 *   the compactor                                                       the index
 *   files() ─► which to look at ─► topicAt(), sizeAt(), isPinned()      nothing changes
 *   all dead: [SEG-DROP durable] ─► unlink, folder synced ─► dropped()  its messages are gone, its columns say NO_TOPIC
 *   part dead: output written, synced, named, folder synced ─►
 *              replaced() ─► inputs unlinked, folder synced             survivors lie in the output, the others are gone
 *
 * Invariants
 * - replaced() comes before the inputs are unlinked: from this call on nobody opens them; a descriptor that is open may
 *   be read on. dropped() comes when the removal is durable: until then a superseded retained value in it may return.
 * - Neither is ever called for the active file. Files that are sealed later join the end of files().
 * - An output's lastLsn may lie above its inputs': a gap behind them (a dropped file) is its own from then on.
 * - One file is worked on by one step at a time; an output becomes an input only after its inputs are gone for good.
 */
import type * as Effect from "effect/Effect"
import type { SpaceLevel } from "../wal/log.ts"
import type { RecordView } from "../wal/record.ts"
import type { StoreFailed } from "../wal/store-error.ts"
import type { StoreFault } from "../wal/store-fs.ts"

/** A sealed file. Files follow each other; where one was dropped in between, LSNs are missing and nothing is wrong. */
export interface CompactionFile {
  readonly id: number
  readonly gen: number
  readonly path: string
  /** The LSNs it stands for: from its base LSN to what the next file, when this one was sealed, began with less one. */
  readonly firstLsn: number
  readonly lastLsn: number
  readonly sizeBytes: number
  /** Messages in it have sequences in [firstSequence, endSequence), not all of them present. */
  readonly firstSequence: number
  readonly endSequence: number
  /**
   * Highest LSN of what is no message in it, SEG-DROP excepted, 0 when there is none. A MSG that is the proof of its own
   * reception (QoS 2, packet identifier kept) counts.
   */
  readonly lastControlLsn: number
  /** Wall ms of its newest record, as far as one knows: when it was sealed, or found. */
  readonly newestMs: number
}

/** The output of one compaction, as files() shows it from then on; `sequences` rise. */
export interface CompactedFile extends CompactionFile {
  /** Seed of its CRCs, for RecordReader. */
  readonly seed: number
}

export interface CompactionTarget {
  /** All files but the active one, in LSN order. */
  files(): ReadonlyArray<CompactionFile>
  /** Bytes of all files, the active one's used part included. */
  readonly totalBytes: number
  /** Topic id at a sequence, -1 where there is no message (any more). */
  topicAt(sequence: number): number
  /** Smallest sequence >= from that holds a message, or the next one to be given. */
  nextMessage(from: number): number
  /** What the record takes in its file, header and padding included. */
  sizeAt(sequence: number): number
  /**
   * Needed for reasons that the index knows: it is its topic's retained value, or supersedes one that is physically
   * present in an earlier file, or lies in its topic's replay window.
   */
  isPinned(sequence: number): boolean
  /** `sequences[i]`, rising, now lies at `offsets[i]` of `output`; every other message of `inputs` is gone. */
  replaced(
    inputs: ReadonlyArray<CompactionFile>,
    output: CompactedFile,
    sequences: Float64Array,
    offsets: Uint32Array
  ): void
  dropped(file: CompactionFile): void
  /** Appends a record that is no message; answers its LSN, or -1 when the log takes none now. For SEG-DROP. */
  appendControl(record: RecordView): number
  /** Returns when everything appended so far is on the platter. */
  readonly force: Effect.Effect<void, StoreFailed>
  /** The disk refused in a way that leaves open what is on the platter: as final as a failed sync of the log. */
  abort(fault: StoreFault): void
  readonly space: SpaceLevel
}

/**
 * Control records are never copied: this answers the LSN up to which (inclusive) they may go, because the older of two
 * snapshots holds them. Makes a snapshot when that helps to reach `lsn` and is not due too early.
 */
export type EnsureSnapshot = (lsn: number) => Effect.Effect<number, StoreFailed>
