/**
 * The stream of /api/v1/events: one snapshot a second, events between them. Read by fetch, not EventSource, because the
 * token goes into a header.
 *
 * Invariants
 * - Kept: 15 minutes of snapshots, 200 events. A second without one is a visible gap, never a line drawn across.
 * - What was before the first snapshot comes from the broker, ten seconds a row: lines do not begin when a page does.
 * - A hidden tab does not listen. A stream that ends is opened again, at first at once, then every few seconds.
 */
import { signal } from "@preact/signals"
import type { History, Overview } from "../api/system.ts"
import { get } from "./api.ts"
import { logOut, token } from "./session.ts"

export const snapshotsMax = 900
const eventsMax = 200
const GAP_MS = 2500
const RETRY_MS = [250, 1000, 3000, 5000]

export interface LiveEvent {
  readonly at: string
  readonly what: string
  readonly clientIdentifier?: string
  readonly detail?: string
}

/** A gap is an entry with nothing but its time. */
export interface Sample {
  readonly atSeconds: number
  readonly overview: Overview | undefined
}

export const latest = signal<Overview | undefined>(undefined)
export const samples = signal<ReadonlyArray<Sample>>([])
export const events = signal<ReadonlyArray<LiveEvent>>([])
export const isConnected = signal(false)

let running: AbortController | undefined

export const startLive = (): (() => void) => {
  const wake = () => {
    if (document.hidden) stop()
    else void run()
  }
  document.addEventListener("visibilitychange", wake)
  wake()
  return () => {
    document.removeEventListener("visibilitychange", wake)
    stop()
  }
}

const stop = (): void => {
  running?.abort()
  running = undefined
  isConnected.value = false
}

const run = async (): Promise<void> => {
  if (running !== undefined || token.peek() === "") return
  const controller = new AbortController()
  running = controller
  for (let failures = 0; !controller.signal.aborted; failures++) {
    try {
      await listen(controller.signal, () => {
        failures = 0
      })
    } catch {
      // Told by isConnected.
    }
    isConnected.value = false
    if (!controller.signal.aborted) await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] as number)
  }
}

const listen = async (signal: AbortSignal, onGood: () => void): Promise<void> => {
  const response = await fetch("/api/v1/events", { headers: { authorization: `Bearer ${token.peek()}` }, signal })
  if (response.status === 401) {
    logOut("The token is not valid any more.")
    stop()
    return
  }
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
  isConnected.value = true
  onGood()
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    text += value
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      take(text.slice(0, end))
      text = text.slice(end + 2)
    }
  }
}

const take = (block: string): void => {
  let name = "message"
  let data = ""
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim()
    else if (line.startsWith("data:")) data += line.slice(5).trim()
  }
  if (data === "") return
  if (name === "snapshot") addSnapshot(JSON.parse(data) as Overview)
  else if (name === "event") events.value = [JSON.parse(data) as LiveEvent, ...events.peek()].slice(0, eventsMax)
}

const addSnapshot = (overview: Overview): void => {
  const atMs = Date.parse(overview.at)
  const before = samples.peek()
  const last = before.at(-1)
  const isGap = last !== undefined && atMs - last.atSeconds * 1000 > GAP_MS
  const gap = isGap ? [{ atSeconds: last.atSeconds + 1, overview: undefined }] : []
  latest.value = overview
  if (before.length === 0) loadHistory().catch(() => {})
  samples.value = [...before, ...gap, { atSeconds: atMs / 1000, overview }].slice(-snapshotsMax)
}

const loadHistory = async (): Promise<void> => {
  const { at, columns } = await get<History>("/history", { seconds: snapshotsMax })
  const later = samples.peek()
  const until = later[0]?.atSeconds ?? 0
  const rows = at.map((time, row): Sample => {
    const figures = Object.entries(columns).map(([name, values]) => [name, values[row] ?? null] as const)
    return { atSeconds: Date.parse(time) / 1000, overview: Object.fromEntries(figures) as unknown as Overview }
  })
  samples.value = [...rows.filter(({ atSeconds }) => atSeconds < until), ...later].slice(-snapshotsMax)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
