/**
 * Effective settings: the YAML reads back to the same settings, the JSON names value and origin of each key.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { showJson, showYaml } from "../../src/config/show.ts"
import { settingsLeaves } from "../../src/settings/leaves.ts"
import { load } from "./loading.ts"

const written = {
  file: 'server:\n  bind: ["127.0.0.1:2001", "[::1]:2001"]\nmqtt:\n  max-packet-size: 1048576\n',
  environment: { PROMPTMQ_MQTT_KEEP_ALIVE: "30", PROMPTMQ_STORAGE_DATA_DIR: "/data" },
  flags: { "log.level": "debug" }
}

describe("show", () => {
  it.effect("as YAML with origins", () =>
    Effect.gen(function* () {
      const text = showYaml(yield* load(written), { origin: true })
      for (const line of [
        '  bind: ["127.0.0.1:2001", "[::1]:2001"]  # broker.yaml:2:3',
        "  max-packet-size: 1MiB  # broker.yaml:4:3",
        "  keep-alive: 30  # PROMPTMQ_MQTT_KEEP_ALIVE",
        "  level: debug  # --log-level",
        "  max-qos: 2  # default",
        '  data-dir: "/data"  # PROMPTMQ_STORAGE_DATA_DIR',
        '  wal-dir: "/data/log"  # default',
        "    sync-mode: immediate  # default"
      ]) {
        assert.include(text.split("\n"), line)
      }
    })
  )

  it.effect("without origins it reads back to the same settings", () =>
    Effect.gen(function* () {
      const loaded = yield* load(written)
      const text = showYaml(loaded, { origin: false })
      assert.notInclude(text, "broker.yaml")
      const again = yield* load({ file: text })
      assert.deepStrictEqual(again.settings, loaded.settings)
    })
  )

  it.effect("as JSON, every key once", () =>
    Effect.gen(function* () {
      const shown = showJson(yield* load(written))
      assert.deepStrictEqual(
        Object.keys(shown),
        settingsLeaves.map((leaf) => leaf.key)
      )
      assert.deepStrictEqual(shown["mqtt.max-packet-size"], {
        value: "1MiB",
        origin: { source: "file", file: "broker.yaml", line: 4, column: 3 },
        live: true
      })
      assert.deepStrictEqual(shown["auth.allow-anonymous"], { value: null, origin: { source: "default" }, live: false })
      assert.deepStrictEqual(JSON.parse(JSON.stringify(shown)), shown)
    })
  )
})
