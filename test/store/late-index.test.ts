/**
 * An index whose file is made at its first commit: nothing before, everything after, closed by its scope.
 */
import * as nodeFs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { IndexChanges } from "../../src/store/index-changes.ts"
import { LateIndex } from "../../src/store/late-index.ts"
import { LmdbUnusable, openLmdb } from "../../src/store/lmdb-index.ts"
import type { StoreIndex } from "../../src/store/store-index.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { StoreFault } from "../../src/wal/store-fs.ts"

const folder = nodeFs.mkdtempSync(path.join(os.tmpdir(), "promptmq-late-"))
afterAll(() => nodeFs.rmSync(folder, { recursive: true, force: true }))
const placeOf = (name: string) => ({ fs: diskFs, directory: path.join(folder, name), checkFromBytes: 0 })
const meta = { storeUuid: "ab".repeat(16), appliedLsn: 7, nextSessionNumber: 2, nextSequence: 3 }

const lsnOf = (index: StoreIndex) => index.meta?.appliedLsn

const changes = () => {
  const made = new IndexChanges()
  made.session(1, 7, Buffer.from("body"))
  return made
}

describe("an index that is made late", () => {
  it.live("touches no file before its first commit, and makes room once", () =>
    Effect.gen(function* () {
      const place = placeOf("one")
      let madeRoom = 0
      yield* Effect.scoped(
        Effect.gen(function* () {
          const index = yield* LateIndex.make(
            place,
            Effect.sync(() => void madeRoom++)
          )
          assert.isUndefined(lsnOf(index))
          assert.deepStrictEqual([...index.entries()], [])
          index.markClean()
          assert.isFalse(nodeFs.existsSync(place.directory))
          yield* index.commit(changes().operations(), meta)
          yield* index.commit(new IndexChanges().operations(), { ...meta, appliedLsn: 8 })
          assert.strictEqual(lsnOf(index), 8)
          assert.lengthOf([...index.entries()], 1)
          index.markClean()
        })
      )
      assert.strictEqual(madeRoom, 1)
      assert.isTrue(nodeFs.existsSync(path.join(place.directory, "CLEAN")))
      const opened = yield* Effect.scoped(openLmdb(place))
      if (opened === "absent" || opened instanceof LmdbUnusable) return assert.fail("it cannot be opened")
      assert.strictEqual(opened.index.meta?.appliedLsn, 8)
    })
  )

  it.live("is in memory where there can be no file", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const place = placeOf("two")
        const fault = new StoreFault({ operation: "unlink", path: place.directory, code: "EROFS", cause: undefined })
        const index = yield* LateIndex.make(place, Effect.fail(fault))
        yield* index.commit(changes().operations(), meta)
        assert.strictEqual(index.meta?.appliedLsn, 7)
        assert.lengthOf([...index.entries()], 1)
        assert.isFalse(nodeFs.existsSync(place.directory))
      })
    )
  )
})
