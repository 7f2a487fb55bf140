/**
 * What a client must not send: one row per packet type, version and field, with the Reason Code that the
 * decoders answer and the statement that forbids it (3.1.1 statements where only 3.x is meant).
 *
 * Rows are in the notation of frames.ts. `beyond` names the entry of `referenceCannotJudge` because of which
 * the reference codec takes the row. Rows for several versions are run once per version.
 */
import type { ProtocolVersion } from "../../src/codec/codec.ts"
import type { referenceCannotJudge } from "../../src/codec/reference.ts"

export type Beyond = keyof typeof referenceCannotJudge
export interface Refusal {
  readonly packet: string
  readonly versions: ReadonlyArray<ProtocolVersion>
  readonly what: string
  readonly bytes: string
  readonly code: number
  readonly cites: string
  readonly beyond?: Beyond
}

type Line = readonly [what: string, bytes: string, code: number, cites: string, beyond?: Beyond]
const rows = (packet: string, versions: ReadonlyArray<ProtocolVersion>, lines: ReadonlyArray<Line>): Array<Refusal> =>
  lines.map(([what, bytes, code, cites, beyond]) => ({
    packet,
    versions,
    what,
    bytes,
    code,
    cites,
    ...(beyond === undefined ? {} : { beyond })
  }))

const all = [3, 4, 5] as const
const old = [3, 4] as const
const v5 = [5] as const

