/**
 * Records that are not in memory: whoever comes to one asks the log for it, and is pumped again when it has come.
 *
 * Invariant: one record at a time and reader. A client or group that is gone when the record comes is pumped for
 * nothing, which the pumps know how to bear.
 */
import type { ShareGroup } from "../session/share-group.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { queueGroup, queuePump } from "./pump-queue.ts"

/** Whether the log can be read at `sequence` now; else the client's pump is called when it can. */
export const isAtHand = (core: Core, client: Client, sequence: number): boolean =>
  core.log.isReady(sequence) || ask(core, client, "loading", sequence, () => queuePump(core, client))

/** The same for history, which is read beside it. */
export const isAtHandForReplay = (core: Core, client: Client, sequence: number): boolean =>
  core.log.isReady(sequence) || ask(core, client, "loadingReplay", sequence, () => queuePump(core, client))

/** The same for a shared subscription. */
export const isAtHandOfGroup = (core: Core, group: ShareGroup, sequence: number): boolean =>
  core.log.isReady(sequence) || ask(core, group, "loading", sequence, () => queueGroup(core, group))

/** `waiter[key]` is the sequence that was asked for already, or -1. */
const ask = <Key extends string>(
  core: Core,
  waiter: Record<Key, number>,
  key: Key,
  sequence: number,
  wake: () => void
): false => {
  if (waiter[key] === sequence) return false
  const asked: Record<string, number> = waiter
  asked[key] = sequence
  core.log.load(sequence, () => {
    asked[key] = -1
    wake()
  })
  return false
}
