/**
 * What every transport promises, whatever carries it (src/listener/transport.ts). Each implementation brings a
 * way to open a connection and a peer at its other end, which can send, stop reading, and close.
 *
 * Waiting is always for a condition; how long it takes decides nothing but the runner's own time-out.
 */
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate as nextTurn } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Transport } from "../../src/listener/transport.ts"

/** The client's end, as the tests drive it. */
export interface Peer {
  readonly received: Array<Buffer>
  readonly closed: boolean
  send(bytes: Buffer): void
  /** Sends, and closes in an orderly way right behind it. */
  sendAndClose(bytes: Buffer): void
  stopReading(): void
  startReading(): void
}

export interface TransportCase {
  readonly kind: Transport["kind"]
  readonly listener: string
  readonly peerAddress: RegExp
  readonly open: Effect.Effect<{ readonly transport: Transport; readonly peer: Peer }, unknown, Scope.Scope>
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}

/** Everything a transport reported, in order. */
class Witness {
  readonly chunks: Array<Buffer> = []
  readonly done: Array<number> = []
  readonly closes: Array<Error | undefined> = []
  writes = 0
  onChunk: () => void = () => undefined
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
    transport.onData = (chunk) => this.#took(chunk)
    // What is lent is gone after the call.
    transport.onLent = (buffer, start, end) => {
      this.#took(Buffer.from(buffer.subarray(start, end)))
      buffer.fill(0xee, 0, end)
    }
    transport.onClose = (error) => void this.closes.push(error)
  }

  #took(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.onChunk()
  }

  write(bytes: Buffer): void {
    const index = this.writes++
    let returned = false
    this.#transport.write(bytes, () => {
      assert.isTrue(returned, "done was called from within write")
      this.done.push(index)
    })
    returned = true
  }

  /** Writes until the kernel takes no more; the peer has stopped reading. */
  async writeUntilUnsent(): Promise<void> {
    const block = Buffer.alloc(262_144, 5)
    for (let count = 0; count < 1_000; count++) {
      this.write(block)
      await nextTurn()
      await nextTurn()
      if (this.#transport.unsentBytes > block.length) return
    }
    assert.fail("a peer that reads nothing took everything")
  }

  get data(): Buffer {
    return Buffer.concat(this.chunks)
  }

  assertAllDoneInOrder(): void {
    assert.deepStrictEqual(
      this.done,
      Array.from({ length: this.writes }, (_, index) => index)
    )
  }
}

const pattern = (length: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => (seed + index * 13 + (index >> 8)) & 0xff))

/** An open file that has no name any more. */
function tmpfile(): number {
  const folder = mkdtempSync(join(tmpdir(), "transport-"))
  const file = openSync(join(folder, "file"), "w+")
  rmSync(folder, { recursive: true })
  return file
}

const bytesIn = (chunks: ReadonlyArray<Buffer>): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0)

