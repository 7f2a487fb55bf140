/**
 * Mutants of the cursor: the counter-examples that shaped it, one rule broken at a time. Each loses, repeats or
 * reorders a message in some history; test/broker/oracle.test.ts must find one.
 */
import type { Mutant } from "./mutant.ts"

const tests = ["test/broker/oracle.test.ts"]

export const cursorMutants: ReadonlyArray<Mutant> = [
  // Options looked up when the message is read, not those that held when it was published.
  {
    file: "src/store/judge.ts",
    find: "const interval = subscription.at(sequence)",
    replace: "const interval = subscription.active ? subscription.intervals.at(-1) : undefined",
    statement: "MQTT-3.8.4-4",
    tests
  },
  // The reader's list of topics is made once.
  {
    file: "src/store/log-reader.ts",
    find: "} else if (bound > this.#boundKnown) {",
    replace: "} else if (this.#boundKnown === 0) {",
    statement: "MQTT-4.5.0-1",
    tests
  },
  // A running reader is not told of a new subscription.
  {
    file: "src/broker/subscribe.ts",
    find: "if (session.mode !== SessionMode.catchingUp) return",
    replace: "if (session.mode !== SessionMode.offline) return",
    statement: "MQTT-4.5.0-1",
    tests
  },
  // Reading on to the log's head while the delivery of a batch is still due.
  {
    file: "src/broker/catch-up.ts",
    find: "const sequence = reader.next(core.delivered)",
    replace: "const sequence = reader.next(core.log.next)",
    statement: "MQTT-4.3.3-4",
    tests
  },
  // Live again although the record that made it fall back is not shown yet.
  {
    file: "src/broker/catch-up.ts",
    find: "else if (core.delivered >= session.liveFrom) goLive(core, session)",
    replace: "else goLive(core, session)",
    statement: "MQTT-4.5.0-1",
    tests
  },
  // Window full at m: the cursor after m.
  {
    file: "src/broker/deliver.ts",
    find: "else fallBack(core, session, client, Math.min(delivery.sequence, core.delivered))",
    replace: "else fallBack(core, session, client, Math.min(delivery.sequence, core.delivered) + 1)",
    statement: "MQTT-4.5.0-1",
    tests
  },
  // Offline: the cursor at the log's head although delivery is behind.
  {
    file: "src/broker/session-mode.ts",
    find: "if (wasLive) leaveTail(core, session, handedBelow(core))",
    replace: "if (wasLive) leaveTail(core, session, core.log.next)",
    statement: "MQTT-4.5.0-1",
    tests
  },
  // The holes below the cursor are forgotten when the session resumes.
  {
    file: "src/broker/accept.ts",
    find: "client.resend = session.window.openIdentifiers()",
    replace: "client.resend = []",
    statement: "MQTT-4.4.0-1",
    tests
  },
  // An acknowledgement before the log keeps the message.
  {
    file: "src/broker/publish.ts",
    find: "if (outcome.ticket > keptOf(core, outcome.lane)) {",
    replace: "if (outcome.ticket > core.log.ticket) {",
    statement: "MQTT-4.3.2-4",
    tests
  },
  // The same for the repetition of a QoS 2 PUBLISH.
  {
    file: "src/broker/publish.ts",
    find: "} else if (kept < ticket)",
    replace: "} else if (kept > ticket)",
    statement: "MQTT-4.3.3-10",
    tests
  },
  // A message that needs no log overtakes one that the log has not shown yet.
  {
    file: "src/broker/publish.ts",
    find: "(somebodyReads(entry) || core.delivered < core.log.next)",
    replace: "somebodyReads(entry)",
    statement: "MQTT-4.6.0-6",
    tests
  },
  // More than Receive Maximum open at a time.
  {
    file: "src/broker/catch-up.ts",
    find: "if (session.window.full) return",
    replace: "if (session.window.inFlight > session.window.limit) return",
    statement: "MQTT-3.3.4-9",
    tests
  },
  // Messages that expired while they waited.
  {
    file: "src/broker/catch-up.ts",
    find: "if (expiresAtMs <= core.nowMs) {",
    replace: "if (expiresAtMs < 0) {",
    statement: "MQTT-3.3.2-5",
    tests
  },
  // Overtaken without a row in the ledger.
  {
    file: "src/broker/overtaken.ts",
    find: "const gone = waiting === 0 ? 0 : Math.max(0, waiting - leftOf(core, subscription, first))",
    replace: "const gone = 0 * leftOf(core, subscription, first) * waiting",
    statement: "MQTT-4.5.0-1",
    tests
  },
  // What a session that is not live waits for is forgotten with its connection.
  {
    file: "src/session/subscription.ts",
    find: "return (this.readsLog ? this.filter.logged : this.#stoppedAt) - this.#passed",
    replace: "return this.readsLog ? this.filter.logged - this.#passed : 0",
    statement: "MQTT-4.5.0-1",
    tests
  },
  // Alike until the session's reader has come to the end: options that changed meanwhile count for nothing.
  {
    file: "src/broker/alike-records.ts",
    find: "    sequence >= run.below || // [MQTT-3.8.4-4]\n",
    replace: "",
    statement: "MQTT-3.8.4-4",
    tests: ["test/broker/alike-records.test.ts"]
  },
  {
    file: "src/broker/alike-records.ts",
    find: "      if (sequence < to && to < run.below) run.below = to // [MQTT-3.3.1-13]\n",
    replace: "",
    statement: "MQTT-3.3.1-13",
    tests: ["test/broker/alike-records.test.ts"]
  },
  // The publisher of the first of them is taken for that of all.
  {
    file: "src/broker/alike-records.ts",
    find: "    record.publisher !== run.publisher || // [MQTT-3.8.3-3]\n",
    replace: "",
    statement: "MQTT-3.8.3-3",
    tests: ["test/broker/alike-records.test.ts"]
  },
  {
    file: "src/broker/alike-records.ts",
    find: "    record.expiresAtMs !== Number.POSITIVE_INFINITY || // [MQTT-3.3.2-5]\n",
    replace: "",
    statement: "MQTT-3.3.2-5",
    tests: ["test/broker/alike-records.test.ts"]
  },
  {
    file: "src/broker/alike-records.ts",
    find: "size > client.maximumPacketSizeBytes // [MQTT-3.1.2-25]",
    replace: "false // [MQTT-3.1.2-25]",
    statement: "MQTT-3.1.2-25",
    tests: ["test/broker/alike-records.test.ts"]
  }
]
