/**
 * Random legal packets of every type a client sends, as mqtt-packet writes them: the other hand in the
 * differential tests. User Properties have distinct names that are no numbers, since the library groups
 * them by name; what it cannot write at all is in accepted.ts.
 */
import * as fc from "fast-check"
import { generate, type Packet } from "mqtt-packet"
import type { ProtocolVersion } from "../../src/codec/codec.ts"

export interface Sent {
  readonly version: ProtocolVersion
  readonly bytes: Buffer
}

const text = (minLength = 0) =>
  fc.string({ unit: "grapheme", minLength, maxLength: 12 }).filter((value) => !value.includes("\0"))
const topic = text(1).map((value) => `t${value.replaceAll(/[#+]/g, "_")}`)
const binary = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
const identifier = fc.integer({ min: 1, max: 65_535 })
const two = fc.nat(65_535)
const four = fc.nat(0xffff_ffff)
const userProperties = fc
  .uniqueArray(
    text(1).map((value) => `n${value}`),
    { minLength: 1, maxLength: 3 }
  )
  .chain((names) =>
    fc.tuple(fc.constant(names), fc.array(text(), { minLength: names.length, maxLength: names.length }))
  )
  .map(([names, values]) => Object.fromEntries(names.map((name, i) => [name, values[i] as string])))

/** Any subset of these properties, in the order of the table. */
const some = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] })

const messageProperties = {
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: four,
  contentType: text(),
  responseTopic: topic,
  correlationData: binary
}
export const publishProperties = some({
  ...messageProperties,
  topicAlias: identifier,
  userProperties
})
const reasonProperties = some({ reasonString: text(), userProperties })

const optional = <A>(value: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> => fc.option(value, { nil: undefined })
const qos = fc.constantFrom(0, 1, 2)

const connect = (version: ProtocolVersion): fc.Arbitrary<object> =>
  fc
    .record({
      clientId: text(1),
      clean: fc.boolean(),
      keepalive: two,
      username: optional(text()),
      password: optional(binary),
      properties: some({
        sessionExpiryInterval: four,
        authenticationMethod: text(),
        requestProblemInformation: fc.boolean(),
        requestResponseInformation: fc.boolean(),
        receiveMaximum: identifier,
        topicAliasMaximum: two,
        userProperties,
        maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff })
      }),
      will: optional(
        fc.record({
          topic,
          payload: binary,
          qos,
          retain: fc.boolean(),
          properties: some({ ...messageProperties, willDelayInterval: four, userProperties })
        })
      )
    })
    .map(({ password, ...rest }) => ({
      cmd: "connect",
      protocolId: version === 3 ? "MQIsdp" : "MQTT",
      protocolVersion: version,
      ...rest,
      // The library does not write a password alone, which 5.0 allows: accepted.ts has that.
      ...(rest.username === undefined ? {} : { password })
    }))

const publish: fc.Arbitrary<object> = fc
  .record({
    topic,
    payload: binary,
    qos,
    retain: fc.boolean(),
    dup: fc.boolean(),
    messageId: identifier,
    properties: publishProperties
  })
  .map((packet) => ({ cmd: "publish", ...packet, dup: packet.dup && packet.qos > 0 }))

const acknowledgement: fc.Arbitrary<object> = fc
  .constantFrom(["puback", 0, 0x10, 0x80, 0x97], ["pubrec", 0, 0x99], ["pubrel", 0, 0x92], ["pubcomp", 0, 0x92])
  .chain(([cmd, ...codes]) =>
    fc.record({
      cmd: fc.constant(cmd),
      messageId: identifier,
      reasonCode: fc.constantFrom(...codes),
      properties: optional(reasonProperties)
    })
  )
  .map(({ properties, ...rest }) => (properties === undefined ? rest : { ...rest, properties }))

const subscribe: fc.Arbitrary<object> = fc.record({
  cmd: fc.constant("subscribe"),
  messageId: identifier,
  properties: some({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }), userProperties }),
  subscriptions: fc.array(
    fc.record({ topic: text(1), qos, nl: fc.boolean(), rap: fc.boolean(), rh: fc.constantFrom(0, 1, 2) }),
    { minLength: 1, maxLength: 4 }
  )
})

const unsubscribe: fc.Arbitrary<object> = fc.record({
  cmd: fc.constant("unsubscribe"),
  messageId: identifier,
  properties: some({ userProperties }),
  unsubscriptions: fc.array(text(1), { minLength: 1, maxLength: 4 })
})

const disconnect: fc.Arbitrary<object> = fc.record({
  cmd: fc.constant("disconnect"),
  reasonCode: fc.constantFrom(0, 4, 0x80, 0x93, 0x9b),
  properties: some({ sessionExpiryInterval: four, reasonString: text(), userProperties })
})

const auth: fc.Arbitrary<object> = fc.record({
  cmd: fc.constant("auth"),
  reasonCode: fc.constantFrom(0x18, 0x19),
  properties: fc.record(
    { authenticationMethod: text(), authenticationData: binary, reasonString: text(), userProperties },
    { requiredKeys: ["authenticationMethod"] }
  )
})

const ofVersion = (version: ProtocolVersion): fc.Arbitrary<Sent> =>
  fc
    .oneof(
      connect(version),
      publish,
      acknowledgement,
      subscribe,
      unsubscribe,
      disconnect,
      fc.constant({ cmd: "pingreq" }),
      ...(version === 5 ? [auth] : [])
    )
    .map((packet) => ({ version, bytes: generate(packet as Packet, { protocolVersion: version }) }))

export const sent: fc.Arbitrary<Sent> = fc
  .constantFrom(3, 4, 5)
  .chain((version) => ofVersion(version as ProtocolVersion))
export const sentIn = (version: ProtocolVersion): fc.Arbitrary<Sent> => ofVersion(version)
export const sentPublish: fc.Arbitrary<Sent> = fc.tuple(fc.constantFrom(3, 4, 5), publish).map(([version, packet]) => ({
  version: version as ProtocolVersion,
  bytes: generate(packet as Packet, { protocolVersion: version })
}))
