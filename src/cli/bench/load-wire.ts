/**
 * One connection of a load run: frames in, packets out, over any stream (TCP, TLS, WebSocket, Unix socket).
 *
 * Outgoing packets gather in a slab and leave with one write. Incoming frames are handed over where they lie in the chunk;
 * only a frame that a chunk ends in the middle of is copied, once, into a buffer of its size.
 *
 * Invariants
 * - No object per message: a slab, its write and its callback are per batch.
 * - A slab is not touched between its write and its callback; then it goes back to the pool all wires share.
 */
import type { Duplex } from "node:stream"
import { frameLength } from "../../codec/frame.ts"

const slabBytes = 65_536
const slabsKept = 256
const frameBytesMax = 268_435_460
const headerBytesMax = 5

export interface WirePeer {
  /** One packet: its fixed header begins at `start`, the next packet at `end`. */
  onPacket(buffer: Buffer, start: number, end: number): void
  /** All packets of a chunk have been handed over. */
  onChunkEnd(): void
  /** Everything written was taken. */
  onDrained(): void
  onClosed(error: Error | undefined): void
}

export class LoadWire {
  bytesIn = 0
  bytesOut = 0
  /** Written, and not yet taken by the stream. */
  unsentBytes = 0
  readonly #stream: Duplex
  readonly #peer: WirePeer
  readonly #underWay: Array<Buffer> = []
  readonly #underWayBytes: Array<number> = []
  #slab: Buffer | undefined
  #length = 0
  /** The frame that is not yet whole: what came of it, and its length once that is known. */
  #held: Buffer | undefined
  #heldBytes = 0
  #heldFrameBytes = 0
  #error: Error | undefined
  #isClosed = false

  constructor(stream: Duplex, peer: WirePeer) {
    this.#stream = stream
    this.#peer = peer
    stream.on("data", this.#onData)
    stream.on("error", (error) => {
      this.#error = error
    })
    stream.on("close", () => {
      this.#isClosed = true
      peer.onClosed(this.#error)
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Bytes that wait for `flush`. */
  get gatheredBytes(): number {
    return this.#length
  }

  /** Where the next `sizeBytes` go; read `slab` after it. */
  reserve(sizeBytes: number): number {
    if (this.#slab !== undefined && this.#length + sizeBytes > this.#slab.length) this.flush()
    this.#slab ??= takeSlab(sizeBytes)
    const at = this.#length
    this.#length += sizeBytes
    return at
  }

  get slab(): Buffer {
    return this.#slab as Buffer
  }

  /** PUBACK, PUBREC, PUBREL, PUBCOMP without a reason code. */
  acknowledge(firstByte: number, packetIdentifier: number): void {
    const at = this.reserve(4)
    const { slab } = this
    slab[at] = firstByte
    slab[at + 1] = 2
    slab[at + 2] = packetIdentifier >> 8
    slab[at + 3] = packetIdentifier & 0xff
  }

  send(packet: Buffer): void {
    const at = this.reserve(packet.length)
    packet.copy(this.slab, at)
    this.flush()
  }

  flush(): void {
    const slab = this.#slab
    if (slab === undefined || this.#length === 0) return
    const bytes = this.#length
    this.#slab = undefined
    this.#length = 0
    if (this.#isClosed) return
    this.unsentBytes += bytes
    this.bytesOut += bytes
    this.#underWay.push(slab)
    this.#underWayBytes.push(bytes)
    this.#stream.write(slab.subarray(0, bytes), this.#onTaken)
  }

  end(): void {
    this.flush()
    this.#stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }

  readonly #onTaken = (): void => {
    const slab = this.#underWay.shift()
    this.unsentBytes -= this.#underWayBytes.shift() ?? 0
    if (slab !== undefined) giveSlab(slab)
    if (this.unsentBytes === 0 && !this.#isClosed) this.#peer.onDrained()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.bytesIn += chunk.length
    let at = this.#held === undefined ? 0 : this.#completeHeld(chunk)
    while (at < chunk.length) {
      const length = frameLength(chunk, at, chunk.length, frameBytesMax)
      if (typeof length !== "number") {
        this.#malformed()
        return
      }
      if (length === 0 || at + length > chunk.length) {
        this.#hold(chunk, at, length)
        break
      }
      this.#peer.onPacket(chunk, at, at + length)
      at += length
    }
    this.#peer.onChunkEnd()
  }

  #hold(chunk: Buffer, at: number, frameBytes: number): void {
    this.#held = Buffer.allocUnsafe(Math.max(frameBytes, headerBytesMax))
    this.#heldBytes = chunk.copy(this.#held, 0, at)
    this.#heldFrameBytes = frameBytes
  }

  /** Answers where the chunk goes on behind the frame that was begun before it. */
  #completeHeld(chunk: Buffer): number {
    let at = 0
    while (this.#heldFrameBytes === 0) {
      if (at === chunk.length) return at
      const held = this.#held as Buffer
      held[this.#heldBytes++] = chunk[at++] as number
      const length = frameLength(held, 0, this.#heldBytes, frameBytesMax)
      if (typeof length !== "number") {
        this.#malformed()
        return chunk.length
      }
      if (length > held.length) {
        const larger = Buffer.allocUnsafe(length)
        held.copy(larger, 0, 0, this.#heldBytes)
        this.#held = larger
      }
      this.#heldFrameBytes = length
    }
    const held = this.#held as Buffer
    const taken = Math.min(chunk.length - at, this.#heldFrameBytes - this.#heldBytes)
    chunk.copy(held, this.#heldBytes, at, at + taken)
    this.#heldBytes += taken
    at += taken
    if (this.#heldBytes === this.#heldFrameBytes) {
      this.#held = undefined
      this.#peer.onPacket(held, 0, this.#heldFrameBytes)
      this.#heldFrameBytes = 0
    }
    return at
  }

  #malformed(): void {
    this.#stream.destroy(new Error("what the broker sent is no MQTT"))
  }
}

const pool: Array<Buffer> = []

function takeSlab(sizeBytes: number): Buffer {
  if (sizeBytes > slabBytes) return Buffer.allocUnsafeSlow(sizeBytes)
  return pool.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
}

function giveSlab(slab: Buffer): void {
  if (slab.length === slabBytes && pool.length < slabsKept) pool.push(slab)
}
