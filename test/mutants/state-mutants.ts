/**
 * Mutants of session, store and listener: what is remembered too long, too short, or told to the wrong one.
 */
import type { Mutant } from "./mutant.ts"

export const stateMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/session/outgoing-window.ts",
    find: "this.#cells[packetIdentifier * CELLS + STATE] = ExchangeState.awaitPubcomp",
    replace: "this.#cells[packetIdentifier * CELLS + STATE] = ExchangeState.awaitPubrec",
    statement: "MQTT-4.3.3-6",
    tests: ["test/behaviour/exactly-once.test.ts"]
  },
  {
    file: "src/store/judge.ts",
    find: "if (interval.noLocal && subscriber.number === publisher) continue",
    replace: "if (interval.noLocal && subscriber.number !== publisher) continue",
    statement: "MQTT-3.8.3-3",
    tests: ["test/behaviour/no-local.test.ts"]
  },
  {
    file: "src/store/topic-tree.ts",
    find: 'if (pattern.beginsWithWildcard && key.startsWith("$")) return afterDollar',
    replace: 'if (pattern.beginsWithWildcard && key.startsWith("$$")) return afterDollar',
    statement: "MQTT-4.7.2-1",
    tests: ["test/store/topic-tree.test.ts", "test/store/memory-retained.test.ts"]
  },
  {
    file: "src/listener/websocket.ts",
    find: "WEBSOCKET_SUBPROTOCOLS.find((name) => offered.has(name)) ?? false",
    replace: "WEBSOCKET_SUBPROTOCOLS.find((name) => !offered.has(name)) ?? false",
    statement: "MQTT-6.0.0-4",
    tests: ["test/listener/websocket.test.ts"]
  },
  {
    file: "src/listener/websocket-transport.ts",
    find: "this.#end(CLOSE_UNSUPPORTED_DATA, FAREWELL_MS)",
    replace: "this.resume()",
    statement: "MQTT-6.0.0-1",
    tests: ["test/listener/websocket.test.ts"]
  }
]
