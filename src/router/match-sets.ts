/**
 * Sets of filters that match a topic, shared: topics with equal sets hold one array. With a hundred
 * subscribers on "#" a million topics hold one array of one filter.
 *
 *   topic entry ──set──▶ MatchSet { filters, references } ◀── byHash
 *
 * Invariants
 * - `filters` is sorted by filter id and never changes: it was handed out.
 * - Sets are compared by filter object, not by id. An id is given to another filter once its filter is
 *   gone, while a stale entry may still hold the old set.
 * - A set is in the table while an entry references it; `filterCountTotal` is the sum of their lengths, the
 *   figure by which topic-entries.ts bounds the memory of all sets.
 * - The empty set is not counted and not in the table.
 */
import { assert } from "../base/assert.ts"
import type { Filter } from "./router.ts"

export class MatchSet<S> {
  readonly filters: ReadonlyArray<Filter<S>>
  readonly hash: number
  references = 0
  /** Another set of the same hash. */
  next: MatchSet<S> | undefined

  constructor(filters: ReadonlyArray<Filter<S>>, hash: number, next: MatchSet<S> | undefined) {
    this.filters = filters
    this.hash = hash
    this.next = next
  }
}

export class MatchSets<S> {
  readonly empty: MatchSet<S> = new MatchSet([], 0, undefined)
  size = 0
  filterCountTotal = 0
  private readonly byHash = new Map<number, MatchSet<S>>()

  /** The set of the filters with these ids (ids[0, count), sorted here), with one reference taken on it. */
  acquire(ids: Int32Array, count: number, filterOf: ReadonlyArray<Filter<S> | undefined>): MatchSet<S> {
    if (count === 0) return this.empty
    sort(ids, count)
    const hash = hashOf(ids, count)
    const first = this.byHash.get(hash)
    for (let set = first; set !== undefined; set = set.next) {
      if (!isSame(set.filters, ids, count, filterOf)) continue
      set.references++
      return set
    }
    // Begun with one: the first push into an empty array would reserve seventeen.
    const filters = [filterOf[ids[0] as number] as Filter<S>]
    for (let i = 1; i < count; i++) filters.push(filterOf[ids[i] as number] as Filter<S>)
    const set = new MatchSet(filters, hash, first)
    set.references = 1
    this.byHash.set(hash, set)
    this.size++
    this.filterCountTotal += count
    return set
  }

  release(set: MatchSet<S>): void {
    if (set === this.empty) return
    assert(set.references > 0, "a match set is released that nobody holds")
    set.references--
    if (set.references > 0) return
    this.unchain(set)
    this.size--
    this.filterCountTotal -= set.filters.length
  }

  private unchain(set: MatchSet<S>): void {
    let other = this.byHash.get(set.hash)
    if (other === set) {
      if (set.next === undefined) this.byHash.delete(set.hash)
      else this.byHash.set(set.hash, set.next)
      return
    }
    while (other !== undefined && other.next !== set) other = other.next
    assert(other !== undefined, "a match set is missing from its table")
    other.next = set.next
  }
}

/** Sets are small as a rule: the native sort is only worth its call above this. */
const INSERTION_SORT_MAX = 32

function sort(ids: Int32Array, count: number): void {
  if (count > INSERTION_SORT_MAX) {
    ids.subarray(0, count).sort()
    return
  }
  for (let i = 1; i < count; i++) {
    const id = ids[i] as number
    let at = i
    for (; at > 0 && (ids[at - 1] as number) > id; at--) ids[at] = ids[at - 1] as number
    ids[at] = id
  }
}

function hashOf(ids: Int32Array, count: number): number {
  let hash = count
  for (let i = 0; i < count; i++) {
    hash = Math.imul(hash ^ (ids[i] as number), 0x5bd1e995)
    hash ^= hash >>> 15
  }
  return hash
}

function isSame<S>(
  filters: ReadonlyArray<Filter<S>>,
  ids: Int32Array,
  count: number,
  filterOf: ReadonlyArray<Filter<S> | undefined>
): boolean {
  if (filters.length !== count) return false
  for (let i = 0; i < count; i++) if (filters[i] !== filterOf[ids[i] as number]) return false
  return true
}
