/**
 * What the clients of a history with crashes share (restore-histories.ts, restore-client.ts): the broker and its store,
 * which a crash replaces, and what is counted over all histories.
 */
import type { CrashStore } from "../support/crash-store.ts"
import type { Actor } from "./restore-client.ts"
import type { World } from "./world.ts"

/** What happened in all histories so far: a test in which nothing happens proves nothing. */
export class Tally {
  crashes = 0
  restarts = 0
  recordsLost = 0
  deliveries = 0
  repeats = 0
  retained = 0
  sharedDeliveries = 0
  publishesRepeated = 0
  willsPublished = 0
  willsCancelled = 0
  sessionsExpired = 0
  compacted = 0
}

/** What everybody shares; store and world are replaced by a crash. */
export interface Stage {
  store: CrashStore
  world: World
  readonly trace: Array<string>
  readonly tally: Tally
  crashes: number
  numbers: number
  /** Messages of the shared subscription, by number. */
  readonly shared: Map<number, SharedMessage>
  readonly actors: ReadonlyArray<Actor>
}

/** Of the shared subscription: its records, and how often somebody received it. */
export interface SharedMessage {
  tickets: Array<number>
  receipts: number
}
