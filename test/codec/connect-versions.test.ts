/**
 * In which form can a refused CONNECT be answered? The Fault of an unsupported version tells (5.0 form for a
 * "MQTT" above 5, 3.1.1 form for what is older or a bridge), and `connectVersion` tells for all others.
 */
import { assert, describe, it } from "@effect/vitest"
import { unknownProtocolName, unsupportedVersion3, unsupportedVersion5 } from "../../src/codec/faults.ts"
import { ownCodec } from "../../src/codec/own.ts"
import { connectVersion } from "../../src/codec/read-connect.ts"
import { referenceCodec } from "../../src/codec/reference.ts"
import { frame, raw } from "./frames.ts"

const refused = [
  [`"MQTT" 00`, unsupportedVersion3],
  [`"MQTT" 03`, unsupportedVersion3],
  [`"MQTT" 06`, unsupportedVersion5],
  [`"MQTT" ff`, unsupportedVersion5],
  [`"MQTT" 83`, unsupportedVersion3],
  [`"MQTT" 84`, unsupportedVersion3],
  [`"MQIsdp" 02`, unsupportedVersion3],
  [`"MQIsdp" 04`, unsupportedVersion3],
  [`"MQIsdp" 05`, unsupportedVersion3],
  [`"MQTT5" 05`, unknownProtocolName],
  [`"" 04`, unknownProtocolName]
] as const

describe("unsupported versions", () => {
  for (const [head, fault] of refused) {
    const kind = fault === unsupportedVersion3 ? "3.1.1 form" : fault === unsupportedVersion5 ? "5.0 form" : "no answer"
    for (const codec of [ownCodec, referenceCodec]) {
      it(`${head}: ${kind} [MQTT-3.1.2-2] (${codec.name})`, () => {
        const bytes = frame(`10 ${head} 02 003c 00 "c"`, 4)
        assert.strictEqual(codec.decodeConnect(bytes, 0, bytes.length), fault)
      })
    }
    it(`${head} has no version`, () => {
      const bytes = frame(`10 ${head} 02 003c`, 4)
      assert.isUndefined(connectVersion(bytes, 0, bytes.length))
    })
  }
})

describe("connectVersion", () => {
  it("tells the version of a CONNECT that is malformed further on", () => {
    for (const [head, version] of [
      [`"MQIsdp" 03`, 3],
      [`"MQTT" 04`, 4],
      [`"MQTT" 05`, 5]
    ] as const) {
      const bytes = frame(`10 ${head} ff`, 4)
      assert.strictEqual(connectVersion(bytes, 0, bytes.length), version)
    }
  })
  it("tells nothing of what ends too early", () => {
    for (const bytes of [raw("10"), raw("10 00"), frame(`10 "MQTT"`, 4), frame("10 0004 'MQ'", 4)]) {
      assert.isUndefined(connectVersion(bytes, 0, bytes.length))
    }
  })
})