const publish = [
  ...rows("PUBLISH", all, [
    ["QoS 3", `36 "a/b" 0001 . 'x'`, 0x81, "MQTT-3.3.1-4"],
    ["DUP at QoS 0", `38 "a/b" . 'x'`, 0x81, "MQTT-3.3.1-2", "duplicate-at-qos-0"],
    ["topic with #", `30 "a/#" . 'x'`, 0x90, "MQTT-3.3.2-2"],
    ["topic with +", `30 "+/b" . 'x'`, 0x90, "MQTT-3.3.2-2"],
    ["topic with # beyond ASCII", `30 "ä/#" . 'x'`, 0x90, "MQTT-3.3.2-2"],
    ["topic with U+0000", `30 "a\\x00b" . 'x'`, 0x81, "MQTT-4.7.3-2"],
    ["topic with U+0000 beyond ASCII", `30 "ä\\x00b" . 'x'`, 0x81, "MQTT-4.7.3-2"],
    ["topic with a lone continuation byte", `30 "a\\x80" . 'x'`, 0x81, "MQTT-3.3.2-1"],
    ["topic with an over-long slash", `30 "a\\xc0\\xaf" . 'x'`, 0x81, "MQTT-1.5.4-1"],
    ["topic with an over-long three-byte character", `30 "\\xe0\\x80\\xaf" . 'x'`, 0x81, "MQTT-1.5.4-1"],
    ["topic with an over-long four-byte character", `30 "\\xf0\\x80\\x80\\xaf" . 'x'`, 0x81, "MQTT-1.5.4-1"],
    ["topic with an encoded surrogate", `30 "\\xed\\xa0\\x80" . 'x'`, 0x81, "MQTT-1.5.4-1"],
    ["topic with a character above U+10FFFF", `30 "\\xf4\\x90\\x80\\x80" . 'x'`, 0x81, "MQTT-1.5.4-1"],
    ["topic that ends within a character", `30 "a\\xc3" . 'x'`, 0x81, "MQTT-1.5.4-1"],
    ["topic longer than the packet", `30 0009 'a/b'`, 0x81, "MQTT-3.3.2-1"],
    ["no topic at all", `30`, 0x81, "MQTT-3.3.2-1"],
    ["half a topic length", `30 00`, 0x81, "MQTT-3.3.2-1"],
    ["empty topic", `30 "" . 'x'`, 0x82, "MQTT-4.7.3-1"],
    ["Packet Identifier zero at QoS 1", `32 "a/b" 0000 . 'x'`, 0x82, "MQTT-2.2.1-3"],
    ["Packet Identifier zero at QoS 2", `34 "a/b" 0000 . 'x'`, 0x82, "MQTT-2.2.1-3"],
    ["Packet Identifier missing", `32 "a/b"`, 0x81, "MQTT-2.2.1-3"],
    ["Packet Identifier cut off", `32 "a/b" 01`, 0x81, "MQTT-2.2.1-3"]
  ]),
  ...rows("PUBLISH", v5, [
    ["no Property Length", `30 "a/b"`, 0x81, "MQTT-2.2.2-1"],
    ["Property Length over-long", `30 "a/b" 8000 'x'`, 0x81, "MQTT-1.5.5-1", "over-long-integer"],
    ["Property Length of five bytes", `30 "a/b" 8080808001 'x'`, 0x81, "MQTT-1.5.5-1"],
    ["Property Length beyond the packet", `30 "a/b" 05 0101`, 0x81, "MQTT-2.2.2-1"],
    ["unknown property", `30 "a/b" { 0401 } 'x'`, 0x81, "MQTT-2.2.2-1"],
    ["unknown property above 127", `30 "a/b" { 8101 } 'x'`, 0x81, "MQTT-2.2.2-1"],
    ["property of CONNECT", `30 "a/b" { 11 00000001 } 'x'`, 0x81, "MQTT-2.2.2-1"],
    ["property of the will only", `30 "a/b" { 18 00000001 } 'x'`, 0x81, "MQTT-2.2.2-1"],
    ["Payload Format Indicator 2", `30 "a/b" { 01 02 } 'x'`, 0x82, "MQTT-3.3.2-4", "byte-above-1"],
    ["Payload Format Indicator twice", `30 "a/b" { 01 01 01 01 } 'x'`, 0x82, "MQTT-3.3.2-4"],
    [
      "Payload Format Indicator twice, first 0",
      `30 "a/b" { 01 00 01 01 } 'x'`,
      0x82,
      "MQTT-3.3.2-4",
      "first-value-lost"
    ],
    ["Payload Format Indicator cut off", `30 "a/b" { 01 }`, 0x81, "MQTT-2.2.2-1"],
    ["Message Expiry Interval cut off", `30 "a/b" { 02 000000 } 'x'`, 0x81, "MQTT-2.2.2-1", "section-overrun"],
    ["Message Expiry Interval twice", `30 "a/b" { 02 00000001 02 00000001 } 'x'`, 0x82, "MQTT-3.3.2-6"],
    [
      "Message Expiry Interval twice, first 0",
      `30 "a/b" { 02 00000000 02 00000001 } 'x'`,
      0x82,
      "MQTT-3.3.2-6",
      "first-value-lost"
    ],
    ["Content Type ill-formed", `30 "a/b" { 03 "\\xff" } 'x'`, 0x81, "MQTT-3.3.2-19"],
    ["Content Type twice", `30 "a/b" { 03 "x" 03 "y" } 'x'`, 0x82, "MQTT-3.3.2-20"],
    ["Content Type beyond the properties", `30 "a/b" { 03 0005 'x' } 'xxxx'`, 0x81, "MQTT-2.2.2-1", "section-overrun"],
    ["Response Topic with +", `30 "a/b" { 08 "r/+" } 'x'`, 0x82, "MQTT-3.3.2-14"],
    ["Response Topic with #", `30 "a/b" { 08 "#" } 'x'`, 0x82, "MQTT-3.3.2-14"],
    ["Response Topic empty", `30 "a/b" { 08 "" } 'x'`, 0x82, "MQTT-4.7.3-1"],
    ["Response Topic ill-formed", `30 "a/b" { 08 "\\xc0\\x80" } 'x'`, 0x81, "MQTT-3.3.2-13"],
    ["Response Topic with U+0000", `30 "a/b" { 08 "\\x00" } 'x'`, 0x81, "MQTT-1.5.4-2"],
    ["Response Topic twice", `30 "a/b" { 08 "r" 08 "r" } 'x'`, 0x82, "MQTT-3.3.2-15"],
    ["Correlation Data twice", `30 "a/b" { 09 "c" 09 "c" } 'x'`, 0x82, "MQTT-3.3.2-16"],
    [
      "Correlation Data beyond the properties",
      `30 "a/b" { 09 0009 'c' } 'xxxxxxxxx'`,
      0x81,
      "MQTT-2.2.2-1",
      "section-overrun"
    ],
    ["Correlation Data without its length", `30 "a/b" { 09 00 }`, 0x81, "MQTT-2.2.2-1"],
    ["Subscription Identifier from a client", `30 "a/b" { 0b 01 } 'x'`, 0x82, "MQTT-3.3.4-6"],
    ["Topic Alias 0", `30 "a/b" { 23 0000 } 'x'`, 0x94, "MQTT-3.3.2-8"],
    ["Topic Alias twice", `30 "a/b" { 23 0001 23 0001 } 'x'`, 0x82, "MQTT-3.3.2-12"],
    ["Topic Alias cut off", `30 "a/b" { 23 00 } 'x'`, 0x81, "MQTT-2.2.2-1", "section-overrun"],
    ["User Property with U+0000 in its name", `30 "a/b" { 26 "\\x00" "v" } 'x'`, 0x81, "MQTT-1.5.7-1"],
    ["User Property ill-formed in its value", `30 "a/b" { 26 "n" "\\xfe" } 'x'`, 0x81, "MQTT-1.5.7-1"],
    ["User Property without its value", `30 "a/b" { 26 "n" } 'x'`, 0x81, "MQTT-1.5.7-1"]
  ])
]

