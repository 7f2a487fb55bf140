/**
 * Reads the log for one session that is not live: which records between its cursor and D are for it?
 *
 * Two readers, one contract: `next(until)` answers the smallest sequence >= position, below `until`, whose
 * topic matches one of the session's filters; -1 when there is none (position is then `until`) or when the
 * step's bound was reached (position < until; call again). Whether the record is really delivered (interval,
 * No Local, expiry, effective QoS 0) is judged by judge.ts.
 *
 *   merge  follows the chains of the matched topics; cost follows the session's own messages.
 *          For filters without wildcards, and for wildcards while the log holds few topics.
 *   scan   walks the topic column with one bitmap per distinct filter; cost follows all messages.
 *          For everything else, and when fewer than `scanRecords` lie ahead.
 *
 * Invariants
 * - Position only moves forward, but for jumps the caller asks for by `seek`.
 * - Topics that appear while reading are seen: merge re-matches ids at or above the bound it knew, scan
 *   matches on sight. When the log gives retired ids again (topicEpoch) everything remembered is dropped.
 * - Each call looks at most at `scanRecords` records, so a wide session cannot hold the loop.
 */
import { matches } from "../router/topic-filter.ts"
import type { Subscription } from "../session/subscription.ts"
import type { MessageLog } from "./ports.ts"

export interface ReaderLimits {
  /** Records one scan step looks at; also the distance below which scanning beats looking topics up. */
  readonly scanRecords: number
  /** Topics a merge may follow; beyond it the session scans: each step looks at every topic followed (4,000: 14 us). */
  readonly mergeTopicsMax: number
}
/** So few are looked through one by one. */
const FEW_TOPICS = 8
const NONE: Array<number> = []
const NO_SUBSCRIPTIONS: ReadonlyArray<Subscription> = []

export const readerLimits: ReaderLimits = { scanRecords: 4096, mergeTopicsMax: 256 }

export class LogReader {
  position = 0
  readonly #log: MessageLog
  readonly #bitmaps: TopicBitmaps
  readonly #limits: ReaderLimits
  #subscriptions: ReadonlyArray<Subscription> = NO_SUBSCRIPTIONS
  #epoch = -1
  #boundKnown = 0
  /** The log's head when it last looked for topics: none can have appeared while that is the same. */
  #learnedAt = -1
  /** Topics that are followed. NONE and no set until a merge begins: most readers never get that far. */
  #topicIds: Array<number> = NONE
  /** The same to be looked up in, once there are many; topics of wildcards are not met twice, so they need none. */
  #known: Set<number> | undefined = undefined
  /** Per followed topic: its next record at or above position, or -1 when it had none at the last look. */
  #nexts: Array<number> = NONE
  /** Per followed topic: a record of it below its next, to go on from when new ones arrive; -1 = none known. */
  #previous: Array<number> = NONE
  #merging = false

  constructor(log: MessageLog, bitmaps: TopicBitmaps, limits: ReaderLimits = readerLimits) {
    this.#log = log
    this.#bitmaps = bitmaps
    this.#limits = limits
  }

  /** Starts over at `position` with these subscriptions; call again whenever they change. */
  seek(position: number, subscriptions: ReadonlyArray<Subscription>): void {
    this.position = position
    this.#subscriptions = subscriptions
    this.#epoch = -1
    this.#merging = false
    this.#forget()
  }

