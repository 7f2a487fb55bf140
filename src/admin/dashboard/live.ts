/**
 * The stream of /api/v1/events: one snapshot a second, events between them. Read by fetch, not EventSource, because the
 * token goes into a header.
 *
 * Invariants
 * - Kept: 15 minutes of snapshots (samples.ts), 200 events. A second without one is a visible gap.
 * - What was before the first snapshot comes from the broker, ten seconds a row: lines do not begin when a page does.
 * - A hidden tab does not listen. A stream that ends is opened again, at first at once, then every few seconds.
 */
import { signal } from "@preact/signals"
import type { History, Overview } from "../api/system.ts"
import { expired, get, reach } from "./api.ts"
import { type EventBlock, eventBlocks } from "./event-blocks.ts"
import { type Sample, samplesMax, withHistory, withSnapshot } from "./samples.ts"
import { logOut, token } from "./session.ts"

const eventsMax = 200
const RETRY_MS = [250, 1000, 3000, 5000]

export interface LiveEvent {
  readonly at: string
  readonly what: string
  readonly clientIdentifier?: string
  readonly detail?: string
}

export const latest = signal<Overview | undefined>(undefined)
export const samples = signal<ReadonlyArray<Sample>>([])
export const events = signal<ReadonlyArray<LiveEvent>>([])
export const isConnected = signal(false)
/** Since when attempts fail, in the clock of this machine. */
export const awaySinceMs = signal<number | undefined>(undefined)

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
  awaySinceMs.value = undefined
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
    if (controller.signal.aborted) return
    isConnected.value = false
    // Once is a hiccup: the next attempt comes at once.
    if (failures > 0) awaySinceMs.value ??= Date.now()
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] as number)
  }
}

const listen = async (signal: AbortSignal, onGood: () => void): Promise<void> => {
  const response = await reach("/api/v1/events", { headers: { authorization: `Bearer ${token.peek()}` }, signal })
  if (response.status === 401) {
    logOut(expired)
    stop()
    return
  }
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
  isConnected.value = true
  awaySinceMs.value = undefined
  onGood()
  const blocks = eventBlocks()
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    for (const block of blocks(value)) take(block)
  }
}

const take = ({ data, name }: EventBlock): void => {
  if (name === "snapshot") addSnapshot(JSON.parse(data) as Overview)
  else if (name === "event") events.value = [JSON.parse(data) as LiveEvent, ...events.peek()].slice(0, eventsMax)
}

const addSnapshot = (overview: Overview): void => {
  const before = samples.peek()
  latest.value = overview
  if (before.length === 0) loadHistory().catch(() => {})
  samples.value = withSnapshot(before, overview)
}

const loadHistory = async (): Promise<void> => {
  const history = await get<History>("/history", { seconds: samplesMax })
  samples.value = withHistory(samples.peek(), history)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
