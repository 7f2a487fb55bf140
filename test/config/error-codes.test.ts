/**
 * Every code that the source can report is explained, and every explained configuration code is reported.
 */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { errorCodes } from "../../src/config/error-codes.ts"

const folders = ["settings", "config", "listener", "cli", "access"]
  .map((room) => `../../src/${room}/`)
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))

const codesInSource = new Set(
  folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".ts") && name !== "error-codes.ts")
      .flatMap((name) => readFileSync(folder + name, "utf8").match(/"E\d{4}"/g) ?? [])
      .map((quoted) => quoted.slice(1, -1))
  )
)

describe("error codes", () => {
  it("each one in the source has a text", () =>
    assert.deepStrictEqual(
      [...codesInSource].filter((code) => errorCodes[code] === undefined),
      []
    ))

  it("each text of a configuration code is used", () => {
    const unused = Object.keys(errorCodes).filter((code) => code.startsWith("E3") && !codesInSource.has(code))
    assert.deepStrictEqual(unused, [])
  })

  for (const [code, { title, text, fix }] of Object.entries(errorCodes)) {
    it(`${code} says what, why and what to do`, () => {
      // The first digit is the exit code; 3xx within E3 are the warnings and say so.
      assert.match(code, /^E[1-8]\d{3}$/)
      assert.match(title, /^[A-Z]/)
      assert.isAbove(text.length, 40)
      assert.match(fix, /\.$|\bping\.$/)
      if (/^E33/.test(code)) assert.include(title, "(warning)")
    })
  }
})
