/**
 * The index in LMDB on a real disk: what a commit promises, what an unclean end, damage and a full device do to it.
 *
 * Demanded: a file, whatever happened to it, yields the entries of its last commit or is called unusable, and this process
 * lives on; a failed commit is an answer and leaves nothing behind that ends the process.
 */
import * as nodeFs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { IndexChanges } from "../../src/store/index-changes.ts"
import { type IndexMeta, openValue } from "../../src/store/index-values.ts"
import {
  createLmdb,
  type LmdbOptions,
  LmdbUnusable,
  type OpenedLmdb,
  openLmdb,
  setLmdbAside
} from "../../src/store/lmdb-index.ts"
import type { StoreIndex } from "../../src/store/store-index.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { Child } from "../support/child.ts"

const FLIPS = 12
const folder = nodeFs.mkdtempSync(path.join(os.tmpdir(), "promptmq-lmdb-"))
afterAll(() => nodeFs.rmSync(folder, { recursive: true, force: true }))
let places = 0
const newPlace = () => ({ fs: diskFs, directory: path.join(folder, String(places++)), checkFromBytes: 0 })
type Place = LmdbOptions

const metaAt = (appliedLsn: number): IndexMeta => ({
  storeUuid: "ab".repeat(16),
  appliedLsn,
  nextSessionNumber: 9,
  nextSequence: 17
})

const filled = (sessions: number, lsn: number): IndexChanges => {
  const changes = new IndexChanges()
  for (let number = 1; number <= sessions; number++) {
    changes.session(number, lsn, Buffer.from(`session ${number}`))
    changes.cursor(number, lsn, Buffer.from(`cursor ${number} at ${lsn}`))
    changes.subscription(number, "a/#", lsn, Buffer.from(`subscription of ${number}`))
    changes.subscription(number, `${"long/".repeat(200)}${number}`, lsn, Buffer.alloc(2000, number))
  }
  changes.group("$share/g/a", lsn, Buffer.from("group"))
  return changes
}

const contentOf = (index: StoreIndex): ReadonlyArray<string> =>
  [...index.entries()].map(({ key, value }) => {
    assert.isDefined(openValue(key, value))
    return `${key.toString("hex")} ${value.toString("hex")}`
  })

interface Lmdb {
  readonly nativeAddon: { getEnvFlags(address: number): number }
  open(options: object): { readonly env: { readonly address: number }; close(): Promise<void> }
}

/** lmdb.h, and lmdb-js's own. */
const UNSAFE_FLAGS = {
  noSync: 0x10000,
  noMetaSync: 0x40000,
  writeMap: 0x80000,
  mapAsync: 0x100000,
  overlappingSync: 0x1000
}

const use = <A>(place: Place, run: (opened: OpenedLmdb, place: Place) => Effect.Effect<A, unknown>, create = false) =>
  Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* create ? createLmdb(place) : openLmdb(place)
      if (opened === "absent" || opened instanceof LmdbUnusable) return opened
      return yield* run(opened, place)
    })
  )

/** A file with one commit; closed in good order, or left as a crash leaves it. */
const written = (place: Place, isClean: boolean, sessions = 20) =>
  use(
    place,
    ({ index, markClean }) =>
      Effect.gen(function* () {
        yield* index.commit(filled(sessions, 5).operations(), metaAt(5))
        if (isClean) markClean()
        return contentOf(index)
      }),
    true
  )

describe("the index in LMDB", () => {
  for (const isClean of [true, false]) {
    it.live(
      `comes back ${isClean ? "after a close in good order" : "after an unclean end"}, readable by its owner only`,
      () =>
        Effect.gen(function* () {
          const place = newPlace()
          const before = yield* written(place, isClean)
          assert.strictEqual(nodeFs.existsSync(path.join(place.directory, "CLEAN")), isClean)
          assert.strictEqual(nodeFs.statSync(path.join(place.directory, "data.mdb")).mode & 0o777, 0o600)
          const after = yield* use(place, ({ index }) => {
            assert.deepEqual(index.meta, metaAt(5))
            assert.isFalse(nodeFs.existsSync(path.join(place.directory, "CLEAN")))
            return Effect.succeed(contentOf(index))
          })
          assert.deepEqual(after, before)
          assert.strictEqual(nodeFs.existsSync(path.join(place.directory, "CLEAN")), false)
        })
    )
  }

  it.live("is absent where there is none, and unusable while nothing was committed", () =>
    Effect.gen(function* () {
      const place = newPlace()
      assert.strictEqual(yield* use(place, () => Effect.void), "absent")
      yield* use(place, () => Effect.void, true)
      assert.instanceOf(yield* use(place, () => Effect.void), LmdbUnusable)
    })
  )

  it.live("commits the classic way: pages synced before the root, nothing left to the kernel", () =>
    use(
      newPlace(),
      (_, { directory }) =>
        Effect.promise(async () => {
          const { nativeAddon, open } = (await import("lmdb")) as unknown as Lmdb
          // Opened a second time in one process, it is the same environment, with the flags it has.
          const again = open({ path: directory, overlappingSync: false })
          const flags = nativeAddon.getEnvFlags(again.env.address)
          for (const [name, flag] of Object.entries(UNSAFE_FLAGS)) assert.strictEqual(flags & flag, 0, name)
          await again.close()
        }),
      true
    )
  )

  it.live("takes more operations than one turn does, and forgets what ended", () =>
    Effect.gen(function* () {
      const place = newPlace()
      yield* use(
        place,
        ({ index }) =>
          Effect.gen(function* () {
            yield* index.commit(filled(2000, 5).operations(), metaAt(5))
            assert.lengthOf(contentOf(index), 8001)
            const changes = new IndexChanges()
            for (let number = 1; number < 2000; number++) changes.ended(number)
            changes.subscription(2000, "a/#", 6, undefined)
            changes.group("$share/g/a", 6, undefined)
            yield* index.commit(changes.operations(), metaAt(6))
            assert.lengthOf(contentOf(index), 3)
          }),
        true
      )
    })
  )
})

