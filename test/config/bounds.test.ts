/**
 * Every numeric setting at below-minimum, minimum, maximum and above-maximum, and what no kind accepts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Leaf, leafByKey, settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import { load, problemsOf, yamlOf } from "./loading.ts"

/** The number in the plainest spelling of its kind: 5, "5ms", "5s". */
const spell = (leaf: Leaf, value: number): string =>
  leaf.unit === "ms" ? `${value}ms` : leaf.unit === "s" ? `${value}s` : String(value)

describe("bounds", () => {
  for (const leaf of settingsLeaves) {
    const { minimum, maximum } = leaf
    if (minimum === undefined || maximum === undefined) continue
    for (const value of [minimum, maximum]) {
      it.effect(`${leaf.key}: ${spell(leaf, value)} is accepted`, () =>
        Effect.gen(function* () {
          const loaded = yield* load({ file: yamlOf(leaf.key, spell(leaf, value)) })
          assert.strictEqual(settingValue(loaded.settings, leaf), value)
          const fromVariable = yield* load({ environment: { [leaf.env]: spell(leaf, value) } })
          assert.strictEqual(settingValue(fromVariable.settings, leaf), value)
        })
      )
    }
    for (const value of [minimum - 1, maximum + 1]) {
      it.effect(`${leaf.key}: ${spell(leaf, value)} is refused`, () =>
        Effect.gen(function* () {
          const [problem, ...more] = yield* problemsOf({ file: yamlOf(leaf.key, spell(leaf, value)) })
          assert.deepStrictEqual(more, [])
          assert.strictEqual(problem?.code, "E3105")
          assert.strictEqual(problem?.key, leaf.key)
          assert.include(problem?.fact ?? "", value < minimum ? "below the minimum" : "above the maximum")
        })
      )
    }
  }

  for (const [key, value, code] of [
    ["server.tls", '"true"', "E3103"],
    ["server.tls", "yes", "E3103"],
    ["server.tls", "1", "E3103"],
    ["server.tls-cert", "[a]", "E3103"],
    ["server.tls-cert", "true", "E3103"],
    ["server.tls-cert", '"a\\nb"', "E3110"],
    ["mqtt.max-qos", "1.5", "E3104"],
    ["mqtt.max-qos", '"1"', "E3104"],
    ["mqtt.max-qos", "{ a: 1 }", "E3104"],
    ["server.read-timeout", "30", "E3106"],
    ["server.read-timeout", "soon", "E3106"],
    ["mqtt.max-session-expiry", "1500ms", "E3106"],
    ["log.level", "inof", "E3107"],
    ["log.level", "INFO", "E3107"],
    ["mqtt.max-packet-size", "2M", "E3108"],
    ["mqtt.max-packet-size", "1.5", "E3108"],
    ["server.bind", "1883", "E3109"],
    ["server.bind", '["127.0.0.1:1883", "nonsense"]', "E3109"],
    ["admin.bind", '"::1:9090"', "E3109"],
    ["metrics.path", "metrics", "E3110"],
    ["cluster.node-id", '"a b"', "E3110"],
    ["server.ws-paths", "[]", "E3111"],
    ["server.tls-min-version", "1.3", "E3107"],
    ["server.tls-client-auth", "maybe", "E3107"],
    ["server.unix-mode", '"0440"', "E3110"],
    ["server.unix-mode", "0o660", "E3110"],
    ["server.unix-bind", '"a\\nb"', "E3110"],
    ["server.bind", `[${'"127.0.0.1:0",'.repeat(65)}]`, "E3111"],
    ["mqtt.max-qos", "", "E3103"],
    ["mqtt.max-qos", "null", "E3103"]
  ] as const) {
    it.effect(`${key}: ${value.slice(0, 40)} is ${code}`, () =>
      Effect.gen(function* () {
        const problems = yield* problemsOf({ file: yamlOf(key, value) })
        assert.deepStrictEqual(
          problems.map((problem) => [problem.code, problem.key]),
          [[code, key]]
        )
      })
    )
  }

  it.effect("one address may stand without a list, and the empty text turns WebSocket off", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({ file: 'server:\n  bind: "[::1]:0"\n  ws-bind: ""\n' })
      assert.deepStrictEqual(settings.server.bind, [{ host: "::1", port: 0 }])
      assert.deepStrictEqual(settings.server.wsBind, [])
      const fromVariable = yield* load({ environment: { PROMPTMQ_SERVER_WS_BIND: "" } })
      assert.deepStrictEqual(fromVariable.settings.server.wsBind, [])
    })
  )

  it.effect("a mode of a socket may stand without quotes, and paths of sockets start at the working directory", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({ file: "server:\n  unix-mode: 0770\n  unix-bind: [/run/a.sock, b.sock]\n" })
      assert.strictEqual(Number.parseInt(settings.server.unixMode, 8), 0o770)
      const [absolute, relative] = settings.server.unixBind
      assert.strictEqual(absolute, "/run/a.sock")
      assert.match(relative ?? "", /^\/.+\/b\.sock$/)
    })
  )

  it("covers every kind of number", () => {
    const numeric = settingsLeaves.filter((leaf) => leaf.minimum !== undefined).map((leaf) => leaf.kind)
    assert.deepStrictEqual([...new Set(numeric)].sort(), ["duration", "integer", "size"])
    assert.isDefined(leafByKey.get("mqtt.keep-alive")?.minimum)
  })
})
