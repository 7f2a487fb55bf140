/**
 * Goal: each of the forty attacks is met by a test, and the table that says which (rows.ts) stays true.
 */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { attackRows } from "./rows.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

describe("the list of attacks", () => {
  it("has forty rows, and a test for each", () => {
    assert.deepEqual(
      attackRows.map(({ row }) => row),
      Array.from({ length: 40 }, (_, i) => i + 1)
    )
    for (const { row, tests } of attackRows) assert.isNotEmpty(tests, `row ${row}`)
  })

  for (const { row, attack, tests } of attackRows)
    it(`row ${row}: ${attack}`, () => {
      for (const [file, name] of tests) {
        const titles =
          readFileSync(`${root}/${file}`, "utf8").match(/\b(it|check)[\w.]*(\([^"`]*)?\(?\s*(`[^`]*`|"[^"]*")/g) ?? []
        assert.isTrue(
          titles.some((title) => title.includes(name)),
          `${file} has no test "${name}"`
        )
      }
    })
})
