/**
 * Goal: every configuration key of the original is taken, as a key, a variable and a flag, and changes the effective
 * configuration; or is refused with words that name what says the same here. Nothing is ignored. (That each key does
 * something in a running broker is test/behaviour/observed-settings.test.ts.)
 * Method: documents, variables and command lines are made from config-keys.ts and flags.ts, and loaded as at a start.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ConfigInvalid } from "../../src/config/config-invalid.ts"
import type { LoadedSettings } from "../../src/config/load.ts"
import type { Problem } from "../../src/config/problem.ts"
import { valueFromText } from "../../src/settings/from-text.ts"
import { environmentName, leafByKey, settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import { ValueRefused } from "../../src/settings/setting-fault.ts"
import { run } from "../cli/recorded-world.ts"
import { load, type Written, yamlOf } from "../config/loading.ts"
import { type KeyRow, keyRows, validationRules } from "./config-keys.ts"
import { flagRows } from "./flags.ts"
import { duplicates } from "./row.ts"

const outcome = (written: Written): Promise<LoadedSettings | ConfigInvalid> =>
  Effect.runPromise(Effect.map(Effect.result(load(written)), (result) => Result.merge(result)))

const problemsOf = (loaded: LoadedSettings | ConfigInvalid): ReadonlyArray<Problem> =>
  loaded instanceof ConfigInvalid ? loaded.problems : []

const defaults = await outcome({})

const ownKey = ({ here, key }: KeyRow): string => (here.as === "alias" ? here.of : key)

/** The leaf's value, as it would be written. */
const effective = (loaded: LoadedSettings | ConfigInvalid, key: string): unknown => {
  if (loaded instanceof ConfigInvalid) return assert.fail(`${key}: ${loaded.message}`)
  const leaf = leafByKey.get(key) ?? assert.fail(`${key} is no key`)
  return leaf.spec.encode(settingValue(loaded.settings, leaf))
}

/** Text without the quotes of YAML. */
const bare = (text: string): string => text.replace(/^"(.*)"$/, "$1").replace(/^\[(.*)\]$/, "$1")

const checkTaken = (row: KeyRow, loaded: LoadedSettings | ConfigInvalid): void => {
  if (row.refused !== undefined) {
    const [code, words] = row.refused
    const problem = problemsOf(loaded).find((each) => each.code === code)
    assert.match(`${problem?.fact}`, words)
    return
  }
  assert.notDeepEqual(effective(loaded, ownKey(row)), effective(defaults, ownKey(row)), "it changes something")
}

describe("configuration keys", () => {
  it("are each listed once", () => assert.isEmpty(duplicates(keyRows.map(({ key }) => key))))

  for (const row of keyRows) {
    const { because, here, key } = row
    if (here.as === "not taken") {
      it(`${key} (${row.from}) is refused, as file and as variable: ${here.because}`, async () => {
        for (const written of [
          { file: yamlOf(key, row.example) },
          { environment: { [environmentName(key)]: row.example } }
        ]) {
          const [problem] = problemsOf(await outcome(written))
          assert.strictEqual(problem?.code, "E3404")
          assert.match(`${problem?.fix}`, /storage\.|remove it/)
          for (const [named = ""] of here.because.matchAll(/storage\.[\w.-]+\w/g))
            assert.include(`${problem?.fix}`, named)
        }
      })
      continue
    }
    it(`${key} (${row.from}) in a file`, async () => {
      const loaded = await outcome({ file: yamlOf(key, row.example) })
      checkTaken(row, loaded)
      const old = loaded.warnings.filter(({ code }) => code === "E3301")
      assert.strictEqual(old.length, here.as === "alias" ? 1 : 0)
      if (here.as === "alias") assert.include(old[0]?.fact, here.of)
    })
    it(`${key} as ${environmentName(key)}`, async () =>
      checkTaken(row, await outcome({ environment: { [environmentName(key)]: bare(row.example) } })))
    if (row.default !== undefined) {
      it(`${key} has ${because === undefined ? "the same default" : `another default than ${row.default}: ${because}`}`, () => {
        const leaf = leafByKey.get(key) ?? assert.fail(key)
        const theirs = leaf.spec.decode(valueFromText(leaf, bare(row.default ?? "")))
        assert.notInstanceOf(theirs, ValueRefused)
        const same = JSON.stringify(leaf.spec.encode(theirs)) === JSON.stringify(effectiveDefault(key))
        assert.strictEqual(same, because === undefined)
      })
    }
  }
})

/** As declared: folders are not resolved. */
const effectiveDefault = (key: string): unknown => {
  const leaf = leafByKey.get(key) ?? assert.fail(key)
  return leaf.spec.encode(leaf.spec.decode(leaf.fallback))
}

describe("command line flags", () => {
  it("are each listed once, are more than forty here, and every key but secrets has one and a variable", () => {
    assert.isEmpty(duplicates(flagRows.map(({ flag }) => flag)))
    assert.isAtLeast(settingsLeaves.length, 40)
    assert.isEmpty(duplicates(settingsLeaves.map(({ flag }) => flag)))
    assert.isEmpty(duplicates(settingsLeaves.map(({ env }) => env)))
  })

  for (const { flag, from, isOff = false, key, refused, value } of flagRows) {
    it(`--${flag} (${from}) sets ${key}`, async () => {
      const before = JSON.parse((await run(["config", "show", "--json"], { env: {} })).out)[key].value
      const spellings = isOff ? [[`--${flag}=false`], [`--no-${flag}`]] : [[`--${flag}`, value ?? []].flat()]
      for (const words of spellings) {
        const { code, err, out } = await run(["config", "show", "--json", ...words], { env: {} })
        if (refused !== undefined) {
          assert.strictEqual(code, 3)
          assert.include(err, refused)
          return
        }
        assert.strictEqual(code, 0, err)
        const shown = JSON.parse(out)[key]
        assert.deepEqual(shown.origin, { source: "flag", flag: `--${flag}` })
        assert.notDeepEqual(shown.value, before)
      }
    })
  }
})

describe("validation", () => {
  for (const [rule, document, code, key] of validationRules) {
    it(`${rule}: ${code}`, async () => {
      const found = problemsOf(await outcome({ file: `${document}\n` }))
      assert.deepEqual(
        found.map((problem) => [problem.code, problem.key]),
        [[code, key]]
      )
      assert.isNotEmpty(found[0]?.fix)
    })
  }
})
