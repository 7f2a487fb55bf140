/**
 * Goal: a store of another format is never taken in silence. One that an earlier version wrote is read, raised, and said
 * to be raised, once; the way back is its export, which a new store takes; one of a later version is left alone, with both
 * versions named.
 * Method: the golden store with another number in FORMAT, both copies: a format that never was, so the test needs nothing
 * of the past and stays good for the next one.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { crc32 } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { diskFs } from "../../../src/wal/disk-fs.ts"
import { FORMAT_NAME, readFormat, STORE_VERSION } from "../../../src/wal/format-file.ts"
import { SEGMENT_HEADER_BYTES } from "../../../src/wal/segment.ts"
import { run } from "../../cli/recorded-world.ts"
import { contentOf, flipAt, openWholeStore, temporaryFolder } from "./make-store.ts"

const golden = fileURLToPath(new URL("../golden/v1/store", import.meta.url))
const COPY_BYTES = 512

/** The golden store, as if a version of that number had written it. */
const goldenOf = (version: number, features = 0) =>
  Effect.map(temporaryFolder, (parent) => {
    const folder = join(parent, "store")
    cpSync(golden, folder, { recursive: true })
    const path = join(folder, FORMAT_NAME)
    const bytes = readFileSync(path)
    for (const at of [0, COPY_BYTES]) {
      bytes.writeUInt32LE(version, at + 8)
      bytes.writeUInt32LE(features, at + 12)
      bytes.writeUInt32LE(crc32(bytes.subarray(at + 4, at + COPY_BYTES)), at)
    }
    writeFileSync(path, bytes)
    return { parent, folder }
  })

const reportOf = (folder: string) => Effect.scoped(Effect.map(openWholeStore(folder), ({ report }) => report))
const command = (words: ReadonlyArray<string>) => Effect.promise(() => run(["store", ...words]))
const lastLineOf = (text: string) => text.trimEnd().split("\n").at(-1) ?? ""

describe("a store of an earlier format", () => {
  it.live("is only read by the tools that read", () =>
    Effect.gen(function* () {
      const { folder } = yield* goldenOf(STORE_VERSION - 1)
      const before = contentOf(folder)
      for (const words of [["verify"], ["dump"], ["export"]]) {
        assert.strictEqual((yield* command([...words, "--data-dir", folder])).code, 0, words[0])
      }
      assert.deepEqual(contentOf(folder), before)
    })
  )

  it.live("is raised by the first start that reads it whole, which says so", () =>
    Effect.gen(function* () {
      const { folder } = yield* goldenOf(STORE_VERSION - 1)
      const { storeUuid, createdMs } = (yield* readFormat(diskFs, folder)) as { storeUuid: string; createdMs: number }
      const { damages, formatBefore, messages } = yield* reportOf(folder)
      assert.deepEqual([formatBefore, damages], [STORE_VERSION - 1, []])
      assert.strictEqual(
        messages,
        (yield* reportOf(yield* Effect.map(goldenOf(STORE_VERSION), (one) => one.folder))).messages
      )
      const raised = yield* readFormat(diskFs, folder)
      assert.deepEqual(raised, { version: STORE_VERSION, storeUuid, createdMs, unknownFeatures: 0 })
      assert.strictEqual((yield* reportOf(folder)).formatBefore, undefined)
    })
  )

  it.live("is left as it was by a start that refuses its damage", () =>
    Effect.gen(function* () {
      const { folder } = yield* goldenOf(STORE_VERSION - 1)
      const first = [...contentOf(folder).keys()].filter((name) => name.endsWith(".wal")).sort()[0] ?? ""
      flipAt(join(folder, first), SEGMENT_HEADER_BYTES + 64)
      assert.strictEqual((yield* Effect.flip(reportOf(folder)))._tag, "StoreRefused")
      assert.strictEqual(((yield* readFormat(diskFs, folder)) as { version: number }).version, STORE_VERSION - 1)
    })
  )

  it.live("has a way back: what is exported afterwards goes into a new store", () =>
    Effect.gen(function* () {
      const { folder, parent } = yield* goldenOf(STORE_VERSION - 1)
      yield* reportOf(folder)
      const [file, back] = [join(parent, "state.jsonl"), join(parent, "back")]
      assert.strictEqual((yield* command(["export", file, "--data-dir", folder])).code, 0)
      const imported = yield* command(["import", file, "--data-dir", back])
      assert.strictEqual(imported.code, 0, imported.err)
      const again = yield* command(["export", "--data-dir", back])
      assert.strictEqual(lastLineOf(again.out), lastLineOf(readFileSync(file, "utf8")))
      assert.match(lastLineOf(again.out), /"messages":[1-9].*"sessions":[1-9].*"groups":[1-9]/)
    })
  )
})

describe("a store of a later format", () => {
  for (const [what, version, features] of [
    ["a higher number", STORE_VERSION + 1, 0],
    ["a feature of which nothing is known", STORE_VERSION, 4]
  ] as const) {
    it.live(`${what}: nobody touches it, and both versions are named with the way over`, () =>
      Effect.gen(function* () {
        const { folder } = yield* goldenOf(version, features)
        const before = contentOf(folder)
        const refused = yield* Effect.flip(reportOf(folder))
        assert.include(refused.message, `store format ${version}`)
        for (const words of [["verify"], ["export"], ["repair"], ["compact"]]) {
          const { code, err } = yield* command([...words, "--data-dir", folder])
          assert.deepEqual([code, err.includes(`store format ${version}`)], [3, true], words[0])
          assert.match(err, /fix: .*store export.*store import/)
        }
        assert.deepEqual(contentOf(folder), before)
      })
    )
  }
})
