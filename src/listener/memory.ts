/**
 * Transports without a kernel, for tests: two ends joined in memory, with the nuisances of a network on request.
 *
 * Each end has a queue of what it has written and the other has not taken. A pump moves it, one scheduled step at a
 * time, in whole writes or (with `chunkBytesMax`) in pieces of a length that a seed decides; so packets are split
 * and joined, and the same seed splits them the same way.
 *
 * Invariants
 * - The other end gets copies: what was written belongs to the writer again after `done`.
 * - Nothing is called from within write, end or destroy; `done` comes in order and also for what a close threw away.
 * - stall() on an end is a peer that takes nothing: its own writes pile up in unsentBytes until go().
 *
 * Elsewhere: what every transport must do (transport.ts, test/contract/transport.ts).
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Transport } from "./transport.ts"

export interface MemoryPairOptions {
  readonly listener?: string
  /** Longest piece delivered at once; absent = every write arrives whole. */
  readonly chunkBytesMax?: number
  /** Decides the lengths of the pieces. */
  readonly seed?: number
  readonly schedule?: (step: () => void) => void
}

export interface MemoryPair {
  readonly server: MemoryTransport
  readonly client: MemoryTransport
}

export function memoryPair(options: MemoryPairOptions = {}): MemoryPair {
  const server = new MemoryTransport(options, "memory:client", options.seed ?? 1)
  const client = new MemoryTransport(options, "memory:server", (options.seed ?? 1) + 1)
  server.join(client)
  client.join(server)
  return { server, client }
}

export interface MemoryListener {
  /** A new connection; the listener's end goes to onTransport, the other is returned. Undefined once closed. */
  connect(options?: MemoryPairOptions): MemoryTransport | undefined
}

export const listenMemory = (options: {
  readonly name: string
  readonly onTransport: (transport: Transport) => void
}): Effect.Effect<MemoryListener, never, Scope.Scope> =>
  Effect.gen(function* () {
    let accepting = true
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        accepting = false
      })
    )
    return {
      connect: (pairOptions) => {
        if (!accepting) return undefined
        const { server, client } = memoryPair({ ...pairOptions, listener: options.name })
        options.onTransport(server)
        return client
      }
    }
  })

interface QueuedWrite {
  readonly buffer: Buffer
  readonly done: () => void
}

export class MemoryTransport implements Transport {
  readonly kind = "memory"
  readonly listener: string
  readonly peer: string
  unsentBytes = 0
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined

  readonly #chunkBytesMax: number
  readonly #schedule: (step: () => void) => void
  #other: MemoryTransport | undefined = undefined
  readonly #queue: Array<QueuedWrite> = []
  /** Bytes of the oldest write that the other end has already. */
  #taken = 0
  #random: number
  #stepScheduled = false
  #stalled = false
  #paused = false
  #ending = false
  #closed = false

  constructor(options: MemoryPairOptions, peer: string, seed: number) {
    this.listener = options.listener ?? "memory"
    this.peer = peer
    this.#chunkBytesMax = options.chunkBytesMax ?? Number.POSITIVE_INFINITY
    this.#schedule = options.schedule ?? ((step) => void setImmediate(step))
    this.#random = seed
  }

  join(other: MemoryTransport): void {
    this.#other = other
  }

  write(buffer: Buffer, done: () => void): void {
    if (this.#closed) {
      this.#schedule(done)
      return
    }
    this.unsentBytes += buffer.length
    this.#queue.push({ buffer, done })
    this.wake()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#other?.wake()
  }

  end(graceMs: number): void {
    if (this.#closed) return
    this.onData = () => undefined
    this.#ending = true
    this.resume()
    this.wake()
    const deadline = setTimeout(() => this.destroy(), graceMs)
    const { onClose } = this
    this.onClose = (error) => {
      clearTimeout(deadline)
      onClose.call(this, error)
    }
  }

  destroy(): void {
    this.vanish()
    this.#other?.vanish()
  }

  /** The peer takes nothing from here on, as one whose process was stopped. */
  stall(): void {
    this.#stalled = true
  }

  unstall(): void {
    this.#stalled = false
    this.wake()
  }

  /** For the other end: there may be something to move. */
  wake(): void {
    if (this.#stepScheduled || this.#closed) return
    this.#stepScheduled = true
    this.#schedule(() => this.#step())
  }

  /** For the other end: the connection is gone. */
  vanish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#schedule(() => {
      this.unsentBytes = 0
      for (const { done } of this.#queue.splice(0)) done()
      this.onClose(undefined)
    })
  }

  /** Moves one piece, and asks for the next step while there is something left to move. */
  #step(): void {
    this.#stepScheduled = false
    const other = this.#other
    if (this.#closed || this.#stalled || other === undefined || other.#paused) return
    const oldest = this.#queue[0]
    if (oldest === undefined) {
      if (this.#ending) this.destroy()
      return
    }
    const end = Math.min(oldest.buffer.length, this.#taken + this.#pieceBytes())
    const piece = Buffer.from(oldest.buffer.subarray(this.#taken, end))
    this.unsentBytes -= piece.length
    this.#taken = end
    if (end === oldest.buffer.length) {
      this.#queue.shift()
      this.#taken = 0
    }
    this.wake()
    if (piece.length > 0) other.onData(piece)
    if (end === oldest.buffer.length) oldest.done()
  }

  #pieceBytes(): number {
    if (!Number.isFinite(this.#chunkBytesMax)) return this.#chunkBytesMax
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return 1 + ((this.#random >>> 8) % this.#chunkBytesMax)
  }
}
