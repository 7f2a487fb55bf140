/**
 * TCP: the contract over IPv4 and IPv6, how the end of a connection looks in its variants, and a listener that
 * opens, refuses with a reason, and stops accepting.
 */
import { setImmediate as nextTurn } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { Connection } from "../../src/listener/connection.ts"
import { FlushTurn } from "../../src/listener/flush-turn.ts"
import { Outbox } from "../../src/listener/outbox.ts"
import { SlabPool } from "../../src/listener/slab-pool.ts"
import { listenTcp } from "../../src/listener/tcp.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { transportContract, until } from "../contract/transport.ts"
import { TcpPeer } from "./peers.ts"

const open = (host: string) =>
  Effect.gen(function* () {
    const accepted: Array<Transport> = []
    const onTransport = (transport: Transport): void => void accepted.push(transport)
    const { port } = yield* listenTcp({ host, port: 0, name: "plain", onTransport })
    const peer = new TcpPeer(port, host)
    yield* Effect.addFinalizer(() => Effect.sync(() => peer.socket.destroy()))
    yield* Effect.promise(() => until(() => accepted.length > 0))
    return { transport: accepted[0] as Transport, peer, port }
  })

transportContract("tcp over IPv4", {
  kind: "tcp",
  listener: "plain",
  peerAddress: /^127\.0\.0\.1:\d+$/,
  open: open("127.0.0.1")
})
transportContract("tcp over IPv6", {
  kind: "tcp",
  listener: "plain",
  peerAddress: /^\[::1\]:\d+$/,
  open: open("::1")
})

describe("tcp transport", () => {
  it.live("a reset by the peer is told as an error, once", () =>
    Effect.gen(function* () {
      const { transport, peer } = yield* open("127.0.0.1")
      const closes: Array<Error | undefined> = []
      transport.onClose = (error) => void closes.push(error)
      yield* Effect.promise(() => until(() => !peer.socket.connecting))
      peer.socket.resetAndDestroy()
      yield* Effect.promise(() => until(() => closes.length > 0))
      assert.strictEqual(closes.length, 1)
      assert.strictEqual((closes[0] as NodeJS.ErrnoException).code, "ECONNRESET")
    })
  )

  it.live("answers written to a peer that has said its last word are no error", () =>
    Effect.gen(function* () {
      const { transport, peer } = yield* open("127.0.0.1")
      const closes: Array<Error | undefined> = []
      transport.onClose = (error) => void closes.push(error)
      peer.stopReading()
      const block = Buffer.alloc(1 << 20)
      while (transport.unsentBytes <= block.length) {
        transport.write(block, () => undefined)
        yield* Effect.promise(() => nextTurn())
      }
      peer.socket.end()
      while (closes.length === 0) {
        transport.write(Buffer.from("answer"), () => undefined)
        yield* Effect.promise(() => nextTurn())
      }
      assert.deepStrictEqual(closes, [undefined])
    })
  )

  it.live("frames followed by a hang-up take effect in order, though the receiver stops at each", () =>
    Effect.gen(function* () {
      const { transport, peer } = yield* open("127.0.0.1")
      const outbox = new Outbox(transport, new SlabPool(), new FlushTurn(setImmediate), 1 << 20)
      const connection = new Connection(transport, outbox, () => 1)
      const seen: Array<string> = []
      connection.receiver = {
        receive: (buffer, start) => {
          seen.push(buffer.toString("latin1", start, start + 1))
          outbox.append(buffer, start, start + 1)
          connection.stop()
          return start + 1
        },
        closed: (error) => void seen.push(`closed ${error}`)
      }
      peer.sendAndClose(Buffer.from("abc"))
      yield* Effect.promise(() => until(() => connection.stopped))
      assert.deepStrictEqual(seen, ["a"])
      while (connection.stopped) connection.go()
      yield* Effect.promise(() => until(() => connection.closed))
      assert.deepStrictEqual(seen, ["a", "b", "c", "closed undefined"])
    })
  )
})

describe("tcp listener", () => {
  it.live("a port in use is refused with its owner", () =>
    Effect.gen(function* () {
      const { port } = yield* open("127.0.0.1")
      const error = yield* Effect.flip(
        listenTcp({ host: "127.0.0.1", port, name: "second", onTransport: () => undefined })
      )
      assert.strictEqual(error._tag, "ListenError")
      assert.strictEqual(error.reason, "port-in-use")
      assert.strictEqual(error.ownerProcessId, process.pid)
      assert.strictEqual(error.exitCode, 8)
      assert.include(error.message, `listener "second" cannot listen on 127.0.0.1:${port}: port in use by this process`)
    })
  )

  it.live("an address that is not of this machine is refused by name", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        listenTcp({ host: "192.0.2.1", port: 0, name: "far", onTransport: () => undefined })
      )
      assert.strictEqual(error.reason, "address-not-available")
    })
  )

  it.live("closing the scope stops accepting, frees the port, and leaves accepted connections alone", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { transport, peer, port } = yield* Scope.provide(open("127.0.0.1"), yield* Scope.make())
      const opened = yield* Scope.provide(open("127.0.0.1"), scope)
      yield* Scope.close(scope, Exit.void)
      const refused = new TcpPeer(opened.port)
      yield* Effect.promise(() => until(() => refused.closed))
      yield* listenTcp({ host: "127.0.0.1", port: opened.port, name: "again", onTransport: () => undefined })
      assert.notStrictEqual(opened.port, port)
      transport.write(Buffer.from("still here"), () => undefined)
      yield* Effect.promise(() => until(() => Buffer.concat(peer.received).toString() === "still here"))
      transport.destroy()
    })
  )
})
