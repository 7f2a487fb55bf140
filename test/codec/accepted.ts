/**
 * What a client may send, at the edges of what is legal, with the fields that must come out. Notation as in
 * frames.ts. `beyond` names the entry of `referenceCannotJudge` for rows that mqtt-packet refuses or damages.
 */
import type { ProtocolVersion } from "../../src/codec/codec.ts"
import type { Beyond } from "./refusals.ts"

export interface Accepted {
  readonly what: string
  readonly version: ProtocolVersion
  readonly bytes: string
  /** Fields of the decoded packet; those not named are not compared. */
  readonly fields: Record<string, unknown>
  readonly beyond?: Beyond
}

const text = (value: string) => Buffer.from(value)
const userProperties = (...pairs: ReadonlyArray<readonly [string, string]>) => ({ userProperties: pairs })

const row = (
  what: string,
  version: ProtocolVersion,
  bytes: string,
  fields: Record<string, unknown>,
  beyond?: Beyond
): Accepted => ({ what, version, bytes, fields, ...(beyond === undefined ? {} : { beyond }) })

const connects = [
  row("3.1 CONNECT", 3, `10 "MQIsdp" 03 02 000a "c"`, {
    version: 3,
    cleanStart: true,
    keepAliveSeconds: 10,
    clientIdentifier: "c"
  }),
  row(
    "3.1 CONNECT without the User Name it announces",
    3,
    `10 "MQIsdp" 03 c2 000a "c"`,
    { username: undefined, password: undefined },
    "version-3.1"
  ),
  row("3.1.1 CONNECT, clean session 0, empty Client Identifier", 4, `10 "MQTT" 04 00 0000 ""`, {
    version: 4,
    cleanStart: false,
    clientIdentifier: "",
    will: undefined,
    username: undefined,
    password: undefined
  }),
  row("3.1.1 CONNECT with everything", 4, `10 "MQTT" 04 f6 ffff "c" "w/t" 0002 ff00 "u" 0003 00ff01`, {
    keepAliveSeconds: 65_535,
    username: "u",
    password: Buffer.from("00ff01", "hex"),
    will: {
      topic: "w/t",
      payload: Buffer.from("ff00", "hex"),
      qos: 2,
      retain: true,
      properties: {},
      isVersion5: false,
      publishProperties: Buffer.alloc(0)
    }
  }),
  row("3.1.1 CONNECT with an empty Will Payload", 4, `10 "MQTT" 04 06 0000 "c" "w" ""`, {
    will: {
      topic: "w",
      payload: Buffer.alloc(0),
      qos: 0,
      retain: false,
      properties: {},
      isVersion5: false,
      publishProperties: Buffer.alloc(0)
    }
  }),
  row(
    "5.0 CONNECT, all properties",
    5,
    `10 "MQTT" 05 02 003c { 11 ffffffff 21 0001 27 00000064 22 ffff 19 01 17 00 26 "k" "v" 15 "m" 16 "d" } "c"`,
    {
      properties: {
        sessionExpiryInterval: 0xffff_ffff,
        receiveMaximum: 1,
        maximumPacketSize: 100,
        topicAliasMaximum: 65_535,
        requestResponseInformation: 1,
        requestProblemInformation: 0,
        userProperties: [["k", "v"]],
        authenticationMethod: "m",
        authenticationData: text("d")
      }
    }
  ),
  row("5.0 CONNECT, Password without User Name", 5, `10 "MQTT" 05 42 003c {} "c" "p"`, {
    username: undefined,
    password: text("p")
  }),
  row(
    "5.0 CONNECT, will with all properties",
    5,
    `10 "MQTT" 05 2e 003c {} "c" { 01 01 18 00000005 02 00000007 03 "t" 08 "r" 09 "x" } "w" "p"`,
    {
      will: {
        topic: "w",
        payload: text("p"),
        qos: 1,
        retain: true,
        properties: {
          payloadFormatIndicator: 1,
          willDelayInterval: 5,
          messageExpiryInterval: 7,
          contentType: "t",
          responseTopic: "r",
          correlationData: text("x")
        },
        isVersion5: true,
        publishProperties: Buffer.from("01010200000007030001740800017209000178", "hex")
      }
    }
  ),
  row(
    "5.0 CONNECT, will's User Properties keep their order",
    5,
    `10 "MQTT" 05 06 003c {} "c" { 26 "b" "1" 18 00000001 26 "a" "2" 26 "b" "3" 26 "1" "" } "w" "p"`,
    {
      will: {
        topic: "w",
        payload: text("p"),
        qos: 0,
        retain: false,
        properties: { willDelayInterval: 1, ...userProperties(["b", "1"], ["a", "2"], ["b", "3"], ["1", ""]) },
        isVersion5: true,
        publishProperties: Buffer.from("26000162000131" + "26000161000132" + "26000162000133" + "260001310000", "hex")
      }
    },
    "user-property-order"
  ),
  row("a byte order mark is text", 5, `10 "MQTT" 05 02 003c {} "\\xef\\xbb\\xbfc"`, { clientIdentifier: "\ufeffc" }),
  row(
    "noncharacters and control characters are text",
    5,
    `10 "MQTT" 05 02 003c {} "\\x01\\x7f\\xef\\xbf\\xbf\\xf4\\x8f\\xbf\\xbf"`,
    { clientIdentifier: "\u0001\u007f\uffff\u{10ffff}" }
  )
]

