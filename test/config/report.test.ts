/**
 * One report with every problem: code, file:line:column, fact and fix; for broken files too.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import { documentSizeMax } from "../../src/config/document.ts"
import { loadSettings } from "../../src/config/load.ts"
import { formatPlace, formatProblem, formatProblems, type Problem, toJson } from "../../src/config/problem.ts"
import { load, problemsOf, withFolder } from "./loading.ts"

const fiveErrors = `# five problems and one old spelling
server:
  bind: "127.0.0.1:99999"
  tsl: true
mqtt:
  max-qos: 3
  keep-alive: soon
storage:
  wal-sync-interval: 200ms
  wal:
    sync-mode: imediate
`

const brief = (problem: Problem): string =>
  `${problem.code} ${problem.place === undefined ? "-" : formatPlace(problem.place)} ${problem.key ?? "-"}`

describe("the report", () => {
  it.effect("holds five errors of one file, a variable and a flag, in that order", () =>
    Effect.gen(function* () {
      const invalid = yield* Effect.flip(
        load({
          file: fiveErrors,
          environment: { PROMPTMQ_MQTT_MAX_INFLIGHT: "0", PROMPTMQ_LOG_LEVL: "debug" },
          flags: { "log.format": "jsn", "mqtt.max-qos": "1" }
        })
      )
      assert.deepStrictEqual(invalid.problems.map(brief), [
        "E3109 broker.yaml:3:9 server.bind",
        "E3101 broker.yaml:4:3 server.tsl",
        "E3105 broker.yaml:6:12 mqtt.max-qos",
        "E3104 broker.yaml:7:15 mqtt.keep-alive",
        "E3107 broker.yaml:11:16 storage.wal.sync-mode",
        "E3102 PROMPTMQ_LOG_LEVL -",
        "E3105 PROMPTMQ_MQTT_MAX_INFLIGHT mqtt.max-inflight",
        "E3107 --log-format log.format"
      ])
      assert.deepStrictEqual(invalid.warnings.map(brief), ["E3301 broker.yaml:9:3 storage.wal-sync-interval"])
      assert.strictEqual(invalid.exitCode, 3)
      assert.strictEqual(Runtime.getErrorExitCode(invalid), 3)
      assert.strictEqual(invalid.message, formatProblems(invalid.problems))
    })
  )

  it.effect(
    "[attack: a configuration that holds the broker up] tells the first hundred problems, and looks at no more",
    () =>
      Effect.gen(function* () {
        const wide = { keys: 7000, line: "\n" }
        const many = (count: number, between: string) =>
          Array.from({ length: count }, (_, i) => `k${i}: 1`).join(between)
        const onLines = yield* problemsOf({ file: many(wide.keys, "\n") })
        assert.lengthOf(onLines, 100)
        assert.strictEqual(onLines.at(-1)?.place !== undefined, true)
        const inOneLine = yield* problemsOf({ file: `{${many(wide.keys, ",")}}` })
        assert.lengthOf(inOneLine, 100)
        assert.isBelow(JSON.stringify(inOneLine).length, 100_000, "no line is shown whole a hundred times")
        assert.isAtMost((yield* problemsOf({ file: `[${",".repeat(60_000)}` })).length, 100)
      })
  )

  for (const [what, file] of [
    ["brackets", "[".repeat(60_000)],
    ["braces", "{a: ".repeat(15_000)],
    ["dashes", "- ".repeat(30_000)],
    ["colons", ": ".repeat(30_000)],
    ["lines", `a: |${"\n".repeat(60_000)}`]
  ] as const) {
    it.effect(
      `[attack: a configuration that holds the broker up] of ${what} within each other: is not parsed at all`,
      () =>
        Effect.gen(function* () {
          const problems = yield* problemsOf({ file })
          assert.lengthOf(problems, 1)
          assert.match(problems[0]?.fact ?? "", /nested too deeply|more than \d+ lines/)
        })
    )
  }

  it.effect("has the agreed shape", () =>
    Effect.gen(function* () {
      const problem = (yield* problemsOf({ file: fiveErrors })).at(-1)
      if (problem === undefined) return assert.fail("no problem")
      const head =
        'error E3107  broker.yaml:11:16  storage.wal.sync-mode: "imediate" is not one of immediate, batch, periodic'
      const fix = '   fix: did you mean "immediate"?    more: promptmq explain-error E3107'
      assert.strictEqual(formatProblem(problem), `${head}\n${fix}`)
      const excerpt = ["   11 |     sync-mode: imediate", "      |                ^"]
      assert.strictEqual(formatProblem(problem, { excerpts: true }), [head, ...excerpt, fix].join("\n"))
      assert.deepStrictEqual(toJson(problem), {
        code: "E3107",
        severity: "error",
        key: "storage.wal.sync-mode",
        place: { file: "broker.yaml", line: 11, column: 16 },
        fact: '"imediate" is not one of immediate, batch, periodic',
        fix: 'did you mean "immediate"?'
      })
    })
  )

  it.effect("reads JSON with the same places", () =>
    Effect.gen(function* () {
      const problems = yield* problemsOf({ file: '{\n  "mqtt": {\n    "max-qos": 7,\n    "max-qoss": 1\n  }\n}\n' })
      assert.deepStrictEqual(problems.map(brief), [
        "E3105 broker.yaml:3:16 mqtt.max-qos",
        "E3101 broker.yaml:4:5 mqtt.max-qoss"
      ])
      const { settings } = yield* load({ file: '{ "mqtt": { "max-qos": 1 } }' })
      assert.strictEqual(settings.mqtt.maxQos, 1)
    })
  )

  it.effect("names both lines of a key written twice, in sections and at the top", () =>
    Effect.gen(function* () {
      const problems = yield* problemsOf({
        file: "mqtt:\n  max-qos: 1\n  max-qos: 2\nlog:\nmqtt:\n  max-inflight: 1\n"
      })
      assert.deepStrictEqual(problems.map(brief), ["E3003 broker.yaml:3:3 mqtt.max-qos", "E3003 broker.yaml:5:1 mqtt"])
      assert.include(problems[0]?.fact ?? "", "first in line 2")
      assert.include(problems[1]?.fact ?? "", "first in line 1")
    })
  )

  for (const [name, text, line] of [
    ["a bracket that is not closed", "server:\n  bind: [a\n", 3],
    ["a tab as indentation", "server:\n\tbind: 1\n", 2],
    ["two documents", "log:\n  level: info\n---\nmqtt:\n", 3],
    ["broken indentation", "mqtt:\n  max-qos: 1\n max-inflight: 2\n", 3]
  ] as const) {
    it.effect(`${name}: syntax error with its line, and nothing else is said about the file`, () =>
      Effect.gen(function* () {
        const problems = yield* problemsOf({ file: text, flags: { "log.level": "x" } })
        const [first] = problems
        assert.deepStrictEqual([...new Set(problems.map((problem) => problem.code))], ["E3002", "E3107"])
        assert.include(first?.place, { file: "broker.yaml", line })
        assert.strictEqual(first?.excerpt, undefined)
      })
    )
  }

  for (const [name, text, code] of [
    ["a list", "- a\n- b\n", "E3004"],
    ["a word", "hello\n", "E3004"],
    ["a value where a section belongs", "server: 5\n", "E3004"],
    ["a list where a section belongs", "storage:\n  wal: [a]\n", "E3004"],
    ["a file above the limit", `# ${"x".repeat(documentSizeMax)}\n`, "E3005"],
    ["brackets without end", "[".repeat(200_000), "E3002"]
  ] as const) {
    it.effect(`${name} is ${code}`, () =>
      Effect.gen(function* () {
        const problems = yield* problemsOf({ file: text })
        assert.strictEqual(problems[0]?.code, code)
      })
    )
  }

  for (const text of [
    "",
    "# nothing\n",
    "server:\n",
    "storage:\n  wal:\n  # sync-mode: batch\n",
    "---\n",
    "\uFEFFlog:\n  level: info\n"
  ]) {
    it.effect(`${JSON.stringify(text)} loads as empty`, () =>
      Effect.gen(function* () {
        const loaded = yield* load({ file: text })
        assert.deepStrictEqual(loaded.warnings, [])
      })
    )
  }

  it.effect("follows anchors, and has no merge keys", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({ file: "mqtt:\n  max-qos: &one 1\n  max-inflight: *one\n" })
      assert.strictEqual(settings.mqtt.maxInflight, 1)
      const problems = yield* problemsOf({ file: "mqtt: &m\n  max-qos: 1\nlog:\n  <<: *m\n" })
      assert.strictEqual(problems[0]?.code, "E3101")
    })
  )

  it.effect("a file that is named and missing, or a folder, is an error", () =>
    withFolder({}, (folder) =>
      Effect.gen(function* () {
        const input = {
          environment: {},
          flags: new Map<string, string>(),
          workingDirectory: folder,
          homeDirectory: folder
        }
        const missing = yield* Effect.flip(loadSettings({ ...input, file: "nowhere.yaml" }))
        assert.deepStrictEqual(missing.problems.map(brief), ["E3001 nowhere.yaml -"])
        assert.include(missing.problems[0]?.fact ?? "", "no such file")
        const isFolder = yield* Effect.flip(loadSettings({ ...input, environment: { PROMPTMQ_CONFIG: "." } }))
        assert.include(isFolder.problems[0]?.fact ?? "", "folder")
      })
    )
  )
})

describe("unknown keys", () => {
  for (const [text, fix] of [
    ["server:\n  bnid: 1\n", "did you mean server.bind?"],
    ["servr:\n  bind: 1\n", "did you mean server?"],
    ["storage:\n  wal:\n    syncMode: batch\n", "did you mean storage.wal.sync-mode?"],
    ["max-packet-size: 1\n", "did you mean mqtt.max-packet-size?"],
    ["wal-sync-mode: batch\n", "did you mean storage.wal.sync-mode?"],
    ["mqtt:\n  sync-mode: batch\n", "did you mean storage.wal.sync-mode?"],
    ["colours:\n  red: 1\n", "remove it; promptmq config schema lists every key"],
    ["storage:\n  sqlite: {}\n", "remove the section"],
    ["storage:\n  sqlite:\n    pages: 1\n", "remove the section"],
    ["storage:\n  sqlite:\n    foreign-keys: true\n", "remove it; there are no tables"]
  ] as const) {
    it.effect(`${JSON.stringify(text)}: ${fix}`, () =>
      Effect.gen(function* () {
        const problems = yield* problemsOf({ file: text })
        assert.deepStrictEqual(
          problems.map((problem) => problem.fix),
          [fix]
        )
      })
    )
  }
})
