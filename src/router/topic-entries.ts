/**
 * The cache of topic entries, found by the bytes of the topic; a hit makes no string and no object.
 *
 *   hash of the bytes ──▶ slots  | hash, 1 + id | hash, 1 + id | 0, 0 |   open addressing, at most half full
 *                           id ──▶ names    length, then up to 63 bytes: a line of cache; longer ones in `longNames`
 *                              ──▶ states   free, young or settled; asked for lately
 *                              ──▶ entries  the object
 *
 * What is looked at for every message lies in columns, so that ten thousand topics stay in the processor's cache: looking one
 * up costs 70 ns instead of 200 with a Buffer per entry, row J 30 % less CPU time in all.
 *
 * Bounds, each with its own limit: number of entries, bytes of their topics, and filters in all their
 * match sets together (filters shared by entries count once).
 *
 * Newcomers are young: a short queue. Who reaches its end and was asked for again settles, and while there is room everybody
 * does; of the others every SETTLES_EVERY-th, the rest is evicted. Among the settled the clock hand evicts: an entry that
 * was asked for since the hand's last visit is spared once. So a walk over more topics than there is room for leaves most of
 * the settled where they are, and works on few entries that lie in the processor's cache (a topic too many: 0.2 us, not 1.1).
 *
 * Entries and ids are used again: topics that are used once would otherwise be the broker's only lasting garbage. Whoever
 * still holds an evicted entry is safe for RETIRED_MIN evictions more.
 *
 * Invariants
 * - An evicted entry has `valid === false` and holds no reference on a match set.
 * - One that is used again remembers nothing of the topic it had before [ENT-1], and nobody holds it any more [ENT-2].
 * - It has a serial number of its own: verdicts that others keep under the old one are not its own [ENT-3].
 * - An entry newly admitted is not the next one evicted by its own admission.
 */
import type { ByteHash } from "../base/byte-hash.ts"
import { copyBytes, equalBytes } from "../base/bytes.ts"
import type { MatchSet, MatchSets } from "./match-sets.ts"
import type { Filter, TopicEntry } from "./router.ts"

export interface EntryLimits {
  readonly entriesMax: number
  readonly topicBytesMax: number
  readonly matchedFiltersMax: number
}

export class CachedEntry<S> implements TopicEntry<S> {
  // First what every message looks at: that lies in one line of the processor's cache.
  only: Filter<S> | undefined = undefined
  /** The sum of generations at which `matched` was exact; STALE forces a new match. */
  generation = STALE
  bucket: number
  publishClass = 0
  publishVerdicts = 0
  matched: ReadonlyArray<Filter<S>>
  readClass = 0
  readVerdicts = 0
  serial: number
  history = 0
  series = 0
  logTopic = -1
  logStamp = 0
  valid = true
  set: MatchSet<S>
  readonly id: number
  private readonly owner: TopicEntries<S>
  private keptBytes: Buffer | undefined = undefined

  constructor(owner: TopicEntries<S>, id: number, serial: number, bucket: number, set: MatchSet<S>) {
    this.matched = set.filters
    this.bucket = bucket
    this.serial = serial
    this.set = set
    this.id = id
    this.owner = owner
  }

  /** Made when first asked for: most topics are never logged, refused or shown to people. */
  get bytes(): Buffer {
    this.keptBytes ??= this.owner.nameOf(this.id)
    return this.keptBytes
  }

  /** It is no longer found, and its name is nowhere else. */
  forget(bytes: Buffer): void {
    this.keptBytes = bytes
  }

  /** From here on it is the entry of another topic. */
  begin(serial: number, bucket: number, set: MatchSet<S>): void {
    this.serial = serial // [ENT-3]
    this.bucket = bucket
    this.set = set
    this.matched = set.filters
    this.only = undefined
    this.generation = STALE
    this.logTopic = -1 // [ENT-1]
    this.logStamp = 0
    this.history = 0
    this.series = 0
    this.publishClass = 0
    this.readClass = 0
    this.keptBytes = undefined
    this.valid = true
  }
}

export class TopicEntries<S> {
  size = 0
  private slots = new Int32Array(SLOTS_MIN * 2)
  private slotMask = SLOTS_MIN - 1
  private names: Buffer = Buffer.allocUnsafeSlow(IDS_MIN * NAME_BYTES)
  private readonly longNames: Array<Buffer | undefined> = []
  private hashes = new Int32Array(IDS_MIN)
  private states = new Uint8Array(IDS_MIN)
  /** By id; none where an id is free whose last name was long. */
  private readonly entries: Array<CachedEntry<S> | undefined> = []
  /** The hash of the bytes that `find` looked for last. */
  private askedHash = 0
  private topicBytes = 0
  private lastSerial = 0
  /** Queue of ids. */
  private readonly young: Int32Array
  private youngFrom = 0
  private youngCount = 0
  private settledCount = 0
  private hand = 0
  private leaving = 0
  /** Evicted, and not to be used again yet: a ring of ids. */
  private readonly retired = new Int32Array(RETIRED_MIN).fill(NONE)
  private retiredAt = 0
  /** To be used again at once. */
  private readonly freeIds: Array<number> = []
  private readonly limits: EntryLimits
  private readonly sets: MatchSets<S>
  private readonly hash: ByteHash