const publishes = [
  row("3.1.1 PUBLISH QoS 0", 4, `30 "a/b" 'hello'`, {
    qos: 0,
    retain: false,
    duplicate: false,
    topic: "a/b",
    packetIdentifier: 0,
    payload: text("hello")
  }),
  row("3.1 PUBLISH QoS 1, DUP, RETAIN", 3, `3b "a" ffff`, {
    qos: 1,
    retain: true,
    duplicate: true,
    packetIdentifier: 65_535,
    payload: Buffer.alloc(0)
  }),
  row("5.0 PUBLISH without properties", 5, `34 "a/b" 0001 {} 'x'`, {
    qos: 2,
    properties: {},
    topicAlias: 0,
    messageExpiryIntervalSeconds: -1
  }),
  row("5.0 PUBLISH, all properties", 5, `30 "a" { 23 0007 01 00 02 00000000 03 "" 08 "r/s" 09 "" 26 "" "" } 'x'`, {
    topicAlias: 7,
    messageExpiryIntervalSeconds: 0,
    properties: {
      topicAlias: 7,
      payloadFormatIndicator: 0,
      messageExpiryInterval: 0,
      contentType: "",
      responseTopic: "r/s",
      correlationData: Buffer.alloc(0),
      userProperties: [["", ""]]
    }
  }),
  row("5.0 PUBLISH with alias and empty topic", 5, `30 "" { 23 ffff } 'x'`, { topic: "", topicAlias: 65_535 }),
  row("5.0 PUBLISH, largest expiry", 5, `30 "a" { 02 ffffffff }`, {
    messageExpiryIntervalSeconds: 0xffff_ffff,
    payload: Buffer.alloc(0)
  }),
  row(
    "5.0 PUBLISH, User Properties in order",
    5,
    `30 "a" { 26 "z" "1" 26 "a" "2" 26 "z" "3" 26 "10" "4" }`,
    { properties: userProperties(["z", "1"], ["a", "2"], ["z", "3"], ["10", "4"]) },
    "user-property-order"
  ),
  row("topic beyond ASCII", 4, `30 "grüße/\\xf0\\x9f\\x98\\x80" 'x'`, { topic: "grüße/😀" }),
  row("topic with a byte order mark, spaces and $", 4, `30 "\\xef\\xbb\\xbf $a/ b!" 'x'`, { topic: "\ufeff $a/ b!" }),
  row("topic of one slash", 4, `30 "/"`, { topic: "/" }),
  row("topic of 65,535 bytes", 4, `30 "${"a".repeat(65_535)}" 'x'`, { topic: "a".repeat(65_535) })
]

