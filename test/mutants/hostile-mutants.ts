/**
 * Mutants of what holds hostile input: bounds on one packet, and answers that only the grammar's oracle knows.
 */
import type { Mutant } from "./mutant.ts"

const row = (statement: string, file: string, find: string, replace: string, test: string): Mutant => ({
  file,
  find,
  replace,
  statement,
  tests: [test]
})

export const hostileMutants: ReadonlyArray<Mutant> = [
  row(
    "LIM-9",
    "src/broker/connect.ts",
    "userPropertiesFault(core, will?.properties ?? noProperties)",
    "userPropertiesFault(core, noProperties)",
    "test/attacks/packets.test.ts"
  ),
  row(
    "LIM-9",
    "src/broker/receive.ts",
    "return userPropertiesFault(core, packet.properties) ?? receiveDisconnect(core, client, packet)",
    "return receiveDisconnect(core, client, packet)",
    "test/attacks/packets.test.ts"
  ),
  row(
    "LIM-9",
    "src/broker/subscribe.ts",
    "if (before !== undefined)\n      session.retainedCursors",
    "if (session !== undefined)\n      session.retainedCursors",
    "test/attacks/cost.test.ts"
  ),
  row(
    "MQTT-3.3.2-2",
    "src/codec/faults.ts",
    'new Fault(ReasonCode.topicNameInvalid, "Topic Name contains',
    'new Fault(ReasonCode.protocolError, "Topic Name contains',
    "test/fuzz/grammar.test.ts"
  ),
  row(
    "MQTT-3.1.0-2",
    "src/broker/receive.ts",
    "return secondConnect // [MQTT-3.1.0-2]",
    "return undefined // [MQTT-3.1.0-2]",
    "test/fuzz/grammar.test.ts"
  )
]
