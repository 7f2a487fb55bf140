/**
 * Suggestions: typing errors find their word, strangers find none.
 */
import { assert, describe, it } from "@effect/vitest"
import { nearest, wordLengthMax } from "../../src/settings/nearest.ts"

const words = [
  "sync-mode",
  "sync-interval",
  "batch-sync-size",
  "max-qos",
  "tls",
  "tls-key",
  "immediate",
  "periodic",
  "log"
]

describe("nearest", () => {
  for (const [word, expected] of [
    ["sync-mod", "sync-mode"],
    ["sycn-mode", "sync-mode"],
    ["syncMode", "sync-mode"],
    ["SYNC-MODE", "sync-mode"],
    ["batch_sync_size", "batch-sync-size"],
    ["imediate", "immediate"],
    ["tsl", "tls"],
    ["maxqos", "max-qos"]
  ] as const) {
    it(`${word} means ${expected}`, () => assert.strictEqual(nearest(word, words), expected))
  }
  for (const word of ["", "x", "zzz", "foo", "colour", "completely-different", "s".repeat(wordLengthMax + 1)]) {
    it(`${JSON.stringify(word.slice(0, 20))} means nothing`, () => assert.isUndefined(nearest(word, words)))
  }
})
