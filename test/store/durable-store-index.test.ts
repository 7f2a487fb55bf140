/**
 * The durable store on real files, with what may have become of its index: missing, stale, damaged, another store's, newer
 * than the log; and without any of its snapshots.
 *
 * Demanded: the index decides how long a start takes, never what it knows. Only where the log itself has lost its end does
 * the index tell more, and then that is said, and no number is given twice.
 */
import * as nodeFs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type DurableStore, openDurableStore } from "../../src/store/durable-store.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { turn, until } from "../wal/workload.ts"
import { comparable, expected, SessionLife } from "./session-life.ts"
import { lifeLog, openStoreManually, publishTo, storeOptions } from "./store-world.ts"

const seed = seedOfRun("store index")
const folder = nodeFs.mkdtempSync(path.join(os.tmpdir(), "promptmq-index-"))
afterAll(() => nodeFs.rmSync(folder, { recursive: true, force: true }))
const STEPS = 200

const at = (name: string) => path.join(folder, name)
const optionsAt = (name: string) =>
  storeOptions(diskFs, {
    dataDirectory: at(name),
    logDirectory: path.join(at(name), "log"),
    index: "lmdb",
    indexCheckFromBytes: 0,
    segmentBytes: 65_536,
    nowMs: Date.now
  })

/** Without the lock: its holder, this very process, lives. */
const copy = (from: string, to: string): void =>
  nodeFs.cpSync(at(from), at(to), { recursive: true, filter: (file) => path.basename(file) !== "LOCK" })
const remove = (name: string): void => nodeFs.rmSync(at(name), { recursive: true, force: true })

const indexed = (store: DurableStore, lsn: number) => until(() => store.indexState().appliedLsn >= lsn)

/** Copies of one store as crashes leave it: `early`, and `late` with a snapshot, more records, and all of it indexed. */
const makeStores = (name: string) =>
  Effect.gen(function* () {
    const { store } = yield* openStoreManually(optionsAt(name))
    const life = new SessionLife(new Random(seed), store.sessions, lifeLog(store))
    const live = (steps: number) =>
      Effect.gen(function* () {
        for (let step = 0; step < steps; step++) {
          life.step()
          if (step % 10 === 0) yield* turn
        }
        yield* store.log.force
      })
    yield* live(STEPS)
    yield* indexed(store, store.sessions.endGroup("none"))
    copy(name, `${name} early`)
    yield* live(STEPS)
    yield* store.snapshotNow
    yield* live(STEPS)
    yield* indexed(store, store.sessions.endGroup("none"))
    copy(name, `${name} late`)
    return { life, ticket: store.log.ticket, applied: store.indexState().appliedLsn }
  })

/** Every copy of a session's value, also those in pages that LMDB uses no more. */
const flip = (name: string): void => {
  const file = path.join(at(name), "index", "data.mdb")
  const bytes = nodeFs.readFileSync(file)
  let found = 0
  for (let body = bytes.indexOf("client "); body >= 0; body = bytes.indexOf("client ", body + 1), found++) {
    bytes[body] = (bytes[body] as number) ^ 1
  }
  assert.isAbove(found, 0)
  nodeFs.writeFileSync(file, bytes)
}

describe("a start of the durable store", () => {
  const started = (name: string) =>
    Effect.gen(function* () {
      const { close, store } = yield* openStoreManually(optionsAt(name))
      return { store, close, recovered: store.sessions.takeRecovered() }
    })

  /** Made once: what each case changes is a copy. */
  let made: Promise<Effect.Success<ReturnType<typeof makeStores>>> | undefined
  const first = Effect.promise(() => {
    made ??= Effect.runPromise(makeStores("first"))
    return made
  })
  const inIndex = (name: string) => path.join(name, "index")
  const cases: ReadonlyArray<readonly [string, DurableStore["report"]["index"], (name: string) => void]> = [
    ["as it was left", "used", () => {}],
    ["missing", "rebuilt from snapshot", (name) => remove(inIndex(name))],
    ["damaged", "rebuilt from snapshot", flip],
    ["stale, older than the snapshot", "rebuilt from snapshot", (name) => swapIndex(name, "first early")],
    ["another store's", "rebuilt from snapshot", (name) => swapIndex(name, "other")],
    [
      "missing, no snapshots",
      "rebuilt from the log",
      (name) => {
        remove(inIndex(name))
        remove(path.join(name, "snap"))
      }
    ],
    [
      "stale, no snapshots",
      "used",
      (name) => {
        swapIndex(name, "first early")
        remove(path.join(name, "snap"))
      }
    ]
  ]
  for (const [name, report, change] of cases) {
    it.live(`knows the same with the index ${name}`, () =>
      Effect.gen(function* () {
        const { life, ticket } = yield* first
        const truth = life.truths[life.ticket]
        assert.isDefined(truth)
        if (truth === undefined) return
        if (name === "another store's") {
          yield* Effect.scoped(openDurableStore({ ...optionsAt("other"), randomHex: () => "77".repeat(16) }))
        }
        copy("first late", name)
        change(name)
        const { close, recovered, store } = yield* started(name)
        assert.strictEqual(store.log.ticket, ticket)
        assert.strictEqual(store.report.index, report)
        assert.deepEqual(store.report.damages, [])
        assert.deepEqual(comparable(recovered), expected(truth), `seed ${seed}`)
        yield* close
        // The next one finds the index whole, and clean.
        assert.isTrue(nodeFs.existsSync(path.join(at(inIndex(name)), "CLEAN")))
        const again = yield* started(name)
        assert.strictEqual(again.store.report.index, "used")
        assert.isTrue(again.store.report.wasClosed)
        assert.deepEqual(comparable(again.recovered), expected(truth), `again, seed ${seed}`)
        yield* again.close
      })
    )
  }

  it.live("says so when the log's end is gone, and gives no number twice", () =>
    Effect.gen(function* () {
      const { life, applied } = yield* makeStores("second")
      const name = "log's end gone"
      copy("second late", name)
      remove(path.join(name, "log"))
      copy(path.join("second early", "log"), path.join(name, "log"))
      const { close, recovered, store } = yield* started(name)
      assert.strictEqual(store.report.index, "used")
      assert.isAbove(store.report.damages.length, 0)
      assert.isAtLeast(store.log.ticket, applied)
      const truth = life.truths[life.ticket]
      assert.isAtLeast(store.log.next, truth?.nextSequence ?? Number.POSITIVE_INFINITY)
      assert.deepEqual(
        new Set(recovered.sessions.map(({ session }) => session.number)),
        new Set(truth?.sessions.keys())
      )
      assert.isAtLeast(publishTo(store.log, { topic: "a" }), truth?.nextSequence ?? Number.POSITIVE_INFINITY)
      yield* close
    })
  )
})

function swapIndex(name: string, from: string): void {
  remove(path.join(name, "index"))
  copy(path.join(from, "index"), path.join(name, "index"))
}