const acknowledgements = ["4", "5", "6", "7"].flatMap((type) => {
  const name = { 4: "PUBACK", 5: "PUBREC", 6: "PUBREL", 7: "PUBCOMP" }[type] as string
  const flags = type === "6" ? "2" : "0"
  const other = type === "6" ? "0" : "2"
  const bad = type < "6" ? "92" : "80"
  const cites = { 4: "MQTT-3.4.2-1", 5: "MQTT-3.5.2-1", 6: "MQTT-3.6.2-1", 7: "MQTT-3.7.2-1" }[type] as string
  return [
    ...rows(name, all, [
      ["flags", `${type}${other} 0001`, 0x81, type === "6" ? "MQTT-3.6.1-1" : "MQTT-2.1.3-1"],
      ["flag bit 0", `${type}1 0001`, 0x81, "MQTT-2.1.3-1"],
      ["Packet Identifier zero", `${type}${flags} 0000`, 0x82, "MQTT-2.2.1-3"],
      ["Packet Identifier cut off", `${type}${flags} 01`, 0x81, "MQTT-2.2.1-3"],
      ["no body", `${type}${flags}`, 0x81, "MQTT-2.2.1-3"]
    ]),
    ...rows(name, old, [["a third byte", `${type}${flags} 0001 00`, 0x81, "v3.1.1 MQTT-4.8.0-1"]]),
    ...rows(name, v5, [
      ["Reason Code of another packet", `${type}${flags} 0001 ${bad} 00`, 0x82, cites],
      ["Reason Code nobody knows", `${type}${flags} 0001 ff`, 0x82, cites],
      ["property of another packet", `${type}${flags} 0001 00 { 01 01 }`, 0x81, "MQTT-2.2.2-1"],
      ["Reason String twice", `${type}${flags} 0001 00 { 1f "a" 1f "b" }`, 0x82, "MQTT-2.2.2-1"],
      ["Reason String ill-formed", `${type}${flags} 0001 00 { 1f "\\xff" }`, 0x81, "MQTT-1.5.4-1", "ill-formed-utf8"],
      ["Property Length beyond the packet", `${type}${flags} 0001 00 04`, 0x81, "MQTT-2.2.2-1"],
      ["Property Length over-long", `${type}${flags} 0001 00 8000`, 0x81, "MQTT-1.5.5-1", "over-long-integer"],
      [
        "a property behind the properties",
        `${type}${flags} 0001 00 00 1f "a"`,
        0x81,
        "MQTT-4.13.1-1",
        "trailing-bytes"
      ],
      ["bytes behind the properties", `${type}${flags} 0001 00 00 00`, 0x81, "MQTT-4.13.1-1", "trailing-bytes"]
    ])
  ]
})

