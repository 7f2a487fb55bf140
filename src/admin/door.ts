/**
 * An HTTP listener whose visitors are served by whoever is there: at first by what answers probes while the store is
 * being recovered, then by the admin API, at the end by nobody.
 *
 *   open ─► serve(starting) ─► serve(admin) ─► closed with its scope
 *
 * It is opened before there is a broker, so that a supervisor can tell "starting" from "dead". Bounded: connections,
 * header size, time for a request. Where all connections are taken, the one that has owed (the rest of) a request for the
 * longest time gives way: strangers who say nothing must not keep a probe out [ADM-10]. The scope's end takes no new connection, lets answers under way finish for
 * CLOSE_GRACE_MS, then cuts.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ListenError } from "../listener/listen-error.ts"
import { serve } from "../listener/serve.ts"
import type { ListenAddress } from "../settings/address.ts"

export type Visit = (request: IncomingMessage, response: ServerResponse) => void

export interface Door {
  readonly host: string
  /** The port taken, also when 0 was asked for. */
  readonly port: number
  /** From here on; the one before is told nothing. */
  readonly serve: (visit: Visit) => void
}

const CLOSE_GRACE_MS = 500
/** Against clients that send slowly on purpose. What is asked here is small and near: nobody needs other values. */
const serverLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000
}

/** `name` stands in errors; `first` serves until somebody else does. */
export const openDoor = Effect.fnUntraced(function* (
  name: string,
  address: ListenAddress,
  connectionsMax: number,
  first: Visit
): Effect.fn.Return<Door, ListenError, Scope.Scope> {
  let visit = first
  const open = new Map<Socket, IncomingMessage | undefined>()
  const server = createServer(serverLimits, (request, response) => {
    const { socket } = request
    open.set(socket, request)
    response.once("close", () => open.has(socket) && open.set(socket, undefined))
    visit(request, response)
  })
  server.on("connection", (socket: Socket) => {
    if (open.size >= connectionsMax && !makeRoom(open)) {
      socket.destroy()
      return
    }
    open.set(socket, undefined)
    socket.once("close", () => open.delete(socket))
  })
  const bound = yield* serve(server, { name, ...address })
  yield* Effect.addFinalizer(() => closeGently(server))
  return {
    host: bound.host,
    port: bound.port,
    serve: (next) => {
      visit = next
    }
  }
})

/** [ADM-10] In the order in which they came. Who waits for an answer, or listens to a stream, stays. */
function makeRoom(open: Map<Socket, IncomingMessage | undefined>): boolean {
  for (const [socket, request] of open) {
    if (request?.complete === true) continue
    open.delete(socket)
    socket.destroy()
    return true
  }
  return false
}

function closeGently(server: Server): Effect.Effect<void> {
  return Effect.callback<void>((resume) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
    server.close(() => {
      clearTimeout(cut)
      resume(Effect.void)
    })
  })
}
