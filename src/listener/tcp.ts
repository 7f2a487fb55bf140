/**
 * The TCP listener. Nagle's delay is off; batching is the outbox's work, once per turn.
 *
 * Did not stay: several listening sockets for one port (SO_REUSEPORT), since libuv accepts one client per socket and turn. 10,000
 * connects went 25 % faster, but the kernel's queues are several then, and a client that gave up and came again could be
 * served in the wrong order: its dead connection took the session over from the living one.
 *
 * Closing its scope stops accepting and touches no accepted connection; the broker above closes those.
 *
 * Elsewhere: the transport (socket-transport.ts), limits on sockets and the address a proxy reports (door.ts).
 */
import { createServer, type Server } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ListenError } from "./listen-error.ts"
import { type BoundAddress, type ListenOptions, serve } from "./serve.ts"
import { SocketTransport } from "./socket-transport.ts"
import type { Transport } from "./transport.ts"

export interface ListenTcpOptions extends ListenOptions {
  readonly onTransport: (transport: Transport) => void
}

export const listenTcp = (options: ListenTcpOptions): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.suspend(() => {
    const server: Server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
      const { certificate, peer } = options.door?.guestOf(socket) ?? {}
      options.onTransport(
        new SocketTransport(socket, { kind: "tcp", listener: options.name, peer, peerCertificate: certificate })
      )
    })
    return serve(server, options)
  })
