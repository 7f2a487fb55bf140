/**
 * What the broker says when it is ready, in the order in which people need it: each address, where its data is, what it
 * promises, what it recovered, where the admin API is, a link into the dashboard that is good once, which file it obeys.
 *
 *   data       /var/lib/promptmq
 *   promise    immediate, acknowledged when synced: a crash loses nothing acknowledged, nor does a power cut
 *   format     0 -> 1: earlier versions do not open it any more, the way back is promptmq store export
 *   recovered  10 messages, 1 session, 0 bytes cut, 41 ms
 *   damaged    00000000000000000003.0.wal at byte 4096: 1 record lost, its bytes are in quarantine/
 *
 * With the memory engine there is nothing to recover and nothing is said about it.
 */
import type { StoreFound } from "../admin/store-view.ts"
import type { RunningBroker } from "../app.ts"
import type { LoadedSettings } from "../config/load.ts"
import { promiseOf } from "../config/store-options.ts"
import { formatAddress, reachable } from "../settings/address.ts"
import { formatDurationMs } from "../settings/units.ts"
import { packageVersion, storeFormatVersion } from "./version.ts"
import { paint, type Style, type World } from "./world.ts"

type Row = readonly [name: string, value: string, style?: Style]

export function startLines(started: RunningBroker, loaded: LoadedSettings, world: World): string {
  const { settings, file } = loaded
  const rows: Array<Row> = started.listeners.map(({ name, url }) => [name === "tcp" ? "mqtt" : name, url])
  if (started.admin !== undefined) {
    const url = `http://${formatAddress(started.admin)}`
    rows.push(["admin", `${url}  token in ${started.admin.tokenFile}`])
    const time = formatDurationMs(settings.admin.loginLinkTimeMs)
    // Clickable: nobody goes to 0.0.0.0.
    const link = `http://${formatAddress(reachable(started.admin))}/#login=${started.admin.loginCode}`
    rows.push(["dashboard", `${link}  good once, for ${time}`])
  }
  rows.push(["data", settings.storage.dataDir])
  rows.push(["promise", promiseOf(settings)])
  if (started.found !== undefined) rows.push(...foundRows(started.found))
  rows.push(["config", file ?? "defaults; promptmq config init writes a file to change"])
  const ready = `ready in ${Math.round(world.uptimeMs())} ms`
  const head = `promptmq ${packageVersion()}  ${paint(world, world.stderr, "good", ready)}`
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const lines = rows.map(
    ([name, value, style]) => `  ${paint(world, world.stderr, style ?? "faint", name.padEnd(width))}${value}`
  )
  return [head, ...lines].join("\n")
}

/** Damaged stretches that get a line of their own; the admin API and the log have all of them. */
const damageLinesMax = 5

function foundRows(found: StoreFound): ReadonlyArray<Row> {
  const { bytesCut, damages, formatBefore, messages, milliseconds, sessions } = found
  const parts = [
    counted(messages, "message"),
    counted(sessions, "session"),
    `${counted(bytesCut, "byte")} cut`,
    `${Math.round(milliseconds)} ms`
  ]
  const fresh = damages.filter(({ isNew }) => isNew)
  const rows: Array<Row> = []
  if (formatBefore !== undefined) {
    const wayBack = "earlier versions do not open it any more, the way back is promptmq store export"
    rows.push(["format", `${formatBefore} -> ${storeFormatVersion}: ${wayBack}`, "warning"])
  }
  rows.push(["recovered", parts.join(", ")])
  for (const { offset, recordsLost, segment } of fresh.slice(0, damageLinesMax)) {
    const lost = `${counted(recordsLost, "record")} lost, its bytes are in quarantine/`
    rows.push(["damaged", `${segment} at byte ${offset}: ${lost}`, "warning"])
  }
  if (fresh.length > damageLinesMax) {
    rows.push(["damaged", `${fresh.length - damageLinesMax} more places: promptmq store verify`, "warning"])
  }
  return rows
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}
