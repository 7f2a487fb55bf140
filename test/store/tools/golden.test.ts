/**
 * Stores that earlier versions wrote, and this one: whatever the format becomes, they are read as they were, by the tools
 * and by a start. test/store/golden/make.ts says what is in them.
 */
import { cpSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "../../cli/recorded-world.ts"
import { contentOf, openWholeStore, temporaryFolder } from "./make-store.ts"

const golden = fileURLToPath(new URL("../golden", import.meta.url))
const versions = readdirSync(golden).filter((name) => /^v\d+$/.test(name))

const command = (words: ReadonlyArray<string>) => Effect.promise(() => run(["store", ...words]))
const withoutTime = (text: string) => text.replace(/"exportedAt":"[^"]*"/, '"exportedAt":"now"')

describe("golden stores", () => {
  it("there is one", () => assert.include(versions, "v1"))

  for (const version of versions) {
    const expected = (name: string) => readFileSync(join(golden, version, `${name}.jsonl`), "utf8")

    it.live(`${version} is dumped and exported as it was, and verifies`, () =>
      Effect.gen(function* () {
        const folder = join(yield* temporaryFolder, "store")
        cpSync(join(golden, version, "store"), folder, { recursive: true })
        const before = contentOf(folder)
        const dumped = yield* command(["dump", "--data-dir", folder])
        assert.deepEqual([dumped.code, dumped.out.split("\n")], [0, expected("dump").split("\n")])
        const exported = yield* command(["export", "--data-dir", folder])
        assert.deepEqual([exported.code, withoutTime(exported.out).split("\n")], [0, expected("export").split("\n")])
        assert.strictEqual((yield* command(["verify", "--data-dir", folder])).code, 0)
        assert.deepEqual(contentOf(folder), before)
      })
    )

    it.live(`${version} is found whole by a start, with the index from snapshot and log, and after it`, () =>
      Effect.gen(function* () {
        const folder = join(yield* temporaryFolder, "store")
        cpSync(join(golden, version, "store"), folder, { recursive: true })
        const lines = expected("export").trimEnd().split("\n")
        const { groups, sessions } = JSON.parse(lines.at(-1) ?? "")
        for (let start = 0; start < 2; start++) {
          const found = yield* Effect.scoped(
            Effect.map(openWholeStore(folder), ({ report, sessions }) => ({
              report,
              recovered: sessions.takeRecovered()
            }))
          )
          assert.deepEqual(found.report.damages, [])
          assert.strictEqual(found.report.retained, lines.filter((line) => line.includes('"retained":true')).length)
          assert.deepEqual([found.recovered.sessions.length, found.recovered.groups.size], [sessions, groups])
          const exported = yield* command(["export", "--data-dir", folder])
          // What a start writes again was written then: only that it is durable, and when, may be another.
          const untimed = (text: string) => withoutTime(text).replace(/,"publishedAt":"[^"]*"/g, "")
          assert.deepEqual(untimed(exported.out).split("\n"), untimed(expected("export")).split("\n"))
        }
      })
    )
  }
})
