/**
 * Who has something to send that waits for room: clients, and shared subscriptions. Served in the next turn of
 * the loop (catch-up.ts), each a bounded step, so nobody holds the others up.
 */
import type { ShareGroup } from "../session/share-group.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

export const queuePump = (core: Core, client: Client): void => {
  if (client.pumpQueued) return
  client.pumpQueued = true
  core.pumpQueue.push(client)
  schedulePumps(core)
}

export const queueGroup = (core: Core, group: ShareGroup): void => {
  if (group.pumpQueued) return
  group.pumpQueued = true
  core.groupQueue.push(group)
  schedulePumps(core)
}

export const schedulePumps = (core: Core): void => {
  if (core.pumpsScheduled || core.pumpQueue.length + core.groupQueue.length === 0) return
  core.pumpsScheduled = true
  core.options.defer(core.drainPumpQueue)
}