  constructor(limits: EntryLimits, sets: MatchSets<S>, hash: ByteHash) {
    this.limits = limits
    this.sets = sets
    this.hash = hash
    this.young = new Int32Array(Math.max(1, Math.min(YOUNG_MAX, limits.entriesMax >> YOUNG_SHIFT)))
  }

  /** The cached entry of the topic buffer[start, end), marked as recently used. */
  find(buffer: Buffer, start: number, end: number): CachedEntry<S> | undefined {
    const hash = this.hash.of(buffer, start, end)
    const { names, slotMask, slots } = this
    this.askedHash = hash
    for (let slot = hash & slotMask; ; slot = (slot + 1) & slotMask) {
      const id = (slots[slot * 2 + 1] as number) - 1
      if (id < 0) return undefined
      if (slots[slot * 2] !== hash) continue
      const name = id * NAME_BYTES
      const length = names[name] as number
      if (length === end - start ? !equalBytes(buffer, start, end, names, name + 1) : length !== LONG) continue
      if (length === LONG && !this.isLongName(id, buffer, start, end)) continue
      if (((this.states[id] as number) & RECENT) === 0) this.states[id] = (this.states[id] as number) | RECENT
      return this.entries[id]
    }
  }

  *[Symbol.iterator](): Generator<CachedEntry<S>> {
    for (let id = 0; id < this.entries.length; id++) {
      const entry = this.entries[id]
      if (entry !== undefined && this.states[id] !== FREE) yield entry
    }
  }

  /** A copy of the topic's bytes. */
  nameOf(id: number): Buffer {
    const name = id * NAME_BYTES
    const length = this.names[name] as number
    if (length === LONG) return this.longNames[id] as Buffer
    const bytes = Buffer.allocUnsafeSlow(length)
    copyBytes(bytes, 0, this.names, name + 1, name + 1 + length)
    return bytes
  }

  /** Makes the entry of a topic that `find` has just not found. It holds the empty set and is stale. */
  admit(buffer: Buffer, start: number, end: number, bucket: number): CachedEntry<S> {
    const id = this.freeIds.pop() ?? this.nextId()
    this.writeName(id, buffer, start, end)
    this.hashes[id] = this.askedHash
    const serial = ++this.lastSerial
    let entry = this.entries[id]
    if (entry === undefined) {
      entry = new CachedEntry<S>(this, id, serial, bucket, this.sets.empty)
      this.entries[id] = entry
    } else entry.begin(serial, bucket, this.sets.empty)
    this.size++
    this.topicBytes += end - start
    this.queue(id)
    this.makeRoom(entry)
    if (this.size * 2 > this.slotMask) this.doubleSlots()
    this.place(id)
    return entry
  }

  /** Evicts until all limits are met, sparing `kept`. */
  makeRoom(kept: CachedEntry<S>): void {
    while (this.size > 1 && this.isOver()) {
      const id = this.nextSettled(kept.id)
      this.evict(id === NONE ? this.nextYoung(kept.id) : id)
    }
  }

  private isOver(): boolean {
    const { entriesMax, matchedFiltersMax, topicBytesMax } = this.limits
    return this.size > entriesMax || this.topicBytes > topicBytesMax || this.sets.filterCountTotal > matchedFiltersMax
  }

  /** To the end of the queue; who is at its head leaves it. */
  private queue(id: number): void {
    const { states, young } = this
    if (this.youngCount === young.length) {
      const oldest = this.shiftYoung()
      const isAsked = ((states[oldest] as number) & RECENT) !== 0
      if (!isAsked && this.isOver() && ++this.leaving % SETTLES_EVERY !== 0) this.evict(oldest)
      else {
        states[oldest] = SETTLED
        this.settledCount++
      }
    }
    young[(this.youngFrom + this.youngCount) % young.length] = id
    this.youngCount++
    states[id] = YOUNG
  }

  private shiftYoung(): number {
    const id = this.young[this.youngFrom] as number
    this.youngFrom = (this.youngFrom + 1) % this.young.length
    this.youngCount--
    return id
  }

