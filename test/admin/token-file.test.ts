/** The token file: made once with mode 0600, used again, refused when others may touch it or it holds no token. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { openTokenFile } from "../../src/admin/token-file.ts"
import { scratchFolder } from "./support.ts"

const handWritten = "0123456789abcdef"

describe("admin token file", () => {
  it.live("is made in a new folder, owner only, with 256 random bits and nothing left beside it", () =>
    Effect.gen(function* () {
      const file = join(yield* scratchFolder, "data", "admin-token")
      const token = yield* openTokenFile(file)
      assert.match(token, /^[A-Za-z0-9_-]{43}$/)
      assert.strictEqual(readFileSync(file, "utf8"), `${token}\n`)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(statSync(dirname(file)).mode & 0o777, 0o700)
      assert.deepEqual(readdirSync(dirname(file)), ["admin-token"])
    })
  )

  it.live("is used again, and differs between two brokers", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const first = yield* openTokenFile(join(folder, "one"))
      assert.strictEqual(yield* openTokenFile(join(folder, "one")), first)
      assert.notStrictEqual(yield* openTokenFile(join(folder, "two")), first)
    })
  )

  it.live("starts at the same time agree on one token", () =>
    Effect.gen(function* () {
      const file = join(yield* scratchFolder, "admin-token")
      const starts = Array.from({ length: 20 }, () => openTokenFile(file))
      const tokens = yield* Effect.all(starts, { concurrency: "unbounded" })
      assert.strictEqual(new Set(tokens).size, 1)
      assert.deepEqual(readdirSync(dirname(file)), ["admin-token"])
    })
  )

  it.live("takes a token written by hand, also through a link", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      writeFileSync(join(folder, "secret"), `  ${handWritten}\n\n`, { mode: 0o600 })
      symlinkSync(join(folder, "secret"), join(folder, "admin-token"))
      assert.strictEqual(yield* openTokenFile(join(folder, "admin-token")), handWritten)
    })
  )

  it.live("is refused and left alone when group or others may touch it", () =>
    Effect.gen(function* () {
      const file = join(yield* scratchFolder, "admin-token")
      writeFileSync(file, handWritten)
      for (const mode of [0o640, 0o620, 0o604, 0o602, 0o610]) {
        chmodSync(file, mode)
        const error = yield* Effect.flip(openTokenFile(file))
        assert.strictEqual(error.reason, "readableByOthers")
        assert.include(error.message, `its mode is ${mode.toString(8)}`)
        assert.include(error.message, "chmod 600")
        assert.notInclude(error.message, handWritten)
        assert.strictEqual(statSync(file).mode & 0o777, mode)
      }
    })
  )

  it.live("is refused when it holds no token", () =>
    Effect.gen(function* () {
      const file = join(yield* scratchFolder, "admin-token")
      for (const content of [
        "",
        "\n",
        "too-short",
        "two words of enough length",
        "x".repeat(513),
        "ünprintable-token"
      ]) {
        writeFileSync(file, content, { mode: 0o600 })
        assert.strictEqual((yield* Effect.flip(openTokenFile(file))).reason, "noToken", content)
      }
    })
  )

  it.live("is refused when it is a folder, or cannot be made", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      mkdirSync(join(folder, "admin-token"))
      assert.strictEqual((yield* Effect.flip(openTokenFile(join(folder, "admin-token")))).reason, "notAFile")
      writeFileSync(join(folder, "file"), "")
      assert.strictEqual((yield* Effect.flip(openTokenFile(join(folder, "file", "token")))).reason, "unreachable")
    })
  )
})
