/**
 * The listener on a unix domain socket: a file that programs on this machine connect to.
 *
 * Invariants
 * - A socket file that a dead process left behind is removed; one that somebody listens on, and anything that is not
 *   a socket, is left alone and refused.
 * - Who may connect is who may write to the file: its mode is set in the same turn in which it appears.
 * - The file goes with the listener (node removes it when it closes).
 *
 * Elsewhere: the transport (socket-transport.ts). The peer has no address: it is named by the file.
 */
import { chmodSync, existsSync, lstatSync, unlinkSync } from "node:fs"
import { connect, createServer } from "node:net"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Door } from "./door.ts"
import { type ListenError, socketFileError } from "./listen-error.ts"
import { openServer } from "./serve.ts"
import { SocketTransport } from "./socket-transport.ts"
import type { Transport } from "./transport.ts"

/** What the kernel's sockaddr_un takes, without the zero at the end. */
const PATH_BYTES_MAX = 107

export interface ListenUnixOptions {
  readonly name: string
  readonly path: string
  /** Mode of the file, 0o660 for example. */
  readonly mode: number
  readonly door?: Door | undefined
  readonly onAcceptError?: ((error: Error) => void) | undefined
  readonly onTransport: (transport: Transport) => void
}

export const listenUnix = (options: ListenUnixOptions): Effect.Effect<void, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { mode, name, path } = options
    yield* clearTheWay(options)
    const transport = { kind: "unix", listener: name, peer: `unix:${path}` } as const
    const server = createServer({ allowHalfOpen: false }, (socket) =>
      options.onTransport(new SocketTransport(socket, transport))
    )
    yield* openServer(server, options, {
      place: { path },
      onBound: () => chmodSync(path, mode),
      refusal: (cause) => socketFileError(name, path, cause)
    })
  })

const clearTheWay = ({ name, path }: ListenUnixOptions): Effect.Effect<void, ListenError> =>
  Effect.gen(function* () {
    const refuse = (code: string) => Effect.fail(socketFileError(name, path, Object.assign(new Error(code), { code })))
    if (Buffer.byteLength(path) > PATH_BYTES_MAX) return yield* refuse("ENAMETOOLONG")
    const kind = kindOf(path)
    // Listening would call it EACCES: libuv's translation, for the sake of Windows.
    if (kind === "nothing") return existsSync(dirname(path)) ? undefined : yield* refuse("ENOENT")
    if (kind === "another file") return yield* refuse("ENOTSOCK")
    const answer = yield* knock(path)
    if (answer === "ECONNREFUSED") {
      // Another broker may have done it in between; then listening tells.
      yield* Effect.try({ try: () => unlinkSync(path), catch: (cause) => cause as NodeJS.ErrnoException }).pipe(
        Effect.catch((cause) => (cause.code === "ENOENT" ? Effect.void : refuse(cause.code ?? "")))
      )
    } else if (answer !== "ENOENT") return yield* refuse(answer === "" ? "EADDRINUSE" : answer)
  })

function kindOf(path: string): "nothing" | "socket" | "another file" {
  try {
    const status = lstatSync(path, { throwIfNoEntry: false })
    return status === undefined ? "nothing" : status.isSocket() ? "socket" : "another file"
  } catch {
    // The folder cannot be looked into; listening says why.
    return "nothing"
  }
}

/** "" when somebody answers, else the system's error. */
const knock = (path: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const socket = connect({ path })
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed(""))
    })
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? error.message)))
  })
