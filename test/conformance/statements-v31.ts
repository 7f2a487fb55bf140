/**
 * What a test over the wire can judge of MQTT 3.1: where it differs from 3.1.1, and that the rest is there. Its
 * specification numbers nothing, so the ids are ours: chapter and subject. Cited as `[v3.1 3.1-level]`.
 */
import { statementsOf } from "./support/statements.ts"

export const statementsV31 = statementsOf(`
2.1-dup both DUP on PUBREL, SUBSCRIBE and UNSUBSCRIBE is legal; other wrong flags: close.
3.1-level server MQIsdp goes with level 3; another level or name: CONNACK 0x01, then close.
3.1-identifier server Empty identifier: CONNACK 0x02, then close. More than 23 characters are accepted up to the server's own limit.
3.1-credentials server Flags for user name and password with the fields left out: accepted as absent. Wrong credentials: CONNACK 0x04 or 0x05.
3.1-malformed server Malformed CONNECT: close without CONNACK.
3.1-will server The will is published when the connection breaks, not after DISCONNECT.
3.2-reserved server The first byte of CONNACK is 0, whether there was a session or not.
3.3-forbidden server PUBLISH without the right to: acknowledged and dropped.
3.3-malformed both QoS 3 or a wildcard in PUBLISH: close.
3.9-granted server SUBACK holds 0, 1 and 2 only; a refused filter is answered with the wish, and nothing is delivered.
4.1-flows both QoS 0, 1 and 2 in both directions, to and from 3.1.1 and 5.0.
4.2-retry both Open messages are repeated with DUP and their identifiers when the client comes back.
`).map((statement) => ({ ...statement, id: `v3.1 ${statement.id}` }))
