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
  ),
  row(
    "CRL-2",
    "src/listener/tls-proof.ts",
    'if (certificates.some(isRevoked)) return "its certificate was revoked" // [CRL-2]',
    "// [CRL-2]",
    "test/behaviour/authentication-x509.test.ts"
  ),
  row(
    "RCK-1",
    "src/broker/recheck.ts",
    'if (why !== undefined) closeClient(core, client, "server", ReasonCode.notAuthorized, why) // [RCK-1]',
    "// [RCK-1]",
    "test/behaviour/authentication-passwords.test.ts"
  ),
  row(
    "PWD-5",
    "src/access/password-users.ts",
    "const isStillGood = () => isSameUser(user, users.find(username)) // [PWD-5]",
    "const isStillGood = () => true // [PWD-5]",
    "test/behaviour/authentication-passwords.test.ts"
  ),
  row(
    "LIM-10",
    "src/broker/user-quotas.ts",
    "return false // [LIM-10]",
    "return true // [LIM-10]",
    "test/behaviour/limits-quotas.test.ts"
  ),
  row(
    "WS-1",
    "src/listener/websocket.ts",
    "return isOpen !== true || isOwnPage(origin, host)",
    "return isOpen !== true || true || isOwnPage(origin, host)",
    "test/listener/websocket.test.ts"
  ),
  row(
    "AUTH-LDAP-2",
    "src/access/ldap-spelling.ts",
    "return own ?? (username === plain ? username : undefined)",
    "return own ?? username",
    "test/access/ldap-spelling.test.ts"
  ),
  row(
    "LIM-11",
    "src/broker/receive.ts",
    "if (isStranger(client, buffer[at] as number)) return this.#end(notConnected, start, end) // [LIM-11]",
    "// [LIM-11]",
    "test/attacks/before-connect.test.ts"
  )
]
