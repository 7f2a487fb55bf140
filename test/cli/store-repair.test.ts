/**
 * `store repair`, `store salvage` and `store reindex` on damaged stores: what verified is there afterwards, what was
 * damaged lies in quarantine/, and a start finds nothing wrong.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { encodeCursor, encodeSession, encodeSubscription } from "../../src/store/control-records.ts"
import { writeSnapshot } from "../../src/store/snapshot-file.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { RecordType } from "../../src/wal/record.ts"
import {
  appendControl,
  appendMessage,
  contentOf,
  flipAt,
  flipInText,
  openStoreAt,
  segmentFiles,
  temporaryFolder,
  writeStore
} from "../store/tools/make-store.ts"
import { run } from "./recorded-world.ts"

const command = (words: ReadonlyArray<string>) => Effect.promise(() => run(["store", ...words]))

const someStore = (folder: string) =>
  writeStore(folder, (log) =>
    Effect.gen(function* () {
      appendControl(
        log,
        RecordType.session,
        1,
        encodeSession({
          clientIdentifier: "meter-1",
          number: 1,
          epoch: 1,
          expiryIntervalSeconds: 3600,
          username: undefined,
          disconnectedAtMs: 0,
          will: undefined
        })
      )
      const interval = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionIdentifier: 0 }
      appendControl(
        log,
        RecordType.subscribe,
        1,
        encodeSubscription("plant/#", {
          intervals: [{ ...interval, from: 0, to: Number.POSITIVE_INFINITY }],
          retainedBelow: -1
        })
      )
      appendControl(log, RecordType.cursor, 1, encodeCursor({ cursor: 5, open: [], incoming: [], retained: [] }))
      for (let i = 0; i < 120; i++) {
        appendMessage(log, i, `plant/${i % 3}`, `value-${i}-${"x".repeat(200)}`, { retain: i % 7 === 0 })
        if (i % 10 === 9) yield* log.force
      }
    })
  )

const payloadsOf = (folder: string) =>
  Effect.map(command(["dump", "--kind", "message", "--data-dir", folder]), ({ out }) =>
    out
      .split("\n")
      .filter(Boolean)
      .map((line) => /value-(\d+)/.exec(JSON.parse(line).payload)?.[1])
  )

/** An empty one: of sessions it knows nothing, which is then what is true. */
function addSnapshot(folder: string, appliedLsn: number) {
  mkdirSync(join(folder, "snap"))
  const storeUuid = readFileSync(join(folder, "FORMAT")).toString("hex", 32, 48)
  const header = { storeUuid, appliedLsn, coveredLsn: appliedLsn, nextSequence: 120, nextSessionNumber: 2 }
  const name = `${String(appliedLsn).padStart(20, "0")}.snap`
  return writeSnapshot(diskFs, join(folder, "snap"), name, header, [])
}

/** Ways to damage a store: each takes the folder and answers how many messages are lost at least. */
const damages: Readonly<Record<string, (folder: string) => void>> = {
  "a flipped bit in a record": (folder) => void flipInText(segmentFiles(folder)[1] ?? "", "value-", 3),
  "a flipped bit in the last file": (folder) => void flipInText(segmentFiles(folder).at(-1) ?? "", "value-", 3),
  "one header copy": (folder) => flipAt(segmentFiles(folder)[1] ?? "", 20),
  "both header copies of a file in the middle": (folder) => {
    flipAt(segmentFiles(folder)[1] ?? "", 20)
    flipAt(segmentFiles(folder)[1] ?? "", 2068)
  },
  "both header copies of the first file": (folder) => {
    flipAt(segmentFiles(folder)[0] ?? "", 20)
    flipAt(segmentFiles(folder)[0] ?? "", 2068)
  },
  "both header copies of the last file": (folder) => {
    flipAt(segmentFiles(folder).at(-1) ?? "", 20)
    flipAt(segmentFiles(folder).at(-1) ?? "", 2068)
  },
  "everything in a file but its header": (folder) => {
    const file = segmentFiles(folder)[1] ?? ""
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0x55, 4096))
  },
  "a file that is gone": (folder) => rmSync(segmentFiles(folder)[1] ?? ""),
  "the end that a snapshot knows of": (folder) => {
    rmSync(segmentFiles(folder).at(-1) ?? "")
  },
  "all files, but a snapshot is there": (folder) => {
    for (const file of segmentFiles(folder)) rmSync(file)
  },
  "a last file that breaks off in what a snapshot knows of": (folder) => {
    truncateSync(segmentFiles(folder).at(-1) ?? "", 9000)
  },
  "a file cut in the middle": (folder) => truncateSync(segmentFiles(folder)[1] ?? "", 9000),
  FORMAT: (folder) => writeFileSync(join(folder, "FORMAT"), Buffer.alloc(1024, 1))
}

