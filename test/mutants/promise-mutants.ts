/**
 * Mutants of what a durable store promises its clients: packets that leave before their record is kept, or never, steps
 * that are not saved. The statements KEEP-1 to KEEP-4 stand in the header of src/broker/holds.ts.
 */
import type { Mutant } from "./mutant.ts"

const promises = ["test/broker/promises.test.ts"]
const qos2 = ["test/broker/qos2-model.test.ts"]
const bytes = ["test/listener/held-bytes.test.ts"]
const cold = ["test/broker/cold-records.test.ts"]
const slow = ["test/broker/slow-down.test.ts"]

export const promiseMutants: ReadonlyArray<Mutant> = [
  // PUBACK and PUBREC before the sync.
  {
    file: "src/broker/publish.ts",
    find: "if (outcome.ticket > keptOf(core, outcome.lane)) {",
    replace: "if (outcome.ticket > core.log.ticket) {",
    statement: "KEEP-1",
    tests: promises
  },
  // By the broker's policy, though the topic has a promise of its own.
  {
    file: "src/broker/acknowledge.ts",
    find: "lane === KeepLane.policy ? log.kept : lane === KeepLane.durable ? log.durable : log.written",
    replace: "log.kept",
    statement: "KEEP-1",
    tests: promises
  },
  {
    file: "src/broker/publish.ts",
    find: "if (ownTicket > durable) {",
    replace: "if (ownTicket < durable) {",
    statement: "KEEP-1",
    tests: promises
  },
  // A QoS 2 message that no log holds is received, and a crash knows nothing of it.
  {
    file: "src/broker/publish.ts",
    find: "  } else if (packetIdentifier > 0) {",
    replace: "  } else if (packetIdentifier < 0) {",
    statement: "KEEP-1",
    tests: promises
  },
  // The log's record does not say under which identifier the message came.
  {
    file: "src/broker/publish.ts",
    find: "sequence = append(core, view, entry, publisher, expiresAtMs, packetIdentifier)",
    replace: "sequence = append(core, view, entry, publisher, expiresAtMs, 0)",
    statement: "KEEP-1",
    tests: qos2
  },
  // PUBCOMP before Q2REL is kept; PUBREL before Q2OUT-REC; PUBLISH before Q2OUT.
  {
    file: "src/broker/acknowledge.ts",
    find: "holdUntilKept(core, client, ticket) // [KEEP-2] [MQTT-4.3.3-12]",
    replace: "// [KEEP-2] [MQTT-4.3.3-12]",
    statement: "KEEP-2",
    tests: promises
  },
  {
    file: "src/broker/acknowledge.ts",
    find: "holdUntilKept(core, client, ticket) // [KEEP-2]: what",
    replace: "// [KEEP-2]: what",
    statement: "KEEP-2",
    tests: qos2
  },
  {
    file: "src/broker/open-exchange.ts",
    find: "holdUntilKept(core, client, ticket) // [KEEP-2] [MQTT-4.3.3-3]",
    replace: "// [KEEP-2] [MQTT-4.3.3-3]",
    statement: "KEEP-2",
    tests: qos2
  },
  {
    file: "src/broker/holds.ts",
    find: "if (ticket > core.log.kept) core.holds.add",
    replace: "if (ticket > core.log.ticket) core.holds.add",
    statement: "KEEP-2",
    tests: promises
  },
  {
    file: "src/broker/holds.ts",
    find: "(this.#tickets[this.#head] as number) <= kept",
    replace: "(this.#tickets[this.#head] as number) < kept",
    statement: "KEEP-2",
    tests: promises
  },
  // The run of a turn leaves with its first ticket.
  {
    file: "src/listener/outbox.ts",
    find: "      held.raise(ticket)\n",
    replace: "",
    statement: "KEEP-2",
    tests: bytes
  },
  // A run of an earlier turn waits for this one's ticket too.
  {
    file: "src/listener/outbox.ts",
    find: "if (held.waits && this.#runIsOpen) {",
    replace: "if (held.waits) {",
    statement: "KEEP-2",
    tests: bytes
  },
  // An answer that is alone leaves before its promise is kept, or overtakes what is in front of it.
  {
    file: "src/listener/outbox.ts",
    find: "this.#inFlight.length === 0 && !this.#holding && !this.#closed",
    replace: "this.#inFlight.length === 0 && !this.#closed",
    statement: "KEEP-2",
    tests: bytes
  },
  {
    file: "src/listener/outbox.ts",
    find: "const isFirst = this.#usedBytes === 0 && this.#inFlight",
    replace: "const isFirst = this.#inFlight",
    statement: "KEEP-4",
    tests: ["test/listener/outbox.test.ts"]
  },
  {
    file: "src/listener/outbox.ts",
    find: "const to = Math.min(limit, position + lengthBytes)",
    replace: "const to = position + lengthBytes",
    statement: "KEEP-4",
    tests: bytes
  },
  // A slab goes back to the pool while the transport has a part of it.
  {
    file: "src/listener/outbox.ts",
    find: "if (last.isSlab) this.#giveBack(last.buffer, writtenTo > last.position)",
    replace: "if (last.isSlab) this.#giveBack(last.buffer, false)",
    statement: "KEEP-4",
    tests: bytes
  },
  // A step that could not be saved is told.
  {
    file: "src/broker/acknowledge.ts",
    find: "    if (ticket < 0) return storeRefuses // [KEEP-3]\n    holdUntilKept(core, client, ticket) // [KEEP-2] [MQTT-4.3.3-12]",
    replace: "    holdUntilKept(core, client, ticket) // [KEEP-2] [KEEP-3]",
    statement: "KEEP-3",
    tests: promises
  },
  {
    file: "src/broker/acknowledge.ts",
    find: "      if (ticket < 0) return storeRefuses // [KEEP-3]\n      holdUntilKept(core, client, ticket) // [KEEP-2]: what",
    replace: "      holdUntilKept(core, client, ticket) // [KEEP-2] [KEEP-3]: what",
    statement: "KEEP-3",
    tests: promises
  },
  {
    file: "src/broker/open-exchange.ts",
    find: "return -1 // [KEEP-3]",
    replace: "return packetIdentifier // [KEEP-3]",
    statement: "KEEP-3",
    tests: promises
  },
  // The end of an exchange is not saved: a crash repeats it.
  {
    file: "src/broker/acknowledge.ts",
    find: "core.sessionStore.sentDone(session.number, id)",
    replace: "core.sessionStore.isDurable",
    statement: "MQTT-4.3.3-3",
    tests: promises
  },
  // Handed over again after a restart.
  {
    file: "src/broker/catch-up.ts",
    find: "if (session.handed?.delete(sequence) === true ||",
    replace: "if (session.handed?.delete(sequence) === false ||",
    statement: "MQTT-4.3.3-10",
    tests: cold
  },
  // A record that has to be loaded is overtaken by what comes after it.
  {
    file: "src/broker/resend.ts",
    find: "if (!isReadable(core, client, session, id)) break // [MQTT-4.6.0-1]",
    replace: "if (!isReadable(core, client, session, id)) continue // [MQTT-4.6.0-1]",
    statement: "MQTT-4.6.0-1",
    tests: cold
  },
  // Time in which a publisher had to wait counts as its silence.
  {
    file: "src/broker/slow-down.ts",
    find: "client.lastReceivedMs = core.loopMs // [MQTT-3.1.2-22]",
    replace: "// [MQTT-3.1.2-22]",
    statement: "MQTT-3.1.2-22",
    tests: slow
  }
]
