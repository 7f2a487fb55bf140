/**
 * One client's connection: chunks in, whole packets to the receiver above, in the order in which they arrived.
 *
 *   transport ──chunk──► scan in place ──► receiver.receive(buffer, start, end) ──► offset not consumed
 *                              ▲                                                          │
 *                              └──────────── pending: the rest, copied once ◄─────────────┘
 *
 * Invariants
 * - Complete packets inside a chunk are handed over where they lie. Copied is only what a chunk ends in the middle
 *   of, and what is left of it when the receiver stops. Where the transport leaves room in front of what it read, the
 *   beginning is moved there when the rest has come, and no packet is handed over apart from its neighbours.
 * - While reading, `pending` is empty or the beginning of exactly one packet; while stopped it may hold more: at most
 *   that packet and the chunks which had been read before the transport obeyed pause().
 * - Memory follows bytes that arrived, never a length that was announced: capacity doubles, up to the packet's end.
 *   Bytes once handed over are never written again, so the receiver may keep what it was given; of a transport that
 *   lends (onLent) it may not: lent-memory.ts.
 * - A stop keeps the order: nothing is handed over until go(), not even the end of the connection. A client may send
 *   SUBSCRIBE, PUBLISH, DISCONNECT and hang up at once; its DISCONNECT still counts, and so no will is sent.
 * - receiver.closed() is called exactly once and is the last call; after close() or destroy() no packet follows.
 *
 * Elsewhere: what a packet means and when one was last received (broker), frame lengths (codec, an argument), bytes
 * going out (outbox.ts).
 */
import { assert } from "../base/assert.ts"
import type { HeldBytes } from "./held-bytes.ts"
import { givePacketMemory, isUsedAgain, lent, takePacketMemory } from "./lent-memory.ts"
import type { Outbox } from "./outbox.ts"
import type { Transport } from "./transport.ts"

export interface PacketReceiver {
  /**
   * Takes packets from [start, end) in order and returns the offset of the first byte it did not consume: where an
   * incomplete packet begins, or where it stopped. Bytes that cannot be a packet it answers itself and closes.
   */
  receive(buffer: Buffer, start: number, end: number): number
  closed(error: Error | undefined): void
}

/** Length of the packet at `start`, header included; 0 = header incomplete, -1 = malformed or too large. */
export type FrameLength = (buffer: Buffer, start: number, end: number) => number

/** Smallest memory for the beginning of a packet; one byte is not worth an allocation of its own size. */
const PENDING_BYTES_MIN = 256

const NOTHING: Buffer = Buffer.alloc(0)
const NO_RECEIVER: PacketReceiver = { receive: (_buffer, _start, end) => end, closed: () => undefined }

/** The way from a transport to its connection: handlers are shared, three closures for each would be 230 bytes of every client. */
const carried = Symbol("connection")
interface Carrier extends Transport {
  [carried]: Connection
}
let carriedData: (this: Transport, chunk: Buffer) => void
let carriedLent: (this: Transport, buffer: Buffer, start: number, end: number) => void
let carriedEnd: (this: Transport, error: Error | undefined) => void

export class Connection {
  readonly transport: Transport
  readonly outbox: Outbox
  receiver: PacketReceiver = NO_RECEIVER

  readonly #frameLength: FrameLength
  /** What pays for `pending` until the client has said who it is. */
  #budget: HeldBytes | undefined = undefined
  #pending: Buffer = NOTHING
  #pendingStart = 0
  #pendingEnd = 0
  #stopped = false
  #paused = false
  /** A call of receiver.receive is on the stack; stop() and go() from within it are settled when it returns. */
  #feeding = false
  /** The receiver stopped and went on within the same call: its offset is no sign of an incomplete packet. */
  #wentOn = false
  /** Memory of `pending` is taken from, and goes back to, what all such connections share. */
  #isLending = false
  #state: "open" | "closing" | "closed" = "open"
  /** The transport's end, kept back until the receiver has seen what came before it. */
  #end: { readonly error: Error | undefined } | undefined = undefined

