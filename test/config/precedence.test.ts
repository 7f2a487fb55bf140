/**
 * For every setting: default < file < variable < flag, and the origin names the place that won.
 *
 * The original broker failed here for every key: flags and variables had no effect at all. The values of the
 * three layers differ from each other and, where a setting has enough values, from the default.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { formatOrigin } from "../../src/config/origin.ts"
import { yamlValue } from "../../src/config/yaml-text.ts"
import { type Leaf, leafByKey, settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import type { WireValue } from "../../src/settings/setting.ts"
import { ValueRefused } from "../../src/settings/setting-fault.ts"
import { load, problemsOf, yamlOf } from "./loading.ts"

type Three = readonly [WireValue, WireValue, WireValue]

/** Settings whose text has a form of its own. */
const special: Readonly<Record<string, Three>> = {
  "auth.chain": [["jwt"], ["password-file", "http"], ["password-file"]],
  "auth.http.url": ["https://a.example", "https://b.example/x", "http://127.0.0.1:1"],
  "auth.jwt.jwks-url": ["https://a.example", "https://b.example/x", "http://127.0.0.1:1"],
  "auth.jwt.algorithms": [["RS256"], ["ES256", "EdDSA"], ["HS256"]],
  "auth.ldap.url": ["ldap://a.example", "ldaps://b.example:1", "ldap://127.0.0.1"],
  "auth.ldap.user-filter": ["(a=b)", "(c=d)", "(e=f)"],
  "auth.ldap.group-filter": ["(a=b)", "(c=d)", "(e=f)"],
  "auth.ldap.group-attribute": ["a", "b", "c"],
  "auth.fall-through": [["jwt"], ["psk", "http"], ["password-file"]],
  "server.ws-paths": [["/a"], ["/b", "/c"], ["/d"]],
  "server.ws-origins": [["https://a.example"], ["https://b.example", "http://c.example"], ["https://d.example"]],
  "server.proxy-trusted": [["10.0.0.0/8"], ["192.0.2.1/32", "2001:db8::/32"], ["127.0.0.1/32"]],
  "limits.exempt-addresses": [["10.0.0.0/8"], ["192.0.2.1/32", "2001:db8::/32"], ["127.0.0.1/32"]],
  "server.unix-bind": [["/a"], ["/b", "/c"], ["/d"]],
  "server.unix-mode": ["0600", "0660", "0777"],
  "metrics.path": ["/a", "/b", "/c"],
  "admin.bind": ["127.0.0.1:2001", "127.0.0.1:2002", "[::1]:2003"],
  "metrics.bind": [["127.0.0.1:2001"], ["127.0.0.1:2002", "127.0.0.1:2004"], ["[::1]:2003"]],
  "metrics.topics": [["a/#"], ["b", "c/+"], ["#"]],
  "tracing.topics": [["a/#"], ["b", "c/+"], ["#"]],
  "tracing.endpoint": ["http://a:1/v1/traces", "https://b/v1/traces", "http://[::1]:2/"],
  "tracing.sample-ratio": ["0", "0.25", "1"],
  "cluster.bind": ["127.0.0.1:2001", "127.0.0.1:2002", "[::1]:2003"],
  "cluster.node-id": ["node-a", "node-b", "node-c"]
}

/** What cannot be had, or not alone: the one value that is accepted, the refused one, and its code. */
const refused: Readonly<Record<string, readonly [accepted: string, refused: string, code: string]>> = {
  "server.tls": ["false", "true", "E3201"],
  "server.forwarded-for": ["false", "true", "E3241"],
  "server.proxy-protocol": ["", "tcp", "E3241"],
  "cluster.enabled": ["false", "true", "E3402"],
  "storage.engine": ["memory", "sqlite", "E3404"]
}

