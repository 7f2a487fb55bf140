/**
 * Mutants that the rules of MQTT 5.0 notice on the wire (test/conformance).
 */
import type { Mutant } from "./mutant.ts"

const tests = ["test/conformance/v5.test.ts"]

export const v5Mutants: ReadonlyArray<Mutant> = [
  {
    file: "src/broker/publish.ts",
    find: "if (view.qos > core.limits.qosMax) return qosNotSupported // [MQTT-3.2.2-11]",
    replace: " // [MQTT-3.2.2-11]",
    statement: "MQTT-3.2.2-11",
    tests
  },
  {
    file: "src/broker/publish.ts",
    find: "if (view.retain && !core.limits.retainAvailable) return retainNotSupported // [MQTT-3.2.2-14]",
    replace: " // [MQTT-3.2.2-14]",
    statement: "MQTT-3.2.2-14",
    tests
  },
  {
    file: "src/broker/publish.ts",
    find: "return receiveMaximumExceeded // [MQTT-3.3.4-7]",
    replace: "void 0 // [MQTT-3.3.4-7]",
    statement: "MQTT-3.3.4-7",
    tests
  },
  {
    file: "src/broker/publish.ts",
    find: "return client.aliases[view.topicAlias] ?? aliasUnknown // [MQTT-3.3.2-7]",
    replace: "return client.aliases[view.topicAlias] ?? aliasTooLarge // [MQTT-3.3.2-7]",
    statement: "MQTT-3.3.2-7",
    tests
  },
  {
    file: "src/broker/enhanced.ts",
    find: "if (authenticationMethod !== exchange.method.name) return authMethodDiffers // [MQTT-4.12.0-5] [MQTT-4.12.1-1]",
    replace: " // [MQTT-4.12.0-5] [MQTT-4.12.1-1]",
    statement: "MQTT-4.12.0-5",
    tests
  },
  {
    file: "src/broker/enhanced.ts",
    find: 'closeClient(core, client, "server", told, wordsFor(told))',
    replace: "void told",
    statement: "MQTT-4.12.1-2",
    tests
  },
  {
    file: "src/broker/enhanced.ts",
    find: "sendAuth(core, client, ReasonCode.continueAuthentication, properties) // [MQTT-4.12.0-2]",
    replace: "sendAuth(core, client, ReasonCode.success, properties) // [MQTT-4.12.0-2]",
    statement: "MQTT-4.12.0-2",
    tests
  },
  {
    file: "src/broker/accept.ts",
    find: 'if (old !== undefined) closeClient(core, old, "taken-over", ReasonCode.sessionTakenOver, "session taken over") // [MQTT-3.1.4-3]',
    replace:
      'if (old !== undefined) closeClient(core, old, "taken-over", undefined, "session taken over") // [MQTT-3.1.4-3]',
    statement: "MQTT-3.1.4-3",
    tests
  },
  {
    file: "src/broker/accept.ts",
    find: "cancelSessionTimers(core, session) // a pending will dies with the return [MQTT-3.1.3-9]",
    replace: "// a pending will dies with the return [MQTT-3.1.3-9]",
    statement: "MQTT-3.1.3-9",
    tests
  },
  {
    file: "src/broker/accept.ts",
    find: "const sessionPresent = session !== undefined // [MQTT-3.2.2-3] [v3.1.1 MQTT-3.2.2-2]",
    replace: "const sessionPresent = before !== undefined // [MQTT-3.2.2-3] [v3.1.1 MQTT-3.2.2-2]",
    statement: "MQTT-3.2.2-2",
    tests
  },
  {
    file: "src/broker/disconnect.ts",
    find: "client.connection.close(core.limits.closeGraceMs) // [MQTT-3.14.4-2] [MQTT-4.13.2-1]",
    replace: "void 0 // [MQTT-3.14.4-2] [MQTT-4.13.2-1]",
    statement: "MQTT-3.14.4-2",
    tests
  },
  {
    file: "src/broker/subscribe.ts",
    find: "const qos = Math.min(entry.qos, limits.qosMax) // [MQTT-3.2.2-10]",
    replace: "const qos = entry.qos // [MQTT-3.2.2-10]",
    statement: "MQTT-3.2.2-10",
    tests
  },
  {
    file: "src/broker/subscribe.ts",
    find: "const wantsRetained = entry.retainHandling === 0 || (entry.retainHandling === 1 && isNew) // [MQTT-3.3.1-9..11]",
    replace: "const wantsRetained = isNew // [MQTT-3.3.1-9..11]",
    statement: "MQTT-3.3.1-9",
    tests
  },
  {
    file: "src/broker/emit.ts",
    find: "let alias = known ?? (aliases.size < client.topicAliasMaximum ? aliases.size + 1 : 0) // [MQTT-3.1.2-26]",
    replace: "let alias = known ?? (aliases.size < 9 ? aliases.size + 1 : 0) // [MQTT-3.1.2-26]",
    statement: "MQTT-3.1.2-26",
    tests
  },
  {
    file: "src/broker/resend.ts",
    find: "emit(core, client, view, size, qos, judgement.retain, true, id, judgement.identifiers, remaining) // DUP [MQTT-3.3.1-1]",
    replace:
      "emit(core, client, view, size, qos, judgement.retain, false, id, judgement.identifiers, remaining) // DUP [MQTT-3.3.1-1]",
    statement: "MQTT-3.3.1-1",
    tests
  },
  {
    file: "src/broker/receive.ts",
    find: "return type === PacketType.connect ? receiveConnect(core, client, buffer, at, end) : notConnected // [MQTT-3.1.0-1]",
    replace:
      "return type === PacketType.connect ? receiveConnect(core, client, buffer, at, end) : undefined // [MQTT-3.1.0-1]",
    statement: "MQTT-3.1.0-1",
    tests
  },
  {
    file: "src/broker/deliver.ts",
    find: "if (subscription.noLocal && session.number === delivery.publisher) return // [MQTT-3.8.3-3]",
    replace: "// [MQTT-3.8.3-3]",
    statement: "MQTT-3.8.3-3",
    tests
  },
  {
    file: "src/broker/deliver.ts",
    find: "const qos = subscription.qos < view.qos ? subscription.qos : view.qos // [MQTT-3.8.4-8]",
    replace: "const qos = subscription.qos //",
    statement: "MQTT-3.8.4-8",
    tests
  },
  {
    file: "src/broker/deliver.ts",
    find: "const retain = view.retain && subscription.retainAsPublished // [MQTT-3.3.1-12] [MQTT-3.3.1-13]",
    replace: "const retain = view.retain // [MQTT-3.3.1-12] [MQTT-3.3.1-13]",
    statement: "MQTT-3.3.1-12",
    tests
  },
  {
    file: "src/broker/deliver.ts",
    find: "if (qos > session.roundQos) session.roundQos = qos // [MQTT-3.3.4-2]",
    replace: " // [MQTT-3.3.4-2]",
    statement: "MQTT-3.3.4-2",
    tests
  },
  {
    file: "src/broker/connect.ts",
    find: 'if (will.qos > limits.qosMax) return new Fault(ReasonCode.qosNotSupported, "the will\'s QoS is not supported") // [MQTT-3.2.2-12]',
    replace:
      'if (will.qos > 3) return new Fault(ReasonCode.qosNotSupported, "the will\'s QoS is not supported") // [MQTT-3.2.2-12]',
    statement: "MQTT-3.2.2-12",
    tests
  },
  {
    file: "src/broker/acknowledge.ts",
    find: "refused(core, session, id) // no PUBREL follows [MQTT-4.3.3-4]",
    replace: "acknowledge(core, client, PacketType.pubrel, id, 0)",
    statement: "MQTT-4.3.3-4",
    tests
  },
  {
    file: "src/broker/acknowledge.ts",
    find: "session.window.close(id) // [MQTT-3.3.4-9]",
    replace: "// [MQTT-3.3.4-9]",
    statement: "MQTT-3.3.4-9",
    tests
  },
  {
    file: "src/broker/acknowledge.ts",
    find: "    session.incoming?.delete(id)\n",
    replace: "",
    statement: "MQTT-4.3.3-12",
    tests
  },
  {
    file: "src/broker/keep-alive.ts",
    find: "const GRACE = 1.5",
    replace: "const GRACE = 1",
    statement: "MQTT-3.1.2-22",
    tests
  },
  {
    file: "src/broker/end-session.ts",
    find: "timersOf(session).expiry = core.wheel.schedule({ onTimer }, core.loopMs + leftMs)",
    replace: "timersOf(session).expiry = core.wheel.schedule({ onTimer }, core.loopMs + leftMs * 9)",
    statement: "MQTT-4.1.0-2",
    tests
  },
  {
    file: "src/broker/shared.ts",
    find: "const qos = Math.min(message.qos, member.qos) // [MQTT-4.8.2-3]",
    replace: "const qos = message.qos // [MQTT-4.8.2-3]",
    statement: "MQTT-4.8.2-3",
    tests
  },
  {
    file: "src/broker/retained.ts",
    find: "if (message.payloadStart === message.frameEnd) {",
    replace: "if (message.payloadStart > message.frameEnd) {",
    statement: "MQTT-3.3.1-6",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (qos === 0 && (flags & 8) !== 0) return duplicateAtQos0 // [MQTT-3.3.1-2]",
    replace: " // [MQTT-3.3.1-2]",
    statement: "MQTT-3.3.1-2",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (readTwoBytes(buffer, topicEnd) === 0) return packetIdentifierZero // [MQTT-2.2.1-3] [v3.1.1 MQTT-2.3.1-1]",
    replace: " // [MQTT-2.2.1-3] [v3.1.1 MQTT-2.3.1-1]",
    statement: "MQTT-2.2.1-3",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (byte === 0) return topicNotUtf8 // [MQTT-4.7.3-2] [v3.1.1 MQTT-4.7.3-2]",
    replace: " // [MQTT-4.7.3-2] [v3.1.1 MQTT-4.7.3-2]",
    statement: "MQTT-4.7.3-2",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "if ((flags & 1) !== 0) return faults.reserved // [MQTT-3.1.2-3] [v3.1.1 MQTT-3.1.2-3]",
    replace: " // [MQTT-3.1.2-3] [v3.1.1 MQTT-3.1.2-3]",
    statement: "MQTT-3.1.2-3",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "if ((flags & flag.willRetain) !== 0) return faults.willRetainWithoutWill // [MQTT-3.1.2-13] [v3.1.1 MQTT-3.1.2-15]",
    replace: " // [MQTT-3.1.2-13] [v3.1.1 MQTT-3.1.2-15]",
    statement: "MQTT-3.1.2-13",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "if ((flags & flag.willQos) !== 0) return faults.willQosWithoutWill // [MQTT-3.1.2-11] [v3.1.1 MQTT-3.1.2-13]",
    replace: " // [MQTT-3.1.2-11] [v3.1.1 MQTT-3.1.2-13]",
    statement: "MQTT-3.1.2-11",
    tests
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: "if ((options & 0xc0) !== 0) cursor.fail(faults.reservedOptions) // [MQTT-3.8.3-5]",
    replace: " // [MQTT-3.8.3-5]",
    statement: "MQTT-3.8.3-5",
    tests
  },
  {
    file: "src/codec/read-disconnect.ts",
    find: "if (!clientMaySend(PacketType.disconnect, reasonCode)) cursor.fail(reasonCodeNotAllowed) // [MQTT-3.14.2-1]",
    replace: " // [MQTT-3.14.2-1]",
    statement: "MQTT-3.14.2-1",
    tests
  },
  {
    file: "src/codec/write-acknowledgement.ts",
    find: "target[at] = (packetType << 4) | (packetType === PacketType.pubrel ? 2 : 0) // [MQTT-3.6.1-1]",
    replace: "target[at] = (packetType << 4) | 0 // [MQTT-3.6.1-1]",
    statement: "MQTT-3.6.1-1",
    tests
  },
  {
    file: "src/codec/frame.ts",
    find: "return length > maximumPacketSizeBytes ? packetTooLarge : length // [MQTT-3.2.2-15]",
    replace: "return length // [MQTT-3.2.2-15]",
    statement: "MQTT-3.2.2-15",
    tests
  },
  {
    file: "src/router/topic-filter.ts",
    find: 'if (shareName === "") return invalidFilter(filter, nameStart, "the share name is empty") // [MQTT-4.8.2-1]',
    replace:
      'if (shareName === "?") return invalidFilter(filter, nameStart, "the share name is empty") // [MQTT-4.8.2-1]',
    statement: "MQTT-4.8.2-1",
    tests
  },
  {
    file: "src/broker/disconnect.ts",
    find: 'session.will = cause === "client" || core.draining ? undefined : client.will',
    replace: "session.will = core.draining ? undefined : client.will",
    statement: "MQTT-3.14.4-3",
    tests
  }
]
