/**
 * Opening and closing a node server inside a scope: shared by all listeners, and the admin's.
 *
 * The scope's end closes the listening socket at once and does not wait for connections: they belong to the broker,
 * which says good-bye to its clients while nobody new can come in. What goes wrong while accepting (no file
 * descriptors left) does not end a listener; it is reported by onAcceptError, or else logged.
 */
import type { ListenOptions as Place, Server } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Door } from "./door.ts"
import { type ListenError, listenError } from "./listen-error.ts"

/** Clients that the kernel may hold ready before accept: a herd that reconnects at once must not meet a refusal. */
const BACKLOG = 4_096

interface ServerOptions {
  /** Name of the listener, for logs, metrics and rules. */
  readonly name: string
  /** What a socket passes before the listener sees it; absent = nothing. */
  readonly door?: Door | undefined
  readonly onAcceptError?: ((error: Error) => void) | undefined
}

export interface ListenOptions extends ServerOptions {
  readonly host: string
  /** 0 = any free port; the one taken is returned. */
  readonly port: number
  /** An IPv6 listener leaves the port's IPv4 side to another one. */
  readonly ipv6Only?: boolean | undefined
}

export interface BoundAddress {
  readonly host: string
  readonly port: number
}

/** On a TCP port. */
export const serve = (server: Server, options: ListenOptions): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { host, ipv6Only = false, name, port } = options
    const refusal = (cause: Error): ListenError => listenError(name, host, port, cause)
    yield* openServer(server, options, { place: { host, port, ipv6Only }, refusal })
    const bound = server.address()
    return { host, port: bound !== null && typeof bound === "object" ? bound.port : port }
  })

export interface Opening {
  readonly place: Place
  /** In the turn in which a socket file appeared. What it throws is a refusal. */
  readonly onBound?: () => void
  readonly refusal: (cause: Error) => ListenError
}

export const openServer = (
  server: Server,
  options: ServerOptions,
  opening: Opening
): Effect.Effect<void, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    options.door?.guard(server)
    yield* Effect.acquireRelease(listen(server, opening), () => Effect.sync(() => server.close()))
    const report =
      options.onAcceptError ??
      ((error) => void runFork(Effect.logWarning(`listener "${options.name}" could not accept a client`, error)))
    server.on("error", report)
  })

const listen = (server: Server, { onBound, place, refusal }: Opening): Effect.Effect<void, ListenError> =>
  Effect.callback((resume) => {
    const refused = (cause: Error): void => resume(Effect.fail(refusal(cause)))
    server.once("error", refused)
    server.listen({ ...place, backlog: BACKLOG }, () => {
      server.off("error", refused)
      resume(Effect.void)
    })
    if (onBound === undefined || !server.listening) return
    try {
      onBound()
    } catch (cause) {
      server.close()
      refused(cause as Error)
    }
  })