describe("store repair", () => {
  for (const [name, damage] of Object.entries(damages)) {
    it.live(`after ${name}: verify is good, what verified is there, nothing was deleted`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        yield* someStore(folder)
        const whole = contentOf(folder)
        if (name.includes("snapshot")) yield* addSnapshot(folder, 123)
        damage(folder)
        const before = contentOf(folder)
        assert.strictEqual((yield* command(["verify", "--data-dir", folder])).code, 7)
        const good = yield* payloadsOf(folder)

        const { code, err, out } = yield* command(["repair", "--data-dir", folder])
        assert.strictEqual(code, 0, err)
        assert.match(out, name === "FORMAT" ? /^nothing to repair|^repaired/ : /^repaired: \d+ records? lost/)
        const verified = yield* command(["verify", "--data-dir", folder])
        assert.strictEqual(verified.code, 0, verified.out)
        assert.deepEqual(yield* payloadsOf(folder), good)

        const after = new Set(contentOf(folder).values())
        const damaged = [...before].filter(([file, bytes]) => /^\/log\/\d/.test(file) && whole.get(file) !== bytes)
        for (const [file, bytes] of damaged) assert.isTrue(after.has(bytes), `${file} is kept whole`)
        const again = yield* command(["repair", "--data-dir", folder])
        assert.deepEqual([again.code, again.out], [0, "nothing to repair\n"])
        const log = yield* Effect.scoped(
          Effect.map(openStoreAt(folder, { onCorruption: "refuse" }), ({ report }) => report)
        )
        assert.deepEqual(log.damages, [])
        assert.deepEqual(yield* payloadsOf(folder), good)
      })
    )
  }

  it.live("keeps the damaged file whole in quarantine/, and says where", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* someStore(folder)
      const [, file = ""] = segmentFiles(folder)
      flipInText(file, "value-", 3)
      const bytes = readFileSync(file)
      const { err, out } = yield* command(["repair", "--data-dir", folder])
      assert.strictEqual(out, "repaired: 1 record lost\n")
      const name = `00000000000000000002.0.wal.0.${bytes.length}`
      assert.include(err, `kept: ${folder}/quarantine/${name}\n`)
      assert.deepEqual(readFileSync(join(folder, "quarantine", name)), bytes)
      assert.isTrue(existsSync(join(folder, "log", "00000000000000000002.1.wal")))
      assert.isFalse(existsSync(file))
    })
  )

  it.live("takes a snapshot that does not verify out of the way", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* someStore(folder)
      mkdirSync(join(folder, "snap"))
      writeFileSync(join(folder, "snap", "00000000000000000007.snap"), "no snapshot")
      const verified = yield* command(["verify", "--data-dir", folder])
      assert.strictEqual(verified.code, 7)
      assert.match(verified.out, /snapshot 00000000000000000007\.snap does not verify/)
      assert.strictEqual((yield* command(["repair", "--data-dir", folder])).code, 0)
      assert.strictEqual((yield* command(["verify", "--data-dir", folder])).code, 0)
      assert.deepEqual(readdirSync(join(folder, "quarantine")), ["00000000000000000007.snap"])
    })
  )

  it.live("8 while somebody uses the store, which stays as it is", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* openStoreAt(folder)
      for (const words of [["repair"], ["reindex"], ["salvage", "--to", join(folder, "to")], ["export"]]) {
        const { code, err } = yield* command([...words, "--data-dir", folder])
        assert.strictEqual(code, 8, words[0])
        assert.match(err, new RegExp(`E8002 .*in use by pid ${process.pid}, since 20`))
      }
    })
  )
})

describe("store salvage", () => {
  for (const [name, damage] of Object.entries(damages)) {
    it.live(`after ${name}: a new store with everything that verifies, the old one untouched`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const to = join(yield* temporaryFolder, "new")
        yield* someStore(folder)
        if (name.includes("snapshot")) yield* addSnapshot(folder, 123)
        damage(folder)
        const before = contentOf(folder)
        const good = yield* payloadsOf(folder)
        const { code, err, out } = yield* command(["salvage", "--to", to, "--data-dir", folder])
        assert.strictEqual(code, 0, err)
        const hasSession = !name.includes("snapshot") && name !== "both header copies of the first file"
        assert.match(
          out,
          new RegExp(`^${to}: ${good.length} messages, ${hasSession ? 1 : 0} sessions?, 0 groups; \\d+ records? lost`)
        )
        assert.deepEqual(contentOf(folder), before)
        const verified = yield* command(["verify", "--data-dir", to])
        assert.strictEqual(verified.code, 0, verified.out)
        assert.deepEqual(yield* payloadsOf(to), good)
        if (!hasSession) return
        const { sessions } = JSON.parse((yield* command(["stats", "--json", "--data-dir", to])).out)
        const waiting = good.filter((value) => Number(value) >= 5).length
        assert.deepInclude(sessions[0], { clientIdentifier: "meter-1", subscriptions: 1, behind: waiting })
      })
    )
  }

  it.live("refuses a folder that holds something, and no folder at all", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* someStore(folder)
      const refused = yield* command(["salvage", "--to", folder, "--data-dir", folder])
      assert.strictEqual(refused.code, 1)
      assert.match(refused.err, /E1303 .*is not empty/)
      const missing = yield* command(["salvage", "--data-dir", folder])
      assert.strictEqual(missing.code, 2)
      assert.match(missing.err, /--to is missing/)
    })
  )
})

describe("store reindex", () => {
  it.live("sets the index aside and makes it anew; a start then uses it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* someStore(folder)
      const first = yield* command(["reindex", "--data-dir", folder])
      assert.strictEqual(first.code, 0, first.err)
      assert.match(first.out, /^index made anew from the log: 1 session, 1 subscription, \d+ ms\n$/)
      assert.isAbove(statSync(join(folder, "index", "data.mdb")).size, 0)
      writeFileSync(join(folder, "index", "data.mdb"), "no index")
      const second = yield* command(["reindex", "--json", "--data-dir", folder])
      assert.strictEqual(second.code, 0, second.err)
      assert.deepInclude(JSON.parse(second.out), { version: 1, sessions: 1, subscriptions: 1 })
      assert.match(readdirSync(join(folder, "quarantine")).join(), /^index\.\d+\.mdb$/)
      assert.strictEqual((yield* command(["verify", "--data-dir", folder])).code, 0)
    })
  )
})
