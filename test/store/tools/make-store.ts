/**
 * Small stores on a real disk for the tools' tests: messages and control records written through the log itself, ways to
 * damage them, and a copy as a kill -9 would leave it.
 */
import { createHash } from "node:crypto"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { buildPublish } from "../../../src/codec/build-publish.ts"
import { type DurableStoreOptions, openDurableStore } from "../../../src/store/durable-store.ts"
import { diskFs } from "../../../src/wal/disk-fs.ts"
import { type Log, type LogOptions, openLog } from "../../../src/wal/log.ts"
import { RecordFlag, RecordType, RecordView } from "../../../src/wal/record.ts"
import { immediate, quiet, SMALL_SEGMENT_BYTES } from "../../wal/workload.ts"

export const NOW_MS = 1_765_000_000_000

/** A folder of the test's own, gone with its scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "promptmq-tools-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

export const placeOf = (folder: string) => ({ dataDirectory: folder, logDirectory: join(folder, "log") })

export const openStoreAt = (folder: string, more: Partial<LogOptions> = {}) =>
  openLog(
    diskFs,
    { ...placeOf(folder), segmentBytes: SMALL_SEGMENT_BYTES, policy: immediate, nowMs: () => NOW_MS, ...more },
    quiet,
    () => undefined
  )

/** The whole store, as a broker opens it, only smaller. */
export const openWholeStore = (folder: string, more: Partial<DurableStoreOptions> = {}) =>
  openDurableStore({
    fs: diskFs,
    ...placeOf(folder),
    index: "memory",
    segmentBytes: SMALL_SEGMENT_BYTES,
    policy: immediate,
    onCorruption: "refuse",
    limitBytes: 8 * 1_048_576,
    cacheBytes: 65_536,
    retained: { maxMessages: 1000, maxBytes: 1_048_576, visitsMax: 100 },
    ...more
  })

/** Opens the store, writes, closes it. */
export const writeStore = <E>(
  folder: string,
  write: (log: Log) => Effect.Effect<unknown, E, Scope.Scope> | undefined,
  more: Partial<LogOptions> = {}
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const log = yield* openStoreAt(folder, more)
      const writing = write(log)
      if (writing !== undefined) yield* writing
      yield* log.force
    })
  )

export interface MessageOptions {
  readonly qos?: number
  readonly retain?: boolean
  readonly publisher?: number
  readonly version?: 4 | 5
  readonly properties?: Buffer
  readonly expiresAtMs?: number
}

const register = new RecordView()

export function appendMessage(
  { appender }: Log,
  sequence: number,
  topic: string,
  payload: string | Buffer,
  options: MessageOptions = {}
): number {
  const { properties = Buffer.alloc(0), publisher = 0, qos = 1, retain = false, version = 4 } = options
  const frame = buildPublish(version, topic, Buffer.from(payload), qos, retain, properties)
  register.type = RecordType.message
  register.flags = qos | (retain ? RecordFlag.retain : 0) | (version === 5 ? RecordFlag.version5 : 0)
  register.sequence = sequence
  register.publisher = publisher
  register.expiresAtMs = options.expiresAtMs ?? Number.POSITIVE_INFINITY
  register.buffer = frame
  register.start = 0
  register.end = frame.length
  return appender.append(register, false)
}

export function appendControl({ appender }: Log, type: number, publisher: number, body: Buffer): number {
  const record = new RecordView()
  record.type = type
  record.publisher = publisher
  record.buffer = body
  record.end = body.length
  return appender.append(record, false)
}

/** The store as a kill -9 would leave it now. */
export function copyAsKilled(from: string, to: string): void {
  cpSync(from, to, { recursive: true })
  rmSync(join(to, "LOCK"), { force: true })
}

export function segmentFiles(folder: string): ReadonlyArray<string> {
  return readdirSync(join(folder, "log"))
    .filter((name) => /^\d{20}\.\d+\.wal$/.test(name))
    .map((name) => join(folder, "log", name))
}

/** Flips one bit of the first occurrence of `text` in the file; answers where. */
export function flipInText(file: string, text: string, byte = 0): number {
  const bytes = readFileSync(file)
  const at = bytes.indexOf(text)
  if (at < 0) throw new Error(`${file} does not hold ${text}`)
  flipAt(file, at + byte)
  return at
}

export function flipAt(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(file, bytes)
}

/** Every file below the folder with a digest of its bytes, to see that a tool changed nothing. */
export function contentOf(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(folder.length), createHash("sha256").update(readFileSync(path)).digest("hex")] as const
    })
  )
}
