/**
 * Mutants of what only MQTT 3.1.1 and 3.1 demand, or demand in their own way, noticed on the wire by
 * test/conformance.
 */
import type { Mutant } from "./mutant.ts"

const v311 = ["test/conformance/v311.test.ts"]
const v31 = ["test/conformance/v31.test.ts"]

const codec: ReadonlyArray<Mutant> = [
  {
    file: "src/codec/read-connect.ts",
    find: "if (level === 4 || level === 5) return level",
    replace: "if (level <= 4 || level === 5) return level",
    statement: "v3.1.1 MQTT-3.1.2-2",
    tests: v311
  },
  {
    file: "src/codec/read-connect.ts",
    find: "return level === 3 ? 3 : unsupportedVersion3",
    replace: "return 3",
    statement: "v3.1 3.1-level",
    tests: v31
  },
  {
    file: "src/codec/read-connect.ts",
    find: "return version !== 5 && passwordAlone ? faults.passwordAlone : undefined",
    replace: "return version === 5 && passwordAlone ? faults.passwordAlone : undefined",
    statement: "v3.1.1 MQTT-3.1.2-22",
    tests: v311
  },
  {
    file: "src/codec/read-connect.ts",
    find: "const fault = cursor.finish()",
    replace: "const fault = cursor.fault",
    statement: "v3.1.1 MQTT-3.1.2-20",
    tests: v311
  },
  {
    file: "src/codec/read-connect.ts",
    find: "retain: (flags & flag.willRetain) !== 0,",
    replace: "retain: false,",
    statement: "v3.1.1 MQTT-3.1.2-17",
    tests: v311
  },
  {
    file: "src/codec/read-connect.ts",
    find: "return flagBit !== 0 && !(version === 3 && cursor.left === 0)",
    replace: "return flagBit !== 0",
    statement: "v3.1 3.1-credentials",
    tests: v31
  },
  {
    file: "src/codec/cursor.ts",
    find: "if (value === 0) this.fail(packetIdentifierZero)",
    replace: "if (value < 0) this.fail(packetIdentifierZero)",
    statement: "v3.1.1 MQTT-2.3.1-1",
    tests: v311
  },
  {
    file: "src/codec/cursor.ts",
    find: "if (isMqttString(this.buffer, start, this.at)) return",
    replace: "if (start <= this.at) return",
    statement: "v3.1.1 MQTT-1.5.3-1",
    tests: v311
  },
  {
    file: "src/codec/reserved-flags.ts",
    find: "(version === 3 && legal === 2 && flags === (legal | duplicateBit))",
    replace: "(version === 5 && legal === 2 && flags === (legal | duplicateBit))",
    statement: "v3.1 2.1-dup",
    tests: v31
  },
  {
    file: "src/codec/read-acknowledgement.ts",
    find: "if (!hasLegalFlags(first, version)) return reservedFlags",
    replace: "if (first === 0) return reservedFlags",
    statement: "v3.1.1 MQTT-3.6.1-1",
    tests: v311
  },
  {
    file: "src/codec/read-disconnect.ts",
    find: "if (!hasLegalFlags(buffer[start] as number, version)) return reservedFlags",
    replace: "if (start < 0) return reservedFlags",
    statement: "v3.1.1 MQTT-3.14.1-1",
    tests: v311
  },
  {
    file: "src/codec/read-disconnect.ts",
    find: "  if (!hasLegalFlags(buffer[start] as number, 5)) return reservedFlags\n  return end - start === 2",
    replace: "  return end - start === 2",
    statement: "v3.1.1 MQTT-2.2.2-2",
    tests: v311
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: "if (cursor.left === 0) cursor.fail(faults.noFilter) // [MQTT-3.8.3-2]",
    replace: "// [MQTT-3.8.3-2]",
    statement: "v3.1.1 MQTT-3.8.3-3",
    tests: v311
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: "if (cursor.left === 0) cursor.fail(faults.noFilter) // [MQTT-3.10.3-2]",
    replace: "// [MQTT-3.10.3-2]",
    statement: "v3.1.1 MQTT-3.10.3-2",
    tests: v311
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: "if (options > 2) cursor.fail(faults.qosByte)",
    replace: "if (qos > 2) cursor.fail(faults.qosByte)",
    statement: "v3.1.1 MQTT-3.8.3-4",
    tests: v311
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: "retainAsPublished: (options & 8) !== 0,",
    replace: "retainAsPublished: version !== 5 || (options & 8) !== 0,",
    statement: "v3.1.1 MQTT-3.3.1-9",
    tests: v311
  },
  {
    file: "src/codec/read-subscribe.ts",
    find: 'const filter = cursor.string("Topic Filter")',
    replace: 'const filter = cursor.binary("Topic Filter").toString("latin1")',
    statement: "v3.1.1 MQTT-3.8.3-1",
    tests: v311
  },
  {
    file: "src/codec/write-answers.ts",
    find: "packet.set(reasonCodes, packet.length - reasonCodes.length)",
    replace: "packet.set([...reasonCodes].reverse(), packet.length - reasonCodes.length)",
    statement: "v3.1.1 MQTT-3.9.3-1",
    tests: v311
  }
]