  next(until: number): number {
    if (this.position >= until) return -1
    if (!this.#merging && until - this.position <= this.#limits.scanRecords && !this.#prefersMerge())
      return this.#scan(until)
    const log = this.#log
    if (this.#epoch !== log.topicEpoch) this.#restart()
    if (this.#merging && (this.#learnedAt === log.next || this.#learn())) return this.#merge(until)
    return this.#scan(until)
  }

  /** A single exact filter follows one chain; there merging is never worse than scanning. */
  #prefersMerge(): boolean {
    for (const subscription of this.#subscriptions) if (subscription.filter.hasWildcard) return false
    return true
  }

  #restart(): void {
    this.#epoch = this.#log.topicEpoch
    this.#boundKnown = 0
    this.#learnedAt = -1
    this.#forget()
    this.#merging = this.#subscriptions.length <= this.#limits.mergeTopicsMax
    if (!this.#merging) return
    this.#topicIds = []
    this.#nexts = []
    this.#previous = []
  }

  #forget(): void {
    this.#topicIds = NONE
    this.#known = undefined
    this.#nexts = NONE
    this.#previous = NONE
  }

  /**
   * Finds the topics to follow that it does not know yet, at every step: one may have appeared meanwhile
   * [MQTT-4.5.0-1]. False when there are too many, then it scans.
   */
  #learn(): boolean {
    const log = this.#log
    const bound = log.topicIdBound
    if (this.#prefersMerge()) {
      for (const { filter } of this.#subscriptions) this.#meet(log.topicId(filter.text))
    } else if (bound > this.#boundKnown) {
      // Each id once, whichever filters want it.
      if (bound - this.#boundKnown > this.#limits.mergeTopicsMax) return this.#giveUp()
      for (let id = this.#boundKnown; id < bound; id++) if (this.#wanted(id)) this.#follow(id)
    }
    this.#boundKnown = bound
    this.#learnedAt = log.next
    return this.#topicIds.length <= this.#limits.mergeTopicsMax || this.#giveUp()
  }

  #giveUp(): false {
    this.#merging = false
    this.#forget()
    return false
  }

  /** The topic of a filter without wildcards: it is looked up again and again. */
  #meet(topicId: number): void {
    if (topicId < 0) return
    if (this.#known === undefined && this.#topicIds.length >= FEW_TOPICS) this.#known = new Set(this.#topicIds)
    if (this.#known?.has(topicId) ?? this.#topicIds.includes(topicId)) return
    this.#known?.add(topicId)
    this.#follow(topicId)
  }

  #follow(topicId: number): void {
    this.#topicIds.push(topicId)
    this.#nexts.push(-1)
    this.#previous.push(-1)
  }

  #merge(until: number): number {
    const position = this.position
    let lowest = until
    for (let i = 0; i < this.#topicIds.length; i++) {
      let next = this.#nexts[i] as number
      if (next < position) {
        next = this.#advance(i, position)
        this.#nexts[i] = next
      }
      if (next >= 0 && next < lowest) lowest = next
    }
    this.position = lowest
    return lowest < until ? lowest : -1
  }

  /** The topic's first record at or above `position`: along its chain when a record of it is known, else by looking it up. */
  #advance(i: number, position: number): number {
    const log = this.#log
    let at = this.#nexts[i] as number
    if (at + 1 === position) {
      // The usual step: from the record it was at to the one behind it.
      const next = log.following(at)
      if (next >= position) {
        this.#previous[i] = next
        return next
      }
    }
    const topicId = this.#topicIds[i] as number
    if (log.lastOfTopic(topicId) < position) return -1
    if (at < 0) at = this.#previous[i] as number
    let steps = 0
    while (at >= log.first && at < position && steps < 64) {
      this.#previous[i] = at
      at = log.following(at)
      steps += 1
    }
    const found = at >= position ? at : log.nextOfTopic(topicId, position)
    if (found >= 0) this.#previous[i] = found
    return found
  }

  #scan(until: number): number {
    const log = this.#log
    let sequence = log.nextMessage(this.position)
    for (let looked = 0; sequence < until && looked < this.#limits.scanRecords; looked++) {
      if (this.#wanted(log.topicAt(sequence))) {
        this.position = sequence
        return sequence
      }
      sequence = log.nextMessage(sequence + 1)
    }
    this.position = Math.min(sequence, until)
    return -1
  }

  #wanted(topicId: number): boolean {
    for (const subscription of this.#subscriptions) {
      if (this.#bitmaps.matches(subscription.filter.id, subscription.filter.text, topicId)) return true
    }
    return false
  }
}

const UNKNOWN = 0
const NO = 1
const YES = 2

/**
 * One byte per (filter, topic id) that somebody asked about, shared by all readers; dropped when the log
 * gives ids again or when the bitmaps outgrow their limit.
 */
export class TopicBitmaps {
  readonly #log: MessageLog
  readonly #limitBytes: number
  readonly #bitmaps = new Map<number, { text: string; seen: Uint8Array }>()
  #bytes = 0
  #epoch = 0

  constructor(log: MessageLog, limitBytes: number) {
    this.#log = log
    this.#limitBytes = limitBytes
  }

  matches(filterId: number, filterText: string, topicId: number): boolean {
    if (this.#epoch !== this.#log.topicEpoch || this.#bytes > this.#limitBytes) this.#clear()
    let bitmap = this.#bitmaps.get(filterId)
    // Filter ids are given again once a filter is gone, so the text decides.
    if (bitmap === undefined || bitmap.text !== filterText) {
      bitmap = { text: filterText, seen: new Uint8Array(64) }
      this.#bytes += 64
      this.#bitmaps.set(filterId, bitmap)
    }
    if (topicId >= bitmap.seen.length) {
      const larger = new Uint8Array(Math.max(topicId + 1, bitmap.seen.length * 2))
      larger.set(bitmap.seen)
      this.#bytes += larger.length - bitmap.seen.length
      bitmap.seen = larger
    }
    let verdict = bitmap.seen[topicId] as number
    if (verdict === UNKNOWN) {
      verdict = matches(filterText, this.#log.topicName(topicId)) ? YES : NO
      bitmap.seen[topicId] = verdict
    }
    return verdict === YES
  }

  #clear(): void {
    this.#bitmaps.clear()
    this.#bytes = 0
    this.#epoch = this.#log.topicEpoch
  }
}
