/**
 * SessionStore of the memory engine: nothing outlives the process, so nothing is written.
 *
 * Invariant: every call answers 0, "nothing needs to be waited for", and keeps no reference to what it was given.
 *
 * Elsewhere: the one that writes (durable-sessions.ts); sessions themselves (the broker's).
 */
import type { Recovered, SessionStore } from "./ports.ts"

export const memorySessions: SessionStore = {
  isDurable: false,
  takeRecovered: (): Recovered => ({ sessions: [], groups: new Map(), nextSessionNumber: 1 }),
  saveSession: () => 0,
  endSession: () => 0,
  saveSubscription: () => 0,
  endSubscription: () => 0,
  saveCursor: () => 0,
  saveGroup: () => 0,
  endGroup: () => 0,
  received: () => 0,
  released: () => 0,
  sent: () => 0,
  sentReceived: () => 0,
  sentDone: () => 0
}
