/**
 * What the log costs, alone, on the disk of the temporary folder: appends per second by sync mode and by the number of
 * producers, and how fast recovery reads them back. Records of 64 bytes; a producer appends its next record when the one
 * before is kept, except in the open loop, where one producer appends as fast as the log takes. The last row is the
 * message log on top of it (store/durable-log.ts): what append() itself takes, the loop's turns between left out.
 *
 * The floors are store.md's (section 4), for the machine of hot-path.md: `--check` exits 1 when one is missed. `--folder`
 * chooses another disk. Every run is a fresh store; the best of ROUNDS counts, as this measures the code.
 *
 * Run: node bench/micro-wal.ts [--check] [--folder DIRECTORY]
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { PublishView } from "../src/codec/publish-view.ts"
import { viewTrusted } from "../src/codec/read-publish.ts"
import { openDurableLog } from "../src/store/durable-log.ts"
import { diskFs } from "../src/wal/disk-fs.ts"
import { type Log, type LogHandlers, openLog } from "../src/wal/log.ts"
import type { LogPolicy } from "../src/wal/policy.ts"
import { RecordView } from "../src/wal/record.ts"
import { datasync, withFile, write, zeroFill } from "../src/wal/store-fs.ts"

const { values } = parseArgs({ options: { check: { type: "boolean" }, folder: { type: "string" } } })
const ROUNDS = 3
const BODY_BYTES = 64
/** Appended per turn of the event loop in the open loop: about what two read chunks hold. */
const PER_TURN = 2000
const MIB = 1_048_576
const SEGMENT_BYTES = 16 * MIB

const immediate: LogPolicy = { sync: { mode: "immediate" }, acknowledge: "durable" }
const batch: LogPolicy = { sync: { mode: "batch", records: 10_000 }, acknowledge: "durable" }
const periodic: LogPolicy = { sync: { mode: "periodic", intervalMs: 100 }, acknowledge: "written" }

const quiet: LogHandlers = {
  onSegment: () => undefined,
  onPlaced: () => undefined,
  onWritten: () => undefined,
  onDurable: () => undefined,
  onKept: () => undefined,
  onMoved: () => undefined,
  onSpace: () => undefined
}

interface Row {
  readonly what: string
  readonly perSecond: number
  readonly floor: number
}

const rows: Array<Row> = []
const measure = async (what: string, floor: number, run: () => Promise<number>): Promise<void> => {
  let perSecond = 0
  for (let round = 0; round < ROUNDS; round++) perSecond = Math.max(perSecond, await run())
  rows.push({ what, perSecond, floor })
  const verdict = perSecond >= floor ? "" : "below the floor"
  process.stdout.write(
    `| ${what.padEnd(34)} | ${round(perSecond).padStart(11)}/s | ${round(floor).padStart(10)}/s | ${verdict} |\n`
  )
}

process.stdout.write(
  `| append, ${BODY_BYTES} B ${" ".repeat(20)} | measured | floor | |\n| --- | ---: | ---: | --- |\n`
)
await measure("periodic(100ms), open loop", 3_000_000, () => openLoop(periodic, 3_000_000))
await measure("batch(10000), open loop", 2_000_000, () => openLoop(batch, 2_000_000))
await measure("write + fdatasync alone, one by one", 0, () => rawSyncs(1500))
await measure("immediate, 1 producer", 5000, () => closedLoop(immediate, 1, 5000))
await measure("immediate, 100 producers", 250_000, () => closedLoop(immediate, 100, 300_000))
await measure("immediate, 1000 producers", 1_000_000, () => closedLoop(immediate, 1000, 1_000_000))
await measure("recovery scan", 2_000_000, () => recovery(1_000_000))
await measure("message log, append() alone", 2_500_000, () => messageLog(2_000_000))
if (values.check === true && rows.some(({ floor, perSecond }) => perSecond < floor)) process.exitCode = 1

/** What the disk allows one producer that waits for every sync: 168 bytes and a datasync through the same port, per second. */
async function rawSyncs(milliseconds: number): Promise<number> {
  const folder = newFolder()
  const bytes = Buffer.alloc(168, 1)
  const program = withFile(diskFs, join(folder, "raw"), "create", (file) =>
    Effect.gen(function* () {
      yield* zeroFill(file, 0, SEGMENT_BYTES)
      yield* datasync(file)
      const from = performance.now()
      let syncs = 0
      for (; performance.now() - from < milliseconds; syncs++) {
        yield* write(file, bytes, (syncs * bytes.length) % SEGMENT_BYTES)
        yield* datasync(file)
      }
      return (syncs * 1000) / (performance.now() - from)
    })
  )
  const perSecond = await Effect.runPromise(program)
  rmSync(folder, { recursive: true })
  return perSecond
}