describe("a small index in LMDB", () => {
  it.live("that was not closed is not even looked at: it goes, and is made anew", () =>
    Effect.gen(function* () {
      const place = { ...newPlace(), checkFromBytes: undefined }
      yield* written(place, false)
      nodeFs.writeFileSync(path.join(place.directory, "data.mdb"), "nothing that one could open")
      const found = yield* use(place, () => Effect.void)
      assert.isTrue(found instanceof LmdbUnusable && found.isWorthless)
      if (found instanceof LmdbUnusable)
        yield* setLmdbAside(place, `${place.directory}-quarantine`, 1, found.isWorthless)
      assert.isFalse(nodeFs.existsSync(`${place.directory}-quarantine`))
      assert.strictEqual(yield* use(place, () => Effect.void), "absent")
    })
  )
})

describe("a damaged index in LMDB", () => {
  const seed = seedOfRun("lmdb damage")
  const random = new Random(seed)
  const damages: ReadonlyArray<readonly [string, (bytes: Buffer) => Buffer]> = [
    ...Array.from({ length: FLIPS }, (_, flip) => {
      const damage = (bytes: Buffer) => {
        const at = random.below(bytes.length)
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
        return bytes
      }
      return [`bit flip ${flip + 1}`, damage] as const
    }),
    ["cut to half", (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ["cut to nothing", () => Buffer.alloc(0)],
    ["zeroed pages", (bytes) => bytes.fill(0, 8192, 24_576)],
    ["roots zeroed", (bytes) => bytes.fill(0, 0, 8192)],
    ["a value under another key", (bytes) => swap(bytes, "cursor 1 at 5", "cursor 2 at 5")]
  ]
  for (const [name, damage] of damages) {
    it.live(`${name}: what was committed, or unusable`, () =>
      Effect.gen(function* () {
        const place = newPlace()
        const before = yield* written(place, false)
        const file = path.join(place.directory, "data.mdb")
        nodeFs.writeFileSync(file, damage(nodeFs.readFileSync(file)))
        const found = yield* use(place, ({ index }) => Effect.succeed(contentOf(index)))
        if (found instanceof LmdbUnusable) {
          yield* setLmdbAside(place, `${place.directory}-quarantine`, 1, found.isWorthless)
          assert.isTrue(nodeFs.existsSync(`${place.directory}-quarantine/index.1.mdb`))
          assert.strictEqual(yield* use(place, () => Effect.void), "absent")
        } else assert.deepEqual(found, before, `seed ${seed}`)
      })
    )
  }
})

describe("a device that takes no more", () => {
  it.live("fails the commit, keeps the one before, and leaves no rejection that ends the process", () =>
    Effect.gen(function* () {
      const place = newPlace()
      const script = fileURLToPath(new URL("lmdb-full-child.ts", import.meta.url))
      // The limit on a file's size is counted in KiB; SIGXFSZ is ignored by node, the write comes out short.
      const words = ["-c", `ulimit -f 1000 && exec "${process.execPath}" "${script}" "${place.directory}"`]
      const lines = yield* Effect.promise(() => new Child("bash", words).succeeded())
      const said = lines.filter((line) => line.startsWith("said "))
      assert.deepEqual(said, ["said failed", "said 41 entries at 5", "said alive"])
      const meta = yield* use(place, ({ index }) => Effect.succeed(index.meta))
      assert.deepEqual(meta, metaAt(5))
    })
  )
})

function swap(bytes: Buffer, one: string, other: string): Buffer {
  const at = bytes.indexOf(one)
  assert.isAtLeast(at, 0)
  bytes.write(other, at)
  return bytes
}
