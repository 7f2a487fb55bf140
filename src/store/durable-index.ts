/**
 * The index of a log that forgets by record: what compaction took goes, the rest stays where it is, and memory follows
 * what lives.
 *
 *   replaced(), dropped()   the file table changes at once; what it means for the columns is taken in by slices (Move)
 *   a slice                 records that are gone: NO_TOPIC, counts of their topics; those that moved: new places
 *   then                    a segment that holds nothing goes; one with few survivors becomes a sparse one, together
 *                           with sparse neighbours
 *   hot, cool()             frames of the newest segments stay in memory; all else is read from files, its columns packed
 *
 * Invariants
 * - A record above `at` of a move is looked up in the move, one below in the columns: never a place in a file that is no
 *   more.
 * - Only cold segments are rebuilt; frames that are not in a file yet are never cold.
 *
 * Elsewhere: which records go (compactor.ts), the bytes (cold-reads.ts), the questions (log-index.ts).
 */
import { assert } from "../base/assert.ts"
import { recordSize } from "../wal/record.ts"
import type { CompactedFile, CompactionFile } from "./compaction-target.ts"
import { asCompactionFile, DurableFiles, type LogFile, type Move } from "./durable-files.ts"
import { LogIndex } from "./log-index.ts"
import { POLICY_UNKNOWN } from "./log-topics.ts"
import { gatherSegments, type MemorySegment, SegmentFlag } from "./memory-segment.ts"
import { NO_TOPIC } from "./packed-columns.ts"
import type { LogStatistics } from "./ports.ts"
import { lowerBound } from "./postings.ts"
import { type HistorySource, TopicHistory } from "./topic-history.ts"
import { NO_POLICY, TopicPolicies, type TopicPolicy } from "./topic-policy.ts"

/** Records that one slice looks at: half a millisecond if each was the last of its topic (development machine, busy). */
const SLICE_RECORDS = 1024
/** A segment is rebuilt once it holds at most one record in this many. */
const SPARSE_SHARE = 4
/** Neighbours grow together up to this. */
const SPARSE_RECORDS_MAX = 4096
/** In places: the record has none. */
const NO_PLACE = -1

export interface DurableIndexOptions {
  /** What columns, topics and frames may take of memory. */
  readonly limitBytes: number
  /** Frames kept in memory for readers that are near. */
  readonly cacheBytes: number
  /** Frames of one stretch of the index: small ones are for tests. */
  readonly indexSegmentBytes?: number | undefined
  readonly nowMs?: (() => number) | undefined
}

export abstract class DurableIndex extends LogIndex implements HistorySource {
  readonly history: TopicHistory
  protected readonly table = new DurableFiles()
  readonly #limitBytes: number
  readonly #cacheBytes: number
  /** Segments whose frames are in memory, oldest first; the active one is the last. */
  readonly #hot: Array<MemorySegment> = []
  #hotBytes = 0
  /** Columns of all segments but the active one. */
  #sealedBytes = 0
  readonly #moves: Array<Move> = []

  readonly #policies = new TopicPolicies()
  readonly #nowMs: () => number

