/**
 * For the admin tests: sources with known figures, a folder per test, and a raw HTTP client that may send
 * any Host and Origin (fetch may not).
 */
import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StorageInfo } from "../../src/admin/api.ts"
import type { AdminSources, StorageWork } from "../../src/admin/routes.ts"
import { DropLedger } from "../../src/metrics/drop-ledger.ts"
import { resolveSettings } from "../../src/settings/resolve.ts"
import { defaultSettings, type Settings } from "../../src/settings/settings.ts"
import type { LogLevelSetting } from "../../src/telemetry/logging.ts"
import { Log } from "../../src/telemetry/logging.ts"

export const scratchFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "promptmq-admin-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const nowhere = { environment: {}, workingDirectory: "/", homeDirectory: "/" }
/** The defaults as a broker holds them: folders filled in. */
export const startSettings: Settings = resolveSettings(defaultSettings, nowhere)

/** A store on disk that has seen better days. */
export const knownStorage: StorageInfo = {
  engine: "wal",
  promise: "immediate, acknowledged when synced: a crash loses nothing acknowledged, nor does a power cut",
  losesInCrash: null,
  losesInPowerCut: null,
  appended: 12,
  written: 11,
  durable: 10,
  kept: 10,
  pressure: 0.25,
  disk: {
    space: "low",
    files: 3,
    bytes: 3000,
    cacheBytes: 1000,
    readFaults: 1,
    found: {
      records: 9,
      messages: 8,
      sessions: 1,
      bytesCut: 7,
      milliseconds: 41,
      wasClosed: false,
      damages: [
        { segment: "1.0.wal", offset: 4096, lengthBytes: 64, recordsLost: 2, lost: [{ from: 5, to: 6 }], isNew: true }
      ]
    }
  }
}

const { disk: _, ...withoutDisk } = knownStorage
const memoryStorage: StorageInfo = { ...withoutDisk, engine: "memory" }

const knownWork: StorageWork = {
  sync: () => Promise.resolve({ durable: 12 }),
  compact: () => Promise.reject(new Error("a compaction runs already")),
  backup: (folder) => Promise.resolve({ folder, files: 3, bytes: 3000, upTo: 12 })
}

export interface KnownSources extends AdminSources {
  readonly ledger: DropLedger
  readonly failing: Map<string, string>
  readonly applied: Array<ReadonlyArray<string>>
}

export function knownSources({ isDurable = true } = {}): KnownSources {
  const ledger = new DropLedger({ rowsMax: 100 })
  const failing = new Map<string, string>()
  const applied: Array<ReadonlyArray<string>> = []
  let settings = startSettings
  return {
    version: "9.8.7",
    addresses: () => ["tcp mqtt://127.0.0.1:1883"],
    counters: () => [{ family: "promptmq_network_bytes_total", labels: { direction: "in" }, value: 42 }],
    logStatistics: () => ({ records: 3, bytes: 300, limitBytes: 1000, segments: 1, topics: 2 }),
    drops: ledger,
    checks: ["listeners", "log"].map((name) => ({ name, check: () => failing.get(name) })),
    settings: {
      current: () => settings,
      originOf: (key) => (key === "log.level" ? "--log-level" : "default"),
      resolve: (next) => resolveSettings(next, nowhere),
      apply: (next, changedKeys) => {
        settings = next
        applied.push(changedKeys)
      }
    },
    storage: () => (isDurable ? knownStorage : memoryStorage),
    storageWork: isDurable ? knownWork : undefined,
    ledger,
    failing,
    applied
  }
}

export function recordingLog(level: LogLevelSetting = "trace"): { log: Log; lines: Array<string> } {
  const lines: Array<string> = []
  const write = (text: string): void => void lines.push(text)
  return { log: new Log({ format: "json", level, colour: false, write, wallClockMs: () => 0 }), lines }
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
  readonly json: unknown
}

export interface Call {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export function call(
  port: number,
  { method = "GET", path = "/health", headers = {}, body }: Call
): Effect.Effect<Reply, Error> {
  return Effect.callback((resume) => {
    const sent = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8")
        const json = text === "" ? undefined : JSON.parse(text)
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text, json }))
      })
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(body)
  })
}
