/**
 * What the broker says when it is ready, in the order in which people need it: each address, where its data
 * is, what it promises, where the admin API is, which file it obeys.
 */
import type { RunningBroker } from "../app.ts"
import type { LoadedSettings } from "../config/load.ts"
import { formatAddress } from "../settings/address.ts"
import { packageVersion } from "./version.ts"
import { paint, type World } from "./world.ts"

export function startLines(started: RunningBroker, loaded: LoadedSettings, world: World): string {
  const { settings, file } = loaded
  const rows: Array<readonly [string, string]> = started.listeners.map(({ name, url }) => [
    name === "tcp" ? "mqtt" : name,
    url
  ])
  if (started.admin !== undefined) {
    rows.push(["admin", `http://${formatAddress(started.admin)}  token in ${started.admin.tokenFile}`])
  }
  rows.push(["data", settings.storage.dataDir])
  rows.push(["promise", promise])
  rows.push(["config", file ?? "defaults; promptmq config init writes a file to change"])
  const ready = `ready in ${Math.round(world.uptimeMs())} ms`
  const head = `promptmq ${packageVersion()}  ${paint(world, world.stderr, "good", ready)}`
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const lines = rows.map(([name, value]) => `  ${paint(world, world.stderr, "faint", name.padEnd(width))}${value}`)
  return [head, ...lines].join("\n")
}

/** This version has the memory engine only (the settings refuse others). */
const promise = "state is in memory: sessions, retained and queued messages end with the process"
