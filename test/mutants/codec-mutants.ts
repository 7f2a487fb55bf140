/**
 * Mutants of the codec: what it must refuse is let through, what it must write is left out.
 */
import type { Mutant } from "./mutant.ts"

const tests = ["test/codec/own.test.ts"]
const writers = ["test/codec/write-publish.test.ts"]

export const codecMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/codec/frame.ts",
    find: "remaining === integerCutOff ? 0 : remainingLengthMalformed",
    replace: "0",
    statement: "MQTT-1.5.5-1",
    tests
  },
  {
    file: "src/codec/frame.ts",
    find: "length > maximumPacketSizeBytes ? packetTooLarge : length",
    replace: "length",
    statement: "MQTT-3.2.2-15",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (qos === 3) return publishQos3",
    replace: "if (qos === 4) return publishQos3",
    statement: "MQTT-3.3.1-4",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (qos === 0 && (flags & 8) !== 0) return duplicateAtQos0",
    replace: "if (qos === 1 && (flags & 8) !== 0) return duplicateAtQos0",
    statement: "MQTT-3.3.1-2",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (readTwoBytes(buffer, topicEnd) === 0) return packetIdentifierZero",
    replace: "if (readTwoBytes(buffer, topicEnd) < 0) return packetIdentifierZero",
    statement: "MQTT-2.2.1-3",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (byte === 0x23 || byte === 0x2b) return topicHasWildcard",
    replace: "if (byte === 0x23) return topicHasWildcard",
    statement: "MQTT-3.3.2-2",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (byte === 0) return topicNotUtf8",
    replace: "if (byte === 1) return topicNotUtf8",
    statement: "MQTT-4.7.3-2",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "if (!isMqttString(buffer, start, end)) return topicNotUtf8",
    replace: "if (isMqttString(buffer, start, end)) return topicNotUtf8",
    statement: "MQTT-3.3.2-1",
    tests
  },
  {
    file: "src/codec/read-publish.ts",
    find: "topicStart === topicEnd && view.topicAlias === 0 ? topicEmpty : undefined",
    replace: "undefined",
    statement: "MQTT-4.7.3-1",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "if ((flags & 1) !== 0) return faults.reserved",
    replace: "if ((flags & 1) > 1) return faults.reserved",
    statement: "MQTT-3.1.2-3",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "if ((flags & flag.willQos) !== 0) return faults.willQosWithoutWill",
    replace: "if ((flags & flag.willQos) < 0) return faults.willQosWithoutWill",
    statement: "MQTT-3.1.2-11",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "if ((flags & flag.willRetain) !== 0) return faults.willRetainWithoutWill",
    replace: "if ((flags & flag.willRetain) < 0) return faults.willRetainWithoutWill",
    statement: "MQTT-3.1.2-13",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "if ((flags & flag.willQos) === flag.willQos) return faults.willQos3",
    replace: "if ((flags & flag.willQos) > flag.willQos) return faults.willQos3",
    statement: "MQTT-3.1.2-12",
    tests
  },
  {
    file: "src/codec/read-connect.ts",
    find: "return unknownProtocolName",
    replace: "return 4",
    statement: "MQTT-3.1.2-1",
    tests
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: "if ((options & 0xc0) !== 0) cursor.fail(faults.reservedOptions)",
    replace: "if ((options & 0x80) !== 0) cursor.fail(faults.reservedOptions)",
    statement: "MQTT-3.8.3-5",
    tests
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: 'if (noLocal && filter.startsWith("$share/")) cursor.fail(faults.noLocalShared)',
    replace: 'if (noLocal && filter.endsWith("$share/")) cursor.fail(faults.noLocalShared)',
    statement: "MQTT-3.8.3-4",
    tests
  },
  {
    file: "src/codec/read-acknowledgement.ts",
    find: "if (!mayCarry(first >> 4, reasonCode)) return reasonCodeNotAllowed",
    replace: "if (mayCarry(first >> 4, reasonCode) === undefined) return reasonCodeNotAllowed",
    statement: "MQTT-3.4.2-1",
    tests
  },
  {
    file: "src/codec/read-disconnect.ts",
    find: "if (!clientMaySend(PacketType.disconnect, reasonCode)) cursor.fail(reasonCodeNotAllowed)",
    replace: "if (!clientMaySend(PacketType.disconnect, 0)) cursor.fail(reasonCodeNotAllowed)",
    statement: "MQTT-3.14.2-1",
    tests
  },
  {
    file: "src/codec/write-acknowledgement.ts",
    find: "packetType === PacketType.pubrel ? 2 : 0",
    replace: "packetType === PacketType.pubrel ? 0 : 0",
    statement: "MQTT-3.6.1-1",
    tests: writers
  },
  {
    file: "src/codec/write-publish.ts",
    find: "const firstByte = publishFirstByte(qos, view.retain, false)",
    replace: "const firstByte = publishFirstByte(qos, view.retain, view.duplicate)",
    statement: "MQTT-3.3.1-3",
    tests: writers
  },
  {
    file: "src/codec/write-publish.ts",
    find: "at = writeSubscriptionIdentifiers(target, at, subscriptionIdentifiers)",
    replace: "at = writeSubscriptionIdentifiers(target, at, [])",
    statement: "MQTT-3.3.4-4",
    tests: writers
  },
  {
    file: "src/codec/write-answers.ts",
    find: "const present = sessionPresent && reasonCode === 0 && version !== 3",
    replace: "const present = sessionPresent && version !== 3",
    statement: "MQTT-3.2.2-6",
    tests
  }
]
