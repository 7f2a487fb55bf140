/**
 * `store verify` and `store dump` as a user meets them: exit codes and words on good, torn, damaged, foreign, newer, empty
 * and locked stores. Neither may change a byte, which every test compares.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { encodePublishProperties } from "../../src/codec/build-publish.ts"
import { encodeSession } from "../../src/store/control-records.ts"
import { RecordType } from "../../src/wal/record.ts"
import {
  appendControl,
  appendMessage,
  contentOf,
  copyAsKilled,
  flipAt,
  flipInText,
  openStoreAt,
  segmentFiles,
  temporaryFolder,
  writeStore
} from "../store/tools/make-store.ts"
import { run } from "./recorded-world.ts"

const command = (words: ReadonlyArray<string>, folder: string) =>
  Effect.promise(async () => {
    const before = contentOf(folder)
    const ran = await run(["store", ...words, "--data-dir", folder], { workingDirectory: folder })
    assert.deepEqual(contentOf(folder), before, "a reading tool changes nothing")
    return ran
  })

/** Three topics, interleaved, in several files. */
const plantStore = (folder: string) =>
  writeStore(folder, (log) =>
    Effect.gen(function* () {
      for (let i = 0; i < 150; i++) {
        appendMessage(log, i, `plant/${"abc"[i % 3]}`, `value-${i}-${"x".repeat(200)}`)
        if (i % 10 === 9) yield* log.force
      }
    })
  )

const session = {
  clientIdentifier: "meter-7",
  number: 3,
  epoch: 1,
  expiryIntervalSeconds: 3600,
  username: undefined,
  disconnectedAtMs: 0,
  will: undefined
}

