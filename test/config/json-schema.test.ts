/**
 * The JSON Schema: every key with its type, every preset valid, typical mistakes invalid.
 *
 * The validator below knows exactly the draft-07 words that the schema uses and fails on any other, so that
 * a new word cannot pass unchecked.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { jsonSchema } from "../../src/config/json-schema.ts"
import { spellings } from "../../src/config/key-names.ts"
import { presets } from "../../src/config/presets.ts"
import { configInit } from "../../src/config/yaml.ts"
import { settingsLeaves } from "../../src/settings/leaves.ts"
import { configFolder } from "./regenerate.ts"

type Node = Readonly<Record<string, unknown>>

const annotations = ["$schema", "title", "description", "default", "deprecationMessage"]

const typeOf = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  return Number.isInteger(value) ? "integer" : typeof value
}

const errorsOf = (schema: Node, value: unknown, path: string): ReadonlyArray<string> =>
  Object.entries(schema).flatMap(([word, rule]): ReadonlyArray<string> => {
    const fail = [`${path}: ${word}`]
    switch (word) {
      case "type":
        return [rule].flat().includes(typeOf(value)) ? [] : fail
      case "enum":
        return (rule as ReadonlyArray<unknown>).includes(value) ? [] : fail
      case "minimum":
        return typeof value !== "number" || value >= (rule as number) ? [] : fail
      case "maximum":
        return typeof value !== "number" || value <= (rule as number) ? [] : fail
      case "pattern":
        return typeof value !== "string" || new RegExp(rule as string).test(value) ? [] : fail
      case "items":
        return Array.isArray(value) ? value.flatMap((item) => errorsOf(rule as Node, item, `${path}[]`)) : []
      case "properties":
        return Object.entries((value ?? {}) as Node).flatMap(([key, child]) => {
          const property = (rule as Record<string, Node>)[key]
          return property === undefined ? [`${path}.${key}: unknown`] : errorsOf(property, child, `${path}.${key}`)
        })
      case "required":
        return (rule as ReadonlyArray<string>).flatMap((key) =>
          Object.hasOwn((value ?? {}) as Node, key) ? [] : [`${path}: without ${key}`]
        )
      case "additionalProperties":
        // Checked with `properties`.
        return rule === false ? [] : [`${path}: additionalProperties must be false`]
      default:
        return annotations.includes(word) ? [] : [`${path}: unknown word ${word}`]
    }
  })

const validate = (text: string) => errorsOf(jsonSchema(), parse(text), "")

describe("the JSON Schema", () => {
  it("is draft-07 and has every key, the old spellings marked", () => {
    const schema = jsonSchema()
    assert.strictEqual(schema["$schema"], "http://json-schema.org/draft-07/schema#")
    for (const spelling of spellings.values()) {
      let node: Node | undefined = schema
      for (const segment of spelling.key.split(".")) node = (node?.["properties"] as Record<string, Node>)?.[segment]
      assert.isDefined(node?.["type"], spelling.key)
      assert.strictEqual(node?.["deprecationMessage"] !== undefined, spelling.isAlias, spelling.key)
    }
    assert.isAtLeast(spellings.size, settingsLeaves.length)
  })

  for (const preset of presets) {
    it(`accepts config/${preset.name}.yaml and its long form`, () => {
      assert.deepStrictEqual(validate(readFileSync(`${configFolder}${preset.name}.yaml`, "utf8")), [])
      assert.deepStrictEqual(validate(configInit(preset)), [])
    })
  }

  it("accepts every default as written", () => {
    const uncommented = configInit().replace(/^( +)# ([a-z-]+: \S.*)$/gm, "$1$2")
    assert.deepStrictEqual(validate(uncommented), [])
    assert.include(uncommented, "\n  max-qos: 2\n")
  })

  for (const [text, error] of [
    ["server:\n  tsl: true\n", ".server.tsl: unknown"],
    ["mqtt:\n  max-qos: 3\n", ".mqtt.max-qos: maximum"],
    ["mqtt:\n  max-qos: high\n", ".mqtt.max-qos: type"],
    ["server:\n  read-timeout: 30\n", ".server.read-timeout: maximum"],
    ["server:\n  read-timeout: soon\n", ".server.read-timeout: pattern"],
    ["mqtt:\n  max-packet-size: 2M\n", ".mqtt.max-packet-size: pattern"],
    ["storage:\n  wal:\n    sync-mode: imediate\n", ".storage.wal.sync-mode: enum"],
    ["server:\n  bind: [1]\n", ".server.bind[]: type"],
    ["topics:\n  policies: [{ max-bytes: 1MiB }]\n", ".topics.policies[]: without filter"],
    ["topics:\n  policies:\n    - filter: a\n      max-massages: 1\n", ".topics.policies[].max-massages: unknown"],
    ["topics:\n  policies: [{ filter: a, replay: soon }]\n", ".topics.policies[].replay: pattern"]
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.deepStrictEqual(validate(text), [error]))
  }
})
