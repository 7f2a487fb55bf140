/**
 * Goal: a traceparent is what the W3C says, nothing else; and the choice by trace id is a share, made alike each time.
 */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { chosenTraceId, formatTraceparent, isChosen, parseTraceparent } from "../../src/telemetry/traceparent.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const spanId = "00f067aa0ba902b7"

describe("traceparent", () => {
  it("is read and written as the W3C has it", () => {
    const text = `00-${traceId}-${spanId}-01`
    assert.deepStrictEqual(parseTraceparent(text), { traceId, spanId, isSampled: true })
    assert.strictEqual(formatTraceparent({ traceId, spanId, isSampled: true }), text)
    assert.isFalse(parseTraceparent(`00-${traceId}-${spanId}-00`)?.isSampled)
    assert.isTrue(parseTraceparent(`00-${traceId}-${spanId}-ff`)?.isSampled, "other flags are for others")
    assert.isDefined(parseTraceparent(`cc-${traceId}-${spanId}-01-what-comes-later`), "a later version may be longer")
  })

  for (const [what, text] of [
    ["empty", ""],
    ["a version that cannot be", `ff-${traceId}-${spanId}-01`],
    ["version 00 and more", `00-${traceId}-${spanId}-01-more`],
    ["longer without a dash", `cc-${traceId}-${spanId}-01more`],
    ["no trace", `00-${"0".repeat(32)}-${spanId}-01`],
    ["no span", `00-${traceId}-${"0".repeat(16)}-01`],
    ["capitals", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["no hex", `00-${traceId.replace("4", "g")}-${spanId}-01`],
    ["too short", `00-${traceId.slice(1)}-${spanId}-01`],
    ["blanks around", ` 00-${traceId}-${spanId}-01`],
    ["a line feed behind", `00-${traceId}-${spanId}-01\n`],
    ["too long", `cc-${traceId}-${spanId}-01-${"x".repeat(1000)}`],
    ["a long flood of digits", "0".repeat(60_000)],
    ["other dashes", `00_${traceId}_${spanId}_01`]
  ] as const) {
    it(`${what} is none`, () => assert.isUndefined(parseTraceparent(text)))
  }

  it("any text is a parent that can be written again, or none", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: "binary" }),
          fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
        ),
        (text) => {
          const parsed = parseTraceparent(text)
          if (parsed === undefined) return
          assert.deepStrictEqual(parseTraceparent(formatTraceparent(parsed)), parsed)
        }
      )
    )
  })
})

describe("the choice", () => {
  it("takes a made id at its ratio, and all ids at their share", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1, noNaN: true }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (ratio, draws) => {
          const id = chosenTraceId(ratio, () => draws.next().value)
          assert.match(id, /^[0-9a-f]{32}$/)
          assert.notMatch(id, /^0+$/)
          assert.isTrue(isChosen(id, ratio))
          assert.isFalse(isChosen(id, 0))
        }
      )
    )
    let chosen = 0
    for (let i = 0; i < 1000; i++)
      if (
        isChosen(
          traceId.slice(0, 18) +
            Math.floor((i / 1000) * 2 ** 52)
              .toString(16)
              .padStart(13, "0") +
            "0",
          0.25
        )
      )
        chosen += 1
    assert.strictEqual(chosen, 250)
  })
})

describe("the SDK", () => {
  it("is loaded by one file, and that file only when tracing is on", () => {
    const source = new URL("../../src/", import.meta.url)
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))
    const importers = (pattern: RegExp) =>
      files.filter((file) => pattern.test(readFileSync(new URL(file, source), "utf8")))
    assert.deepStrictEqual(importers(/from "(@opentelemetry|@effect\/opentelemetry)/), ["telemetry/span-export.ts"])
    assert.deepStrictEqual(importers(/^import (?!type\b).*span-export\.ts"/m), [])
    assert.deepStrictEqual(importers(/import\("[./]*telemetry\/span-export\.ts"\)/), ["app.ts"])
  })
})
