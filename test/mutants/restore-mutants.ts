/**
 * Mutants of what outlives a crash: each breaks one promise to clients that were told something, or hands over twice.
 * Random histories with crashes must find them (test/broker/restore.test.ts), small cases what compaction is told.
 */
import type { Mutant } from "./mutant.ts"

const tests = ["test/broker/restore.test.ts"]
const livenessTests = ["test/broker/liveness.test.ts"]

export const restoreMutants: ReadonlyArray<Mutant> = [
  // A hole is not a liveness root.
  {
    file: "src/broker/liveness.ts",
    find: "if (sequence >= 0) this.#held.push(sequence)",
    replace: "void sequence",
    statement: "RST-5",
    tests: livenessTests
  },
  // Where the session is by now, not what a crash would bring back.
  {
    file: "src/broker/liveness.ts",
    find: "const from = persistent && session.isSaved ? Math.min(session.savedCursor, position) : position",
    replace: "const from = persistent && session.isSaved ? position : position",
    statement: "RST-6",
    tests: livenessTests
  },
  // The cursor saved ahead of what was handed over.
  {
    file: "src/broker/save-cursors.ts",
    find: "const cursor = session.mode === SessionMode.live ? core.delivered : session.cursor",
    replace: "const cursor = core.delivered",
    statement: "RST-1",
    tests
  },
  // Q2OUT positions are not passed over.
  {
    file: "src/broker/restore.ts",
    find: "if (handed.size > 0) session.handed = new Set(handed)",
    replace: "if (handed.size < 0) session.handed = new Set(handed)",
    statement: "RST-2",
    tests
  },
  // Nor after a second crash.
  {
    file: "src/broker/save-cursors.ts",
    find: "else open.push({ packetIdentifier: 0,",
    replace: "else if (sequence < 0) open.push({ packetIdentifier: 0,",
    statement: "RST-2",
    tests
  },
  // A will is published twice: its message is kept, and the record that clears it is not.
  {
    file: "src/broker/wills.ts",
    find: "if (core.isDurable) core.log.together(sessionBytesMax(session) + will.frame.length)",
    replace: "if (!core.isDurable) core.log.together(sessionBytesMax(session) + will.frame.length)",
    statement: "RST-7",
    tests
  },
  // Each crash gives a session its whole expiry again.
  {
    file: "src/broker/restore.ts",
    find: "if (wasConnected) saveSession(core, session) // [RST-4]",
    replace: "// [RST-4]",
    statement: "RST-4",
    tests
  },
  // A number is given again, and its records are two sessions'.
  {
    file: "src/broker/restore.ts",
    find: "core.beginSessionNumbers(recovered.nextSessionNumber)",
    replace: "core.beginSessionNumbers(1)",
    statement: "RST-3",
    tests
  },
  // CONNACK of a clean start before the end of the old session is kept.
  {
    file: "src/broker/accept.ts",
    find: "else holdUntilKept(core, client, core.endedTicket)",
    replace: "else holdUntilKept(core, client, 0)",
    statement: "RST-8",
    tests
  },
  // A retained message at QoS 2 hides those at QoS 1 before it, or comes twice.
  {
    file: "src/broker/retained.ts",
    find: "cursor.handed?.has(message.sequence) !== true",
    replace: "true",
    statement: "RST-9",
    tests
  },
  // "No session present" while the old one may still come back from the disk.
  {
    file: "src/broker/save-session.ts",
    find: "core.endedTicket = core.log.ticket // [RST-8]",
    replace: "core.endedTicket = 0",
    statement: "RST-8",
    tests
  },
  // SUBACK before the subscription is kept.
  {
    file: "src/broker/subscribe.ts",
    find: "holdUntilKept(core, client, saves.ticket) // [RST-8]",
    replace: "holdUntilKept(core, client, 0)",
    statement: "RST-8",
    tests
  },
  // QoS 2 identifiers received are forgotten.
  {
    file: "src/broker/restore.ts",
    find: "for (const packetIdentifier of cursor.incoming) session.addIncoming(packetIdentifier)",
    replace: "for (const packetIdentifier of cursor.incoming) void packetIdentifier",
    statement: "MQTT-4.3.3-10",
    tests
  },
  // What a SUBSCRIBE still wanted of retained messages is sent from the beginning.
  {
    file: "src/broker/restore.ts",
    find: "session.retainedCursors.push({ subscription, sequence: below, after, handed })",
    replace: "session.retainedCursors.push({ subscription, sequence: below, after: after && undefined, handed })",
    statement: "MQTT-3.3.1-9",
    tests: ["test/broker/restore-retained.test.ts"]
  },
  // A shared subscription gives again what a member has at QoS 2.
  {
    file: "src/broker/restore-groups.ts",
    find: "handedOf.set(group, handed)",
    replace: "handedOf.set(group, new Set())",
    statement: "MQTT-4.8.2-4",
    tests
  },
  // What members had at QoS 1 is lost with them.
  {
    file: "src/broker/save-session.ts",
    find: "for (const sequence of group.openAtQos1()) requeued.add(sequence)",
    replace: "for (const sequence of group.openAtQos1()) requeued.delete(sequence)",
    statement: "MQTT-4.8.2-4",
    tests
  },
  // A shared subscription's message leaves at QoS 2 before that is saved.
  {
    file: "src/broker/share-exchange.ts",
    find: "if (!group.isSaved) return true //",
    replace: "if (group.isSaved) return true //",
    statement: "MQTT-4.8.2-5",
    tests
  }
]