const acknowledgements = [
  row("3.1.1 PUBACK", 4, "40 0001", { packetIdentifier: 1, reasonCode: 0 }),
  row("3.1.1 PUBREL", 4, "62 ffff", { packetIdentifier: 65_535, reasonCode: 0 }),
  row("3.1 PUBREL with DUP", 3, "6a 0002", { packetIdentifier: 2, reasonCode: 0 }, "version-3.1"),
  row("5.0 PUBACK, short form", 5, "40 0001", { packetIdentifier: 1, reasonCode: 0 }),
  row("5.0 PUBACK, no Property Length", 5, "40 0001 10", { packetIdentifier: 1, reasonCode: 0x10 }),
  row("5.0 PUBREC with properties", 5, `50 0001 97 { 1f "full" 26 "a" "b" 26 "a" "c" }`, {
    packetIdentifier: 1,
    reasonCode: 0x97
  }),
  row("5.0 PUBREL, identifier not found", 5, "62 0001 92 00", { packetIdentifier: 1, reasonCode: 0x92 }),
  row("5.0 PUBCOMP", 5, "70 0001 00 00", { packetIdentifier: 1, reasonCode: 0 })
]

const entry = (filter: string, qos: number, noLocal = false, retainAsPublished = false, retainHandling = 0) => ({
  filter,
  qos,
  noLocal,
  retainAsPublished,
  retainHandling
})
const subscriptions = [
  row("3.1.1 SUBSCRIBE", 4, `82 0001 "a/+" 00 "#" 02`, {
    packetIdentifier: 1,
    entries: [entry("a/+", 0), entry("#", 2)]
  }),
  row("3.1 SUBSCRIBE with DUP", 3, `8a 0001 "a" 01`, { entries: [entry("a", 1)] }, "version-3.1"),
  row("5.0 SUBSCRIBE, all options", 5, `82 0007 { 0b ffffff7f 26 "a" "b" } "a" 2e "b" 15 "$share/g/c" 02`, {
    packetIdentifier: 7,
    properties: { subscriptionIdentifier: 268_435_455, userProperties: [["a", "b"]] },
    entries: [entry("a", 2, true, true, 2), entry("b", 1, true, false, 1), entry("$share/g/c", 2)]
  }),
  row("5.0 SUBSCRIBE whose filter's syntax the router judges", 5, `82 0001 {} "a#" 00`, { entries: [entry("a#", 0)] }),
  row("3.1.1 UNSUBSCRIBE", 4, `a2 0001 "a" "b/#"`, { packetIdentifier: 1, filters: ["a", "b/#"] }),
  row("3.1 UNSUBSCRIBE with DUP", 3, `aa 0001 "a"`, { filters: ["a"] }, "version-3.1"),
  row("5.0 UNSUBSCRIBE", 5, `a2 0001 { 26 "a" "b" } "x"`, { filters: ["x"], properties: userProperties(["a", "b"]) })
]

const endings = [
  row("PINGREQ", 4, "c0", {}),
  row("3.1.1 DISCONNECT", 4, "e0", { reasonCode: 0 }),
  row("5.0 DISCONNECT, short form", 5, "e0", { reasonCode: 0, properties: {} }),
  row("5.0 DISCONNECT, no Property Length", 5, "e0 04", { reasonCode: 4, properties: {} }),
  row("5.0 DISCONNECT with properties", 5, `e0 00 { 11 00000000 1f "bye" 26 "a" "b" }`, {
    properties: { sessionExpiryInterval: 0, reasonString: "bye", userProperties: [["a", "b"]] }
  }),
  row("5.0 DISCONNECT, QoS not supported from a client", 5, "e0 9b 00", { reasonCode: 0x9b }),
  row("5.0 DISCONNECT, bad authentication method from a client", 5, "e0 8c 00", { reasonCode: 0x8c }, "reason-code"),
  row("AUTH, continue", 5, `f0 18 { 15 "m" 16 "d" }`, {
    reasonCode: 0x18,
    properties: { authenticationMethod: "m", authenticationData: text("d") }
  }),
  row("AUTH, again", 5, `f0 19 { 15 "" }`, { reasonCode: 0x19, properties: { authenticationMethod: "" } }),
  row("AUTH without a body", 5, "f0", { reasonCode: 0, properties: {} }, "empty-auth")
]

export const accepted: ReadonlyArray<Accepted> = [
  ...connects,
  ...publishes,
  ...acknowledgements,
  ...subscriptions,
  ...endings
]
