/** What the real disk is asked for beyond reading and writing: folders, made where that can be and refused where it cannot. */
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { diskFs } from "../../src/wal/disk-fs.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-disk-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("making a folder", () => {
  const make = (place: string) => diskFs.makeDirectory(place)
  const refused = (place: string) => Effect.map(Effect.flip(make(place)), ({ code, operation }) => [operation, code])

  it.live("makes those above it too, for nobody else, and leaves what is there", () =>
    Effect.gen(function* () {
      const place = join(folder, "a", "b", "c")
      yield* make(place)
      for (const each of ["a", "a/b", "a/b/c"]) assert.strictEqual(statSync(join(folder, each)).mode & 0o777, 0o700)
      writeFileSync(join(place, "file"), "")
      yield* make(place)
      assert.isTrue(existsSync(join(place, "file")))
      symlinkSync(place, join(folder, "link"))
      yield* make(join(folder, "link"))
    })
  )

  it.live("answers where there is a file, or nothing can be made", () =>
    Effect.gen(function* () {
      const file = join(folder, "file")
      writeFileSync(file, "")
      assert.deepEqual(yield* refused(file), ["make-directory", "EEXIST"])
      assert.deepEqual(yield* refused(join(file, "below", "it")), ["make-directory", "EEXIST"])
      symlinkSync(join(folder, "nowhere"), join(folder, "dangling"))
      assert.deepEqual(yield* refused(join(folder, "dangling")), ["make-directory", "EEXIST"])
      // Folders of the kernel: Node's recursive mkdir never returns there.
      if (existsSync("/proc/self"))
        assert.deepEqual(yield* refused("/proc/promptmq/backup"), ["make-directory", "ENOENT"])
    })
  )
})
