/**
 * The model router: a list of filters, matched one by one with `matches` of topic-filter.ts.
 *
 * It exists to be obviously right. Tests compare the tree with it, and the behaviour suite runs on it to
 * show that the broker relies on the port alone. Costs grow with filters x topics; not for production.
 *
 * Invariants
 * - `intern` matches anew every time, so there is no staleness to get wrong.
 * - Entries keep their identity (the store puts its topic id there) up to `cachedEntriesMax`, then the
 *   oldest is forgotten.
 */
import { attachLive, detachLive, FilterRecord, onlyOf, releaseReference } from "./filter-record.ts"
import type { Filter, LiveSubscription, Router, RouterStatistics, TopicEntry } from "./router.ts"
import { matches } from "./topic-filter.ts"

export interface NaiveRouterOptions {
  readonly cachedEntriesMax: number
}

export function makeNaiveRouter<S>(options: NaiveRouterOptions = { cachedEntriesMax: 65_536 }): Router<S> {
  return new NaiveRouter<S>(options)
}

class NaiveRouter<S> implements Router<S> {
  readonly name = "naive"
  private readonly cachedEntriesMax: number
  private readonly filters = new Map<string, FilterRecord<S>>()
  private readonly entries = new Map<string, TopicEntry<S>>()
  private readonly freeIds: Array<number> = []
  private lastSerial = 0

  constructor(options: NaiveRouterOptions) {
    this.cachedEntriesMax = Math.max(1, options.cachedEntriesMax)
  }

  intern(buffer: Buffer, start: number, end: number): TopicEntry<S> {
    const topic = buffer.toString("utf8", start, end)
    const entry = this.entries.get(topic) ?? this.admit(topic)
    entry.matched = this.match(topic)
    entry.only = onlyOf(entry.matched)
    return entry
  }

  acquire(filterText: string): Filter<S> {
    const known = this.filters.get(filterText)
    if (known !== undefined) {
      known.references++
      return known
    }
    const filter = new FilterRecord<S>(filterText, this.freeIds.pop() ?? this.filters.size)
    this.filters.set(filterText, filter)
    return filter
  }

  release(filter: Filter<S>): void {
    if (!releaseReference(filter as FilterRecord<S>)) return
    this.filters.delete(filter.text)
    this.freeIds.push(filter.id)
  }

  attach(subscription: LiveSubscription<S>): void {
    attachLive(subscription)
  }

  detach(subscription: LiveSubscription<S>): void {
    detachLive(subscription)
  }

  find(filterText: string): Filter<S> | undefined {
    return this.filters.get(filterText)
  }

  match(topic: string): ReadonlyArray<Filter<S>> {
    return Array.from(this.filters.values()).filter((filter) => matches(filter.text, topic))
  }

  cached(): Iterable<TopicEntry<S>> {
    return this.entries.values()
  }

  statistics(): RouterStatistics {
    return { filters: this.filters.size, cachedEntries: this.entries.size, sharedMatchSets: 0 }
  }

  private admit(topic: string): TopicEntry<S> {
    const entry: TopicEntry<S> = {
      bytes: Buffer.from(topic),
      serial: ++this.lastSerial,
      matched: [],
      only: undefined,
      logTopic: -1,
      logStamp: 0,
      history: 0,
      series: 0,
      publishClass: 0,
      publishVerdicts: 0,
      readClass: 0,
      readVerdicts: 0,
      valid: true
    }
    this.entries.set(topic, entry)
    for (const [oldestTopic, oldest] of this.entries) {
      if (this.entries.size <= this.cachedEntriesMax) break
      this.entries.delete(oldestTopic)
      oldest.valid = false
    }
    return entry
  }
}
