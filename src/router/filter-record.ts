/**
 * A filter as both routers keep it, and its live list.
 *
 * Invariants
 * - filter.live[i].liveIndex === i; a subscription that is not live has liveIndex -1.
 * - filter.sole is live[0] while nobody else is in it, else undefined.
 * - A filter that nobody live listens to shares one empty array, so that a million of them do not hold a
 *   million arrays; the first attach gives it its own (of capacity one: `push` would reserve seventeen).
 * - `references` counts acquire minus release; at zero the router forgets the record. Who was attached
 *   must be detached before.
 */
import { assert } from "../base/assert.ts"
import type { Filter, LiveSubscription } from "./router.ts"
import { hasWildcard } from "./topic-filter.ts"

export class FilterRecord<S> implements Filter<S> {
  // First what a message needs to know of it: that lies in one line of the processor's cache.
  sole: LiveSubscription<S> | undefined = undefined
  replays = 0
  logReaders = 0
  live: Array<LiveSubscription<S>> = NOBODY
  logged = 0
  readonly text: string
  readonly id: number
  references = 1

  constructor(text: string, id: number) {
    this.text = text
    this.id = id
  }

  /** Asked when filters come and go, not per message: read from the text, a million filters need no field for it. */
  get hasWildcard(): boolean {
    return hasWildcard(this.text)
  }
}

export function attachLive<S>(subscription: LiveSubscription<S>): void {
  if (subscription.liveIndex >= 0) return
  const filter = subscription.filter as FilterRecord<S>
  assert(filter.references > 0, "a subscription goes live on a filter that was released")
  subscription.liveIndex = filter.live.length
  if (filter.live.length === 0) filter.live = [subscription]
  else filter.live.push(subscription)
  filter.sole = soleOf(filter.live)
}

export function detachLive<S>(subscription: LiveSubscription<S>): void {
  const index = subscription.liveIndex
  if (index < 0) return
  const filter = subscription.filter as FilterRecord<S>
  assert(filter.live[index] === subscription, "a live list and its subscription disagree")
  const last = filter.live.pop() as LiveSubscription<S>
  if (last !== subscription) {
    filter.live[index] = last
    last.liveIndex = index
  }
  subscription.liveIndex = -1
  if (filter.live.length === 0) filter.live = NOBODY
  filter.sole = soleOf(filter.live)
}

const soleOf = <S>(live: ReadonlyArray<LiveSubscription<S>>): LiveSubscription<S> | undefined =>
  live.length === 1 ? live[0] : undefined // [ONE-1]

/** TopicEntry.only of what a topic matches. */
export const onlyOf = <S>(matched: ReadonlyArray<Filter<S>>): Filter<S> | undefined =>
  matched.length === 1 ? matched[0] : undefined

/** Gives one reference back; true when it was the last one. */
export function releaseReference<S>(filter: FilterRecord<S>): boolean {
  assert(filter.references > 0, "a filter is released more often than it was acquired")
  filter.references--
  if (filter.references > 0) return false
  assert(filter.live.length === 0, "a filter is released while a live subscription is attached")
  return true
}

/** Frozen in spirit only: a really frozen array is of another kind to V8, and every reader would see two kinds. */
const NOBODY: Array<never> = []