const connect = [
  ...rows(
    "CONNECT",
    [5],
    [
      ["fixed header flags", `11 "MQTT" 05 02 003c {} "c"`, 0x81, "MQTT-2.1.3-1"],
      ["unknown Protocol Name", `10 "MQTX" 05 02 003c {} "c"`, 0x84, "MQTT-3.1.2-1"],
      ["Protocol Name in lower case", `10 "mqtt" 05 02 003c {} "c"`, 0x84, "MQTT-3.1.2-1"],
      ["Protocol Version 0", `10 "MQTT" 00 02 003c "c"`, 0x84, "MQTT-3.1.2-2"],
      ["Protocol Version 6", `10 "MQTT" 06 02 003c {} "c"`, 0x84, "MQTT-3.1.2-2"],
      ["Protocol Version 255", `10 "MQTT" ff 02 003c {} "c"`, 0x84, "MQTT-3.1.2-2"],
      ["Protocol Version 3 as MQTT", `10 "MQTT" 03 02 003c "c"`, 0x84, "MQTT-3.1.2-2"],
      ["Protocol Version 4 as MQIsdp", `10 "MQIsdp" 04 02 003c "c"`, 0x84, "MQTT-3.1.2-2"],
      ["a bridge's Protocol Version", `10 "MQTT" 84 02 003c "c"`, 0x84, "v3.1.1 MQTT-3.1.2-2"],
      ["no Protocol Version", `10 "MQTT"`, 0x81, "MQTT-3.1.4-1"],
      ["empty packet", `10`, 0x81, "MQTT-3.1.4-1"]
    ]
  ),
  ...(
    [
      [3, `"MQIsdp" 03`],
      [4, `"MQTT" 04`],
      [5, `"MQTT" 05`]
    ] as const
  ).flatMap(([version, head]) =>
    rows(
      "CONNECT",
      [version],
      [
        ["no Connect Flags", `10 ${head}`, 0x81, "MQTT-3.1.4-1"],
        ["no Keep Alive", `10 ${head} 02 00`, 0x81, "MQTT-3.1.4-1"],
        ["reserved Connect Flag", `10 ${head} 03 003c . "c"`, 0x81, "MQTT-3.1.2-3"],
        ["Will QoS without will", `10 ${head} 0a 003c . "c"`, 0x81, "MQTT-3.1.2-11"],
        ["Will Retain without will", `10 ${head} 22 003c . "c"`, 0x81, "MQTT-3.1.2-13"],
        ["Will QoS 3", `10 ${head} 1e 003c . "c" . "w" "p"`, 0x81, "MQTT-3.1.2-12"],
        ["no Client Identifier", `10 ${head} 02 003c .`, 0x81, "MQTT-3.1.3-3"],
        ["Client Identifier longer than the packet", `10 ${head} 02 003c . 0005 'c'`, 0x81, "MQTT-3.1.3-3"],
        ["Client Identifier ill-formed", `10 ${head} 02 003c . "c\\xff"`, 0x81, "MQTT-3.1.3-4", "ill-formed-utf8"],
        ["Client Identifier with U+0000", `10 ${head} 02 003c . "c\\x00"`, 0x81, "MQTT-1.5.4-2"],
        ["will without topic", `10 ${head} 06 003c . "c" .`, 0x81, "MQTT-3.1.2-9"],
        ["will without payload", `10 ${head} 06 003c . "c" . "w"`, 0x81, "MQTT-3.1.2-9"],
        ["Will Topic ill-formed", `10 ${head} 06 003c . "c" . "w\\xff" "p"`, 0x81, "MQTT-3.1.3-11", "ill-formed-utf8"],
        ["Will Topic with U+0000", `10 ${head} 06 003c . "c" . "w\\x00" "p"`, 0x81, "MQTT-3.1.3-11"],
        ["Will Topic with #", `10 ${head} 06 003c . "c" . "w/#" "p"`, 0x90, "MQTT-4.7.0-1"],
        ["Will Topic with +", `10 ${head} 06 003c . "c" . "+" "p"`, 0x90, "MQTT-4.7.0-1"],
        ["Will Topic empty", `10 ${head} 06 003c . "c" . "" "p"`, 0x82, "MQTT-4.7.3-1"],
        ["Will Payload longer than the packet", `10 ${head} 06 003c . "c" . "w" 0004 'p'`, 0x81, "MQTT-3.1.2-9"],
        ["User Name ill-formed", `10 ${head} 82 003c . "c" "u\\xff"`, 0x81, "MQTT-3.1.3-12", "ill-formed-utf8"],
        ["User Name with U+0000", `10 ${head} 82 003c . "c" "u\\x00"`, 0x81, "MQTT-3.1.3-12"],
        ["User Name cut off", `10 ${head} 82 003c . "c" 0003 'u'`, 0x81, "MQTT-3.1.2-17"],
        ["Password cut off", `10 ${head} c2 003c . "c" "u" 0003 'p'`, 0x81, "MQTT-3.1.2-19"],
        ["User Name whose flag is 0", `10 ${head} 02 003c . "c" "u"`, 0x81, "MQTT-3.1.2-16", "trailing-bytes"],
        ["Password whose flag is 0", `10 ${head} 82 003c . "c" "u" "p"`, 0x81, "MQTT-3.1.2-18", "trailing-bytes"],
        ["will whose flag is 0", `10 ${head} 02 003c . "c" "w" "p"`, 0x81, "MQTT-3.1.4-1", "trailing-bytes"],
        ["one byte too many", `10 ${head} 02 003c . "c" 00`, 0x81, "MQTT-3.1.4-1", "trailing-bytes"]
      ]
    )
  ),
  ...rows(
    "CONNECT",
    [4],
    [
      ["User Name missing", `10 "MQTT" 04 82 003c "c"`, 0x81, "v3.1.1 MQTT-3.1.2-19"],
      ["Password missing", `10 "MQTT" 04 c2 003c "c" "u"`, 0x81, "v3.1.1 MQTT-3.1.2-21"],
      ["Password without User Name", `10 "MQTT" 04 42 003c "c" "p"`, 0x81, "v3.1.1 MQTT-3.1.2-22"]
    ]
  ),
  ...rows(
    "CONNECT",
    [3],
    [["Password without User Name", `10 "MQIsdp" 03 42 003c "c" "p"`, 0x81, "v3.1.1 MQTT-3.1.2-22"]]
  ),
  ...rows("CONNECT", v5, [
    ["no Property Length", `10 "MQTT" 05 02 003c`, 0x81, "MQTT-2.2.2-1"],
    ["User Name missing", `10 "MQTT" 05 82 003c {} "c"`, 0x81, "MQTT-3.1.2-17"],
    ["Password missing", `10 "MQTT" 05 c2 003c {} "c" "u"`, 0x81, "MQTT-3.1.2-19"],
    ["unknown property", `10 "MQTT" 05 02 003c { 05 00 } "c"`, 0x81, "MQTT-2.2.2-1"],
    ["property of PUBLISH", `10 "MQTT" 05 02 003c { 23 0001 } "c"`, 0x81, "MQTT-2.2.2-1"],
    ["property of CONNACK", `10 "MQTT" 05 02 003c { 12 "x" } "c"`, 0x81, "MQTT-2.2.2-1"],
    ["Session Expiry Interval twice", `10 "MQTT" 05 02 003c { 11 00000005 11 00000005 } "c"`, 0x82, "MQTT-3.1.2-23"],
    [
      "Session Expiry Interval twice, first 0",
      `10 "MQTT" 05 02 003c { 11 00000000 11 00000005 } "c"`,
      0x82,
      "MQTT-3.1.2-23",
      "first-value-lost"
    ],
    ["Session Expiry Interval cut off", `10 "MQTT" 05 02 003c { 11 0000 } "c"`, 0x81, "MQTT-2.2.2-1"],
    ["Receive Maximum 0", `10 "MQTT" 05 02 003c { 21 0000 } "c"`, 0x82, "MQTT-3.3.4-9"],
    ["Receive Maximum twice", `10 "MQTT" 05 02 003c { 21 0005 21 0005 } "c"`, 0x82, "MQTT-3.3.4-9"],
    ["Maximum Packet Size 0", `10 "MQTT" 05 02 003c { 27 00000000 } "c"`, 0x82, "MQTT-3.1.2-24"],
    ["Maximum Packet Size twice", `10 "MQTT" 05 02 003c { 27 00000064 27 00000064 } "c"`, 0x82, "MQTT-3.1.2-24"],
    ["Topic Alias Maximum twice", `10 "MQTT" 05 02 003c { 22 0001 22 0001 } "c"`, 0x82, "MQTT-3.1.2-26"],
    ["Request Response Information 2", `10 "MQTT" 05 02 003c { 19 02 } "c"`, 0x82, "MQTT-3.1.2-28", "byte-above-1"],
    ["Request Response Information twice", `10 "MQTT" 05 02 003c { 19 01 19 01 } "c"`, 0x82, "MQTT-3.1.2-28"],
    ["Request Problem Information 2", `10 "MQTT" 05 02 003c { 17 02 } "c"`, 0x82, "MQTT-3.1.2-29", "byte-above-1"],
    ["Request Problem Information twice", `10 "MQTT" 05 02 003c { 17 01 17 00 } "c"`, 0x82, "MQTT-3.1.2-29"],
    ["Authentication Method twice", `10 "MQTT" 05 02 003c { 15 "m" 15 "m" } "c"`, 0x82, "MQTT-4.12.0-5"],
    ["Authentication Data without a method", `10 "MQTT" 05 02 003c { 16 "d" } "c"`, 0x82, "MQTT-4.12.0-5"],
    ["Authentication Data twice", `10 "MQTT" 05 02 003c { 15 "m" 16 "d" 16 "d" } "c"`, 0x82, "MQTT-4.12.0-5"],
    ["User Property with U+0000", `10 "MQTT" 05 02 003c { 26 "\\x00" "v" } "c"`, 0x81, "MQTT-1.5.7-1"],
    ["no Will Properties", `10 "MQTT" 05 06 003c {} "c"`, 0x81, "MQTT-3.1.2-9"],
    ["Will Delay Interval in CONNECT", `10 "MQTT" 05 06 003c { 18 00000001 } "c" {} "w" "p"`, 0x81, "MQTT-2.2.2-1"],
    ["Topic Alias in the will", `10 "MQTT" 05 06 003c {} "c" { 23 0001 } "w" "p"`, 0x81, "MQTT-2.2.2-1"],
    ["Subscription Identifier in the will", `10 "MQTT" 05 06 003c {} "c" { 0b 01 } "w" "p"`, 0x81, "MQTT-2.2.2-1"],
    [
      "Will Delay Interval twice",
      `10 "MQTT" 05 06 003c {} "c" { 18 00000001 18 00000001 } "w" "p"`,
      0x82,
      "MQTT-3.1.3-9"
    ],
    [
      "will's Payload Format Indicator 2",
      `10 "MQTT" 05 06 003c {} "c" { 01 02 } "w" "p"`,
      0x82,
      "MQTT-3.1.2-7",
      "byte-above-1"
    ],
    ["will's Response Topic with #", `10 "MQTT" 05 06 003c {} "c" { 08 "#" } "w" "p"`, 0x82, "MQTT-3.3.2-14"],
    [
      "will's Content Type ill-formed",
      `10 "MQTT" 05 06 003c {} "c" { 03 "\\xff" } "w" "p"`,
      0x81,
      "MQTT-3.3.2-19",
      "ill-formed-utf8"
    ]
  ])
]

