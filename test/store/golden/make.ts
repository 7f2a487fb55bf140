/**
 * Makes the golden store of the format that this version writes: `node test/store/golden/make.ts`. Run once per format
 * version, into a folder of its own; what an earlier version wrote is never made again, that is the point of it.
 *
 * Everything that can be in a store is in it: messages of both versions and all QoS, properties, expiry, retained values
 * set, superseded and cleared, sessions with will, options and closed intervals, shared groups, every step of QoS 2, a
 * snapshot, a compacted file, a gap told by SEG-DROP, two epochs, and an end without CLOSE.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { buildPublish, encodePublishProperties } from "../../../src/codec/build-publish.ts"
import { PublishView } from "../../../src/codec/publish-view.ts"
import { viewTrusted } from "../../../src/codec/read-publish.ts"
import { Compactor } from "../../../src/store/compactor.ts"
import type { DurableStore } from "../../../src/store/durable-store.ts"
import type { SavedSession } from "../../../src/store/ports.ts"
import { diskFs } from "../../../src/wal/disk-fs.ts"
import { run } from "../../cli/recorded-world.ts"
import { Random } from "../../fault/random.ts"
import { copyAsKilled, openWholeStore } from "../tools/make-store.ts"

const VERSION = "v1"
const NOW_MS = 1_765_000_000_000
const SEGMENT_BYTES = 16_384
const random = new Random(42)
const randomHex = (bytes: number): string => random.hex(bytes)

const open = (folder: string) => openWholeStore(folder, { segmentBytes: SEGMENT_BYTES, nowMs: () => NOW_MS, randomHex })

const view = new PublishView()

interface Message {
  readonly topic: string
  readonly payload: string
  readonly qos?: number
  readonly retain?: boolean
  readonly version?: 4 | 5
  readonly publisher?: number
  readonly packetIdentifier?: number
  readonly expiresAtMs?: number
}

function append({ log }: DurableStore, message: Message): number {
  const {
    expiresAtMs,
    packetIdentifier = 0,
    payload,
    publisher = 0,
    qos = 1,
    retain = false,
    topic,
    version = 5
  } = message
  const properties = encodePublishProperties({ contentType: "text/plain", userProperties: [["k", "v"]] })
  const frame = buildPublish(version, topic, Buffer.from(payload), qos, retain, properties)
  viewTrusted(view, frame, 0, frame.length, version === 5)
  const holder = { bytes: Buffer.from(topic), logTopic: -1, logStamp: 0 }
  return log.append(view, holder, publisher, expiresAtMs ?? Number.POSITIVE_INFINITY, packetIdentifier)
}

const meter: SavedSession = {
  clientIdentifier: "meter-ü",
  number: 1,
  epoch: 2,
  expiryIntervalSeconds: 3600,
  username: "ann",
  disconnectedAtMs: 0,
  will: {
    topic: "wills/meter",
    isVersion5: true,
    frame: buildPublish(5, "wills/meter", Buffer.from("gone"), 1, true, Buffer.alloc(0)),
    delaySeconds: 30
  }
}
const reader: SavedSession = {
  clientIdentifier: "reader",
  number: 2,
  epoch: 1,
  expiryIntervalSeconds: Number.POSITIVE_INFINITY,
  username: undefined,
  disconnectedAtMs: NOW_MS - 5000,
  will: undefined
}
const options = { qos: 2, noLocal: true, retainAsPublished: false, subscriptionIdentifier: 7 }

/** First epoch: much that nobody needs later, in several files. */
const first = (folder: string) =>
  Effect.gen(function* () {
    const store = yield* open(folder)
    const { log, sessions } = store
    sessions.saveSession(meter)
    sessions.saveSession(reader)
    sessions.saveSubscription(1, "plant/+", {
      intervals: [{ ...options, from: 0, to: Number.POSITIVE_INFINITY }],
      retainedBelow: -1
    })
    for (let i = 0; i < 60; i++) {
      append(store, { topic: `plant/${i % 4}`, payload: `old ${i} ${"-".repeat(400)}`, retain: i < 8 })
      if (i % 6 === 5) yield* log.force
    }
    sessions.saveCursor(1, { cursor: log.next, open: [], incoming: [], retained: [] })
    yield* log.force
    yield* store.snapshotNow
    yield* store.snapshotNow
    const compactor = new Compactor({
      fs: diskFs,
      logDirectory: join(folder, "log"),
      quarantineDirectory: join(folder, "quarantine"),
      storeUuid: store.storeUuid,
      epoch: log.wal.epoch,
      segmentBytes: SEGMENT_BYTES,
      settings: () => ({
        maxWalSizeBytes: 1,
        maxMessageAgeMs: 1,
        checkIntervalMs: 1,
        batchSize: 10,
        concurrentWorkers: 1,
        maxCopyRateBytes: 8 * 1_048_576
      }),
      target: log,
      roots: { prepare: () => Effect.succeed({ neededFrom: () => Number.POSITIVE_INFINITY, held: [] }) },
      ensureSnapshot: (lsn) => Effect.orElseSucceed(store.ensureSnapshot(lsn), () => 0),
      dropped: log.wal.dropped,
      nowMs: () => NOW_MS,
      randomHex
    })
    yield* compactor.pass
  })