  /** Where the clock hand stops; NONE when nobody but `kept` has settled. */
  private nextSettled(kept: number): number {
    const { entries, states } = this
    const keptCount = ((states[kept] as number) & SETTLED) === 0 ? 0 : 1
    if (this.settledCount === keptCount) return NONE
    for (let visits = 0; ; ) {
      const id = this.hand
      this.hand = id + 1 >= entries.length ? 0 : id + 1
      if (id === kept || ((states[id] as number) & SETTLED) === 0) continue
      // Bounded: when everything is recent the hand does not go all the way round in one call.
      if (((states[id] as number) & RECENT) === 0 || ++visits > VISITS_MAX) {
        this.settledCount--
        return id
      }
      states[id] = SETTLED
    }
  }

  /** The oldest of the young, or the one behind it. */
  private nextYoung(kept: number): number {
    const id = this.shiftYoung()
    if (id !== kept) return id
    const next = this.shiftYoung()
    this.youngFrom = (this.youngFrom + this.young.length - 1) % this.young.length
    this.young[this.youngFrom] = kept
    this.youngCount++
    return next
  }

  private evict(id: number): void {
    const entry = this.entries[id] as CachedEntry<S>
    this.unplace(id)
    this.states[id] = FREE
    this.size--
    this.topicBytes -= this.lengthOf(id)
    this.sets.release(entry.set)
    entry.set = this.sets.empty
    entry.valid = false
    if (this.longNames[id] !== undefined) {
      // Its memory is held by whoever still holds the entry.
      entry.forget(this.longNames[id] as Buffer)
      this.longNames[id] = undefined
      this.entries[id] = undefined
    }
    const again = this.retired[this.retiredAt] as number
    this.retired[this.retiredAt] = id
    this.retiredAt = (this.retiredAt + 1) % RETIRED_MIN // [ENT-2]
    if (again !== NONE) this.freeIds.push(again)
  }

  private place(id: number): void {
    const { hashes, slotMask, slots } = this
    const hash = hashes[id] as number
    let slot = hash & slotMask
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & slotMask
    slots[slot * 2] = hash
    slots[slot * 2 + 1] = id + 1
  }

  /** Followers move back into the gap unless their home lies behind it. */
  private unplace(id: number): void {
    const { hashes, slotMask, slots } = this
    let gap = (hashes[id] as number) & slotMask
    while (slots[gap * 2 + 1] !== id + 1) gap = (gap + 1) & slotMask
    for (let slot = (gap + 1) & slotMask; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & slotMask) {
      const home = (slots[slot * 2] as number) & slotMask
      if (((slot - home) & slotMask) < ((slot - gap) & slotMask)) continue
      slots[gap * 2] = slots[slot * 2] as number
      slots[gap * 2 + 1] = slots[slot * 2 + 1] as number
      gap = slot
    }
    slots[gap * 2 + 1] = 0
  }

  private doubleSlots(): void {
    const old = this.slots
    this.slots = new Int32Array(old.length * 2)
    this.slotMask = this.slots.length / 2 - 1
    for (let at = 1; at < old.length; at += 2) if (old[at] !== 0) this.place((old[at] as number) - 1)
  }

  private nextId(): number {
    const id = this.entries.length
    if (id < this.hashes.length) return id
    this.hashes = new Int32Array(this.hashes.buffer.transfer(this.hashes.byteLength * 2))
    this.states = new Uint8Array(this.states.buffer.transfer(this.states.byteLength * 2))
    const names = Buffer.allocUnsafeSlow(this.names.length * 2)
    this.names.copy(names)
    this.names = names
    return id
  }

  private writeName(id: number, buffer: Buffer, start: number, end: number): void {
    const name = id * NAME_BYTES
    if (end - start < NAME_BYTES) {
      this.names[name] = end - start
      copyBytes(this.names, name + 1, buffer, start, end)
      return
    }
    const bytes = Buffer.allocUnsafeSlow(end - start)
    copyBytes(bytes, 0, buffer, start, end)
    this.names[name] = LONG
    this.longNames[id] = bytes
  }

  private isLongName(id: number, buffer: Buffer, start: number, end: number): boolean {
    const bytes = this.longNames[id] as Buffer
    return bytes.length === end - start && equalBytes(buffer, start, end, bytes, 0)
  }

  private lengthOf(id: number): number {
    const length = this.names[id * NAME_BYTES] as number
    return length === LONG ? (this.longNames[id] as Buffer).length : length
  }
}

export const STALE = -1

const NONE = -1
const SLOTS_MIN = 64
const IDS_MIN = 64
/** One byte says how long the name is; LONG = it lies elsewhere. A power of two, or indices would not be shifts. */
const NAME_BYTES = 64
const LONG = 255
/** What `states` says. */
const FREE = 0
const YOUNG = 1
const SETTLED = 2
const RECENT = 4
/** Entries in the queue: an eighth of all, and no more than stay in the processor's cache. */
const YOUNG_SHIFT = 3
const YOUNG_MAX = 2048
/** Otherwise those who settled first would stay for good when none of the young is asked for in time. */
const SETTLES_EVERY = 16
const VISITS_MAX = 256
const RETIRED_MIN = 1024
