/**
 * Opening and closing a node server inside a scope: shared by the listeners that sit on a TCP port.
 *
 * The scope's end closes the listening socket at once and does not wait for connections: they belong to the broker,
 * which says good-bye to its clients while nobody new can come in. What goes wrong while accepting (no file
 * descriptors left) does not end a listener; it is reported by onAcceptError, or else logged.
 */
import type { Server } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ListenError, listenError } from "./listen-error.ts"

/** Clients that the kernel may hold ready before accept: a herd that reconnects at once must not meet a refusal. */
const BACKLOG = 4_096

export interface ListenOptions {
  /** Name of the listener, for logs, metrics and rules. */
  readonly name: string
  readonly host: string
  /** 0 = any free port; the one taken is returned. */
  readonly port: number
  /** An IPv6 listener leaves the port's IPv4 side to another one. */
  readonly ipv6Only?: boolean | undefined
  readonly onAcceptError?: ((error: Error) => void) | undefined
}

export interface BoundAddress {
  readonly host: string
  readonly port: number
}

export const serve = (server: Server, options: ListenOptions): Effect.Effect<BoundAddress, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    yield* Effect.acquireRelease(listen(server, options), () => Effect.sync(() => server.close()))
    const report =
      options.onAcceptError ??
      ((error) => void runFork(Effect.logWarning(`listener "${options.name}" could not accept a client`, error)))
    server.on("error", report)
    const bound = server.address()
    return { host: options.host, port: bound !== null && typeof bound === "object" ? bound.port : options.port }
  })

const listen = (server: Server, options: ListenOptions): Effect.Effect<void, ListenError> =>
  Effect.callback((resume) => {
    const { name, host, port, ipv6Only = false } = options
    const refused = (cause: Error): void => resume(Effect.fail(listenError(name, host, port, cause)))
    server.once("error", refused)
    server.listen({ host, port, ipv6Only, backlog: BACKLOG }, () => {
      server.off("error", refused)
      resume(Effect.void)
    })
  })
