/**
 * Every preset file loads; every generated file is what would be generated now; the sample means what it says.
 */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { presetByName, presetNames, presets } from "../../src/config/presets.ts"
import { configInit } from "../../src/config/yaml.ts"
import { leafByKey, settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import { load } from "./loading.ts"
import { configFolder, generatedFiles } from "./regenerate.ts"

describe("presets", () => {
  for (const preset of presets) {
    it.effect(`config/${preset.name}.yaml loads and sets exactly its values`, () =>
      Effect.gen(function* () {
        const loaded = yield* load({ file: readFileSync(`${configFolder}${preset.name}.yaml`, "utf8") })
        for (const [key, value] of preset.values) {
          const leaf = leafByKey.get(key)
          if (leaf === undefined) return assert.fail(`${key} is no key`)
          assert.deepStrictEqual(settingValue(loaded.settings, leaf), leaf.spec.decode(value), key)
        }
        const written = [...loaded.origins].filter(([, origin]) => origin.source === "file").map(([key]) => key)
        assert.sameMembers(
          written,
          preset.values.map(([key]) => key)
        )
        assert.deepStrictEqual(
          loaded.warnings.map(({ code }) => code),
          []
        )
      })
    )

    it.effect(`config init --preset ${preset.name} means the same`, () =>
      Effect.gen(function* () {
        const short = yield* load({ file: readFileSync(`${configFolder}${preset.name}.yaml`, "utf8") })
        const full = yield* load({ file: configInit(preset) })
        const folderFree = ({ settings }: typeof short) => ({
          ...settings,
          storage: { ...settings.storage, dataDir: "", walDir: "" },
          admin: {},
          auth: { ...settings.auth, passwordFile: "" }
        })
        assert.deepStrictEqual(folderFree(full), folderFree(short))
      })
    )
  }

  it("are found by the names of config init", () => {
    for (const [short, name] of [
      ["dev", "development"],
      ["durable", "high-durability"],
      ["throughput", "high-throughput"],
      ["edge", "edge"]
    ]) {
      assert.strictEqual(presetByName(short ?? "")?.name, name)
    }
    assert.isUndefined(presetByName("nonsense"))
    assert.strictEqual(new Set(presetNames).size, presetNames.length)
  })

  it("have the original's figures", () => {
    const value = (preset: string, key: string) => presetByName(preset)?.values.find(([each]) => each === key)?.[1]
    assert.strictEqual(value("high-throughput", "storage.memory-buffer"), "1GiB")
    assert.strictEqual(value("high-throughput", "storage.wal.sync-interval"), "1s")
    assert.strictEqual(value("high-throughput", "mqtt.max-connections"), 50_000)
    // 1 MiB there, as a buffer before the disk; here it holds the index of what waits.
    assert.strictEqual(value("high-durability", "storage.memory-buffer"), "64MiB")
    assert.strictEqual(value("high-durability", "storage.wal.sync-mode"), "immediate")
    assert.strictEqual(value("balanced", "storage.wal.batch-sync-size"), 50)
    assert.strictEqual(value("cluster", "storage.compaction.max-message-age"), "4h")
  })

  it("each stand in a file, and each file is one of them", () => {
    const files = readdirSync(configFolder).filter((name) => name.endsWith(".yaml"))
    assert.sameMembers(
      files,
      presets.map(({ name }) => `${name}.yaml`)
    )
  })
})

describe("generated files", () => {
  // Biome decides about line breaks and the width of table columns; everything else counts.
  const content = (text: string) => text.replace(/\s+|-{3,}/g, "")
  for (const [name, text] of generatedFiles()) {
    it(`config/${name} is current (else: node test/config/regenerate.ts)`, () => {
      const found = readFileSync(`${configFolder}${name}`, "utf8")
      if (name.endsWith(".json")) assert.deepStrictEqual(JSON.parse(found), JSON.parse(text))
      else if (name.endsWith(".yaml")) assert.strictEqual(found, text)
      else assert.strictEqual(content(found), content(text))
    })
  }
})

describe("the sample", () => {
  it.effect("without a preset changes nothing", () =>
    Effect.gen(function* () {
      const loaded = yield* load({ file: configInit() })
      assert.isTrue([...loaded.origins.values()].every((origin) => origin.source === "default"))
      assert.deepStrictEqual(loaded.warnings, [])
    })
  )

  it.effect("shows every default: with all lines uncommented it still changes nothing", () =>
    Effect.gen(function* () {
      const uncommented = configInit().replace(
        /^( *)# ([a-z-]+:(?: \S.*)?)$/gm,
        (line, indent: string, entry: string) => (indent === "" ? line : `${indent}${entry}`)
      )
      // A setting without a default has nothing behind its colon.
      const loaded = yield* load({ file: uncommented.replace(/^ +allow-anonymous:$/m, "") })
      const unset = settingsLeaves.filter((leaf) => leaf.fallback === undefined).map((leaf) => leaf.key)
      const fromFile = [...loaded.origins].filter(([, origin]) => origin.source === "file").map(([key]) => key)
      assert.sameMembers(
        fromFile,
        settingsLeaves.map((leaf) => leaf.key).filter((key) => !unset.includes(key))
      )
      for (const leaf of settingsLeaves) {
        if (/dir$|tokens?-file$|password-file$/.test(leaf.key)) continue
        assert.deepStrictEqual(settingValue(loaded.settings, leaf), leaf.spec.decode(leaf.fallback), leaf.key)
      }
    })
  )

  it("starts with the line editors look for", () =>
    assert.strictEqual(configInit().split("\n")[0], "# yaml-language-server: $schema=./promptmq.schema.json"))
})