export function transportContract(name: string, implementation: TransportCase): void {
  const check = (title: string, body: (transport: Transport, witness: Witness, peer: Peer) => Promise<void>): void =>
    it.live(title, () =>
      Effect.gen(function* () {
        const { transport, peer } = yield* implementation.open
        const witness = new Witness(transport)
        yield* Effect.promise(() => body(transport, witness, peer))
        transport.destroy()
      })
    )

  describe(`transport contract: ${name}`, () => {
    check("names its kind, its listener and its peer", async (transport) => {
      assert.strictEqual(transport.kind, implementation.kind)
      assert.strictEqual(transport.listener, implementation.listener)
      assert.match(transport.peer, implementation.peerAddress)
    })

    check("delivers what the peer sends, in order; the chunks may be kept, unless lent", async (_, witness, peer) => {
      const sent = [1, 70_000, 3, 200_000, 5].map(pattern)
      for (const bytes of sent) peer.send(bytes)
      await until(() => bytesIn(witness.chunks) >= bytesIn(sent))
      assert.isTrue(witness.data.equals(Buffer.concat(sent)))
    })

    check(
      "sends what is written, and reports each write once, in order, never from within",
      async (transport, witness, peer) => {
        const sent = [1, 64, 65_536, 3, 300_000].map(pattern)
        for (const bytes of sent) witness.write(bytes)
        await until(() => bytesIn(peer.received) >= bytesIn(sent) && witness.done.length >= sent.length)
        assert.isTrue(Buffer.concat(peer.received).equals(Buffer.concat(sent)))
        witness.assertAllDoneInOrder()
        assert.strictEqual(transport.unsentBytes, 0)
      }
    )

    check("leaves a buffer to the writer once it was reported done", async (_, witness, peer) => {
      const slab = Buffer.alloc(1_000)
      for (let round = 0; round < 20; round++) {
        slab.fill(round)
        witness.write(slab)
        await until(() => witness.done.length === round + 1)
      }
      await until(() => bytesIn(peer.received) === 20_000)
      const expected = Array.from({ length: 20 }, (_, round) => Buffer.alloc(1_000, round))
      assert.isTrue(Buffer.concat(peer.received).equals(Buffer.concat(expected)))
    })

    check("what it sends at once comes in order with what is written, and is the caller's again", async (...ends) => {
      const [transport, witness, peer] = ends
      if (transport.writeNow === undefined) return
      const memory = Buffer.alloc(100_000)
      const sent: Array<Buffer> = []
      peer.stopReading()
      // First the network takes all, then a part, then nothing: the rest goes the usual way, and nothing overtakes it.
      for (let round = 0; round < 1_000 && transport.unsentBytes === 0; round++) {
        pattern(memory.length, round).copy(memory)
        sent.push(Buffer.from(memory))
        const taken = transport.writeNow(memory, 0, memory.length)
        const rest = Buffer.from(memory.subarray(taken))
        memory.fill(0xee)
        if (rest.length > 0) witness.write(rest)
        await nextTurn()
      }
      assert.isAbove(transport.unsentBytes, 0, "a peer that reads nothing took everything")
      // There is room in the kernel again as soon as the peer reads, and node still has bytes.
      let overtaking = 0
      const take = peer.received.push.bind(peer.received)
      peer.received.push = (...chunks) => {
        if (transport.unsentBytes > 0) overtaking += transport.writeNow?.(memory, 0, 1) ?? 0
        return take(...chunks)
      }
      peer.startReading()
      await until(() => bytesIn(peer.received) >= bytesIn(sent) && transport.unsentBytes === 0)
      assert.strictEqual(overtaking, 0)
      assert.isTrue(Buffer.concat(peer.received).equals(Buffer.concat(sent)))
      const some = transport.kind === "tls" ? 0 : 3
      assert.strictEqual(transport.writeNow(pattern(10, 1), 2, 5), some)
      await until(() => bytesIn(peer.received) === bytesIn(sent) + some)
      transport.destroy()
      await until(() => witness.closes.length > 0)
      // Its descriptor is free now, and the next files that are opened get the lowest ones.
      const files = Array.from({ length: 8 }, () => tmpfile())
      assert.strictEqual(transport.writeNow(memory, 0, 1), 0, "the descriptor is another's")
      for (const file of files) {
        assert.strictEqual(fstatSync(file).size, 0)
        closeSync(file)
      }
    })

    check("sends nothing at once after end, nor to a peer that is gone", async (transport, witness, peer) => {
      if (transport.writeNow === undefined) return
      transport.end(60_000)
      assert.strictEqual(transport.writeNow(pattern(10, 1), 0, 10), 0)
      await until(() => peer.closed && witness.closes.length > 0)
      assert.strictEqual(bytesIn(peer.received), 0)
    })

    check(
      "counts what a peer that reads nothing leaves unsent, and sends it when that peer reads",
      async (transport, witness, peer) => {
        peer.stopReading()
        await witness.writeUntilUnsent()
        assert.isBelow(witness.done.length, witness.writes)
        peer.startReading()
        await until(() => witness.done.length === witness.writes && bytesIn(peer.received) === witness.writes * 262_144)
        witness.assertAllDoneInOrder()
        assert.strictEqual(transport.unsentBytes, 0)
      }
    )

    check(
      "paused, it delivers nothing but chunks already read; resumed, the rest in order",
      async (transport, witness, peer) => {
        const sent = Array.from({ length: 40 }, (_, seed) => pattern(50_000, seed))
        witness.onChunk = () => {
          if (witness.chunks.length === 1) transport.pause()
        }
        for (const bytes of sent) peer.send(bytes)
        await until(() => witness.chunks.length > 0)
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        const whilePaused = witness.chunks.length
        for (let turn = 0; turn < 50; turn++) await nextTurn()
        assert.strictEqual(witness.chunks.length, whilePaused)
        assert.isBelow(bytesIn(witness.chunks), bytesIn(sent))
        transport.resume()
        await until(() => bytesIn(witness.chunks) === bytesIn(sent))
        assert.isTrue(witness.data.equals(Buffer.concat(sent)))
      }
    )

    check("end sends what was written, then closes both ends", async (transport, witness, peer) => {
      const last = pattern(500_000, 1)
      witness.write(last)
      transport.end(60_000)
      await until(() => peer.closed && witness.closes.length > 0)
      assert.isTrue(Buffer.concat(peer.received).equals(last))
      assert.deepStrictEqual(witness.closes, [undefined])
      witness.assertAllDoneInOrder()
    })

    check("end while paused, with bytes that nobody will read, still closes", async (transport, witness, peer) => {
      transport.pause()
      peer.send(pattern(10_000, 1))
      witness.write(pattern(10, 1))
      transport.end(60_000)
      await until(() => peer.closed && witness.closes.length > 0)
      assert.isTrue(Buffer.concat(peer.received).equals(pattern(10, 1)))
      assert.strictEqual(witness.chunks.length, 0)
    })

    check("end towards a peer that reads nothing closes hard after the grace", async (transport, witness, peer) => {
      peer.stopReading()
      await witness.writeUntilUnsent()
      transport.end(1)
      await until(() => witness.closes.length > 0 && witness.done.length === witness.writes)
      witness.assertAllDoneInOrder()
      assert.strictEqual(witness.closes.length, 1)
    })

    check("destroy closes at once and reports every write", async (transport, witness, peer) => {
      peer.stopReading()
      await witness.writeUntilUnsent()
      transport.destroy()
      assert.strictEqual(witness.closes.length, 0, "onClose was called from within destroy")
      transport.destroy()
      await until(() => witness.closes.length > 0 && witness.done.length === witness.writes)
      witness.assertAllDoneInOrder()
      peer.startReading()
      await until(() => peer.closed)
      assert.deepStrictEqual(witness.closes, [undefined])
    })

    check("a write right behind destroy is reported after those before it", async (transport, witness, peer) => {
      peer.stopReading()
      await witness.writeUntilUnsent()
      transport.destroy()
      witness.write(pattern(10, 1))
      await until(() => witness.closes.length > 0 && witness.done.length === witness.writes)
      witness.assertAllDoneInOrder()
    })

    check("a peer that sends and closes is heard to the end, then the close is told once", async (_, witness, peer) => {
      const last = pattern(100_000, 3)
      let bytesAtClose = -1
      const note = witness.closes.push.bind(witness.closes)
      witness.closes.push = (...errors) => {
        bytesAtClose = bytesIn(witness.chunks)
        return note(...errors)
      }
      peer.sendAndClose(last)
      await until(() => witness.closes.length > 0)
      assert.strictEqual(bytesAtClose, last.length)
      assert.deepStrictEqual(witness.closes, [undefined])
    })

    check("a write after the close is reported done and has no other effect", async (_, witness, peer) => {
      peer.sendAndClose(pattern(1, 1))
      await until(() => witness.closes.length > 0)
      witness.write(pattern(10, 1))
      await until(() => witness.done.length === 1)
      assert.strictEqual(witness.closes.length, 1)
    })
  })
}