const valuesFor = (leaf: Leaf): Three => {
  const own = special[leaf.key]
  if (own !== undefined) return own
  const { minimum = 0, maximum = 0 } = leaf
  switch (leaf.kind) {
    case "boolean":
      return [leaf.fallback !== true, leaf.fallback === true, leaf.fallback !== true]
    case "integer":
    case "size":
    case "duration":
      return [minimum, maximum, Math.floor((minimum + maximum) / 2)].map(leaf.spec.encode) as unknown as Three
    case "choice":
      return [leaf.choices?.at(-1), leaf.choices?.[0], leaf.choices?.[1]]
    case "list":
      return [["127.0.0.1:2001"], ["127.0.0.1:2002", "[::1]:2002"], ["localhost:2003"]]
    case "text":
      return ["/first", "/second", "/third"]
    case "records":
      return [[{ filter: "a" }], [{ filter: "b/#", "max-messages": 7 }], [{ filter: "c", acknowledge: "written" }]]
  }
}

const asText = (value: WireValue): string =>
  Array.isArray(value) ? (typeof value[0] === "object" ? JSON.stringify(value) : value.join(",")) : String(value)

describe("default < file < variable < flag", () => {
  for (const leaf of settingsLeaves.filter(({ key, secret }) => !(key in refused) && !secret)) {
    it.effect(leaf.key, () =>
      Effect.gen(function* () {
        const [inFile, inVariable, inFlag] = valuesFor(leaf)
        const file = yamlOf(leaf.key, yamlValue(inFile))
        const environment = { [leaf.env]: asText(inVariable) }
        const flags = { [leaf.key]: asText(inFlag) }
        const column = (leaf.path.length - 1) * 2 + 1
        const layers = [
          { written: { file }, value: inFile, origin: `broker.yaml:${leaf.path.length}:${column}` },
          { written: { file, environment }, value: inVariable, origin: leaf.env },
          { written: { file, environment, flags }, value: inFlag, origin: `--${leaf.flag}` },
          { written: { file, flags }, value: inFlag, origin: `--${leaf.flag}` }
        ]
        for (const { written, value, origin } of layers) {
          const loaded = yield* load(written)
          const expected = leaf.spec.decode(value)
          assert.isFalse(expected instanceof ValueRefused)
          assert.deepStrictEqual(settingValue(loaded.settings, leaf), expected)
          const found = loaded.origins.get(leaf.key)
          assert.strictEqual(found && formatOrigin(found), origin)
          const others = [...loaded.origins].filter(([key, { source }]) => key !== leaf.key && source !== "default")
          assert.deepStrictEqual(others, [])
        }
      })
    )
  }

  for (const [key, [accepted, refusedValue, code]] of Object.entries(refused)) {
    it.effect(`${key}: ${refusedValue} is refused where it is written, and can be overridden`, () =>
      Effect.gen(function* () {
        const leaf = leafByKey.get(key)
        if (leaf === undefined) return assert.fail(key)
        const file = yamlOf(key, refusedValue)
        const inFile = yield* problemsOf({ file })
        assert.include(
          inFile.map((problem) => problem.code),
          code
        )
        const value = { line: 2, column: leaf.path.at(-1)?.length ? `  ${leaf.path.at(-1)}: `.length + 1 : 0 }
        const problem = inFile.find((each) => each.code === code)
        assert.deepStrictEqual(problem?.place, { file: "broker.yaml", ...value })
        const loaded = yield* load({ file, environment: { [leaf.env]: accepted } })
        assert.deepStrictEqual(loaded.origins.get(key), { source: "environment", environment: leaf.env })
        const byFlag = yield* problemsOf({ environment: { [leaf.env]: accepted }, flags: { [key]: refusedValue } })
        assert.deepStrictEqual(byFlag.find((each) => each.code === code)?.place, { flag: `--${leaf.flag}` })
      })
    )
  }

  it.effect("without anything every origin is the default", () =>
    Effect.gen(function* () {
      const loaded = yield* load({})
      assert.deepStrictEqual(
        [...loaded.origins.keys()],
        settingsLeaves.map((leaf) => leaf.key)
      )
      assert.isTrue([...loaded.origins.values()].every((origin) => origin.source === "default"))
      assert.deepStrictEqual(loaded.warnings, [])
      assert.isUndefined(loaded.file)
    })
  )
})
