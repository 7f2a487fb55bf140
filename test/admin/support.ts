/**
 * For the admin tests: sources with known figures, a folder per test, and a raw HTTP client that may send
 * any Host and Origin (fetch may not).
 */
import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { StorageInfo } from "../../src/admin/api/storage.ts"
import type { SettingsAccess } from "../../src/admin/change-settings.ts"
import type { AdminSources, StorageWork } from "../../src/admin/sources.ts"
import { brokerLayer } from "../../src/app.ts"
import { Broker } from "../../src/broker/broker.ts"
import type { Core } from "../../src/broker/core.ts"
import { resolveSettings } from "../../src/settings/resolve.ts"
import { defaultSettings, type Settings } from "../../src/settings/settings.ts"
import { ringOf } from "../../src/telemetry/log-ring.ts"
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
  snapshot: () => Promise.resolve(),
  backup: (folder) => Promise.resolve({ folder, files: 3, bytes: 3000, upTo: 12 }),
  segments: () => []
}

export interface KnownSettings extends SettingsAccess {
  readonly applied: Array<ReadonlyArray<string>>
}

export function knownSettings(written: Partial<Settings["admin"]> = {}): KnownSettings {
  const applied: Array<ReadonlyArray<string>> = []
  let settings: Settings = { ...startSettings, admin: { ...startSettings.admin, ...written } }
  return {
    current: () => settings,
    originOf: (key) => (key === "log.level" ? "--log-level" : "default"),
    resolve: (next) => resolveSettings(next, nowhere),
    apply: (next, changedKeys) => {
      settings = next
      applied.push(changedKeys)
    },
    applied
  }
}

export interface KnownSources extends AdminSources {
  readonly core: Core
  readonly settings: KnownSettings
  readonly failing: Map<string, string>
}

/** A real broker in this process, without listeners; what is around it is known. */
export const knownSources = Effect.fnUntraced(function* ({
  isDurable = true,
  admin = {} as Partial<Settings["admin"]>
} = {}): Effect.fn.Return<KnownSources, unknown, Scope.Scope> {
  const failing = new Map<string, string>()
  const { log } = recordingLog("fatal")
  const memory = { ...startSettings, storage: { ...startSettings.storage, engine: "memory" as const } }
  const context = yield* Layer.build(brokerLayer(memory, log))
  const { core } = Context.get(context, Broker)
  return {
    version: "9.8.7",
    core,
    logs: ringOf(log),
    addresses: () => ["tcp mqtt://127.0.0.1:1883"],
    loopLagP99Ms: () => 1.5,
    security: () => ({ listeners: [], chain: [], isAnonymousAllowed: true }),
    checkDocument: () => Promise.resolve([]),
    checks: ["listeners", "log"].map((name) => ({ name, check: () => failing.get(name) })),
    settings: knownSettings(admin),
    storage: () => (isDurable ? knownStorage : memoryStorage),
    storageWork: isDurable ? knownWork : undefined,
    failing
  }
})

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
        const isJson = String(response.headers["content-type"]).startsWith("application/json")
        const json = text === "" || !isJson ? undefined : JSON.parse(text)
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text, json }))
      })
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(body)
  })
}
