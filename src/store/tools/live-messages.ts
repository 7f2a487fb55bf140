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
import type { RecoveredSession } from "../ports.ts"
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
  const neededFrom = neededPositions(state)
  const flags = new Uint8Array(messages.count)
  for (let row = 0; row < messages.count; row++) {
    const from = neededFrom[messages.topicIds[row] as number] as number
    if ((messages.sequences[row] as number) >= from) flags[row] = 1
  }
  const keep = (sequence: number): void => {
    const row = messages.rowOf(sequence)
    if (row < messages.count && messages.sequences[row] === sequence) flags[row] = 1
  }
  for (const { cursor } of recovered.sessions) for (const { sequence } of cursor.open) keep(sequence)
  for (const { requeued } of recovered.groups.values()) for (const sequence of requeued) keep(sequence)
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
export function readsFrom({ cursor, subscriptions }: RecoveredSession, filter: string): number {
  const intervals = subscriptions.get(filter)?.intervals ?? []
  const first = intervals.reduce((lowest, { from }) => Math.min(lowest, from), Number.POSITIVE_INFINITY)
  return Math.max(cursor.cursor, first)
}

/** By topic id: the lowest position from which somebody reads it, Infinity when nobody does. */
function neededPositions({ messages, recovered }: StoreState): Float64Array {
  const router = makeTreeRouter<never>({ cachedEntriesMax: ENTRIES_CACHED })
  const lowest = new Map<number, number>()
  const need = (filter: string, from: number): void => {
    const { id } = router.acquire(filter)
    lowest.set(id, Math.min(lowest.get(id) ?? Number.POSITIVE_INFINITY, from))
  }
  for (const session of recovered.sessions) {
    for (const filter of session.subscriptions.keys()) {
      if (parseSharedFilter(filter) === undefined) need(filter, readsFrom(session, filter))
    }
  }
  for (const [text, group] of recovered.groups) {
    const shared = parseSharedFilter(text)
    if (shared !== undefined && !(shared instanceof TopicFault)) need(shared.filter, group.cursor)
  }
  return Float64Array.from(messages.topics, (topic) =>
    router.match(topic).reduce((from, { id }) => Math.min(from, lowest.get(id) ?? from), Number.POSITIVE_INFINITY)
  )
}
