/** The inventory is whole, and the tests that it names are there. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { repository } from "../cli/recorded-world.ts"
import { inventory } from "./inventory.ts"

describe("the inventory", () => {
  it("has each paragraph once, in order", () => {
    assert.deepEqual(
      inventory.map(({ item }) => item),
      Array.from({ length: 28 }, (_, i) => `A${i + 1}`)
    )
  })

  for (const { item, notTaken, tests, what } of inventory) {
    it(`${item}: ${what}${notTaken === undefined ? "" : `; not taken: ${notTaken}`}`, () => {
      for (const test of tests) assert.isTrue(existsSync(join(repository, test)), test)
    })
  }
})
