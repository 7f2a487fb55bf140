/**
 * Snapshots as files: what was written is what is read, and what does not verify to its end is set aside for the older one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { IndexChanges } from "../../src/store/index-changes.ts"
import type { IndexEntry } from "../../src/store/index-values.ts"
import { Snapshots } from "../../src/store/snapshot.ts"
import { readSnapshot, readSnapshotHeader, type SnapshotHeader, writeSnapshot } from "../../src/store/snapshot-file.ts"
import { MemoryIndex } from "../../src/store/store-index.ts"
import { CrashImages } from "../fault/crash-images.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"

const seed = seedOfRun("snapshots")
const storeUuid = "ef".repeat(16)
const headerAt = (appliedLsn: number): SnapshotHeader => ({
  storeUuid,
  appliedLsn,
  coveredLsn: appliedLsn - 1,
  nextSessionNumber: 4,
  nextSequence: 2 ** 41
})

const indexOf = (lsn: number, sessions: number) =>
  Effect.gen(function* () {
    const changes = new IndexChanges()
    for (let number = 1; number <= sessions; number++) {
      changes.session(number, lsn, Buffer.from(`session ${number} at ${lsn}`))
      changes.subscription(number, "a/#", lsn, Buffer.alloc(number * 7, 3))
    }
    const index = new MemoryIndex()
    yield* index.commit(changes.operations(), headerAt(lsn))
    return index
  })

const textOf = ({ key, value }: IndexEntry): string => `${key.toString("hex")} ${value.toString("hex")}`

const read = (fs: MemoryFs, path: string) =>
  Effect.gen(function* () {
    const entries: Array<string> = []
    const header = yield* readSnapshot(fs, path, (entry) => entries.push(textOf(entry)))
    return { header, entries }
  })

/** Two snapshots of a store, at 10 and at 20. */
const two = Effect.gen(function* () {
  const fs = new MemoryFs()
  const snapshots = new Snapshots(fs, "data")
  yield* snapshots.find(storeUuid)
  for (const lsn of [5, 10, 20]) yield* snapshots.make(headerAt(lsn), (yield* indexOf(lsn, 30)).entries())
  return { fs, snapshots }
})

const load = (fs: MemoryFs, uuid = storeUuid) =>
  Effect.gen(function* () {
    const snapshots = new Snapshots(fs, "data")
    yield* snapshots.find(uuid)
    let entries: Array<string> = []
    const header = yield* snapshots.load(
      () => {
        entries = []
      },
      (entry) => entries.push(textOf(entry))
    )
    return { snapshots, header, entries }
  })

describe("a snapshot", () => {
  it.effect("is read as it was written, in many steps and in one", () =>
    Effect.gen(function* () {
      for (const sessions of [0, 3, 400]) {
        const fs = new MemoryFs()
        const index = yield* indexOf(7, sessions)
        const bytes = yield* writeSnapshot(fs, "data/snap", "a.snap", headerAt(7), index.entries())
        assert.strictEqual(fs.files.get("data/snap/a.snap")?.sizeBytes, bytes)
        assert.deepEqual(yield* readSnapshotHeader(fs, "data/snap/a.snap"), headerAt(7))
        const { entries, header } = yield* read(fs, "data/snap/a.snap")
        assert.deepEqual(header, headerAt(7))
        assert.deepEqual(entries, [...index.entries()].map(textOf))
      }
    })
  )

  it.effect("with any byte changed, cut or added is none", () =>
    Effect.gen(function* () {
      const random = new Random(seed)
      const fs = new MemoryFs()
      yield* writeSnapshot(fs, "data/snap", "a.snap", headerAt(7), (yield* indexOf(7, 12)).entries())
      const whole = Buffer.from(fs.files.get("data/snap/a.snap")?.content() as Buffer)
      const damaged = [
        ...Array.from(whole, (byte, at) => {
          const bytes = Buffer.from(whole)
          bytes[at] = byte ^ (1 << random.below(8))
          return bytes
        }),
        ...Array.from({ length: 50 }, () => whole.subarray(0, random.below(whole.length))),
        Buffer.concat([whole, Buffer.alloc(1)])
      ]
      for (const bytes of damaged) {
        const other = new MemoryFs(new Map([["a.snap", bytes]]))
        assert.isUndefined((yield* read(other, "a.snap")).header, `seed ${seed}`)
      }
    })
  )
})

describe("the snapshots of a store", () => {
  it.effect("are the two newest; the newest is loaded, the older one tells what is covered", () =>
    Effect.gen(function* () {
      const { fs, snapshots } = yield* two
      assert.deepEqual(yield* fs.list("data/snap"), [`${"0".repeat(18)}10.snap`, `${"0".repeat(18)}20.snap`])
      assert.strictEqual(snapshots.coveredLsn, 9)
      const found = yield* load(fs)
      assert.strictEqual(found.snapshots.coveredLsn, 9)
      assert.strictEqual(found.snapshots.newestLsn, 20)
      assert.deepEqual(found.header, headerAt(20))
      assert.deepEqual(found.entries, [...(yield* indexOf(20, 30)).entries()].map(textOf))
    })
  )

  for (const [where, at] of [
    ["its header", 20],
    ["its middle", 900],
    ["its end", -3]
  ] as const) {
    it.effect(`damaged in ${where}: set aside, the older one is loaded, and covers nothing by itself`, () =>
      Effect.gen(function* () {
        const { fs } = yield* two
        const newest = fs.files.get(`data/snap/${"0".repeat(18)}20.snap`)
        assert.isDefined(newest)
        const bytes = newest?.content() as Buffer
        const changed = Buffer.from([(bytes.at(at) as number) ^ 4])
        newest?.write(at < 0 ? bytes.length + at : at, changed)
        const found = yield* load(fs)
        assert.deepEqual(found.header, headerAt(10))
        assert.lengthOf(found.entries, 60)
        assert.strictEqual(found.snapshots.coveredLsn, 0)
        assert.deepEqual(yield* fs.list("data/quarantine"), [`${"0".repeat(18)}20.snap`])
      })
    )
  }

  it.effect("of another store are set aside, and leftovers go", () =>
    Effect.gen(function* () {
      const { fs } = yield* two
      yield* fs.open("data/snap/x.snap.tmp", "create")
      const found = yield* load(fs, "01".repeat(16))
      assert.isUndefined(found.header)
      assert.deepEqual(yield* fs.list("data/snap"), [])
      assert.lengthOf(yield* fs.list("data/quarantine"), 2)
    })
  )

  it.effect("a power cut while one is made leaves the ones before, or it is whole", () =>
    Effect.gen(function* () {
      const { fs } = yield* two
      const random = new Random(seed)
      for (let cut = 0; cut < 200; cut++) {
        const image = new CrashImages(fs.trace).at(random.below(fs.trace.length + 1)).build(random)
        const after = new MemoryFs(image)
        const found = yield* load(after)
        assert.deepEqual(yield* after.list("data/quarantine"), [], `seed ${seed}`)
        if (found.header !== undefined) assert.lengthOf(found.entries, 60)
      }
    })
  )
})