  constructor(transport: Transport, outbox: Outbox, frameLength: FrameLength) {
    this.transport = transport
    this.outbox = outbox
    this.#frameLength = frameLength
    ;(transport as Carrier)[carried] = this
    transport.onData = carriedData
    transport.onClose = carriedEnd
    if (transport.onLent === undefined) return
    transport.onLent = carriedLent
    this.#isLending = true
  }

  static {
    carriedData = function (this: Transport, chunk: Buffer): void {
      ;(this as Carrier)[carried].#arrived(chunk, 0, chunk.length, 0)
    }
    carriedLent = function (this: Transport, buffer: Buffer, start: number, end: number): void {
      const before = lent.begin(buffer)
      ;(this as Carrier)[carried].#arrived(buffer, start, end, start)
      lent.begin(before)
    }
    carriedEnd = function (this: Transport, error: Error | undefined): void {
      ;(this as Carrier)[carried].#ended(error)
    }
  }

  /** The transport is gone and the receiver knows. */
  get closed(): boolean {
    return this.#state === "closed"
  }

  get stopped(): boolean {
    return this.#stopped
  }

  get #reading(): boolean {
    return !this.#stopped && this.#state === "open"
  }

  /** What is held counts against the budget from now on, or against none. */
  countHeld(budget: HeldBytes | undefined): void {
    this.#budget?.give(this.#pending.length)
    this.#budget = budget
    if (budget?.take(this.#pending.length) === false) this.destroy()
  }

  /** Memory held for bytes not handed over yet. */
  get pendingBytes(): number {
    return this.#pending.length
  }

  /** Nothing more is handed over until go(). From within receive(): counts from the offset it returns. */
  stop(): void {
    this.#stopped = true
    if (!this.#feeding) this.#obeyStop()
  }

  /** Hands over what waited, then reads on. */
  go(): void {
    if (!this.#stopped) return
    this.#stopped = false
    if (this.#feeding) {
      this.#wentOn = true
      return
    }
    this.#feedPending()
    if (this.#stopped) return
    if (this.#end !== undefined) {
      this.#finish(this.#end.error)
    } else if (this.#paused && this.#state === "open") {
      this.#paused = false
      this.transport.resume()
    }
  }

  /** Sends what the outbox holds, then ends; hard after `graceMs`. What still arrives is discarded. */
  close(graceMs: number): void {
    if (!this.#leave()) return
    this.outbox.flush()
    this.outbox.close()
    this.transport.end(graceMs)
  }

  destroy(): void {
    this.#leave()
    this.outbox.close()
    this.transport.destroy()
  }

  /** No packet is handed over from now on. False when that was so before. */
  #leave(): boolean {
    if (this.#state !== "open") return false
    this.#state = "closing"
    this.#forgetPending()
    const end = this.#end
    // The end came already and was kept back by a stop; told later, as every other end is.
    if (end !== undefined) queueMicrotask(() => this.#finish(end.error))
    return end === undefined
  }

  /** `roomBytes`: what may be written to in front of `start`. */
  #arrived(buffer: Buffer, start: number, end: number, roomBytes: number): void {
    let offset = start
    if (this.#reading && this.#pendingEnd > this.#pendingStart) {
      offset = this.#joinInFront(buffer, start, end, roomBytes)
      if (offset < 0) offset = this.#completePending(buffer, start, end)
    }
    offset = this.#feed(buffer, offset, end)
    if (offset < end && this.#state === "open") this.#keep(buffer, offset, end)
  }

  /**
   * What arrived completes the packet of which the beginning is pending: the beginning is moved in front of it, and all is
   * handed over in one piece. -1 where there is no room, or the packet's end is still to come.
   */
  #joinInFront(buffer: Buffer, start: number, end: number, roomBytes: number): number {
    const held = this.#pendingEnd - this.#pendingStart
    if (held > roomBytes) return -1
    if (this.#frameLength(this.#pending, this.#pendingStart, this.#pendingEnd) > held + end - start) return -1
    this.#pending.copy(buffer, start - held, this.#pendingStart, this.#pendingEnd)
    this.#forgetPending()
    return start - held
  }

  /** The beginning of a packet is pending: adds from [start, end) what it lacks, and no byte more. */
  #completePending(buffer: Buffer, start: number, end: number): number {
    let offset = start
    let length = this.#frameLength(this.#pending, this.#pendingStart, this.#pendingEnd)
    while (length === 0 && offset < end && this.#state === "open") {
      this.#keep(buffer, offset, offset + 1)
      offset++
      length = this.#frameLength(this.#pending, this.#pendingStart, this.#pendingEnd)
    }
    if (length > 0) {
      const lacking = length - (this.#pendingEnd - this.#pendingStart)
      const taken = Math.min(lacking, end - offset)
      this.#keep(buffer, offset, offset + taken, length)
      offset += taken
      if (taken === lacking) this.#feedPending()
    } else if (length < 0) {
      this.#feedPending()
    }
    return offset
  }

  #feedPending(): void {
    const buffer = this.#pending
    const before = lent.begin(this.#isLending && isUsedAgain(buffer) ? buffer : undefined) // [LENT-1]
    this.#pendingStart = this.#feed(buffer, this.#pendingStart, this.#pendingEnd)
    lent.begin(before)
    if (this.#pendingStart === this.#pendingEnd || this.#state !== "open") this.#forgetPending()
  }

  /** Hands a range over; returns where the receiver stopped, or where an incomplete packet begins. */
  #feed(buffer: Buffer, start: number, end: number): number {
    let offset = start
    while (offset < end && this.#reading) {
      const from = offset
      this.#wentOn = false
      this.#feeding = true
      offset = this.receiver.receive(buffer, from, end)
      this.#feeding = false
      if (offset === end || this.#wentOn || !this.#reading) continue
      const length = this.#frameLength(buffer, offset, end)
      if (length === 0 || offset + length > end) break
      // A header that is malformed goes to the receiver once more, alone: it answers the fault and closes.
      assert(length < 0 && offset > from, "a packet was handed over and neither taken nor refused")
    }
    if (this.#stopped) this.#obeyStop()
    return offset
  }

  #obeyStop(): void {
    if (this.#paused || this.#state !== "open") return
    this.#paused = true
    this.transport.pause()
  }

  /** Adds a range to what is pending; `frameBytes`, once known, is the most that will be needed. */
  #keep(source: Buffer, start: number, end: number, frameBytes: number = Number.POSITIVE_INFINITY): void {
    if (this.#state !== "open") return
    const held = this.#pendingEnd - this.#pendingStart
    const needed = held + end - start
    if (this.#pendingStart + needed > this.#pending.length) {
      const capacity = Math.max(needed, Math.min(frameBytes, Math.max(2 * held, PENDING_BYTES_MIN)))
      const larger = this.#isLending ? takePacketMemory(needed, capacity) : Buffer.allocUnsafeSlow(capacity)
      if (this.#budget?.take(larger.length - this.#pending.length) === false) {
        this.destroy()
        return
      }
      this.#pending.copy(larger, 0, this.#pendingStart, this.#pendingEnd)
      this.#givePendingBack()
      this.#pending = larger
      this.#pendingStart = 0
      this.#pendingEnd = held
    }
    source.copy(this.#pending, this.#pendingEnd, start, end)
    this.#pendingEnd += end - start
  }

  /** What is not held any more is not paid for either [LIM-2]. */
  #forgetPending(): void {
    this.#budget?.give(this.#pending.length)
    this.#givePendingBack()
    this.#pending = NOTHING
    this.#pendingStart = 0
    this.#pendingEnd = 0
  }

  /** Not from within a call of the receiver: it may still be looking at it [LENT-2]. */
  #givePendingBack(): void {
    if (this.#isLending && !this.#feeding) givePacketMemory(this.#pending)
  }

  #ended(error: Error | undefined): void {
    this.outbox.close()
    if (this.#stopped && this.#state === "open") this.#end = { error }
    else this.#finish(error)
  }

  #finish(error: Error | undefined): void {
    if (this.#state === "closed") return
    this.#state = "closed"
    this.#forgetPending()
    this.receiver.closed(error)
  }
}
