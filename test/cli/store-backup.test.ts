/**
 * `store backup` and `store restore`: what is restored is what was there, record by record, also when a writer appended
 * meanwhile; and neither ever overwrites, or takes a backup that is not as it was.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { backupLive } from "../../src/store/tools/backup.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import {
  appendMessage,
  contentOf,
  flipAt,
  flipInText,
  NOW_MS,
  openStoreAt,
  placeOf,
  segmentFiles,
  temporaryFolder,
  writeStore
} from "../store/tools/make-store.ts"
import { run } from "./recorded-world.ts"

const command = (words: ReadonlyArray<string>) => Effect.promise(() => run(["store", ...words]))

/** LSN, kind, topic and payload of every record, as dump tells them. */
const recordsOf = (folder: string) =>
  Effect.map(command(["dump", "--data-dir", folder]), ({ code, err, out }) => {
    assert.strictEqual(code, 0, err)
    return out
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const { kind, lsn, payload, sequence, topic } = JSON.parse(line)
        return { kind, lsn, payload, sequence, topic }
      })
  })

const someStore = (folder: string, count = 120) =>
  writeStore(folder, (log) =>
    Effect.gen(function* () {
      for (let i = 0; i < count; i++) {
        appendMessage(log, i, `plant/${i % 3}`, `value-${i}-${"x".repeat(200)}`)
        if (i % 10 === 9) yield* log.force
      }
    })
  )

