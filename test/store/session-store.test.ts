/**
 * The contract of session stores, on all there are: the memory engine's, the durable one on a disk in memory, and on real
 * files with LMDB.
 */
import * as nodeFs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type DurableStoreOptions, openDurableStore } from "../../src/store/durable-store.ts"
import { memorySessions } from "../../src/store/memory-sessions.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import { type SessionPlace, sessionStoreContract } from "../contract/session-store.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { lifeLog, storeOptions } from "./store-world.ts"

const folder = nodeFs.mkdtempSync(path.join(os.tmpdir(), "promptmq-sessions-"))
afterAll(() => nodeFs.rmSync(folder, { recursive: true, force: true }))
let places = 0

const durable = (options: DurableStoreOptions): SessionPlace => ({
  open: Effect.map(openDurableStore(options), (store) => ({ sessions: store.sessions, log: lifeLog(store) }))
})

sessionStoreContract("memory", false, () => ({
  open: Effect.sync(() => ({ sessions: memorySessions, log: { next: 0, message: () => 0 } }))
}))

sessionStoreContract("durable, on a disk in memory", true, () => durable(storeOptions(new MemoryFs())))

sessionStoreContract("durable, on real files with LMDB", true, () => {
  const dataDirectory = path.join(folder, String(places++))
  const place = { dataDirectory, logDirectory: path.join(dataDirectory, "log"), index: "lmdb" } as const
  return durable(storeOptions(diskFs, place))
})
