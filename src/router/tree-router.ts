/**
 * The production router: subscription tree, interned topic entries, shared match sets.
 *
 *   intern ─▶ topic-entries.ts (by bytes) ─ stale? (generations.ts) ─▶ subscription-tree.ts
 *                                                  └▶ match-sets.ts (equal sets, one array)
 *
 * What happens to cached entries when the set of filters changes:
 *   filter without wildcard   its one entry, if cached, is marked stale
 *   filter with wildcard      the generation of its first level is raised (all topics for "+" and "#")
 *   one more / one less reference, attach, detach   nothing: entries hold filters, not subscribers
 * A stale entry is matched again when it is next asked for, so a burst of changes costs one match per
 * topic in use, not one per change.
 *
 * Invariants
 * - A filter is in the tree exactly while `references > 0`; `filters[id]` is its record.
 * - Until it is asked for again, a stale entry may keep a removed filter's record alive; the limits in
 *   topic-entries.ts bound that. It is never handed out.
 */

import { ByteHash } from "../base/byte-hash.ts"
import { attachLive, detachLive, FilterRecord, onlyOf, releaseReference } from "./filter-record.ts"
import { Generations } from "./generations.ts"
import { MatchSets } from "./match-sets.ts"
import type { Filter, LiveSubscription, Router, RouterStatistics, TopicEntry } from "./router.ts"
import { SubscriptionTree } from "./subscription-tree.ts"
import { type CachedEntry, STALE, TopicEntries } from "./topic-entries.ts"

export interface TreeRouterOptions {
  readonly cachedEntriesMax: number
  /** Bytes of all cached topic names together. */
  readonly cachedTopicBytesMax?: number
  /** Filters in all match sets of cached entries together (8 bytes each). */
  readonly matchedFiltersMax?: number
  /** By which topics and levels of filters are found. Without one, what collides is the same in every process. */
  readonly hash?: ByteHash
}

/** Bounds of the cache beside topics.cached-entries, for topics that are long or match much: memory, not policy. */
export const CACHED_TOPIC_BYTES_MAX = 64 * 1024 * 1024
export const MATCHED_FILTERS_MAX = 4 * 1024 * 1024

export function makeTreeRouter<S>(options: TreeRouterOptions): Router<S> {
  return new TreeRouter<S>(options)
}

class TreeRouter<S> implements Router<S> {
  readonly name = "tree"
  private readonly tree: SubscriptionTree
  private readonly generations = new Generations()
  private readonly sets = new MatchSets<S>()
  private readonly entries: TopicEntries<S>
  private readonly filters: Array<FilterRecord<S> | undefined> = []
  private readonly freeIds: Array<number> = []
  /** Text in, bytes out: filters arrive as strings, the tree works on bytes. */
  private scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES_MIN)

  constructor(options: TreeRouterOptions) {
    const limits = {
      entriesMax: Math.max(1, options.cachedEntriesMax),
      topicBytesMax: options.cachedTopicBytesMax ?? CACHED_TOPIC_BYTES_MAX,
      matchedFiltersMax: options.matchedFiltersMax ?? MATCHED_FILTERS_MAX
    }
    const hash = options.hash ?? new ByteHash()
    this.tree = new SubscriptionTree((id) => (this.filters[id] as FilterRecord<S>).text, hash)
    this.entries = new TopicEntries(limits, this.sets, hash)
  }

  intern(buffer: Buffer, start: number, end: number): TopicEntry<S> {
    const entry = this.entries.find(buffer, start, end) ?? this.admit(buffer, start, end)
    if (!this.generations.isCurrent(entry.bucket, entry.generation)) this.refresh(entry, buffer, start, end)
    return entry
  }

  acquire(filterText: string): Filter<S> {
    const end = this.encode(filterText)
    const known = this.tree.get(filterText, this.scratch, end)
    if (known >= 0) {
      const filter = this.filters[known] as FilterRecord<S>
      filter.references++
      return filter
    }
    const id = this.freeIds.pop() ?? this.filters.length
    const filter = new FilterRecord<S>(filterText, id)
    this.filters[id] = filter
    this.tree.set(filterText, this.scratch, end, id)
    this.markStale(filter, end)
    return filter
  }

  release(filter: Filter<S>): void {
    const record = filter as FilterRecord<S>
    if (!releaseReference(record)) return
    const end = this.encode(record.text)
    this.tree.remove(record.text, this.scratch, end)
    this.filters[record.id] = undefined
    this.freeIds.push(record.id)
    this.markStale(record, end)
  }

  attach(subscription: LiveSubscription<S>): void {
    attachLive(subscription)
  }

  detach(subscription: LiveSubscription<S>): void {
    detachLive(subscription)
  }

  find(filterText: string): Filter<S> | undefined {
    const end = this.encode(filterText)
    const id = this.tree.get(filterText, this.scratch, end)
    return id < 0 ? undefined : this.filters[id]
  }

  match(topic: string): ReadonlyArray<Filter<S>> {
    const count = this.tree.match(this.scratch, 0, this.encode(topic))
    return Array.from(this.tree.matchedIds.subarray(0, count), (id) => this.filters[id] as Filter<S>)
  }

  cached(): Iterable<TopicEntry<S>> {
    return this.entries
  }

  statistics(): RouterStatistics {
    return {
      filters: this.filters.length - this.freeIds.length,
      cachedEntries: this.entries.size,
      sharedMatchSets: this.sets.size
    }
  }

  private admit(buffer: Buffer, start: number, end: number): CachedEntry<S> {
    return this.entries.admit(buffer, start, end, this.generations.bucketOf(buffer, start, end))
  }

  /** The topic's bytes are in buffer[start, end), so that the entry need not have any of its own. */
  private refresh(entry: CachedEntry<S>, buffer: Buffer, start: number, end: number): void {
    const old = entry.set
    const count = this.tree.match(buffer, start, end)
    entry.set = this.sets.acquire(this.tree.matchedIds, count, this.filters)
    entry.matched = entry.set.filters
    entry.only = onlyOf(entry.matched) // [ONE-1]
    entry.generation = this.generations.of(entry.bucket)
    this.sets.release(old)
    this.entries.makeRoom(entry)
  }

  /** The filter, whose bytes are in scratch[0, end), came or went. */
  private markStale(filter: FilterRecord<S>, end: number): void {
    if (filter.hasWildcard) {
      this.generations.raise(this.scratch, end)
      return
    }
    const entry = this.entries.find(this.scratch, 0, end)
    if (entry !== undefined) entry.generation = STALE
  }

  /** Writes the text to scratch[0, answer). */
  private encode(text: string): number {
    // A code unit takes at most three bytes: short texts need not be measured.
    if (text.length * 3 > this.scratch.length) {
      const sizeBytes = Buffer.byteLength(text)
      if (sizeBytes > this.scratch.length) this.scratch = Buffer.allocUnsafeSlow(sizeBytes)
    }
    return this.scratch.write(text, 0, "utf8")
  }
}

const SCRATCH_BYTES_MIN = 1024
