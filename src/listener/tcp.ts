/**
 * The TCP listener. Nagle's delay is off; batching is the outbox's work, once per turn.
 *
 * libuv accepts one client per listening socket and turn of the loop: of a herd that comes back, each would cost a turn, with all
 * that a turn costs besides. So on Linux a port has several listening sockets of ours, among which the kernel spreads who
 * comes (SO_REUSEPORT).
 *
 * Measured beside one socket, 10,000 connects to a fresh broker, medians of ten pairs: 10.2 to 12.7 thousand a second in 3.1.1,
 * 9.1 to 11.3 in 5.0; an eighth less processor time. Eight are no better than four.
 *
 * Closing its scope stops accepting and touches no accepted connection; the broker above closes those.
 *
 * Invariants
 * - [PORT-1] A port that another program listens on is in use, be it one that shares it too: it is asked for alone first. Who
 *   comes later finds it in use; only a process of the same user that asks to share it would be let in, by the kernel.
 *
 * Elsewhere: the transport (socket-transport.ts), limits on sockets and the address a proxy reports (door.ts).
 */
import { createServer, type Server, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { type ListenError, socketFileError } from "./listen-error.ts"
import { type BoundAddress, type ListenOptions, openServer, serve } from "./serve.ts"
import { SocketTransport } from "./socket-transport.ts"
import type { Transport } from "./transport.ts"

export interface ListenTcpOptions extends ListenOptions {
  readonly onTransport: (transport: Transport) => void
}

const SOCKETS_PER_PORT = process.platform === "linux" ? 4 : 1

export const listenTcp = (options: ListenTcpOptions): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    if (SOCKETS_PER_PORT === 1) return yield* serve(clients(options), options)
    const own = yield* Effect.scope
    return yield* Effect.scoped(
      Effect.gen(function* () {
        const turn = yield* Effect.result(takeTurn(options))
        const listening = Result.isFailure(turn) ? serve(clients(options), options) : onManySockets(options)
        return yield* Scope.provide(listening, own)
      })
    )
  })

/**
 * [PORT-1] Between asking alone and sharing the port is nobody's for some milliseconds: of two brokers that start at once only
 * one shares it, the other one asks for it alone. A name in the kernel, not a file: it goes with whoever holds it.
 */
const takeTurn = ({ name, port }: ListenTcpOptions): Effect.Effect<void, ListenError, Scope.Scope> => {
  if (port === 0) return Effect.void
  const path = turnName(port)
  return openServer(nobody(), { name }, { place: { path }, refusal: (cause) => socketFileError(name, path, cause) })
}

export const turnName = (port: number): string => `\0promptmq-port-${port}`

const onManySockets = (options: ListenTcpOptions): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    // [PORT-1] Where the system is to choose, it gives a port that nobody has.
    if (options.port !== 0) yield* Effect.scoped(serve(nobody(), { ...options, door: undefined }))
    const shared = { ...options, reusePort: true }
    const first = yield* Effect.result(serve(clients(options), shared))
    // A system that knows no such sharing; or what is wrong is told without it, too.
    if (Result.isFailure(first)) return yield* serve(clients(options), options)
    const { port } = first.success
    for (let others = 1; others < SOCKETS_PER_PORT; others++) yield* serve(clients(options), { ...shared, port })
    return first.success
  })

/** Whoever knocks while it is not clear whose the port is comes again. */
const nobody = (): Server => createServer((socket) => socket.destroy())

const clients = ({ door, name, onTransport }: ListenTcpOptions): Server =>
  createServer({ noDelay: true, allowHalfOpen: false }, (socket: Socket) => {
    const { certificate, peer } = door?.guestOf(socket) ?? {}
    onTransport(new SocketTransport(socket, { kind: "tcp", listener: name, peer, peerCertificate: certificate }))
  })
