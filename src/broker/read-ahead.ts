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
export const isAtHand = (core: Core, client: Client, sequence: number): boolean => {
  if (core.log.isReady(sequence)) return true
  if (client.loading === sequence) return false
  client.loading = sequence
  core.log.load(sequence, () => {
    client.loading = -1
    queuePump(core, client)
  })
  return false
}

/** The same for history, which is read beside it. */
export const isAtHandForReplay = (core: Core, client: Client, sequence: number): boolean => {
  if (core.log.isReady(sequence)) return true
  if (client.loadingReplay === sequence) return false
  client.loadingReplay = sequence
  core.log.load(sequence, () => {
    client.loadingReplay = -1
    queuePump(core, client)
  })
  return false
}

/** The same for a shared subscription. */
export const isAtHandOfGroup = (core: Core, group: ShareGroup, sequence: number): boolean => {
  if (core.log.isReady(sequence)) return true
  if (group.loading === sequence) return false
  group.loading = sequence
  core.log.load(sequence, () => {
    group.loading = -1
    queueGroup(core, group)
  })
  return false
}
