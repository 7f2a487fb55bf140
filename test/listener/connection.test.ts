/**
 * The connection over chunks of any length: the same packets in the same order, whatever the chunking and wherever
 * the receiver stops; memory in proportion to what arrived; one end, told last.
 *
 * Frames of these tests: two bytes of length (header included), then content; a length below two is malformed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Connection, type PacketReceiver } from "../../src/listener/connection.ts"
import { FlushTurn } from "../../src/listener/flush-turn.ts"
import { Outbox } from "../../src/listener/outbox.ts"
import { SlabPool } from "../../src/listener/slab-pool.ts"
import { LendingTransport, ManualTurns, StubTransport } from "./stub-transport.ts"

const HEADER_BYTES = 2

function frameLength(buffer: Buffer, start: number, end: number): number {
  if (end - start < HEADER_BYTES) return 0
  const length = buffer.readUInt16BE(start)
  return length < HEADER_BYTES ? -1 : length
}

function frameOf(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + content.length)
  frame.writeUInt16BE(frame.length)
  frame.set(content, HEADER_BYTES)
  return frame
}

/** Takes frames as the broker does; `onFrame` may stop or close the connection. */
class Recorder implements PacketReceiver {
  readonly frames: Array<string> = []
  /** What was handed over, kept as it is: it must not change afterwards. */
  readonly kept: Array<Buffer> = []
  readonly ends: Array<Error | undefined> = []
  refused = 0
  onFrame: (frame: string, index: number) => void = () => undefined
  connection: Connection | undefined = undefined

  receive(buffer: Buffer, start: number, end: number): number {
    let offset = start
    while (true) {
      const length = frameLength(buffer, offset, end)
      if (length < 0) {
        this.refused++
        this.connection?.close(0)
        return offset
      }
      if (length === 0 || offset + length > end) return offset
      this.kept.push(buffer.subarray(offset, offset + length))
      this.frames.push(buffer.toString("hex", offset, offset + length))
      offset += length
      this.onFrame(this.frames.at(-1) ?? "", this.frames.length - 1)
      if (this.connection?.stopped === true) return offset
    }
  }

  closed(error: Error | undefined): void {
    this.ends.push(error)
  }
}

function setUp<T extends StubTransport = StubTransport>(transport: T = new StubTransport() as T) {
  const turns = new ManualTurns()
  const pool = new SlabPool(4)
  const outbox = new Outbox(transport, pool, new FlushTurn(turns.schedule), 1 << 20)
  const connection = new Connection(transport, outbox, frameLength)
  const receiver = new Recorder()
  receiver.connection = connection
  connection.receiver = receiver
  return { transport, connection, receiver, outbox, pool }
}

const frames = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ minLength: 200, maxLength: 2_000 })).map(frameOf),
  { maxLength: 40 }
)

/** A stream cut into chunks, each in memory of its own. */
function chunked(stream: Buffer, cuts: ReadonlyArray<number>): ReadonlyArray<Buffer> {
  const chunks: Array<Buffer> = []
  let offset = 0
  for (let index = 0; offset < stream.length; index++) {
    const length = cuts[index % cuts.length] ?? stream.length
    chunks.push(Buffer.from(stream.subarray(offset, offset + length)))
    offset += length
  }
  return chunks
}

const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5_000 })), {
  minLength: 1,
  maxLength: 20
})

