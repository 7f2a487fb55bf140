/**
 * A transport that does only what a test tells it: it keeps what was written, and takes it when asked to.
 */
import type { Transport } from "../../src/listener/transport.ts"

export class StubTransport implements Transport {
  readonly kind = "memory"
  readonly listener = "stub"
  readonly peer = "stub:1"
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined
  /** Copies of all that was written, one entry per write. */
  readonly writes: Array<Buffer> = []
  /** As written and not yet taken: a slab given back too early would change under it. */
  readonly held: Array<{ readonly buffer: Buffer; readonly copy: Buffer; readonly done: () => void }> = []
  paused = false
  ended: number | undefined = undefined
  destroyed = false

  get unsentBytes(): number {
    return this.held.reduce((sum, { buffer }) => sum + buffer.length, 0)
  }

  get received(): Buffer {
    return Buffer.concat(this.writes)
  }

  write(buffer: Buffer, done: () => void): void {
    const copy = Buffer.from(buffer)
    this.writes.push(copy)
    this.held.push({ buffer, copy, done })
  }

  /** The kernel takes the oldest writes; false when one of them was changed meanwhile. */
  take(count: number): boolean {
    return this.held
      .splice(0, count)
      .map(({ buffer, copy, done }) => {
        const same = buffer.equals(copy)
        done()
        return same
      })
      .every((same) => same)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  end(graceMs: number): void {
    this.ended = graceMs
  }

  destroy(): void {
    this.destroyed = true
  }
}

/** A network with some room: what fits is taken at once, the rest as from the stub. */
export class RoomyTransport extends StubTransport {
  roomBytes: number
  takenNowBytes = 0

  constructor(roomBytes: number) {
    super()
    this.roomBytes = roomBytes
  }

  writeNow(buffer: Buffer, start: number, end: number): number {
    if (this.unsentBytes > 0) return 0
    const bytes = Math.min(this.roomBytes, end - start)
    if (bytes > 0) this.writes.push(Buffer.from(buffer.subarray(start, start + bytes)))
    this.roomBytes -= bytes
    this.takenNowBytes += bytes
    return bytes
  }
}

/** A scheduler whose turns end when the test says so. */
export class ManualTurns {
  readonly #runs: Array<() => void> = []
  readonly schedule = (run: () => void): void => void this.#runs.push(run)

  get scheduled(): number {
    return this.#runs.length
  }

  endTurn(): void {
    for (const run of this.#runs.splice(0)) run()
  }
}

/**
 * One that reads into memory which is used again: what lend() hands over is overwritten when the call returns, and so is
 * what lies in front of it.
 */
export class LendingTransport extends StubTransport {
  onLent: (buffer: Buffer, start: number, end: number) => void = () => undefined
  readonly #roomBytes: number

  constructor(roomBytes: number) {
    super()
    this.#roomBytes = roomBytes
  }

  lend(chunk: Buffer): void {
    const memory = Buffer.alloc(this.#roomBytes + chunk.length, 0xdd)
    chunk.copy(memory, this.#roomBytes)
    this.onLent(memory, this.#roomBytes, memory.length)
    memory.fill(0xee)
  }
}