/** Second epoch: everything that a session can be in the middle of; its end is a kill. */
const second = (folder: string, killed: string) =>
  Effect.gen(function* () {
    const store = yield* open(folder)
    const { log, sessions } = store
    const from = log.next
    const closed = { ...options, qos: 1, from: 0, to: from + 2 }
    sessions.saveSubscription(2, "plant/#", {
      intervals: [closed, { ...options, from: from + 2, to: Number.POSITIVE_INFINITY }],
      retainedBelow: from
    })
    sessions.saveSubscription(2, "$share/team/plant/1", {
      intervals: [{ ...options, noLocal: false, from, to: Number.POSITIVE_INFINITY }],
      retainedBelow: -1
    })
    sessions.saveSubscription(2, "left/#", {
      intervals: [{ ...options, from, to: Number.POSITIVE_INFINITY }],
      retainedBelow: -1
    })
    sessions.endSubscription(2, "left/#")
    append(store, { topic: "plant/0", payload: "new value", retain: true })
    append(store, { topic: "plant/1", payload: "", retain: true })
    append(store, { topic: "plant/1", payload: "for the team", qos: 2, version: 4 })
    append(store, { topic: "plant/2", payload: "grüße", qos: 2, publisher: 1, packetIdentifier: 17 })
    append(store, { topic: "plant/3", payload: "soon over", expiresAtMs: NOW_MS + 60_000 })
    append(store, { topic: "plant/3", payload: "\u0001\ufffd", qos: 2 })
    yield* log.force
    const exchange = { kind: "ordinary" as const, filter: "" }
    sessions.saveCursor(2, {
      cursor: from + 1,
      open: [{ packetIdentifier: 1, state: 1, sequence: from, ...exchange }],
      incoming: [40],
      retained: [{ filter: "plant/#", below: from, after: "plant/2" }]
    })
    sessions.received(1, 18)
    sessions.released(1, 17)
    sessions.sent(2, { packetIdentifier: 2, state: 2, sequence: from + 2, ...exchange })
    sessions.sent(2, { packetIdentifier: 3, state: 2, sequence: from + 3, ...exchange })
    sessions.sent(2, { packetIdentifier: 4, state: 2, sequence: from + 5, ...exchange })
    sessions.sentReceived(2, 3)
    sessions.sentReceived(2, 4)
    sessions.sentDone(2, 4)
    sessions.saveGroup("$share/team/plant/1", { bornAt: from, cursor: from + 2, requeued: [from + 1] })
    sessions.saveGroup("$share/over/x", { bornAt: from, cursor: from, requeued: [] })
    sessions.endGroup("$share/over/x")
    sessions.saveSession({ ...reader, clientIdentifier: "short", number: 3 })
    sessions.endSession(3)
    append(store, { topic: "plant/2", payload: "the end" })
    yield* log.force
    copyAsKilled(folder, killed)
  })

const make = (work: string): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = join(work, "store")
    const killed = join(work, "killed")
    yield* Effect.scoped(first(folder))
    yield* Effect.scoped(second(folder, killed))
    for (const name of readdirSync(join(killed, "log")))
      if (name.startsWith("spare-")) rmSync(join(killed, "log", name))
    rmSync(join(killed, "index"), { recursive: true, force: true })
    const target = join(fileURLToPath(new URL(".", import.meta.url)), VERSION)
    rmSync(target, { recursive: true, force: true })
    cpSync(killed, join(target, "store"), { recursive: true })
    for (const words of [["dump"], ["export"]]) {
      const { code, err, out } = yield* Effect.promise(() => run(["store", ...words, "--data-dir", killed]))
      if (code !== 0) return yield* Effect.die(err)
      writeFileSync(join(target, `${words[0]}.jsonl`), out.replace(/"exportedAt":"[^"]*"/, '"exportedAt":"now"'))
    }
  })

const work = mkdtempSync(join(tmpdir(), "promptmq-golden-"))
await Effect.runPromise(Effect.scoped(make(work)))
rmSync(work, { recursive: true })
