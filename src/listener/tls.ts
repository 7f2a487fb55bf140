/**
 * The TLS listener: MQTT inside TLS 1.2 or newer. The transport is the one of TCP, over a TLS socket.
 *
 * Invariants
 * - Nobody reaches the broker before the handshake is done; with `require` not without a certificate that tls-ca
 *   signed or a pre-shared key, and with `request` not with one that it did not sign.
 * - [TLS-1] Keys are not negotiated anew within a connection (TLS 1.2 lets a client ask for that, at the server's cost):
 *   whoever asks is cut off.
 *
 * Elsewhere: files, reload (tls-material.ts), what a client's certificate says (peer-certificate.ts).
 */
import { createServer, type Server, type TLSSocket } from "node:tls"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type HandshakeOptions, handshakeEnd, handshakeOptions, peerRefusal } from "./handshake.ts"
import type { ListenError } from "./listen-error.ts"
import { peerCertificate } from "./peer-certificate.ts"
import { type BoundAddress, type ListenOptions, serve } from "./serve.ts"
import { SocketTransport } from "./socket-transport.ts"
import type { Transport } from "./transport.ts"

export interface ListenTlsOptions extends ListenOptions, HandshakeOptions {
  readonly onTransport: (transport: Transport) => void
}

export const listenTls = (options: ListenTlsOptions): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const endHandshake = yield* handshakeEnd(options.name, options.door)
    const server: Server = createServer(
      { ...handshakeOptions(options), noDelay: true, allowHalfOpen: false },
      (socket: TLSSocket) => {
        const refused = peerRefusal(socket, options.material)
        if (refused !== undefined) {
          endHandshake(new Error(refused), socket)
          return
        }
        socket.disableRenegotiation()
        // Node tells of a client that tries, and goes on with it. [TLS-1]
        socket.once("error", () => socket.destroy())
        const { door, name } = options
        const guest = door?.guestOf(socket)
        if (door !== undefined && guest === undefined) {
          socket.destroy()
          return
        }
        const shown = peerCertificate(socket) ?? guest?.certificate
        const pskIdentity = options.material.pskIdentities.of(socket)
        const tlsProof = options.material.proofOf(socket)
        const proved = { peerCertificate: shown, pskIdentity, tlsProof }
        const parts = { kind: "tls", listener: name, peer: guest?.peer, ...proved } as const
        options.onTransport(new SocketTransport(socket, parts))
      }
    )
    server.on("tlsClientError", endHandshake)
    yield* options.material.followedBy(server)
    return yield* serve(server, options)
  })