describe("store verify", () => {
  it.live("0 on a good store: every file, and what is in it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* plantStore(folder)
      const { code, err, out } = yield* command(["verify"], folder)
      assert.deepEqual([code, err], [0, ""])
      assert.match(out, /^file +state +epoch +LSN +records +size\n/)
      assert.match(out, /00000000000000000001\.0\.wal {2}ok +1 {2}1-\d+ +\d+ +\d+\.\d KiB\n/)
      assert.match(out, /\ngood: 150 records, 150 messages\n$/)
      const { segments, state, version } = JSON.parse((yield* command(["verify", "--json"], folder)).out)
      assert.deepEqual([version, state, segments.length], [1, "good", segmentFiles(folder).length])
      assert.isAbove(segments.length, 2)
      assert.isTrue(segments.at(-1).closed)
    })
  )

  it.live("0 on a torn end, and says so", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const killed = join(yield* temporaryFolder, "killed")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const log = yield* openStoreAt(folder)
          for (let i = 0; i < 5; i++) appendMessage(log, i, "a", `value-${i}`)
          yield* log.force
          copyAsKilled(folder, killed)
        })
      )
      const [file = ""] = segmentFiles(killed)
      const bytes = readFileSync(file)
      writeFileSync(file, Buffer.concat([bytes, Buffer.alloc(100, 0xab)]))
      const { code, err, out } = yield* command(["verify"], killed)
      assert.deepEqual([code, err], [0, ""])
      assert.match(out, /cut at byte \d+/)
      assert.match(out, /good: 5 records, 5 messages; a torn end that was never durable/)
      assert.strictEqual(JSON.parse((yield* command(["verify", "--json"], killed)).out).state, "cut")
    })
  )

  it.live("7 on a flipped bit: which record, of which topic, and what to do", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* plantStore(folder)
      const [, second = ""] = segmentFiles(folder)
      const hit = /value-(\d+)-/.exec(readFileSync(second).toString("latin1"))
      const lost = Number(hit?.[1])
      const topic = `plant/${"abc"[lost % 3]}`
      flipInText(second, `value-${lost}-`, 3)
      const { code, err, out } = yield* command(["verify"], folder)
      assert.strictEqual(code, 7)
      assert.match(
        out,
        new RegExp(`\\n {2}\\S+ at byte \\d+, [\\d,]+ bytes: lost LSN ${lost + 1}: ${topic} \\(1\\)\\n`)
      )
      assert.match(out, /\ndamaged: 1 record lost of 1 topic; 149 records, 149 messages\n$/)
      assert.match(err, /E7001 {2}1 record lost of 1 topic\n.*store repair; or promptmq store salvage/)
      const json = JSON.parse((yield* command(["verify", "--json"], folder)).out)
      assert.deepEqual(json.lost.topics, [{ topic, records: 1, known: true }])
      assert.strictEqual(json.state, "damaged")
    })
  )

  it.live("a flip anywhere in a record is named after its own topic or not at all, and costs one record", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* writeStore(folder, (log) => {
        for (let i = 0; i < 3; i++) appendMessage(log, i, `only/${["aa", "bb", "cc"][i]}`, `value-${i}`)
      })
      const [file = ""] = segmentFiles(folder)
      const bytes = readFileSync(file)
      const start = bytes.indexOf("only/bb") - 40 - 4
      let named = 0
      for (let at = start; at < start + 60; at++) {
        flipAt(file, at)
        const { code, out } = yield* command(["verify", "--json"], folder)
        const { lost } = JSON.parse(out)
        assert.deepEqual([code, lost.records], [7, 1], `byte ${at - start}`)
        const known = lost.topics.filter((each: { known: boolean }) => each.known)
        assert.deepEqual(known, [], "the other two topics are untouched")
        named += lost.topics.filter((each: { topic: string }) => each.topic === "only/bb").length
        writeFileSync(file, bytes)
      }
      // All but the frame's first bytes and the topic itself.
      assert.isAbove(named, 50)
    })
  )

  it.live("7 on a file whose header is gone, with the range that it held", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* plantStore(folder)
      const [, second = ""] = segmentFiles(folder)
      flipAt(second, 20)
      const once = yield* command(["verify"], folder)
      assert.strictEqual(once.code, 7)
      assert.match(once.out, /nothing lost, the same is there twice/)
      assert.match(once.out, /damaged: bytes do not verify, no record is lost; 150 records/)
      flipAt(second, 2048 + 20)
      const { code, out } = yield* command(["verify"], folder)
      assert.strictEqual(code, 7)
      assert.match(out, /damaged: \d+ records lost; \d+ records/)
      const { lost, records } = JSON.parse((yield* command(["verify", "--json"], folder)).out)
      assert.strictEqual(lost.records + records, 150)
      assert.strictEqual(lost.unnamed, lost.records)
    })
  )

  it.live("6 where there is no store, 3 on one of a later version or with another store's file", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const nothing = yield* command(["verify"], folder)
      assert.strictEqual(nothing.code, 6)
      assert.match(nothing.err, /E6001 {2}there is no store in .*\n.*--data-dir/)
      assert.notInclude(nothing.err, "storage.engine is memory here")
      const configuration = join(yield* temporaryFolder, "promptmq.yaml")
      writeFileSync(configuration, "storage:\n  engine: memory\n")
      const inMemory = yield* command(["verify", "--config", configuration], folder)
      assert.strictEqual(inMemory.code, 6)
      assert.match(inMemory.err, /storage\.engine is memory here/)

      yield* plantStore(folder)
      const other = yield* temporaryFolder
      yield* plantStore(other)
      const mixed = join(yield* temporaryFolder, "mixed")
      cpSync(folder, mixed, { recursive: true })
      cpSync(segmentFiles(other)[0] ?? "", join(mixed, "log", "00000000000000000099.0.wal"))
      const foreign = yield* command(["verify"], mixed)
      assert.strictEqual(foreign.code, 3)
      assert.match(foreign.err, /E3602 .*99\.0\.wal: the segment belongs to another store/)

      const later = join(yield* temporaryFolder, "later")
      cpSync(folder, later, { recursive: true })
      yield* writeStore(later, (log) => void appendControl(log, 77, 0, Buffer.from("?")))
      const unknown = yield* command(["verify"], later)
      assert.strictEqual(unknown.code, 3)
      assert.match(unknown.err, /E3604 .*record type 77 is unknown/)
    })
  )

  it.live("0 on a store in use, and says who uses it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const log = yield* openStoreAt(folder)
      for (let i = 0; i < 5; i++) appendMessage(log, i, "a", `value-${i}`)
      yield* log.force
      const { code, err, out } = yield* Effect.promise(() => run(["store", "verify", "--data-dir", folder]))
      assert.strictEqual(code, 0, err)
      assert.match(err, new RegExp(`the store is in use by pid ${process.pid}, since 20.*nothing is changed`))
      assert.match(out, /good: 5 records, 5 messages\n$/)
    })
  )

  it.live("3 on a configuration that is not valid, before anything is looked at", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "broker.yaml"), "storage: {data-dri: x}\n")
      const { code, err } = yield* command(["verify", "-c", join(folder, "broker.yaml")], folder)
      assert.strictEqual(code, 3)
      assert.match(err, /E3101/)
    })
  )

  it.live("finds the folders in the configuration, as the broker does", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* plantStore(join(folder, "state"))
      cpSync(join(folder, "state", "log"), join(folder, "elsewhere"), { recursive: true })
      rmSync(join(folder, "state", "log"), { recursive: true })
      const file = join(folder, "broker.yaml")
      writeFileSync(file, `storage: {engine: wal, data-dir: ${folder}/state, wal-dir: ${folder}/elsewhere}\n`)
      const { code, err, out } = yield* Effect.promise(() => run(["store", "verify", "-c", file]))
      assert.strictEqual(code, 0, err)
      assert.match(out, /good: 150 records/)
    })
  )
})