const subscribe = [
  ...rows("SUBSCRIBE", all, [
    ["flags 0", `80 0001 . "a" 00`, 0x81, "MQTT-3.8.1-1"],
    ["flags 3", `83 0001 . "a" 00`, 0x81, "MQTT-3.8.1-1"],
    ["Packet Identifier zero", `82 0000 . "a" 00`, 0x82, "MQTT-2.2.1-3"],
    ["no body", `82`, 0x81, "MQTT-3.8.3-2"],
    ["no Topic Filter", `82 0001 .`, 0x82, "MQTT-3.8.3-2"],
    ["empty Topic Filter", `82 0001 . "" 00`, 0x82, "MQTT-4.7.3-1"],
    ["Topic Filter ill-formed", `82 0001 . "\\xff" 00`, 0x81, "MQTT-3.8.3-1", "ill-formed-utf8"],
    ["Topic Filter with U+0000", `82 0001 . "a\\x00" 00`, 0x81, "MQTT-4.7.3-2"],
    ["Topic Filter longer than the packet", `82 0001 . 0009 'a'`, 0x81, "MQTT-3.8.3-1"],
    ["no options", `82 0001 . "a"`, 0x81, "MQTT-3.8.3-2"],
    ["no options for the second filter", `82 0001 . "a" 00 "b"`, 0x81, "MQTT-3.8.3-2"],
    ["option bit 7", `82 0001 . "a" 80`, 0x81, "MQTT-3.8.3-5"],
    ["option bit 6", `82 0001 . "a" 40`, 0x81, "MQTT-3.8.3-5"]
  ]),
  ...rows("SUBSCRIBE", old, [
    ["QoS 3", `82 0001 "a" 03`, 0x81, "v3.1.1 MQTT-3.8.3-4"],
    ["No Local", `82 0001 "a" 04`, 0x81, "v3.1.1 MQTT-3.8.3-4"],
    ["Retain As Published", `82 0001 "a" 08`, 0x81, "v3.1.1 MQTT-3.8.3-4"],
    ["Retain Handling", `82 0001 "a" 10`, 0x81, "v3.1.1 MQTT-3.8.3-4"]
  ]),
  ...rows("SUBSCRIBE", v5, [
    ["QoS 3", `82 0001 {} "a" 03`, 0x82, "MQTT-3.8.3-5"],
    ["Retain Handling 3", `82 0001 {} "a" 30`, 0x82, "MQTT-3.8.3-5"],
    ["No Local on a Shared Subscription", `82 0001 {} "$share/g/a" 04`, 0x82, "MQTT-3.8.3-4"],
    ["no Property Length", `82 0001`, 0x81, "MQTT-2.2.2-1"],
    ["Subscription Identifier 0", `82 0001 { 0b 00 } "a" 00`, 0x82, "MQTT-3.3.4-3"],
    ["Subscription Identifier twice", `82 0001 { 0b 01 0b 02 } "a" 00`, 0x82, "MQTT-3.3.4-3"],
    ["Subscription Identifier over-long", `82 0001 { 0b 8100 } "a" 00`, 0x81, "MQTT-1.5.5-1", "over-long-integer"],
    ["Subscription Identifier of five bytes", `82 0001 { 0b 8080808001 } "a" 00`, 0x81, "MQTT-1.5.5-1"],
    ["Subscription Identifier cut off", `82 0001 { 0b 80 } "a" 00`, 0x81, "MQTT-1.5.5-1"],
    ["Reason String from a client", `82 0001 { 1f "r" } "a" 00`, 0x81, "MQTT-2.2.2-1"]
  ])
]