  constructor(options: DurableIndexOptions, overheadBytes: number) {
    const { cacheBytes, indexSegmentBytes, limitBytes, nowMs } = options
    super({ limitBytes, overheadBytes, hasPlaces: true, segmentBytes: indexSegmentBytes })
    this.#limitBytes = limitBytes
    this.#cacheBytes = cacheBytes
    this.#nowMs = nowMs ?? Date.now
    this.history = new TopicHistory(this.#policies, this)
  }

  /** Every position was given in this log, and stays its own: what is gone is said by read(). */
  get first(): number {
    return 0
  }
  /** Frames in memory. */
  get hotBytes(): number {
    return this.#hotBytes
  }
  /** Columns and topics. */
  get indexBytes(): number {
    return this.#sealedBytes + this.active.columnsBytes + this.topics.footprintBytes
  }
  /** Share of the memory that is used for good: frames and postings give way. */
  get memoryShare(): number {
    return Math.min(1, this.indexBytes / this.#limitBytes)
  }
  get isMoving(): boolean {
    return this.#moves.length > 0
  }

  /** Nothing is forgotten to make room. */
  wouldDropBelow(): number {
    return -1
  }

  statistics(): LogStatistics {
    return {
      records: this.live,
      bytes: this.indexBytes + this.postingsBytes + this.#hotBytes,
      limitBytes: this.#limitBytes,
      segments: this.segments.length,
      topics: this.topics.size
    }
  }

  /** What the topic has in the log. */
  usageOfTopic(topicId: number): { readonly messages: number; readonly bytes: number } {
    const { bound, bytes, counts } = this.topics
    const isKnown = topicId >= 0 && topicId < bound
    return { messages: isKnown ? (counts[topicId] as number) : 0, bytes: isKnown ? (bytes[topicId] as number) : 0 }
  }

  setTopicPolicies(policies: ReadonlyArray<TopicPolicy>): void {
    this.#policies.set(policies)
    this.topics.policies.fill(POLICY_UNKNOWN)
    this.history.changed()
  }

  policyOf(topicId: number): TopicPolicy | undefined {
    const { policies } = this.topics
    const known = policies[topicId] as number
    if (known === NO_POLICY) return undefined
    if (known === POLICY_UNKNOWN) {
      // Without policies no topic's name is needed: a million of them would be strings.
      policies[topicId] = this.#policies.isEmpty ? NO_POLICY : this.#policies.indexOf(this.topics.name(topicId))
    }
    return this.#policies.at(policies[topicId] as number)
  }

  /** By whole files, each as old as the newest record in it. */
  agedBelow(topicId: number): number {
    const maxAgeMs = this.policyOf(topicId)?.maxAgeMs
    if (maxAgeMs === undefined) return 0
    return this.table.endOfAged(this.#nowMs() - maxAgeMs)
  }

  /** Of CompactionTarget. */
  sizeAt(sequence: number): number {
    const segment = this.segmentOf(sequence)
    const i = segment === undefined ? -1 : segment.indexOf(sequence)
    return segment === undefined || i < 0 ? 0 : recordSize(segment.sizeAt(i))
  }

  /** Of CompactionTarget. */
  isPinned(sequence: number): boolean {
    const topicId = this.topicAt(sequence)
    const segment = this.segmentOf(sequence)
    if (segment === undefined || topicId < 0) return false
    if (this.topics.retained[topicId] === sequence) {
      const i = segment.indexOf(sequence)
      const isClear = (segment.flagsAt(i) & SegmentFlag.clear) !== 0
      if ((!isClear && segment.expiryAt(i) > this.#nowMs()) || this.#supersedes(topicId, sequence)) return true
    }
    const replayMs = this.#policies.keepsReplay ? (this.policyOf(topicId)?.replayMs ?? 0) : 0
    return replayMs > 0 && (this.table.of(sequence)?.newestMs ?? 0) + replayMs > this.#nowMs()
  }

  /** Of CompactionTarget. */
  replaced(
    inputs: ReadonlyArray<CompactionFile>,
    output: CompactedFile,
    sequences: Float64Array,
    offsets: Uint32Array
  ): void {
    // Rare: one step of compaction after the other, and slices are quicker. What is about these files comes first.
    if (!this.table.isSettled(inputs)) while (this.slice()) {}
    const file = this.table.replace(inputs, output, (input) => this.closed(input))
    this.#begin({ file, at: file.from, end: file.endSequence, sequences, offsets, next: 0 })
  }

  /** Of CompactionTarget. */
  dropped(dropped: CompactionFile): void {
    const file = this.table.drop(dropped)
    this.closed(file)
    const nothing = { sequences: new Float64Array(0), offsets: new Uint32Array(0) }
    this.#begin({ file, at: file.from, end: file.endSequence, ...nothing, next: 0 })
  }

  /** Of CompactionTarget. */
  files(): ReadonlyArray<CompactionFile> {
    return this.table.sealed().map(asCompactionFile)
  }

  /** Is there room for one more record? */
  protected hasMemory(sizeBytes: number): boolean {
    const added = this.mustRoll(sizeBytes) ? this.lengthFor(sizeBytes) : 0
    const used = this.indexBytes + this.#hotBytes + added
    if (used + this.postingsBytes <= this.#limitBytes) return true
    if (this.postingsBytes > 0) this.dropPostings()
    return used <= this.#limitBytes
  }

  /** May the topic not have that much more? */
  protected isOver(topicId: number, sizeBytes: number, { maxBytes, maxMessages }: TopicPolicy): boolean {
    const { bytes, counts } = this.topics
    const isFull = maxMessages !== undefined && (counts[topicId] as number) >= maxMessages
    return isFull || (maxBytes !== undefined && (bytes[topicId] as number) + sizeBytes > maxBytes)
  }

  /** Where the record lies in `file`, NO_PLACE when it is gone. */
  protected placeOf(file: LogFile, segment: MemorySegment, i: number, sequence: number): number {
    const { move } = file
    if (move === undefined || sequence < move.at) return segment.placeAt(i) // [LOG-5]
    const { offsets, sequences } = move
    const at = lowerBound(sequences, move.next, sequences.length, sequence)
    return sequences[at] === sequence ? (offsets[at] as number) : NO_PLACE
  }

  /** See MessageHistory. */
  abstract get settled(): number

  /** There is work: slice() is to be called. */
  protected abstract moving(): void
  /** Nobody asks for the file any more. */
  protected abstract closed(file: LogFile): void

  /** Takes in one slice of the oldest move; false when there is nothing left. */
  protected slice(): boolean {
    const move = this.#moves[0]
    if (move === undefined) return false
    this.#take(move)
    if (move.at < move.end) return true
    this.#moves.shift()
    const { file } = move
    if (file.move === move) file.move = undefined
    if (file.isGone) this.table.forget(file)
    return this.#moves.length > 0
  }

  protected override makeRoom(_lengthBytes: number, sealed: MemorySegment | undefined): void {
    if (sealed === undefined) return
    sealed.seal()
    this.grown(sealed)
  }

  protected override rolled(segment: MemorySegment): void {
    this.#hot.push(segment)
    this.#hotBytes += segment.lengthBytes
  }

  protected override grown(segment: MemorySegment): void {
    const { columnsBytes } = segment
    this.#sealedBytes += columnsBytes - segment.countedColumnsBytes
    segment.countedColumnsBytes = columnsBytes
  }

  /** Frames beyond the cache's share leave memory, the oldest first, once they are in their file. */
  protected cool(writtenLsn: number): void {
    const cacheBytes = Math.min(this.#cacheBytes, Math.max(0, this.#limitBytes - this.indexBytes) / 2)
    while (this.#hotBytes > cacheBytes) {
      const oldest = this.#hot[0]
      if (oldest === undefined || oldest === this.active || oldest.lastLsn > writtenLsn) return // [LOG-2]
      this.#hot.shift()
      this.#hotBytes -= oldest.lengthBytes
      // This runs in a turn of the WAL's own: what readers were handed in theirs is over.
      this.recycle(oldest.release())
      this.grown(oldest)
      this.#tidy(oldest)
    }
  }

  /**
   * Does the topic's newest RETAIN record have older records in earlier files? A retained value must not rise from the
   * dead when what replaced or cleared it, or expired in its place, goes first.
   */
  #supersedes(topicId: number, sequence: number): boolean {
    return this.firstOfTopic(topicId) < (this.table.of(sequence)?.from ?? 0) // [LOG-6]
  }

  #begin(move: Move): void {
    move.file.move = move
    this.#moves.push(move)
    this.moving()
  }

  #take(move: Move): void {
    for (let left = SLICE_RECORDS; left > 0 && move.at < move.end; ) {
      const at = this.segmentIndexOf(move.at)
      const segment = this.segments[at] as MemorySegment
      if (move.at < segment.base) move.at = Math.min(segment.base, move.end)
      else if (move.at >= segment.end) move.at = Math.min(this.segments[at + 1]?.base ?? move.end, move.end)
      else left -= this.#takeOf(segment, move, left)
    }
  }

  /** [LOG-5] Answers how many records it looked at. */
  #takeOf(segment: MemorySegment, move: Move, atMost: number): number {
    const { end, offsets, sequences } = move
    const from = segment.indexFrom(move.at)
    const places = segment.movePlaces()
    let { next } = move
    let i = from
    for (; i < segment.count && i < from + atMost; i++) {
      const sequence = segment.sequenceAt(i)
      if (sequence >= end) break
      while (next < sequences.length && (sequences[next] as number) < sequence) next += 1
      if (sequences[next] === sequence) places[i] = offsets[next] as number
      else if (segment.topicIdAt(i) !== NO_TOPIC) this.forgetAt(segment, i)
    }
    move.next = next
    move.at = Math.min(end, i < segment.count ? segment.sequenceAt(i) : segment.end)
    const isOver = i === segment.count || move.at === end
    if (isOver) segment.settlePlaces()
    if (segment !== this.active) this.grown(segment)
    if (isOver) this.#tidy(segment)
    return Math.max(1, i - from)
  }

  /** Gives back what the segment's dead records hold. */
  #tidy(segment: MemorySegment): void {
    if (segment === this.active || segment.live * SPARSE_SHARE > segment.count) return
    if (segment.isHot && (segment.live > 0 || !this.#forgetHot(segment))) return
    const at = this.segmentIndexOf(segment.base)
    assert(this.segments[at] === segment, "the segment is one of the log's")
    const before = this.segments[at - 1]
    const joins = before !== undefined && isSparse(before) && before.live + segment.live <= SPARSE_RECORDS_MAX
    const parts = joins ? [before, segment] : [segment]
    const by = segment.live === 0 && !joins ? undefined : gatherSegments(parts)
    for (const part of parts) this.#sealedBytes -= part.countedColumnsBytes
    if (by !== undefined) this.grown(by)
    this.replaceSegments(at + 1 - parts.length, parts.length, by)
  }

  /** All its messages are gone, and so are their files: there is nothing to wait for. Readers may hold its buffer. */
  #forgetHot(segment: MemorySegment): boolean {
    const at = this.#hot.indexOf(segment)
    assert(at >= 0, "a hot segment is listed")
    this.#hot.splice(at, 1)
    this.#hotBytes -= segment.lengthBytes
    segment.release()
    this.grown(segment)
    return true
  }
}

export function placesOf({ places }: MemorySegment): Uint32Array {
  assert(places !== undefined && places.length > 0, "records of this log have places, plain ones as long as it is hot")
  return places
}

function isSparse(segment: MemorySegment): boolean {
  return segment.sequences !== undefined && !segment.isHot
}
