/**
 * `-F` and its parts, without a broker: what mosquitto-tools.test.ts cannot compare because the other tool
 * has it wrong or because it depends on the clock.
 */

import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { compileFormat } from "../../src/cli/client/message-format.ts"
import type { Received } from "../../src/cli/client/received.ts"
import { isoTime, strftime } from "../../src/cli/client/strftime.ts"

const message: Received = {
  topic: "a/b",
  payload: Buffer.from("hello"),
  qos: 1,
  retain: true,
  messageId: 7,
  properties: { userProperties: { k: ["v1", "v2"] }, subscriptionIdentifier: [3, 4] as unknown as number },
  receivedAtMs: Date.UTC(2026, 10, 21, 13, 45, 6) + 7.25
}

const rendered = (format: string, isPretty = false): string => {
  const render = compileFormat(format, isPretty)
  if (typeof render !== "function") return assert.fail(render.fact)
  const text = render(message)
  return Buffer.isBuffer(text) ? text.toString("utf8") : "not JSON"
}

describe("format", () => {
  it("pads hexadecimal payloads to the width (mosquitto_sub 2.0.11 cuts them)", () => {
    assert.strictEqual(rendered("%4x|%012x|%-12X|"), "68656c6c6f|0068656c6c6f|68656C6C6F  |")
  })

  it("prints repeated properties", () => {
    assert.strictEqual(rendered("%P %S"), "k:v1 k:v2 3,4")
  })

  it("says when %J meets a payload that is no JSON", () => {
    assert.strictEqual(rendered("%J"), "not JSON")
  })

  it("indents JSON with --pretty", () => {
    assert.match(rendered("%j", true), /^\{\n\t"tst": /)
  })

  it("knows microseconds", () => {
    assert.match(rendered("%U"), /^\d+\.007250000$/)
    assert.strictEqual(rendered("@N"), "007250000")
  })
})

describe("strftime", () => {
  it("agrees with date(1) on every letter, around the turns of years and days", () => {
    const letters = [..."aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYz"]
    const moments = [
      "2026-01-01T00:00:00Z",
      "2024-12-30T23:59:59Z",
      "2024-02-29T12:00:00Z",
      "2021-01-03T01:02:03Z",
      "2020-12-31T13:00:00Z",
      "2027-07-04T04:05:06Z"
    ]
    for (const moment of moments) {
      const format = letters.map((letter) => `${letter}=%${letter}`).join("|")
      const env = { ...process.env, LC_ALL: "C" }
      const { stdout, status } = spawnSync("date", ["-d", moment, `+${format}`], { env, encoding: "utf8" })
      assert.strictEqual(status, 0)
      const ours = letters.map((letter) => `${letter}=${strftime(letter, Date.parse(moment))}`).join("|")
      assert.strictEqual(ours, stdout.trimEnd(), moment)
    }
  })

  it("writes ISO times with the zone of this machine", () => {
    const { stdout } = spawnSync("date", ["-d", "2026-07-01T12:00:00Z", "+%Y-%m-%dT%H:%M:%S%z"], { encoding: "utf8" })
    assert.strictEqual(isoTime(Date.UTC(2026, 6, 1, 12)), stdout.trimEnd())
  })
})
