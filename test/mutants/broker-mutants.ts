/**
 * Mutants of the broker's verbs, noticed over a real connection by test/behaviour.
 */
import type { Mutant } from "./mutant.ts"

const by = (scenario: string): ReadonlyArray<string> => [`test/behaviour/${scenario}.test.ts`]

export const brokerMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/broker/deliver.ts",
    find: "if (subscription.noLocal && session.number === delivery.publisher) return // [MQTT-3.8.3-3]",
    replace: "if (subscription.noLocal && session.number !== delivery.publisher) return // [MQTT-3.8.3-3]",
    statement: "MQTT-3.8.3-3",
    tests: by("no-local")
  },
  {
    file: "src/broker/deliver.ts",
    find: "const qos = subscription.qos < view.qos ? subscription.qos : view.qos // [MQTT-3.8.4-8]",
    replace: "const qos = view.qos",
    statement: "MQTT-3.8.4-8",
    tests: by("publish-qos")
  },
  {
    file: "src/broker/deliver.ts",
    find: "const retain = view.retain && subscription.retainAsPublished // [MQTT-3.3.1-12]",
    replace: "const retain = view.retain //",
    statement: "MQTT-3.3.1-12",
    tests: by("retain-as-published")
  },
  {
    file: "src/broker/deliver.ts",
    find: "if (qos > session.roundQos) session.roundQos = qos",
    replace: "if (qos < session.roundQos) session.roundQos = qos",
    statement: "MQTT-3.3.4-2",
    tests: by("overlapping-subscriptions")
  },
  {
    file: "src/broker/deliver.ts",
    find: ": [...session.roundIdentifiers, ...subscription.identifiers]",
    replace: ": subscription.identifiers",
    statement: "MQTT-3.3.4-4",
    tests: by("overlapping-subscriptions")
  },
  {
    file: "src/broker/publish.ts",
    find: "if (view.buffer[view.topicStart] === DOLLAR)",
    replace: "if (view.buffer[view.topicStart] === DOLLAR + 1)",
    statement: "MQTT-4.7.2-1",
    tests: by("dollar-topics")
  },
  {
    file: "src/broker/publish.ts",
    find: "session.addIncoming(view.packetIdentifier)",
    replace: "session.addIncoming(0)",
    statement: "MQTT-4.3.3-10",
    tests: by("exactly-once")
  },
  {
    file: "src/broker/publish.ts",
    find: "if (view.topicAlias > core.limits.topicAliasMaximum) return aliasTooLarge",
    replace: "if (view.topicAlias > 65_535) return aliasTooLarge",
    statement: "MQTT-3.3.2-9",
    tests: by("topic-alias")
  },
  {
    file: "src/broker/publish.ts",
    find: "client.aliases[view.topicAlias] = topic",
    replace: "client.aliases[view.topicAlias] ??= topic",
    statement: "MQTT-3.3.2-12",
    tests: by("topic-alias")
  },
  {
    file: "src/broker/publish.ts",
    find: "return receiveMaximumExceeded",
    replace: "return undefined",
    statement: "MQTT-3.3.4-7",
    tests: by("receive-maximum")
  },
  {
    file: "src/broker/receive.ts",
    find: "return secondConnect",
    replace: "return undefined",
    statement: "MQTT-3.1.0-2",
    tests: by("will-messages")
  },
  {
    file: "src/broker/receive.ts",
    find: "this.#client.connection.outbox.append(pingrespBytes, 0, 2)",
    replace: "this.#client.connection.outbox.append(pingrespBytes, 0, 0)",
    statement: "MQTT-3.12.4-1",
    tests: by("keep-alive")
  },
  {
    file: "src/broker/resend.ts",
    find: "judgement.retain, true, id",
    replace: "judgement.retain, false, id",
    statement: "MQTT-3.3.1-1",
    tests: by("session-resume")
  },
  {
    file: "src/broker/resend.ts",
    find: "acknowledge(core, client, PacketType.pubrel, id, ReasonCode.success)",
    replace: "acknowledge(core, client, PacketType.pubcomp, id, ReasonCode.success)",
    statement: "MQTT-4.3.3-6",
    tests: by("exactly-once")
  },
  {
    file: "src/broker/acknowledge.ts",
    find: "    session.incoming?.delete(id)\n",
    replace: "",
    statement: "MQTT-4.3.3-12",
    tests: by("exactly-once")
  },
  {
    file: "src/broker/acknowledge.ts",
    find: "refused(core, session, id) // no PUBREL follows [MQTT-4.3.3-4]",
    replace: "acknowledge(core, client, PacketType.pubrel, id, ReasonCode.success)",
    statement: "MQTT-4.3.3-4",
    tests: by("exactly-once")
  },
  {
    file: "src/broker/subscribe.ts",
    find: "const wantsRetained = entry.retainHandling === 0 || (entry.retainHandling === 1 && isNew)",
    replace: "const wantsRetained = entry.retainHandling === 0 || entry.retainHandling === 1",
    statement: "MQTT-3.3.1-9",
    tests: by("retain-handling")
  },
  {
    file: "src/broker/subscribe.ts",
    find: "const fault = filterFault(filter, core.limits.topicLevelsMax) // [MQTT-4.7.1-1]",
    replace: 'const fault = filterFault(filter.replaceAll(/[+#]/g, "x"), core.limits.topicLevelsMax) //',
    statement: "MQTT-4.7.1-1",
    tests: by("wildcards")
  },
  {
    file: "src/broker/retained.ts",
    find: "if (message.payloadStart === message.frameEnd) {",
    replace: "if (message.payloadStart > message.frameEnd) {",
    statement: "MQTT-3.3.1-6",
    tests: by("retained-messages")
  }
]