describe("store dump", () => {
  const lines = (out: string) =>
    out
      .trimEnd()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line))

  it.live("one line per record, with everything that is in it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const properties = encodePublishProperties({
        contentType: "text/plain",
        correlationData: Buffer.from([1, 255]),
        userProperties: [["a", "b"]]
      })
      yield* writeStore(folder, (log) => {
        appendMessage(log, 0, "a/b", "grüße", { qos: 2, retain: true, publisher: 3, version: 5, properties })
        appendMessage(log, 1, "a/c", Buffer.from([0xff, 0xfe]), { expiresAtMs: 1_800_000_000_000 })
        appendControl(log, RecordType.session, 3, encodeSession(session))
      })
      const { code, err, out } = yield* command(["dump"], folder)
      assert.deepEqual([code, err], [0, ""])
      const [first, second, third, ...rest] = lines(out)
      assert.deepEqual(rest, [])
      assert.match(first.place, /^00000000000000000001\.0\.wal:\d+$/)
      const head = { time: "2025-12-06T05:46:40.000Z", durable: true }
      const facts = { sequence: 0, topic: "a/b", qos: 2, retain: true, mqtt: 5, publisher: 3, payload: "grüße" }
      const standard = { contentType: "text/plain", correlationDataBase64: "Af8=", userProperties: [["a", "b"]] }
      assert.deepEqual(first, { lsn: 1, kind: "message", ...head, place: first.place, ...facts, properties: standard })
      assert.deepInclude(second, { expiresAt: "2027-01-15T08:00:00.000Z", payloadBase64: "//4=", mqtt: 3 })
      assert.deepInclude(third, { kind: "session", session: 3, clientIdentifier: "meter-7", disconnectedAt: null })
    })
  )

  it.live("filters by topic, kind, LSN, time and count", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* plantStore(folder)
      yield* writeStore(folder, (log) => void appendControl(log, RecordType.session, 3, encodeSession(session)), {
        nowMs: () => 1_765_000_100_000
      })
      const dumped = (words: ReadonlyArray<string>) =>
        Effect.map(command(["dump", ...words], folder), ({ code, err, out }) => {
          assert.strictEqual(code, 0, err)
          return lines(out).map(({ lsn }: { lsn: number }) => lsn)
        })
      assert.lengthOf(yield* dumped([]), 151)
      assert.lengthOf(yield* dumped(["-t", "plant/a"]), 50)
      assert.lengthOf(yield* dumped(["-t", "+/+"]), 150)
      assert.deepEqual(yield* dumped(["--kind", "session"]), [151])
      assert.deepEqual(yield* dumped(["--from", "10", "--to", "12"]), [10, 11, 12])
      assert.deepEqual(yield* dumped(["--limit", "2"]), [1, 2])
      assert.deepEqual(yield* dumped(["--since", "2025-12-06T05:48:00Z"]), [151])
      assert.lengthOf(yield* dumped(["--until", "2025-12-06T05:48:00Z"]), 150)
      const { out } = yield* command(["dump", "--limit", "1", "--payload", "none"], folder)
      assert.deepInclude(lines(out)[0], { payloadBytes: 208 })
    })
  )

  it.live("shows what is written and not yet durable, and passes over damage with 7", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const killed = join(yield* temporaryFolder, "killed")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const log = yield* openStoreAt(folder)
          for (let i = 0; i < 3; i++) appendMessage(log, i, "a", `value-${i}`)
          yield* log.force
          copyAsKilled(folder, killed)
        })
      )
      const { code, out } = yield* command(["dump"], killed)
      assert.deepEqual([code, lines(out).map(({ durable }) => durable)], [0, [false, false, false]])
      flipInText(segmentFiles(folder)[0] ?? "", "value-1")
      const damaged = yield* command(["dump"], folder)
      assert.deepEqual([damaged.code, lines(damaged.out).map(({ lsn }) => lsn)], [7, [1, 3]])
      assert.match(damaged.err, /E7001 {2}damaged bytes were passed over/)
    })
  )

  it.live("2 on what cannot be meant", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      for (const [words, says] of [
        [["-t", "a/#/b"], /E2002 .*'#' must be the last level/],
        [["--kind", "nonsense"], /--kind is "nonsense", it takes one of message/],
        [["--since", "yesterday"], /--since is "yesterday", it takes a time/],
        [["--payload", "hex"], /it takes one of auto, text/]
      ] as const) {
        const { code, err } = yield* command(["dump", ...words], folder)
        assert.strictEqual(code, 2)
        assert.match(err, says)
      }
    })
  )
})