describe("connection", () => {
  it("any chunking of a stream gives the same frames", () => {
    fc.assert(
      fc.property(frames, cuts, (sent, cuts) => {
        const { transport, connection, receiver } = setUp()
        for (const chunk of chunked(Buffer.concat(sent), cuts)) transport.onData(chunk)
        assert.deepStrictEqual(
          receiver.frames,
          sent.map((frame) => frame.toString("hex"))
        )
        assert.strictEqual(connection.pendingBytes, 0)
        assert.deepStrictEqual(
          receiver.kept.map((frame) => frame.toString("hex")),
          receiver.frames
        )
      }),
      { numRuns: 300 }
    )
  })

  it("stop and go anywhere keep every frame and the order", () => {
    const stops = fc.array(fc.constantFrom("run", "stop", "stop and go at once"), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(frames, cuts, stops, fc.nat(3), (sent, cuts, stops, goEvery) => {
        const { transport, connection, receiver } = setUp()
        receiver.onFrame = (_, index) => {
          const act = stops[index % stops.length]
          if (act !== "run") connection.stop()
          if (act === "stop and go at once") connection.go()
        }
        for (const [index, chunk] of chunked(Buffer.concat(sent), cuts).entries()) {
          transport.onData(chunk)
          assert.strictEqual(transport.paused, connection.stopped)
          if (connection.stopped && index % (goEvery + 1) === 0) connection.go()
        }
        while (connection.stopped) connection.go()
        assert.deepStrictEqual(
          receiver.frames,
          sent.map((frame) => frame.toString("hex"))
        )
        assert.isFalse(transport.paused)
        assert.strictEqual(connection.pendingBytes, 0)
        assert.deepStrictEqual(
          receiver.kept.map((frame) => frame.toString("hex")),
          receiver.frames
        )
      }),
      { numRuns: 300 }
    )
  })

  it("hands complete frames over where they lie in the chunk", () => {
    const { transport, receiver } = setUp()
    const chunk = Buffer.concat([frameOf(Buffer.alloc(10, 1)), frameOf(Buffer.alloc(20, 2))])
    transport.onData(chunk)
    assert.deepStrictEqual(
      receiver.kept.map(({ buffer, byteOffset }) => [buffer === chunk.buffer, byteOffset - chunk.byteOffset]),
      [
        [true, 0],
        [true, 12]
      ]
    )
  })

  it("a long announced frame costs the bytes that arrived, then at most its own length", () => {
    const { transport, connection, receiver } = setUp()
    const frame = frameOf(Buffer.alloc(60_000, 7))
    transport.onData(frame.subarray(0, HEADER_BYTES))
    assert.isAtMost(connection.pendingBytes, 256)
    for (let offset = HEADER_BYTES; offset < frame.length - 1; offset += 100) {
      const end = Math.min(offset + 100, frame.length - 1)
      transport.onData(Buffer.from(frame.subarray(offset, end)))
      assert.isAtMost(connection.pendingBytes, Math.min(frame.length, Math.max(256, 2 * end)))
    }
    assert.strictEqual(receiver.frames.length, 0)
    transport.onData(frame.subarray(frame.length - 1))
    assert.strictEqual(receiver.frames.length, 1)
    assert.strictEqual(connection.pendingBytes, 0)
  })

  it("stopped, it keeps the rest of the chunk and pauses; going on, it reads again", () => {
    const { transport, connection, receiver } = setUp()
    receiver.onFrame = (_, index) => index === 0 && connection.stop()
    const [first, second] = [frameOf(Buffer.alloc(1)), frameOf(Buffer.alloc(500))]
    transport.onData(Buffer.concat([first, second]))
    assert.isTrue(connection.stopped)
    assert.isTrue(transport.paused)
    assert.strictEqual(receiver.frames.length, 1)
    assert.strictEqual(connection.pendingBytes, second.length)
    connection.go()
    assert.isFalse(transport.paused)
    assert.strictEqual(receiver.frames.length, 2)
    assert.strictEqual(connection.pendingBytes, 0)
  })

  it("a receiver that stops before a frame is given that frame again", () => {
    const { transport, connection } = setUp()
    const seen: Array<number> = []
    connection.receiver = {
      receive: (_, start, end) => {
        seen.push(end - start)
        if (seen.length > 1) return end
        connection.stop()
        return start
      },
      closed: () => undefined
    }
    transport.onData(frameOf(Buffer.alloc(8)))
    connection.go()
    assert.deepStrictEqual(seen, [10, 10])
  })

  it("a receiver that stops and goes on within one call is given the rest of the chunk at once", () => {
    const { transport, connection } = setUp()
    const seen: Array<number> = []
    connection.receiver = {
      receive: (_, start) => {
        seen.push(start)
        connection.stop()
        connection.go()
        return start + 10
      },
      closed: () => undefined
    }
    const frame = frameOf(Buffer.alloc(8))
    transport.onData(Buffer.concat([frame, frame, frame]))
    assert.deepStrictEqual(seen, [0, 10, 20])
    assert.strictEqual(connection.pendingBytes, 0)
    assert.isFalse(transport.paused)
  })

  it("a packet that arrives in many pieces is shown to the receiver when it begins and when it is whole", () => {
    const { transport, connection } = setUp()
    let calls = 0
    connection.receiver = {
      receive: (_, start, end) => {
        calls++
        return end - start === 3_000 ? end : start
      },
      closed: () => undefined
    }
    const frame = frameOf(Buffer.alloc(2_998))
    for (let offset = 0; offset < frame.length; offset += 10) transport.onData(frame.subarray(offset, offset + 10))
    assert.strictEqual(calls, 2)
    assert.strictEqual(connection.pendingBytes, 0)
  })

  it("a stop from outside holds back what arrives next", () => {
    const { transport, connection, receiver } = setUp()
    connection.stop()
    assert.isTrue(transport.paused)
    transport.onData(frameOf(Buffer.alloc(3)))
    assert.strictEqual(receiver.frames.length, 0)
    connection.go()
    assert.strictEqual(receiver.frames.length, 1)
    assert.isFalse(transport.paused)
  })

  it("the end of the transport waits for what came before it", () => {
    const { transport, connection, receiver, outbox } = setUp()
    receiver.onFrame = () => connection.stop()
    transport.onData(Buffer.concat([frameOf(Buffer.alloc(1)), frameOf(Buffer.alloc(2))]))
    transport.onClose(undefined)
    assert.isTrue(outbox.closed)
    assert.deepStrictEqual(receiver.ends, [])
    connection.go()
    assert.strictEqual(receiver.frames.length, 2)
    assert.deepStrictEqual(receiver.ends, [])
    connection.go()
    assert.deepStrictEqual(receiver.ends, [undefined])
  })

  it("destroyed while an end waits, it tells that end once and hands nothing over", async () => {
    const { transport, connection, receiver } = setUp()
    receiver.onFrame = () => connection.stop()
    transport.onData(Buffer.concat([frameOf(Buffer.alloc(1)), frameOf(Buffer.alloc(2))]))
    const error = new Error("reset")
    transport.onClose(error)
    connection.destroy()
    assert.deepStrictEqual(receiver.ends, [])
    await Promise.resolve()
    connection.go()
    assert.strictEqual(receiver.frames.length, 1)
    assert.deepStrictEqual(receiver.ends, [error])
  })

  it("malformed bytes reach the receiver, wherever the chunks are cut", () => {
    fc.assert(
      fc.property(frames, cuts, (sent, cuts) => {
        const { transport, receiver } = setUp()
        for (const chunk of chunked(Buffer.concat([...sent, Buffer.from([0, 1, 9, 9, 9])]), cuts)) {
          transport.onData(chunk)
        }
        assert.strictEqual(receiver.frames.length, sent.length)
        assert.strictEqual(receiver.refused, 1)
        assert.strictEqual(transport.ended, 0)
      }),
      { numRuns: 100 }
    )
  })

  it("close flushes what the outbox holds, ends, and hands nothing more over", () => {
    const { transport, connection, receiver, outbox, pool } = setUp()
    receiver.onFrame = () => {
      outbox.append(Buffer.from("bye"), 0, 3)
      connection.close(50)
    }
    transport.onData(Buffer.concat([frameOf(Buffer.alloc(1)), frameOf(Buffer.alloc(2))]))
    transport.onData(frameOf(Buffer.alloc(3)))
    outbox.append(Buffer.from("late"), 0, 4)
    assert.strictEqual(receiver.frames.length, 2)
    assert.strictEqual(transport.received.toString(), "bye")
    assert.strictEqual(transport.ended, 50)
    assert.strictEqual(connection.pendingBytes, 0)
    transport.take(1)
    assert.strictEqual(pool.takenSlabs, 0)
    transport.onClose(undefined)
    assert.deepStrictEqual(receiver.ends, [undefined])
  })

  it("destroy drops everything, also after close", () => {
    const { transport, connection, receiver } = setUp()
    transport.onData(frameOf(Buffer.alloc(30)).subarray(0, 20))
    connection.close(1_000)
    connection.destroy()
    assert.isTrue(transport.destroyed)
    assert.strictEqual(connection.pendingBytes, 0)
    transport.onClose(undefined)
    assert.deepStrictEqual(receiver.ends, [undefined])
  })

  it("what is lent is not looked at again: any chunking, any room in front, stops anywhere", () => {
    const stops = fc.array(fc.boolean(), { minLength: 1, maxLength: 10 })
    const rooms = fc.constantFrom(0, 1, 300, 65_536)
    fc.assert(
      fc.property(frames, cuts, stops, fc.nat(3), rooms, (sent, cuts, stops, goEvery, room) => {
        const { transport, connection, receiver, outbox } = setUp(new LendingTransport(room))
        receiver.onFrame = (_, index) => {
          if (stops[index % stops.length] === true) connection.stop()
        }
        for (const [index, chunk] of chunked(Buffer.concat(sent), cuts).entries()) {
          transport.lend(chunk)
          if (connection.stopped && index % (goEvery + 1) === 0) connection.go()
        }
        while (connection.stopped) connection.go()
        assert.deepStrictEqual(
          receiver.frames,
          sent.map((frame) => frame.toString("hex"))
        )
        assert.strictEqual(connection.pendingBytes, 0)
        assert.isFalse(outbox.closed)
      }),
      { numRuns: 300 }
    )
  })

  it("two connections that wait for the rest of a packet do not share memory for its beginning", () => {
    const clients = [0, 1, 2].map(() => setUp(new LendingTransport(65_536)))
    const sent = clients.map((_, index) => frameOf(Buffer.alloc(5_000, index + 1)))
    for (let round = 0; round < 3; round++) {
      for (const cut of [1, 2, 700, 4_000]) {
        for (const [index, { transport }] of clients.entries()) transport.lend(sent[index]?.subarray(0, cut) as Buffer)
        for (const [index, { transport }] of clients.entries()) transport.lend(sent[index]?.subarray(cut) as Buffer)
      }
    }
    clients.forEach(({ receiver }, index) => {
      const hex = sent[index]?.toString("hex")
      assert.deepStrictEqual(receiver.frames, Array(12).fill(hex))
    })
  })

  it("a packet larger than the room in front is put together in memory of its own", () => {
    const { transport, receiver } = setUp(new LendingTransport(1_000))
    const large = frameOf(Buffer.alloc(65_000, 7))
    for (let offset = 0; offset < large.length; offset += 900) transport.lend(large.subarray(offset, offset + 900))
    assert.deepStrictEqual(receiver.frames, [large.toString("hex")])
  })

  it("a beginning that arrived takes at most twice its bytes, however much the packet announces", () => {
    const { transport, connection } = setUp(new LendingTransport(65_536))
    const large = frameOf(Buffer.alloc(60_000, 7))
    let arrived = 0
    for (let offset = 0; offset < 50_000; offset += 900) {
      transport.lend(large.subarray(offset, offset + 900))
      arrived += 900
      assert.isAtMost(connection.pendingBytes, 2 * Math.max(arrived, 128))
    }
  })

  it("memory of a beginning is not used again while its receiver looks at it", () => {
    const first = setUp(new LendingTransport(65_536))
    const second = setUp(new LendingTransport(65_536))
    let isSame = false
    first.receiver.onFrame = (frame, index) => {
      if (index === 0) first.connection.stop()
      if (index !== 1) return
      first.connection.destroy()
      second.transport.lend(frameOf(Buffer.alloc(3_000, 0x55)).subarray(0, 2_900))
      isSame = first.receiver.kept[1]?.toString("hex") === frame
    }
    first.transport.lend(Buffer.concat([1, 2_000, 1_000].map((length) => frameOf(Buffer.alloc(length, 3)))))
    first.connection.go()
    assert.isTrue(isSame)
  })

  it("what waited while the receiver was stopped is lent as well: an outbox copies it", () => {
    const first = setUp(new LendingTransport(65_536))
    const second = setUp(new LendingTransport(65_536))
    const waiting = frameOf(Buffer.alloc(20_000, 3))
    first.connection.receiver = {
      receive: (buffer, start, end) => {
        if (end - start === 1) first.connection.stop()
        else first.outbox.append(buffer, start, end)
        return end
      },
      closed: () => undefined
    }
    first.transport.lend(Buffer.from([1]))
    first.transport.lend(waiting)
    first.connection.go()
    second.transport.lend(frameOf(Buffer.alloc(20_000, 0x55)).subarray(0, 19_000))
    first.outbox.flush()
    assert.isTrue(first.transport.received.equals(waiting))
    assert.isTrue(first.transport.take(first.transport.held.length))
  })
})
