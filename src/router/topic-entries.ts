/**
 * The cache of topic entries, found by the bytes of the topic; a hit makes no string and no object.
 *
 * Eight-way set associative. The hash names a row, the entry lies in one of the row's eight ways:
 *
 *   row = hash & rowMask      hashes   | h h h 0 h 0 0 0 |   one line of cache, 0 = way is free
 *                             entries  | e e e . e . . . |
 *
 * so looking up costs eight comparisons at the worst, also against topics that were chosen to collide,
 * and evicting one entry moves no other. A row that is full doubles the rows, up to SPARSENESS_MAX ways per
 * entry allowed, then it gives an entry up; doubling splits rows, it cannot overflow one.
 *
 * Bounds, each with its own limit: number of entries, bytes of their topics, and filters in all their
 * match sets together (filters shared by entries count once). When one is reached the clock hand
 * evicts: an entry that was asked for since the hand's last visit is spared once.
 *
 * Invariants
 * - An evicted entry has `valid === false` and holds no reference on a match set.
 * - Topic bytes are copied, never pooled: a slice would keep its whole slab alive.
 * - An entry newly admitted is not the next one evicted by its own admission.
 */
import { copyBytes, equalBytes, hashBytes } from "../base/bytes.ts"
import type { MatchSet, MatchSets } from "./match-sets.ts"
import type { Filter, TopicEntry } from "./router.ts"

export interface EntryLimits {
  readonly entriesMax: number
  readonly topicBytesMax: number
  readonly matchedFiltersMax: number
}

export class CachedEntry<S> implements TopicEntry<S> {
  readonly bytes: Buffer
  matched: ReadonlyArray<Filter<S>>
  logTopic = -1
  logStamp = 0
  history = 0
  valid = true
  set: MatchSet<S>
  /** The sum of generations at which `matched` was exact; STALE forces a new match. */
  generation = STALE
  readonly bucket: number
  /** Asked for since the clock hand last came by. */
  isRecent = false

  constructor(bytes: Buffer, bucket: number, set: MatchSet<S>) {
    this.bytes = bytes
    this.bucket = bucket
    this.set = set
    this.matched = set.filters
  }
}

export class TopicEntries<S> {
  size = 0
  private topicBytes = 0
  private hand = 0
  private rowMask = 0
  private hashes = new Int32Array(WAYS)
  private entries: Array<CachedEntry<S> | undefined> = new Array(WAYS).fill(undefined)
  private readonly limits: EntryLimits
  private readonly sets: MatchSets<S>

  constructor(limits: EntryLimits, sets: MatchSets<S>) {
    this.limits = limits
    this.sets = sets
  }

  /** The cached entry of the topic buffer[start, end), marked as recently used. */
  find(buffer: Buffer, start: number, end: number): CachedEntry<S> | undefined {
    const hash = hashOf(buffer, start, end)
    const { hashes } = this
    const row = (hash & this.rowMask) * WAYS
    for (let i = 0, turn = hash >>> WAY_SHIFT; i < WAYS; i++, turn++) {
      const way = row + (turn & WAY_MASK)
      if (hashes[way] !== hash) continue
      const entry = this.entries[way] as CachedEntry<S>
      if (entry.bytes.length !== end - start || !equalBytes(buffer, start, end, entry.bytes, 0)) continue
      entry.isRecent = true
      return entry
    }
    return undefined
  }

  /** Makes the entry of a topic that is not cached. It holds the empty set and is stale. */
  admit(buffer: Buffer, start: number, end: number, bucket: number): CachedEntry<S> {
    const bytes = Buffer.allocUnsafeSlow(end - start)
    copyBytes(bytes, 0, buffer, start, end)
    const entry = new CachedEntry<S>(bytes, bucket, this.sets.empty)
    this.size++
    this.topicBytes += bytes.length
    this.makeRoom(entry)
    this.place(entry, hashOf(bytes, 0, bytes.length))
    return entry
  }

  /** Evicts until all limits are met, sparing `kept`. */
  makeRoom(kept: CachedEntry<S>): void {
    const { entriesMax, topicBytesMax, matchedFiltersMax } = this.limits
    while (
      this.size > 1 &&
      (this.size > entriesMax || this.topicBytes > topicBytesMax || this.sets.filterCountTotal > matchedFiltersMax)
    ) {
      this.evictOne(kept)
    }
  }

  private evictOne(kept: CachedEntry<S>): void {
    for (let visits = 0; ; visits++) {
      const way = this.hand
      this.hand = (way + 1) % this.entries.length
      const entry = this.entries[way]
      if (entry === undefined || entry === kept) continue
      // Bounded: when everything is recent the hand does not go all the way round in one call.
      if (!entry.isRecent || visits >= VISITS_MAX) {
        this.evict(way, entry)
        return
      }
      entry.isRecent = false
    }
  }

  private evict(way: number, entry: CachedEntry<S>): void {
    this.entries[way] = undefined
    this.hashes[way] = 0
    this.size--
    this.topicBytes -= entry.bytes.length
    this.sets.release(entry.set)
    entry.set = this.sets.empty
    entry.valid = false
  }

  /** Puts the entry into the first free way of its row in probe order. */
  private place(entry: CachedEntry<S>, hash: number): void {
    let way = this.wayFor(hash)
    while (this.entries[way] !== undefined && this.entries.length < this.limits.entriesMax * SPARSENESS_MAX) {
      this.doubleRows()
      way = this.wayFor(hash)
    }
    const displaced = this.entries[way]
    if (displaced !== undefined) this.evict(way, displaced)
    this.entries[way] = entry
    this.hashes[way] = hash
  }

  /** The first free way of the row; of a full row the first. */
  private wayFor(hash: number): number {
    const row = (hash & this.rowMask) * WAYS
    let turn = hash >>> WAY_SHIFT
    for (let i = 0; i < WAYS && this.hashes[row + (turn & WAY_MASK)] !== 0; i++) turn++
    return row + (turn & WAY_MASK)
  }

  private doubleRows(): void {
    const { entries, hashes } = this
    this.entries = new Array(entries.length * 2).fill(undefined)
    this.hashes = new Int32Array(entries.length * 2)
    this.rowMask = this.rowMask * 2 + 1
    this.hand = 0
    for (let way = 0; way < entries.length; way++) {
      const entry = entries[way]
      if (entry !== undefined) this.place(entry, hashes[way] as number)
    }
  }
}

export const STALE = -1

const WAYS = 8
const WAY_MASK = WAYS - 1
/** The hash's upper bits choose the way to begin with, so that the first look mostly hits. */
const WAY_SHIFT = 29
/** Ways per entry allowed: at four, one entry in some thousands finds its row full and displaces another. */
const SPARSENESS_MAX = 4
const VISITS_MAX = 256

/** Never 0, which marks a free way. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  const hash = hashBytes(bytes, start, end)
  return hash === 0 ? 1 : hash
}
