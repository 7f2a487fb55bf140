/** Changing run-time settings: every value judged by its own decoder and by the rules, all problems told, all or nothing. */
import { assert, describe, it } from "@effect/vitest"
import { type ChangeVerdict, changeSettings, wireValue } from "../../src/admin/change-settings.ts"
import { leafByKey, settingsLeaves } from "../../src/settings/leaves.ts"
import type { Settings } from "../../src/settings/settings.ts"
import { knownSettings, startSettings } from "./support.ts"

function change(
  wanted: Readonly<Record<string, unknown>>,
  current: Settings = startSettings,
  originOf: (key: string) => string = () => "default"
): ChangeVerdict {
  return changeSettings({ ...knownSettings(), current: () => current, originOf }, wanted)
}

function refusals(wanted: Readonly<Record<string, unknown>>): ReadonlyArray<readonly [string | undefined, string]> {
  const verdict = change(wanted)
  return "refused" in verdict ? verdict.refused.map((entry) => [entry.key, entry.code]) : assert.fail("accepted")
}

describe("change of settings", () => {
  it("answers new settings and leaves the old ones as they were", () => {
    const verdict = change({ "log.level": "debug", "server.max-outgoing-bytes": "8MiB" })
    if (!("accepted" in verdict)) return assert.fail("refused")
    assert.strictEqual(verdict.accepted.settings.log.level, "debug")
    assert.strictEqual(verdict.accepted.settings.server.maxOutgoingBytes, 8 * 1024 * 1024)
    assert.deepEqual(
      verdict.accepted.changed.map(({ key }) => key),
      ["server.max-outgoing-bytes", "log.level"]
    )
    assert.strictEqual(startSettings.log.level, "info")
    assert.deepEqual(verdict.accepted.settings.mqtt, startSettings.mqtt)
  })

  it("does not count a value that is the same as a change", () => {
    const verdict = change({
      "log.level": "info",
      "server.max-outgoing-bytes": 4 * 1024 * 1024
    })
    assert.deepEqual("accepted" in verdict ? verdict.accepted.changed : undefined, [])
  })

  it("tells all problems, and takes nothing when there is one", () => {
    assert.deepEqual(
      refusals({
        "log.level": "debug",
        "log.levle": "debug",
        "server.bind": ["127.0.0.1:1"],
        "mqtt.max-packet-size": "1B"
      }).map(([key]) => key),
      ["log.levle", "server.bind", "mqtt.max-packet-size"]
    )
    assert.deepEqual(refusals({ "server.bind": [] }), [["server.bind", "E3501"]])
  })

  it("suggests the setting that was meant", () => {
    const verdict = change({ "log.levle": "debug", zzzzzzzzzz: 1, ["__proto__"]: 1 })
    assert.deepEqual("refused" in verdict ? verdict.refused : undefined, [
      { code: "E3101", key: "log.levle", fact: "there is no such setting", fix: 'did you mean "log.level"?' },
      { code: "E3101", key: "zzzzzzzzzz", fact: "there is no such setting", fix: "GET /api/v1/settings lists all" },
      { code: "E3101", key: "__proto__", fact: "there is no such setting", fix: "GET /api/v1/settings lists all" }
    ])
  })

  it("asks the rules over several settings about the result, and whether a value was written", () => {
    const capped = { "mqtt.max-keep-alive": 30 }
    const asDefault = change(capped)
    assert.deepEqual("accepted" in asDefault ? asDefault.accepted.changed : undefined, [
      { key: "mqtt.keep-alive", value: 30 },
      { key: "mqtt.max-keep-alive", value: 30 }
    ])
    const asWritten = change(capped, startSettings, (key) =>
      key === "mqtt.keep-alive" ? "broker.yaml:3:5" : "default"
    )
    assert.deepEqual("refused" in asWritten ? asWritten.refused.map(({ key, code }) => [key, code]) : undefined, [
      ["mqtt.max-keep-alive", "E3203"]
    ])
    assert.deepEqual(refusals({ ...capped, "mqtt.keep-alive": 31 }), [["mqtt.keep-alive", "E3203"]])
  })

  it("every live setting takes its own value back", () => {
    const live = settingsLeaves.filter((leaf) => leaf.live)
    assert.isAbove(live.length, 5)
    for (const leaf of live) {
      const verdict = change({ [leaf.key]: wireValue(startSettings, leaf) })
      assert.deepEqual("accepted" in verdict ? verdict.accepted.changed : verdict, [], leaf.key)
    }
  })

  it("the setting that turns the log up is live", () => {
    assert.isTrue(leafByKey.get("log.level")?.live)
  })
})
