/**
 * topics.policies, the one setting that is a list of records: read from file, variable and flag, shown, described, and
 * every mistake told with the entry's index, its key and its line.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { referenceMarkdown } from "../../src/config/reference.ts"
import { showJson, showYaml } from "../../src/config/show.ts"
import { recordsMax } from "../../src/settings/record-list.ts"
import { load, problemsOf } from "./loading.ts"

const file = `topics:
  policies:
    - filter: "alarms/#"
      acknowledge: durable
      force-fsync: true
      max-bytes: 1MiB
      max-messages: 100
      replay: 1h
      max-age: 7d
    - filter: +/status
`
const unsaid = {
  acknowledge: undefined,
  forceFsync: undefined,
  maxBytes: undefined,
  maxMessages: undefined,
  replayMs: undefined,
  maxAgeMs: undefined
}
const decoded = [
  {
    filter: "alarms/#",
    acknowledge: "durable",
    forceFsync: true,
    maxBytes: 1_048_576,
    maxMessages: 100,
    replayMs: 3_600_000,
    maxAgeMs: 604_800_000
  },
  { ...unsaid, filter: "+/status" }
]

describe("topics.policies", () => {
  it.effect("is a list of entries; what an entry leaves out is undefined", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({ file })
      assert.deepStrictEqual(settings.topics.policies as unknown, decoded)
      assert.deepStrictEqual((yield* load({})).settings.topics.policies, [])
      assert.deepStrictEqual((yield* load({ file: "topics:\n  policies: []\n" })).settings.topics.policies, [])
    })
  )

  it.effect("is JSON in a variable and in a flag", () =>
    Effect.gen(function* () {
      const text = '[{"filter": "a/#", "max-messages": 5}]'
      const entry = { ...unsaid, filter: "a/#", maxMessages: 5 }
      const byVariable = yield* load({ file, environment: { PROMPTMQ_TOPICS_POLICIES: text } })
      assert.deepStrictEqual(byVariable.settings.topics.policies as unknown, [entry])
      const byFlag = yield* load({ file, flags: { "topics.policies": text } })
      assert.deepStrictEqual(byFlag.settings.topics.policies as unknown, [entry])
      const none = yield* load({ file, environment: { PROMPTMQ_TOPICS_POLICIES: "" } })
      assert.deepStrictEqual(none.settings.topics.policies, [])
    })
  )

  it.effect("is shown so that it reads back to the same", () =>
    Effect.gen(function* () {
      const loaded = yield* load({ file })
      const text = showYaml(loaded, { origin: false })
      assert.include(text, '{ filter: "+/status" }')
      assert.deepStrictEqual((yield* load({ file: text })).settings.topics.policies, loaded.settings.topics.policies)
      assert.deepStrictEqual(showJson(loaded)["topics.policies"]?.value, [
        {
          filter: "alarms/#",
          acknowledge: "durable",
          "force-fsync": true,
          "max-bytes": "1MiB",
          "max-messages": 100,
          replay: "1h",
          "max-age": "7d"
        },
        { filter: "+/status" }
      ])
    })
  )

  it("has a table of its keys in the reference", () => {
    const rows = referenceMarkdown().split("\n")
    assert.isTrue(rows.some((row) => row.startsWith("| `max-age` | 1s to 3650d |  | ")))
    assert.isTrue(rows.some((row) => row.startsWith("| `filter` | text | yes | ")))
  })

  for (const [name, lines, code, at, line] of [
    ["no list", "  policies: 5\n", "E3103", "", 2],
    ["no entry", "  policies: [5]\n", "E3103", "[0]", 2],
    ["no filter", "  policies:\n    - max-bytes: 1KiB\n", "E3103", "[0]", 3],
    ["a filter that is none", '  policies:\n    - filter: a/#/b\n    - filter: "#"\n', "E3110", "[0].filter", 3],
    ["a shared filter", "  policies:\n    - filter: $share/g/a\n", "E3110", "[0].filter", 3],
    ["an empty filter", '  policies:\n    - filter: ""\n', "E3110", "[0].filter", 3],
    ["an unknown key", "  policies:\n    - filter: a\n      max-byte: 1KiB\n", "E3101", "[0].max-byte", 4],
    ["no value", "  policies:\n    - filter: a\n      replay:\n", "E3103", "[0].replay", 4],
    [
      "a wrong size",
      "  policies:\n    - filter: a\n    - filter: b\n      max-bytes: 2M\n",
      "E3108",
      "[1].max-bytes",
      5
    ],
    ["too small", "  policies:\n    - filter: a\n      max-messages: 0\n", "E3105", "[0].max-messages", 4],
    ["a wrong word", "  policies:\n    - filter: a\n      acknowledge: later\n", "E3107", "[0].acknowledge", 4],
    ["a filter twice", "  policies:\n    - filter: a\n    - filter: b\n    - filter: a\n", "E3114", "[2].filter", 5],
    ["a key twice", "  policies:\n    - filter: a\n      filter: b\n", "E3003", "[0].filter", 4],
    ["too many", `  policies: [${"{ filter: a },".repeat(recordsMax + 1)}]\n`, "E3111", "", 2]
  ] as const) {
    it.effect(`${name}: ${code} at topics.policies${at}, line ${line}`, () =>
      Effect.gen(function* () {
        const problems = yield* problemsOf({ file: `topics:\n${lines}` })
        assert.deepStrictEqual(
          problems.map((problem) => [problem.code, problem.key]),
          [[code, `topics.policies${at}`]]
        )
        const place = problems[0]?.place
        assert.strictEqual(place !== undefined && "line" in place ? place.line : undefined, line)
      })
    )
  }

  it.effect("a key that is nearly right is named", () =>
    Effect.gen(function* () {
      const [problem] = yield* problemsOf({ file: "topics:\n  policies: [{ filter: a, acknowlege: written }]\n" })
      assert.strictEqual(problem?.fix, "did you mean acknowledge?")
    })
  )

  it.effect("what is no JSON in a variable is told at the variable", () =>
    Effect.gen(function* () {
      const [problem] = yield* problemsOf({ environment: { PROMPTMQ_TOPICS_POLICIES: "alarms/#" } })
      assert.deepStrictEqual([problem?.code, problem?.place], ["E3103", { environment: "PROMPTMQ_TOPICS_POLICIES" }])
    })
  )
})