const unsubscribe = [
  ...rows("UNSUBSCRIBE", all, [
    ["flags 0", `a0 0001 . "a"`, 0x81, "MQTT-3.10.1-1"],
    ["Packet Identifier zero", `a2 0000 . "a"`, 0x82, "MQTT-2.2.1-3"],
    ["no body", `a2`, 0x81, "MQTT-3.10.3-2"],
    ["no Topic Filter", `a2 0001 .`, 0x82, "MQTT-3.10.3-2"],
    ["empty Topic Filter", `a2 0001 . ""`, 0x82, "MQTT-4.7.3-1"],
    ["Topic Filter ill-formed", `a2 0001 . "\\xff"`, 0x81, "MQTT-3.10.3-1", "ill-formed-utf8"],
    ["Topic Filter with U+0000", `a2 0001 . "\\x00"`, 0x81, "MQTT-4.7.3-2"],
    ["Topic Filter longer than the packet", `a2 0001 . "a" 0002 'b'`, 0x81, "MQTT-3.10.3-1"],
    ["half a filter length", `a2 0001 . "a" 00`, 0x81, "MQTT-3.10.3-1"]
  ]),
  ...rows("UNSUBSCRIBE", v5, [
    ["Subscription Identifier", `a2 0001 { 0b 01 } "a"`, 0x81, "MQTT-2.2.2-1"],
    ["unknown property", `a2 0001 { 7f 01 } "a"`, 0x81, "MQTT-2.2.2-1"]
  ])
]

