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
 * What was evicted is used again for a topic of the same length: with topics that are used once, entries and their bytes
 * would otherwise be the broker's only lasting garbage (225 bytes of heap and as much beside it for each, seen as 100 MiB
 * between two collections). Whoever still holds an evicted entry is safe for RETIRED_MIN evictions more.
 *
 * Invariants
 * - An evicted entry has `valid === false` and holds no reference on a match set.
 * - One that is used again remembers nothing of the topic it had before [ENT-1], and nobody holds it any more [ENT-2].
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
  readonly serial: number
  matched: ReadonlyArray<Filter<S>>
  logTopic = -1
  logStamp = 0
  history = 0
  series = 0
  valid = true
  set: MatchSet<S>
  /** The sum of generations at which `matched` was exact; STALE forces a new match. */
  generation = STALE
  bucket: number
  /** Asked for since the clock hand last came by. */
  isRecent = false

  constructor(bytes: Buffer, serial: number, bucket: number, set: MatchSet<S>) {
    this.bytes = bytes
    this.serial = serial
    this.bucket = bucket
    this.set = set
    this.matched = set.filters
  }

  /** From here on it is the entry of another topic, whose bytes are in `bytes` already. */
  begin(bucket: number, set: MatchSet<S>): void {
    this.bucket = bucket
    this.set = set
    this.matched = set.filters
    this.generation = STALE
    this.logTopic = -1 // [ENT-1]
    this.logStamp = 0
    this.history = 0
    this.isRecent = false
    this.valid = true
  }
}

export class TopicEntries<S> {
  size = 0
  private topicBytes = 0
  private hand = 0
  private lastSerial = 0
  private rowMask = 0
  private hashes = new Int32Array(WAYS)
  private entries: Array<CachedEntry<S> | undefined> = new Array(WAYS).fill(undefined)
  /** Evicted, and not to be used again yet: a ring. */
  private readonly retired: Array<CachedEntry<S> | undefined> = []
  private retiredAt = 0
  /** To be used again, by length. */
  private readonly spare: Array<Array<CachedEntry<S>> | undefined> = []
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

  *[Symbol.iterator](): Generator<CachedEntry<S>> {
    for (const entry of this.entries) if (entry !== undefined) yield entry
  }

  /** Makes the entry of a topic that is not cached. It holds the empty set and is stale. */
  admit(buffer: Buffer, start: number, end: number, bucket: number): CachedEntry<S> {
    const spare = this.spare[end - start]?.pop()
    const bytes = spare === undefined ? Buffer.allocUnsafeSlow(end - start) : spare.bytes
    copyBytes(bytes, 0, buffer, start, end)
    const entry = spare ?? new CachedEntry<S>(bytes, ++this.lastSerial, bucket, this.sets.empty)
    if (spare !== undefined) spare.begin(bucket, this.sets.empty)
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
    if (entry.bytes.length <= SPARE_LENGTH_MAX) this.retire(entry)
  }

  private retire(entry: CachedEntry<S>): void {
    const again = this.retired[this.retiredAt]
    this.retired[this.retiredAt] = entry
    this.retiredAt = (this.retiredAt + 1) % RETIRED_MIN // [ENT-2]
    if (again === undefined) return
    let spare = this.spare[again.bytes.length]
    if (spare === undefined) {
      spare = []
      this.spare[again.bytes.length] = spare
    }
    if (spare.length < SPARES_MAX) spare.push(again)
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
const RETIRED_MIN = 1024
/** Longer topics are not used so many times that it mattered. */
const SPARE_LENGTH_MAX = 255
/** Of each length. */
const SPARES_MAX = 64

/** Never 0, which marks a free way. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  const hash = hashBytes(bytes, start, end)
  return hash === 0 ? 1 : hash
}
