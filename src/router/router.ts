/**
 * The router port: who wants a topic?
 *
 *   topic bytes ──intern──▶ TopicEntry ──matched──▶ Filter[] ──live──▶ LiveSubscription[] ──▶ session
 *
 * A topic entry holds matched filters, a filter holds live sessions: with everyone on `#` an entry that
 * held sessions would cost sessions x topics references. Entries are found by a hash of the topic's
 * bytes, no string is made. Equal filter sets share one `matched` array.
 *
 * Mostly one filter matches, and one session holds it: `only` and `sole` lead there without the arrays, which for ten thousand
 * topics with a filter each do not fit into the processor's cache. With them, and what a message reads at the front of each
 * object, row J takes 14 % less CPU time (24 rounds in turns; with 99 publishers 11 %).
 *
 * Two implementations pass one contract suite (test/contract/router): `tree` (production) and `naive`
 * (linear match; the model in tests). Generic in `S`, the subscriber, of which the router knows nothing.
 *
 * Invariants
 * - After subscribe/unsubscribe returns, `intern` answers an entry whose `matched` is exact.
 * - `filter.live[i].liveIndex === i` for every i; removal is swap-with-last, so order is not promised.
 * - [ONE-1] `only` is the one in `matched` and `sole` the one in `live`, where there is exactly one; else undefined.
 * - A filter without live subscriptions, durable interest or retained reference is removed from the tree.
 * - Entries are bounded by `cachedEntriesMax`; an evicted entry is only forgotten, never wrong
 *   (it may be held by a caller for the rest of the call; `valid` turns false. Later it may be another topic's).
 */

/** One session's subscription to one filter, as the router sees it while the session is live. */
export interface LiveSubscription<S> {
  readonly subscriber: S
  readonly filter: Filter<S>
  /** Position in filter.live, or -1 while the session is not live. Kept by the router. */
  liveIndex: number
}

export interface Filter<S> {
  /** Topic filter without any $share prefix. */
  readonly text: string
  /** Dense and small; reused only after the filter is gone. */
  readonly id: number
  readonly hasWildcard: boolean
  readonly sole: LiveSubscription<S> | undefined
  /** Sessions that are handed messages on the publish path. */
  readonly live: Array<LiveSubscription<S>>
  /** Sessions (connected or not) that read this filter's QoS >= 1 messages from the log. Kept by the broker; 0 at first. */
  logReaders: number
  /** Messages logged while they matched this filter and somebody read it. Kept by the broker; 0 at first. */
  logged: number
  /** Subscriptions to it that begin with history: a session may have several. Kept by the broker; 0 at first. */
  replays: number
}

export interface TopicEntry<S> {
  /** The topic name's bytes, own memory. May be a copy, made when first asked for: not for every message. */
  readonly bytes: Buffer
  /**
   * Counts the topics that entries were made for, from 1; never given again, also where an entry is used for another topic.
   * What others know of the topic they file under it.
   */
  readonly serial: number
  /** Exact at the time `intern` answered it. Shared between entries: never change it. */
  matched: ReadonlyArray<Filter<S>>
  only: Filter<S> | undefined
  /** Id of the topic in the message log, -1 until it is first appended. Kept by the store. */
  logTopic: number
  logStamp: number
  /** What the store remembers of whether it keeps every message of the topic; 0 at first. */
  history: number
  /** Where metrics count the topic's messages (metrics/topic-series.ts); 0 at first. */
  series: number
  /** What one class of connections may do with the topic, 0 = none; see broker/permissions.ts. Kept by the broker; 0 at first. */
  publishClass: number
  publishVerdicts: number
  readClass: number
  readVerdicts: number
  /** False once evicted or superseded. */
  valid: boolean
}

export interface RouterStatistics {
  readonly filters: number
  readonly cachedEntries: number
  readonly sharedMatchSets: number
}

export interface Router<S> {
  readonly name: string
  /** The entry for the topic bytes [start, end). The topic is known to be legal. Hot: about 25 ns when cached. */
  intern(buffer: Buffer, start: number, end: number): TopicEntry<S>
  /** Finds or makes the filter (legal syntax, judged before) and takes a reference on it. */
  acquire(filterText: string): Filter<S>
  /** Gives one reference back; the last one removes the filter from the tree. */
  release(filter: Filter<S>): void
  /** Puts the subscription on / off its filter's live list. Both are idempotent. */
  attach(subscription: LiveSubscription<S>): void
  detach(subscription: LiveSubscription<S>): void
  /** The filter of that exact text, if anyone holds it. */
  find(filterText: string): Filter<S> | undefined
  /** All filters that match a topic given as text; cold. */
  match(topic: string): ReadonlyArray<Filter<S>>
  /** Entries that are cached now, each at most once, in no order; `matched` may be old. Cold. */
  cached(): Iterable<TopicEntry<S>>
  statistics(): RouterStatistics
}
