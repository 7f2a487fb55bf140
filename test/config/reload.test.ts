/**
 * Reload as a decision: what is applied, what waits, what is refused, in which order, and how many run at once. The
 * parts are made up; the broker that they are made of in production is in test/behaviour/reload.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { RulesEffect } from "../../src/access/rules-effect.ts"
import { ConfigInvalid } from "../../src/config/config-invalid.ts"
import { checkText, type LoadedSettings } from "../../src/config/load.ts"
import { makeConfigurationDesk, oneAfterTheOther, type ReloadParts } from "../../src/config/reload.ts"
import type { Settings } from "../../src/settings/settings.ts"

const surroundings = { environment: {}, workingDirectory: "/w", homeDirectory: "/h" }

const judged = async (yaml: string): Promise<LoadedSettings | ConfigInvalid> => {
  const result = await Effect.runPromise(Effect.result(checkText(yaml, "broker.yaml", surroundings)))
  return Result.isSuccess(result) ? result.success : result.failure
}

const settingsOf = async (yaml: string): Promise<Settings> => {
  const loaded = await judged(yaml)
  return loaded instanceof ConfigInvalid ? assert.fail(loaded.message) : loaded.settings
}

interface Run {
  readonly steps: ReadonlyArray<string>
  readonly lines: ReadonlyArray<{ readonly level: string; readonly message: string; readonly fields: unknown }>
  current: Settings
}

const running = async (from: string, to: string, other: Partial<ReloadParts> = {}) => {
  const steps: Array<string> = []
  const lines: Array<Run["lines"][number]> = []
  const run: Run = { steps, lines, current: await settingsOf(from) }
  const desk = makeConfigurationDesk({
    load: () => judged(to),
    current: () => run.current,
    originOf: () => "default",
    resolve: (settings) => settings,
    judgeFiles: async () => [],
    applyFiles: async () => {
      steps.push("files")
      return []
    },
    impacts: async () => undefined,
    apply: (settings) => {
      steps.push("settings")
      run.current = settings
    },
    note: (isGood) => void steps.push(isGood ? "good" : "bad"),
    log: { write: (level, message, fields) => void lines.push({ level, message, fields }) },
    ...other
  })
  return { desk, run }
}

const problem = { code: "E3501", fact: "cert.pem cannot be read", fix: "let this user read it" }

describe("a reload", () => {
  it("applies what is live, and says what waits for a restart", async () => {
    const to = "log: { level: debug }\nserver: { bind: '127.0.0.1:9' }\nstorage: { wal: { sync-mode: periodic } }\n"
    const { desk, run } = await running("", to)
    const outcome = await desk.reload()
    if (!("applied" in outcome)) return assert.fail(JSON.stringify(outcome))
    assert.deepEqual(outcome.applied, [
      { key: "storage.wal.sync-mode", before: "immediate", after: "periodic", effect: "live", origin: "default" },
      { key: "log.level", before: "info", after: "debug", effect: "live", origin: "default" }
    ])
    assert.deepEqual(
      outcome.waiting.map(({ key }) => key),
      ["server.bind"]
    )
    assert.deepEqual(run.steps, ["files", "settings", "good"])
    assert.strictEqual(run.current.log.level, "debug")
    assert.strictEqual(run.current.server.bind[0]?.port, 1883, "RELOAD-3: what is not live stays")
    assert.deepEqual(
      run.lines.map(({ level }) => level),
      ["info"]
    )
  })

  it("says which changes of the admin API it undoes, before and after", async () => {
    const { desk, run } = await running("log: { level: debug }\n", "mqtt: { max-qos: 1 }\n", {
      originOf: (key) => (key === "log.level" ? "admin API" : "default")
    })
    const origins = (await desk.diff()).changes.map(({ key, origin }) => [key, origin])
    assert.deepEqual(origins, [
      ["mqtt.max-qos", "default"],
      ["log.level", "admin API"]
    ])
    await desk.reload()
    assert.deepInclude(run.lines[0]?.fields, { undoneFromAdminApi: ["log.level"] }, "RELOAD-4")
  })

  for (const [what, to, other, code] of [
    ["a value that is wrong", "log: { level: debug }\nmqtt: { max-qos: 7 }\n", {}, "E3105"],
    ["no YAML", "log: [\n", {}, "E3002"],
    ["a file that cannot be used", "log: { level: debug }\n", { judgeFiles: async () => [problem] }, "E3501"],
    [
      "a file that went bad between judging and reading",
      "log: { level: debug }\n",
      { applyFiles: async () => ["passwords: line 3"] },
      "E3571"
    ]
  ] as const) {
    it(`is refused for ${what}, changes nothing, and says so in one line`, async () => {
      const { desk, run } = await running("", to, other)
      const before = run.current
      const outcome = await desk.reload()
      if ("applied" in outcome) return assert.fail("applied")
      assert.strictEqual(outcome[0]?.code, code)
      assert.strictEqual(run.current, before, "RELOAD-1")
      assert.notInclude(run.steps, "settings")
      assert.notInclude(run.steps, "good")
      assert.strictEqual(run.lines.length, 1)
      assert.strictEqual(run.lines[0]?.level, "error")
      assert.match(run.lines[0]?.message ?? "", /the old one stays in force: .+/)
    })
  }

  it("is refused when new live values and old ones that wait do not go together", async () => {
    // The file as a whole is right: no syncs, and nobody waits for one. What acknowledges durably stays until a restart.
    const from = "mqtt: { max-keep-alive: 100, keep-alive: 90 }\n"
    const stuck = await settingsOf("storage: { wal: { acknowledge: durable } }\n")
    const { desk, run } = await running(from, "storage: { wal: { no-sync: true } }\n", {
      resolve: (next) => ({
        ...next,
        storage: { ...next.storage, wal: { ...next.storage.wal, acknowledge: stuck.storage.wal.acknowledge } }
      })
    })
    const outcome = await desk.reload()
    if ("applied" in outcome) return assert.fail("applied")
    assert.strictEqual(outcome[0]?.code, "E3209")
    assert.deepEqual(run.steps, ["bad"])
  })

  it("shows no secret", async () => {
    const key = (text: string) => `server: { tls-key-passphrase: ${text} }\n`
    const { desk } = await running(key("old-secret"), key("new-secret"))
    assert.deepEqual((await desk.diff()).changes, [
      { key: "server.tls-key-passphrase", before: "(hidden)", after: "(hidden)", effect: "restart", origin: "default" }
    ])
    assert.notInclude(JSON.stringify(await desk.reload()), "secret")
  })
})

describe("a diff", () => {
  it("changes nothing, and tells who would lose what", async () => {
    const effect: RulesEffect = {
      losses: [
        { clientIdentifier: "c", username: undefined, action: "subscribe", topic: "a/#", because: "acl.yaml:3" }
      ],
      lossCount: 1,
      clients: 1,
      topics: 1,
      summary: ""
    }
    const { desk, run } = await running("", "log: { level: debug }\n", { impacts: async () => effect })
    const told = await desk.diff()
    assert.deepEqual(told.impacts, [{ clientIdentifier: "c", what: "subscribe a/#", decidedBy: "acl.yaml:3" }])
    assert.strictEqual(told.clientsAffected, 1)
    assert.strictEqual(told.changes.length, 1)
    assert.deepEqual(run.steps, [])
    assert.deepEqual(run.lines, [])
  })

  it("of a file that is wrong lists every problem with its place", async () => {
    const { desk } = await running("", "log: { level: loud }\nmqtt: { max-qos: 7 }\n")
    const { changes, problems } = await desk.diff()
    assert.deepEqual(changes, [])
    assert.deepEqual(
      problems.map(({ code, key, place }) => [code, key, place]),
      [
        ["E3107", "log.level", "broker.yaml:1:15"],
        ["E3105", "mqtt.max-qos", "broker.yaml:2:18"]
      ]
    )
  })
})

describe("reloads at once", () => {
  it("are one under way and one more that everybody else shares", async () => {
    const gates: Array<(n: number) => void> = []
    const ask = oneAfterTheOther(() => new Promise<number>((resolve) => void gates.push(resolve)))
    const first = ask()
    const second = ask()
    const third = ask()
    assert.strictEqual(gates.length, 1)
    assert.strictEqual(second, third)
    gates[0]?.(1)
    assert.strictEqual(await first, 1)
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    assert.strictEqual(gates.length, 2, "RELOAD-2")
    const fourth = ask()
    gates[1]?.(2)
    assert.strictEqual(await second, 2)
    await new Promise((resolve) => setImmediate(resolve))
    gates[2]?.(3)
    assert.strictEqual(await fourth, 3)
  })

  it("one that fails does not stop the next", async () => {
    let count = 0
    const ask = oneAfterTheOther(async () => {
      count += 1
      if (count === 1) throw new Error("no")
      return count
    })
    const first = ask()
    const second = ask()
    assert.strictEqual(await first.catch(() => 0), 0)
    assert.strictEqual(await second, 2)
  })
})