/** Appends per second until the last one is kept. */
async function openLoop(policy: LogPolicy, count: number): Promise<number> {
  return inStore(policy, async (log, whenKept) => {
    const record = recordOf()
    const from = performance.now()
    for (let left = count; left > 0; ) {
      const batchEnd = Math.max(0, left - PER_TURN)
      while (left > batchEnd && log.appender.append(record, false) >= 0) left--
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await whenKept(count)
    return (count * 1000) / (performance.now() - from)
  })
}

/** `producers` of them, each with one record on its way. */
async function closedLoop(policy: LogPolicy, producers: number, count: number): Promise<number> {
  return inStore(policy, async (log, whenKept, onKept) => {
    const record = recordOf()
    let sent = 0
    const send = (more: number): void => {
      for (let i = 0; i < more && sent < count; i++, sent++) log.appender.append(record, false)
    }
    let answered = 0
    onKept((lsn) => {
      const free = lsn - answered
      answered = lsn
      send(free)
    })
    const from = performance.now()
    send(producers)
    await whenKept(count)
    return (count * 1000) / (performance.now() - from)
  })
}

/** Records per second of a second open, from a store that was not closed. */
async function recovery(count: number): Promise<number> {
  const folder = newFolder()
  await inFolder(folder, periodic, async (log, whenKept) => {
    const record = recordOf()
    for (let left = count; left > 0; ) {
      const batchEnd = Math.max(0, left - PER_TURN)
      while (left > batchEnd && log.appender.append(record, false) >= 0) left--
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await whenKept(count)
    return 0
  })
  let records = 0
  const from = performance.now()
  const program = openLog(diskFs, optionsOf(folder, periodic), quiet, () => {
    records++
  })
  await Effect.runPromise(Effect.scoped(Effect.as(program, performance.now())))
  const perSecond = (records * 1000) / (performance.now() - from)
  rmSync(folder, { recursive: true })
  return perSecond
}

/** Appends per second of time spent in append(): 64 bytes of payload at QoS 1, ten topics. */
async function messageLog(count: number): Promise<number> {
  const folder = newFolder()
  const payload = Buffer.alloc(BODY_BYTES, 7)
  const messages = Array.from({ length: 10 }, (_, i) => {
    const topic = `room/${i}/temperature`
    const frame = Buffer.concat([
      Buffer.from([0x32, 2 + topic.length + 3 + BODY_BYTES, 0, topic.length]),
      Buffer.from(topic),
      Buffer.from([0, 7, 0]),
      payload
    ])
    const view = new PublishView()
    viewTrusted(view, frame, 0, frame.length, true)
    return { view, holder: { bytes: Buffer.from(topic), logTopic: -1, logStamp: 0 } }
  })
  const options = { fs: diskFs, ...optionsOf(folder, periodic), limitBytes: 1024 * MIB, cacheBytes: 16 * MIB }
  const program = Effect.gen(function* () {
    const log = yield* openDurableLog(options)
    yield* Effect.sleep(300)
    let spentMs = 0
    yield* Effect.promise(async () => {
      for (let done = 0; done < count; ) {
        const from = threadMs()
        const before = done
        for (const end = done + PER_TURN; done < end; done++) {
          const { holder, view } = messages[done % 10] as (typeof messages)[number]
          if (log.append(view, holder, 1, Number.POSITIVE_INFINITY, 0) < 0) break
        }
        if (done > before) spentMs += threadMs() - from
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    })
    return (count * 1000) / spentMs
  })
  const perSecond = await Effect.runPromise(Effect.scoped(program))
  rmSync(folder, { recursive: true })
  return perSecond
}

/** What this thread has used of a processor: others may use it meanwhile. */
function threadMs(): number {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1000
}

type Use = (
  log: Log,
  whenKept: (lsn: number) => Promise<void>,
  onKept: (handler: (lsn: number) => void) => void
) => Promise<number>

async function inStore(policy: LogPolicy, use: Use): Promise<number> {
  const folder = newFolder()
  try {
    return await inFolder(folder, policy, use)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function inFolder(folder: string, policy: LogPolicy, use: Use): Promise<number> {
  let handler: (lsn: number) => void = () => undefined
  let awaited = Number.POSITIVE_INFINITY
  let resolveAwaited: () => void = () => undefined
  const handlers = {
    ...quiet,
    onKept: (lsn: number) => {
      handler(lsn)
      if (lsn >= awaited) resolveAwaited()
    }
  }
  const program = Effect.gen(function* () {
    const log = yield* openLog(diskFs, optionsOf(folder, policy), handlers, () => undefined)
    // The spares are made beside the first appends in life; here they are part of the preparation.
    yield* Effect.sleep(300)
    const whenKept = (lsn: number): Promise<void> => {
      if (log.appender.keptLsn >= lsn) return Promise.resolve()
      awaited = lsn
      return new Promise((resolve) => (resolveAwaited = resolve))
    }
    return yield* Effect.promise(() => use(log, whenKept, (next) => (handler = next)))
  })
  return Effect.runPromise(Effect.scoped(program))
}

function optionsOf(folder: string, policy: LogPolicy) {
  return { dataDirectory: folder, logDirectory: join(folder, "log"), segmentBytes: SEGMENT_BYTES, policy }
}

function recordOf(): RecordView {
  const record = new RecordView()
  return Object.assign(record, { type: 1, buffer: Buffer.alloc(BODY_BYTES, 7), start: 0, end: BODY_BYTES })
}

function newFolder(): string {
  return mkdtempSync(join(values.folder ?? tmpdir(), "promptmq-wal-"))
}

function round(value: number): string {
  return Math.round(value).toLocaleString("en")
}
