/**
 * The durable log passes the contract of every message log: in memory with a cache so small that most of it is read back
 * from files, and on real files.
 */
import * as nodeFs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll } from "@effect/vitest"
import { messageLogContract } from "../contract/message-log.ts"
import { durableOptions, openPumped, Pump, pumpedDisk, pumpedMemory, unsynced } from "./durable-world.ts"

const WAL_SEGMENT_BYTES = 262_144
/** Two blocks. */
const COLD_BYTES = 131_072

messageLogContract("durable, in memory", (limitBytes) => {
  const pump = new Pump()
  const options = durableOptions(pumpedMemory(pump), {
    limitBytes: limitBytes * 16,
    cacheBytes: limitBytes / 4,
    coldBytes: COLD_BYTES,
    segmentBytes: WAL_SEGMENT_BYTES
  })
  return { log: openPumped(pump, options), settle: () => pump.drain() }
})

const folder = nodeFs.mkdtempSync(path.join(os.tmpdir(), "promptmq-durable-"))
afterAll(() => nodeFs.rmSync(folder, { recursive: true, force: true }))
let opened = 0

messageLogContract("durable, on real files", (limitBytes) => {
  const pump = new Pump()
  const place = path.join(folder, String(opened++))
  const options = durableOptions(pumpedDisk(pump), {
    dataDirectory: place,
    logDirectory: path.join(place, "log"),
    policy: unsynced,
    limitBytes: limitBytes * 16,
    cacheBytes: limitBytes / 4,
    coldBytes: COLD_BYTES,
    segmentBytes: WAL_SEGMENT_BYTES
  })
  return { log: openPumped(pump, options), settle: () => pump.drain() }
})
