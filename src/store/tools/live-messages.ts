/**
 * Which messages somebody still waits for, judged from what is saved: the tools' view of liveness, as a start would have
 * it. A message is live while it is
 *   - at or above the lowest position from which a session or group reads its topic,
 *   - held singly: handed over and not acknowledged, or given back to a group,
 *   - the topic's retained value.
 * History that a topic's policy keeps for replay is not counted here: nobody waits for it.
 */

import { TopicFault } from "../../router/topic-fault.ts"
import { parseSharedFilter } from "../../router/topic-filter.ts"
import { makeTreeRouter } from "../../router/tree-router.ts"
import type { Recovered, RecoveredSession } from "../ports.ts"
import type { StoreState } from "./read-state.ts"

const ENTRIES_CACHED = 1024

export interface LiveMessages {
  /** By row of the columns: 1 = somebody waits for it, or it is a retained value. */
  readonly flags: Uint8Array
  readonly count: number
  readonly bytes: number
}

export function liveMessages(state: StoreState): LiveMessages {
  const { messages, recovered, retained } = state
  const positions = new ReadPositions(recovered)
  const neededFrom = Float64Array.from(messages.topics, (topic) => positions.lowestFor(topic))
  const flags = new Uint8Array(messages.count)
  for (let row = 0; row < messages.count; row++) {
    const from = neededFrom[messages.topicIds[row] as number] as number
    if ((messages.sequences[row] as number) >= from) flags[row] = 1
  }
  const keep = (sequence: number): void => {
    const row = messages.rowOf(sequence)
    if (row < messages.count && messages.sequences[row] === sequence) flags[row] = 1
  }
  for (const sequence of heldMessages(recovered)) keep(sequence)
  for (const { isValue, sequence } of retained.values()) if (isValue) keep(sequence)
  let count = 0
  let bytes = 0
  for (let row = 0; row < messages.count; row++) {
    if (flags[row] === 0) continue
    count++
    bytes += messages.sizes[row] as number
  }
  return { flags, count, bytes }
}

/** Where the session begins to read for this filter. */
function readsFrom({ cursor, subscriptions }: RecoveredSession, filter: string): number {
  const intervals = subscriptions.get(filter)?.intervals ?? []
  const first = intervals.reduce((lowest, { from }) => Math.min(lowest, from), Number.POSITIVE_INFINITY)
  return Math.max(cursor.cursor, first)
}

/** Sequences of messages that are held singly, rising. */
export function heldMessages({ groups, sessions }: Recovered): ReadonlyArray<number> {
  const held = new Set<number>()
  for (const { cursor } of sessions) for (const { sequence } of cursor.open) if (sequence >= 0) held.add(sequence)
  for (const { requeued } of groups.values()) for (const sequence of requeued) held.add(sequence)
  return [...held].sort((a, b) => a - b)
}

/** From where each filter is read, at the lowest. */
export class ReadPositions {
  readonly #router = makeTreeRouter<never>({ cachedEntriesMax: ENTRIES_CACHED })
  readonly #lowest = new Map<number, number>()

  constructor({ groups, sessions }: Recovered) {
    for (const session of sessions) {
      for (const filter of session.subscriptions.keys()) {
        if (parseSharedFilter(filter) === undefined) this.#need(filter, readsFrom(session, filter))
      }
    }
    for (const [text, group] of groups) {
      const shared = parseSharedFilter(text)
      if (shared !== undefined && !(shared instanceof TopicFault)) this.#need(shared.filter, group.cursor)
    }
  }

  /** Infinity when nobody reads the topic. */
  lowestFor(topic: string): number {
    const matched = this.#router.match(topic)
    return matched.reduce((from, { id }) => Math.min(from, this.#lowest.get(id) ?? from), Number.POSITIVE_INFINITY)
  }

  #need(filter: string, from: number): void {
    const { id } = this.#router.acquire(filter)
    this.#lowest.set(id, Math.min(this.#lowest.get(id) ?? Number.POSITIVE_INFINITY, from))
  }
}