const broker: ReadonlyArray<Mutant> = [
  {
    file: "src/broker/receive.ts",
    find: "receiveConnect(core, client, buffer, at, end) : notConnected",
    replace: "receiveConnect(core, client, buffer, at, end) : undefined",
    statement: "MQTT-3.1.0-1",
    tests: v311
  },
  {
    file: "src/broker/connect.ts",
    find: "(version === 4 && !packet.cleanStart)",
    replace: "(version === 4 && packet.cleanStart)",
    statement: "v3.1.1 MQTT-3.1.3-8",
    tests: v311
  },
  {
    file: "src/broker/connect.ts",
    find: "(version === 3 || (version === 4",
    replace: "((version === 3 && !packet.cleanStart) || (version === 4",
    statement: "v3.1 3.1-identifier",
    tests: v31
  },
  {
    file: "src/broker/connect.ts",
    find: 'packet.clientIdentifier === "" ? core.options.randomText()',
    replace: 'packet.clientIdentifier === "" ? "one for all"',
    statement: "v3.1.1 MQTT-3.1.3-6",
    tests: v311
  },
  {
    file: "src/broker/accept.ts",
    find: "if (session !== undefined && packet.cleanStart) {",
    replace: "if (session !== undefined && packet.cleanStart && client.isVersion5) {",
    statement: "v3.1.1 MQTT-3.1.2-6",
    tests: v311
  },
  {
    file: "src/broker/accept.ts",
    find: "const sessionPresent = session !== undefined",
    replace: "const sessionPresent = session === null",
    statement: "v3.1.1 MQTT-3.2.2-2",
    tests: v311
  },
  {
    file: "src/broker/accept.ts",
    find: ": cleanStart ? 0 : Number.POSITIVE_INFINITY",
    replace: ": cleanStart ? 0 : 0",
    statement: "v3.1.1 MQTT-3.1.2-4",
    tests: v311
  },
  {
    file: "src/broker/accept.ts",
    find: "return undefined // [v3.1.1 MQTT-3.2.2-6]",
    replace: "return ReturnCode.notAuthorized",
    statement: "v3.1.1 MQTT-3.2.2-6",
    tests: v311
  },
  {
    file: "src/broker/accept.ts",
    find: "return ReturnCode.identifierRejected",
    replace: "return undefined",
    statement: "v3.1.1 MQTT-3.1.3-9",
    tests: v311
  },
  {
    file: "src/broker/disconnect.ts",
    find: 'cause === "client" || core.draining ? undefined',
    replace: "core.draining ? undefined",
    statement: "v3.1.1 MQTT-3.14.4-3",
    tests: v311
  },
  {
    file: "src/broker/keep-alive.ts",
    find: "const GRACE = 1.5",
    replace: "const GRACE = 1",
    statement: "v3.1.1 MQTT-3.1.2-24",
    tests: v311
  },
  {
    file: "src/broker/publish.ts",
    find: "  if (verdict === Verdict.allow) {",
    replace: "  if (verdict !== Verdict.ask) {",
    statement: "v3.1.1 MQTT-3.3.5-2",
    tests: v311
  },
  {
    file: "src/broker/subscribe.ts",
    find: "entry.retainHandling === 0 ||",
    replace: "(entry.retainHandling === 0 && isNew) ||",
    statement: "MQTT-3.8.4-3",
    tests: v311
  },
  {
    file: "src/broker/subscribe.ts",
    find: "return client.version === 4 ? 0x80 : wishedQos",
    replace: "return client.version === 4 ? code : wishedQos",
    statement: "v3.1.1 MQTT-3.9.3-2",
    tests: v311
  },
  {
    file: "src/broker/subscribe.ts",
    find: "client.version === 4 ? 0x80 :",
    replace: "client.version <= 4 ? 0x80 :",
    statement: "v3.1 3.9-granted",
    tests: v31
  },
  {
    file: "src/broker/retained.ts",
    find: "size, qos, true, false, id",
    replace: "size, qos, false, false, id",
    statement: "v3.1.1 MQTT-3.3.1-8",
    tests: v311
  },
  {
    file: "src/broker/resend.ts",
    find: "if (state === ExchangeState.awaitPubcomp) {",
    replace: "if (state === ExchangeState.free) {",
    statement: "v3.1.1 MQTT-4.3.3-1",
    tests: v311
  }
]

export const v311Mutants: ReadonlyArray<Mutant> = [...codec, ...broker]