describe("store backup and restore", () => {
  it.live("give back every record of a stopped store, files for the owner alone", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [data, copy, again] = [join(folder, "data"), join(folder, "copy"), join(folder, "again")]
      yield* someStore(data)
      mkdirSync(join(data, "snap"))
      const before = contentOf(data)
      const backed = yield* command(["backup", copy, "--data-dir", data])
      assert.strictEqual(backed.code, 0, backed.err)
      assert.match(backed.out, /copy: \d+ files, .* KiB, up to LSN 120, 120 records\n$/)
      assert.match(backed.err, /to restore it: promptmq store restore .*copy --data-dir/)
      assert.deepEqual(contentOf(data), before, "a backup changes nothing")

      const restored = yield* command(["restore", copy, "--data-dir", again])
      assert.strictEqual(restored.code, 0, restored.err)
      assert.match(restored.out, /again: \d+ files, .* 120 records, as of 20\d\d-/)
      assert.deepEqual(yield* recordsOf(again), yield* recordsOf(data))
      assert.deepEqual(readdirSync(again).sort(), ["FORMAT", "log"])
      assert.strictEqual(statSync(again).mode & 0o777, 0o700)
      for (const file of [...segmentFiles(again), join(copy, "MANIFEST.json")]) {
        assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      }
      assert.strictEqual((yield* command(["verify", "--data-dir", again])).code, 0)
    })
  )

  it.live("of a store in use: whole frames up to what is durable, while a writer appends and files rotate", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [data, again] = [join(folder, "data"), join(folder, "again")]
      const log = yield* openStoreAt(data)
      let sequence = 0
      const append = (count: number) => {
        for (let i = 0; i < count; i++) appendMessage(log, sequence, "a", `value-${sequence++}-${"x".repeat(150)}`)
      }
      append(100)
      const live = {
        durableLsn: () => log.appender.durableLsn,
        force: log.force,
        withoutCompaction: <A, E>(effect: Effect.Effect<A, E>) => effect
      }
      const writing = yield* Effect.forkChild(
        Effect.forever(
          Effect.suspend(() => {
            append(sequence < 4000 ? 7 : 0)
            return log.force
          })
        )
      )
      for (let round = 0; round < 5; round++) {
        const copy = join(folder, `copy-${round}`)
        const report = yield* backupLive(diskFs, placeOf(data), live, copy, () => NOW_MS)
        assert.isFalse(report.isDamaged)
        assert.isAtLeast(report.records, 100)
        const { code, err } = yield* command(["restore", copy, "--data-dir", `${again}-${round}`])
        assert.strictEqual(code, 0, err)
        const found = yield* recordsOf(`${again}-${round}`)
        assert.strictEqual(found.length, report.records)
        found.forEach(({ lsn, payload }, i) => {
          assert.deepEqual([lsn, payload], [i + 1, `value-${i}-${"x".repeat(150)}`])
        })
      }
      yield* Fiber.interrupt(writing)
    })
  )

  it.live("8 without an admin API to ask, when the store is in use", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const data = join(folder, "data")
      yield* openStoreAt(data)
      const words = ["backup", join(folder, "copy"), "--data-dir", data]
      const { code, err } = yield* command(words)
      assert.strictEqual(code, 8)
      assert.match(
        err,
        new RegExp(`E8002 {2}the store is in use by pid ${process.pid}, .*its admin token cannot be read`)
      )
      assert.isFalse(existsSync(join(folder, "copy")))
    })
  )

  it.live("1 into a folder that holds something, and nothing is touched", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [data, copy] = [join(folder, "data"), join(folder, "copy")]
      yield* someStore(data, 5)
      mkdirSync(copy)
      writeFileSync(join(copy, "mine"), "")
      const refused = yield* command(["backup", copy, "--data-dir", data])
      assert.strictEqual(refused.code, 1)
      assert.match(refused.err, /E1303 .*copy is not empty: it holds mine\n/)
      rmSync(copy, { recursive: true })
      yield* command(["backup", copy, "--data-dir", data])
      const before = contentOf(data)
      const restored = yield* command(["restore", copy, "--data-dir", data])
      assert.strictEqual(restored.code, 1)
      assert.match(restored.err, /E1303 .*data is not empty: it holds FORMAT/)
      assert.deepEqual(contentOf(data), before)
    })
  )

  it.live("7 on a backup that is not as it was, in whatever file, and nothing is written", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [data, copy, again] = [join(folder, "data"), join(folder, "copy"), join(folder, "again")]
      yield* someStore(data)
      yield* command(["backup", copy, "--data-dir", data])
      const { files } = JSON.parse(readFileSync(join(copy, "MANIFEST.json"), "utf8"))
      assert.isAtLeast(files.length, 3)
      for (const { path } of files) {
        const bytes = readFileSync(join(copy, path))
        flipAt(join(copy, path), bytes.length - 1)
        const flipped = yield* command(["restore", copy, "--data-dir", again])
        assert.strictEqual(flipped.code, 7)
        assert.match(flipped.err, new RegExp(`E7001 .*${path.replaceAll(".", "\\.")} is not as it was`))
        rmSync(join(copy, path))
        assert.match((yield* command(["restore", copy, "--data-dir", again])).err, /is missing/)
        writeFileSync(join(copy, path), bytes)
      }
      assert.isFalse(existsSync(again))
      writeFileSync(join(copy, "MANIFEST.json"), '{"promptmq":"backup"}')
      assert.strictEqual((yield* command(["restore", copy, "--data-dir", again])).code, 7)
      rmSync(join(copy, "MANIFEST.json"))
      const unfinished = yield* command(["restore", copy, "--data-dir", again])
      assert.strictEqual(unfinished.code, 6)
      assert.match(unfinished.err, /E6001 .*is no backup: it has no MANIFEST\.json/)
      assert.isFalse(existsSync(again))
    })
  )

  it.live("a manifest cannot name files outside of its folder", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [data, copy] = [join(folder, "data"), join(folder, "copy")]
      yield* someStore(data, 5)
      yield* command(["backup", copy, "--data-dir", data])
      const file = join(copy, "MANIFEST.json")
      const manifest = JSON.parse(readFileSync(file, "utf8"))
      manifest.files[0].path = "log/../../../secret"
      writeFileSync(file, JSON.stringify(manifest))
      assert.strictEqual((yield* command(["restore", copy, "--data-dir", join(folder, "again")])).code, 7)
    })
  )

  it.live("7 for a damaged store: the backup is made, and restored only when that is wanted", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [data, copy, again] = [join(folder, "data"), join(folder, "copy"), join(folder, "again")]
      yield* someStore(data)
      flipInText(segmentFiles(data)[0] ?? "", "value-3-")
      const backed = yield* command(["backup", copy, "--data-dir", data])
      assert.strictEqual(backed.code, 7)
      assert.match(backed.err, /the store is damaged, and so is this backup/)
      const refused = yield* command(["restore", copy, "--data-dir", again])
      assert.strictEqual(refused.code, 7)
      assert.match(refused.err, /was damaged when this backup was made\n.*--accept-damage/)
      assert.strictEqual((yield* command(["restore", copy, "--data-dir", again, "--accept-damage"])).code, 7)
      assert.strictEqual(JSON.parse((yield* command(["verify", "--json", "--data-dir", again])).out).lost.records, 1)
    })
  )

  it.live("what an interrupted restore left is begun anew", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [data, copy, again] = [join(folder, "data"), join(folder, "copy"), join(folder, "again")]
      yield* someStore(data, 5)
      yield* command(["backup", copy, "--data-dir", data])
      mkdirSync(join(again, "restoring"), { recursive: true })
      writeFileSync(join(again, "restoring", "half"), "")
      const { code, err } = yield* command(["restore", copy, "--data-dir", again])
      assert.strictEqual(code, 0, err)
      assert.lengthOf(yield* recordsOf(again), 5)
    })
  )
})
