/**
 * GET /api/v1/events: what happens, as server-sent events.
 *
 *   event: snapshot   data: Overview            once a second, put together once for all who listen
 *   event: event      data: LiveEvent           connects, disconnects, refusals, warnings of the log
 *
 * Invariants
 * - [ADM-6] A reader that does not keep up gets the newest snapshot when it can take one, and is told how many events it missed:
 *   nothing piles up for it but one snapshot and EVENTS_WAITING_MAX events.
 * - At most EVENTS_PER_SECOND events a second go out; the rest of a second is told as one, with their number.
 * - [ADM-7] A stream ends with the broker's doors, and when its token is no longer good.
 */
import type { ServerResponse } from "node:http"
import type { Overview } from "./api/system.ts"

export interface LiveEvent {
  readonly at: string
  readonly what: string
  readonly clientIdentifier?: string
  readonly detail?: string
}

const EVENTS_PER_SECOND = 20
const EVENTS_WAITING_MAX = 40
const RETRY_MS = 2000

export class EventStreams {
  readonly #streams = new Set<EventStream>()
  readonly #streamsMax: () => number
  #toldThisSecond = 0
  #leftOut = 0
  #isOpen = true

  constructor(streamsMax: () => number) {
    this.#streamsMax = streamsMax
  }

  get size(): number {
    return this.#streams.size
  }

  /** False: there are too many. `isGood` is asked once a second. */
  add(response: ServerResponse, latest: Overview | undefined, isGood: () => boolean): boolean {
    if (!this.#isOpen || this.#streams.size >= this.#streamsMax()) return false
    const stream = new EventStream(response, isGood)
    this.#streams.add(stream)
    response.on("close", () => this.#streams.delete(stream))
    stream.open(latest === undefined ? undefined : block("snapshot", latest))
    return true
  }

  /** Once a second. */
  snapshot(overview: Overview): void {
    const leftOut = this.#leftOut
    this.#toldThisSecond = 0
    this.#leftOut = 0
    if (this.#streams.size === 0) return
    if (leftOut > 0) this.#send(block("event", { at: overview.at, what: `${leftOut} more events`, detail: "" }))
    const text = block("snapshot", overview)
    for (const stream of this.#streams) {
      // [ADM-7]
      if (stream.isGood()) stream.snapshot(text)
      else stream.end()
    }
  }

  event(event: LiveEvent): void {
    if (this.#streams.size === 0) return
    // [ADM-6]
    if (this.#toldThisSecond >= EVENTS_PER_SECOND) {
      this.#leftOut += 1
      return
    }
    this.#toldThisSecond += 1
    this.#send(block("event", event))
  }

  /** No more streams. */
  close(): void {
    this.#isOpen = false
    for (const stream of this.#streams) stream.end()
    this.#streams.clear()
  }

  #send(text: string): void {
    for (const stream of this.#streams) stream.event(text)
  }
}

class EventStream {
  readonly #response: ServerResponse
  readonly isGood: () => boolean
  #isFull = false
  #snapshot: string | undefined = undefined
  #events: Array<string> = []
  #missed = 0

  constructor(response: ServerResponse, isGood: () => boolean) {
    this.#response = response
    this.isGood = isGood
  }

  open(first: string | undefined): void {
    const response = this.#response
    response.on("drain", () => this.#drained())
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-accel-buffering": "no"
    })
    this.#write(`retry: ${RETRY_MS}\n\n${first ?? ""}`)
  }

  /** The newest one stands for those before it. */
  snapshot(text: string): void {
    // [ADM-6]
    if (this.#isFull) this.#snapshot = text
    else this.#write(text)
  }

  event(text: string): void {
    if (!this.#isFull) this.#write(text)
    else if (this.#events.length < EVENTS_WAITING_MAX) this.#events.push(text)
    else this.#missed += 1
  }

  end(): void {
    this.#response.end()
  }

  #drained(): void {
    this.#isFull = false
    const missed = this.#missed === 0 ? [] : [block("event", missedEvent(this.#missed))]
    const waiting = [...this.#events, ...missed, ...(this.#snapshot === undefined ? [] : [this.#snapshot])]
    this.#events = []
    this.#missed = 0
    this.#snapshot = undefined
    if (waiting.length > 0) this.#write(waiting.join(""))
  }

  #write(text: string): void {
    if (!this.#response.writableEnded) this.#isFull = !this.#response.write(text)
  }
}

const missedEvent = (missed: number): LiveEvent => ({
  at: new Date().toISOString(),
  what: `${missed} events missed`,
  detail: "this page did not keep up"
})

const block = (name: "snapshot" | "event", data: Overview | LiveEvent): string =>
  `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
