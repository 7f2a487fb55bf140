/**
 * A broker over a store whose promise the test moves by hand (test/support/slow-store.ts), and clients that are connected
 * and were told so.
 */
import { SlowStore } from "../support/slow-store.ts"
import type * as packets from "./client-packets.ts"
import { TestClient } from "./test-client.ts"
import { World } from "./world.ts"

export const slowWorld = ({ acknowledges = true } = {}) => {
  const store = new SlowStore()
  const world = new World({ log: store, sessionStore: store.sessions })
  /** Everything that can happen while promises are kept. */
  const settle = () => {
    world.run()
    for (let before = -1; before !== store.ticket; ) {
      before = store.ticket
      store.keep()
      world.run()
    }
  }
  /** Persistent, unless the options say otherwise. */
  const connect = (clientIdentifier: string, options: Partial<packets.ConnectOptions> = {}): TestClient => {
    const client = new TestClient(world, { clientIdentifier, sessionExpirySeconds: 1000, ...options })
    client.acknowledges = acknowledges
    settle()
    return client
  }
  return { store, world, settle, connect }
}
