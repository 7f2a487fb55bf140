/**
 * Logging: whatever a stranger's value holds, one entry is one line and shows no secret; the three shapes;
 * a level that changes while fibers run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import { type LogFields, valueLengthMax } from "../../src/telemetry/log-entry.ts"
import { formatEntry, type LogFormat, logFormatFor } from "../../src/telemetry/log-format.ts"
import { Log, type LogLevelSetting, loggingLayer, RAISED_CLIENTS_MAX } from "../../src/telemetry/logging.ts"

const atMs = Date.UTC(2026, 10, 20, 10, 0, 0, 7)
const formats: ReadonlyArray<LogFormat> = ["json", "text", "console"]

function line(format: LogFormat, message: string, fields: LogFields = {}, cause?: string): string {
  return formatEntry(format, { atMs, level: "info", message, fields, cause }, { colour: false })
}

function recordingLog(level: LogLevelSetting, format: LogFormat = "text"): { log: Log; lines: Array<string> } {
  const lines: Array<string> = []
  const write = (text: string): void => void lines.push(text)
  return { log: new Log({ format, level, colour: false, write, wallClockMs: () => atMs }), lines }
}

describe("log formats", () => {
  it("json, text and console show the same entry", () => {
    const fields = { client: "c1", peer: "127.0.0.1:5000", qos: 1, clean: true, gone: undefined, list: ["a", 2] }
    assert.deepEqual(JSON.parse(line("json", "client connected", fields)), {
      time: "2026-11-20T10:00:00.007Z",
      level: "info",
      message: "client connected",
      client: "c1",
      peer: "127.0.0.1:5000",
      qos: 1,
      clean: true,
      list: ["a", 2]
    })
    assert.strictEqual(
      line("text", "client connected", fields),
      'time=2026-11-20T10:00:00.007Z level=info message="client connected" client=c1 peer=127.0.0.1:5000 qos=1 clean=true list=["a",2]\n'
    )
    assert.strictEqual(
      line("console", "client connected", fields),
      '10:00:00.007  info   client connected  client=c1 peer=127.0.0.1:5000 qos=1 clean=true list=["a",2]\n'
    )
  })

  it("auto is console on a terminal and json elsewhere", () => {
    assert.strictEqual(logFormatFor("auto", true), "console")
    assert.strictEqual(logFormatFor("auto", false), "json")
    assert.strictEqual(logFormatFor("text", true), "text")
  })

  it("a client identifier with a line feed cannot forge a line", () => {
    const forged = 'x"\ntime=2026 level=info message="admin logged in'
    assert.strictEqual(
      line("text", "connected", { client: forged }),
      'time=2026-11-20T10:00:00.007Z level=info message=connected client="x\\"\\ntime=2026 level=info message=\\"admin logged in"\n'
    )
    assert.strictEqual(JSON.parse(line("json", "connected", { client: forged })).client, forged)
  })

  it("one entry is one line of printable characters, for any text, and json gives the text back", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("\u202e\u2066evil", "\u2028\u2029", "\x1b[2J\x07", "\u0085\u009b", "\ud800", "a\r\nb", "\u200b")
    )
    fc.assert(
      fc.property(text, text, fc.constantFrom(...formats), (message, value, format) => {
        const printed = line(format, message, { value, [value]: 1 })
        assert.strictEqual(printed.indexOf("\n"), printed.length - 1)
        assert.notMatch(printed.slice(0, -1), /[\p{C}\p{Zl}\p{Zp}]/u)
        if (format === "json" && value.length <= valueLengthMax) {
          const entry = JSON.parse(printed)
          assert.strictEqual(entry.message, message)
          assert.strictEqual(entry.value, value === "value" ? 1 : value)
        }
      })
    )
  })

  it("a field cannot pose as the entry's own time, level or message", () => {
    const entry = JSON.parse(line("json", "m", { level: "fatal", time: "now", message: "other", "a b": 1 }))
    assert.deepInclude(entry, { level: "info", message: "m", level_: "fatal", time_: "now", message_: "other", a_b: 1 })
  })

  it("shows no secrets and no bytes, at any depth", () => {
    const fields = {
      password: "hunter2",
      options: { adminToken: "hunter2", nested: { Authorization: "Bearer hunter2" } },
      payload: Buffer.from("hunter2"),
      redacted: Redacted.make("hunter2"),
      "token-file": "/data/admin-token"
    }
    for (const format of formats) {
      const printed = line(format, "m", fields)
      assert.notInclude(printed, "hunter2")
      assert.include(printed, "(7 bytes)")
      assert.include(printed, "/data/admin-token")
    }
  })

  it("bounds long values, wide and deep objects", () => {
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, "v"]))
    const cyclic: Record<string, unknown> = {}
    cyclic["self"] = cyclic
    for (const format of formats) {
      assert.isBelow(line(format, "m".repeat(65_535)).length, 1200)
      assert.isBelow(line(format, "m", {}, "x".repeat(65_535)).length, 8400)
      const printed = line(format, "m", { long: "x".repeat(65_535), wide, cyclic })
      assert.isBelow(printed.length, 2500)
      assert.include(printed, `(${65_535 - valueLengthMax} more)`)
    }
  })

  it("a cause is one line in text and json, and cannot leave its margin on the console", () => {
    const cause = "Error: no\n    at x\n10:00:00.007  info   forged\r\x1b[A"
    assert.strictEqual(line("text", "m", {}, cause).indexOf("\n"), line("text", "m", {}, cause).length - 1)
    const [, ...rest] = line("console", "m", {}, cause).trimEnd().split("\n")
    assert.strictEqual(rest.length, 3)
    for (const each of rest) assert.match(each, /^ {2}\| \P{C}*$/u)
  })
})

describe("log", () => {
  it("writes at its level and above, panic meaning fatal", () => {
    const { log, lines } = recordingLog("warn")
    log.write("info", "no")
    log.write("warn", "yes")
    log.setLevel("panic")
    log.write("error", "no")
    log.write("fatal", "yes")
    assert.strictEqual(lines.length, 2)
    assert.isTrue(lines.every((each) => each.includes("message=yes")))
  })

  it.effect("is where Effect's log goes: fields, annotations, causes", () => {
    const { log, lines } = recordingLog("info", "json")
    return Effect.gen(function* () {
      yield* Effect.logInfo("client connected", { client: "c1" }).pipe(Effect.annotateLogs({ listener: "tcp" }))
      yield* Effect.logError("loop died", Cause.die(new Error("boom")))
      const entries = lines.map((each) => JSON.parse(each))
      assert.deepInclude(entries[0], { level: "info", message: "client connected", client: "c1", listener: "tcp" })
      assert.deepInclude(entries[1], { level: "error", message: "loop died" })
      assert.include(entries[1].cause, "boom")
    }).pipe(Effect.provide(loggingLayer(log)))
  })

  it.effect("a changed level reaches a fiber that runs already", () => {
    const { log, lines } = recordingLog("info")
    return Effect.gen(function* () {
      yield* Effect.logDebug("before")
      assert.strictEqual(lines.length, 0)
      log.setLevel("debug")
      yield* Effect.logDebug("after")
      assert.strictEqual(lines.length, 1)
      log.setLevel("error")
      yield* Effect.logWarning("too little")
      assert.strictEqual(lines.length, 1)
    }).pipe(Effect.provide(loggingLayer(log)))
  })
})

describe("a level for a time", () => {
  const raised = () => {
    const lines: Array<string> = []
    let nowMs = 0
    const write = (text: string): void => void lines.push(text)
    const log = new Log({ format: "text", level: "warn", colour: false, write, wallClockMs: () => nowMs })
    const said = (level: "debug" | "info" | "warn", clientIdentifier?: string): boolean => {
      const before = lines.length
      log.write(level, "x", { clientIdentifier })
      return lines.length > before
    }
    return { log, said, at: (ms: number) => (nowMs = ms) }
  }

  it("holds for all entries until its end, and the setting stays what it is", () => {
    const { at, log, said } = raised()
    assert.isTrue(log.raise({ clientIdentifier: undefined, level: "debug", untilMs: 100 }))
    assert.isTrue(said("debug"))
    assert.strictEqual(log.level, "warn")
    at(100)
    assert.isFalse(said("debug"), "RAISE-1")
    assert.isFalse(log.isEnabled("debug"))
    assert.isEmpty(log.raises)
    assert.isTrue(said("warn"))
  })

  it("of one client is of that client alone, beside one of all, each with its own end", () => {
    const { at, log, said } = raised()
    log.raise({ clientIdentifier: "c1", level: "debug", untilMs: 100 })
    assert.isTrue(log.isEnabled("debug"), "fields are put together")
    assert.deepEqual(
      [said("debug", "c1"), said("debug", "c2"), said("debug"), said("warn", "c2")],
      [true, false, false, true]
    )
    log.raise({ clientIdentifier: undefined, level: "info", untilMs: 50 })
    assert.deepEqual([said("debug", "c1"), said("info", "c2"), said("debug", "c2")], [true, true, false])
    assert.deepEqual(
      log.raises.map(({ clientIdentifier, level }) => [clientIdentifier, level]),
      [
        [undefined, "info"],
        ["c1", "debug"]
      ]
    )
    at(50)
    assert.deepEqual([said("debug", "c1"), said("info", "c2")], [true, false])
    log.setLevel("error")
    assert.deepEqual([said("debug", "c1"), said("warn", "c2")], [true, false])
    assert.isTrue(log.endRaise("c1"))
    assert.isFalse(log.endRaise("c1"))
    assert.isFalse(said("debug", "c1"))
  })

  it("is of so many clients and no more", () => {
    const { at, log } = raised()
    const raise = (clientIdentifier: string, untilMs = 100) => log.raise({ clientIdentifier, level: "debug", untilMs })
    for (let i = 0; i < RAISED_CLIENTS_MAX; i++) assert.isTrue(raise(`c${i}`))
    assert.isFalse(raise("one more"))
    assert.isTrue(raise("c1", 200), "again is not more")
    at(100)
    assert.isTrue(raise("one more", 200), "RAISE-1")
  })

  it("can make the log quieter", () => {
    const { log, said } = raised()
    log.raise({ clientIdentifier: undefined, level: "fatal", untilMs: 100 })
    assert.isFalse(said("warn"))
  })
})