const endings = [
  ...rows("DISCONNECT", all, [["flags", `e1`, 0x81, "MQTT-3.14.1-1"]]),
  ...rows("DISCONNECT", old, [["a body", `e0 00`, 0x81, "v3.1.1 MQTT-4.8.0-1"]]),
  ...rows("DISCONNECT", v5, [
    ["Reason Code nobody knows", `e0 01 00`, 0x82, "MQTT-3.14.2-1"],
    ["Reason Code of a server", `e0 8b 00`, 0x82, "MQTT-3.14.2-1"],
    ["Reason Code of CONNACK", `e0 84 00`, 0x82, "MQTT-3.14.2-1"],
    ["Server Reference from a client", `e0 00 { 1c "other" }`, 0x82, "MQTT-3.14.2-1"],
    ["property of another packet", `e0 00 { 21 0001 }`, 0x81, "MQTT-2.2.2-1"],
    ["Session Expiry Interval twice", `e0 00 { 11 00000001 11 00000001 }`, 0x82, "MQTT-3.14.2-2"],
    ["Reason String ill-formed", `e0 00 { 1f "\\xff" }`, 0x81, "MQTT-1.5.4-1", "ill-formed-utf8"],
    ["bytes behind the properties", `e0 00 00 00`, 0x81, "MQTT-4.13.1-1", "trailing-bytes"]
  ]),
  ...rows("AUTH", v5, [
    ["flags", `f1 18 { 15 "m" }`, 0x81, "MQTT-3.15.1-1"],
    ["Reason Code of a server", `f0 00 { 15 "m" }`, 0x82, "MQTT-3.15.2-1"],
    ["Reason Code nobody knows", `f0 1a { 15 "m" }`, 0x82, "MQTT-3.15.2-1"],
    ["no Authentication Method", `f0 18 { 16 "d" }`, 0x82, "MQTT-4.12.0-5"],
    ["no properties", `f0 18`, 0x81, "MQTT-2.2.2-1"],
    ["property of another packet", `f0 18 { 15 "m" 21 0001 }`, 0x81, "MQTT-2.2.2-1"],
    ["Authentication Data twice", `f0 18 { 15 "m" 16 "d" 16 "d" }`, 0x82, "MQTT-4.12.0-5"],
    ["bytes behind the properties", `f0 18 { 15 "m" } 00`, 0x81, "MQTT-4.13.1-1", "trailing-bytes"]
  ]),
  ...rows("PINGREQ", all, [
    ["flags", `c1`, 0x81, "MQTT-2.1.3-1"],
    ["a body", `c0 00`, 0x81, "MQTT-4.13.1-1"]
  ])
]

export const refusals: ReadonlyArray<Refusal> = [
  ...publish,
  ...acknowledgements,
  ...connect,
  ...subscribe,
  ...unsubscribe,
  ...endings
]
