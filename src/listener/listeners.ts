/**
 * Opens every configured listener; the broker behind them sees transports and no difference.
 *
 * Invariants
 * - All or none: when some cannot be opened the effect fails with all of their errors, and the scope closes the rest.
 * - The scope's end stops accepting on all of them first; connections that were accepted stay with the broker.
 *
 * Elsewhere: which listeners there are (config), the kinds themselves (tcp.ts, tls.ts, websocket.ts, unix.ts),
 * memory.ts for tests.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { formatAddress } from "./address.ts"
import type { Door } from "./door.ts"
import type { HandshakeOptions } from "./handshake.ts"
import type { ListenError } from "./listen-error.ts"
import type { BoundAddress } from "./serve.ts"
import { listenTcp } from "./tcp.ts"
import { listenTls } from "./tls.ts"
import type { Transport } from "./transport.ts"
import { listenUnix } from "./unix.ts"
import { listenWebSocket } from "./websocket.ts"

interface OnPort {
  readonly name: string
  readonly door?: Door | undefined
  readonly host: string
  readonly port: number
}

export interface TcpListenerSettings extends OnPort {
  readonly kind: "tcp"
}

export interface TlsListenerSettings extends OnPort, HandshakeOptions {
  readonly kind: "tls"
}

export interface WebSocketListenerSettings extends OnPort {
  readonly kind: "websocket"
  readonly paths: ReadonlyArray<string>
  readonly maxPacketBytes: number
  readonly originsAllowed?: ReadonlyArray<string> | undefined
  readonly isOpen?: boolean | undefined
  /** Given = wss. */
  readonly tls?: HandshakeOptions | undefined
}

export interface UnixListenerSettings {
  readonly kind: "unix"
  readonly name: string
  readonly path: string
  /** Mode of the socket file. */
  readonly mode: number
  readonly door?: Door | undefined
}

export type ListenerSettings =
  | TcpListenerSettings
  | TlsListenerSettings
  | WebSocketListenerSettings
  | UnixListenerSettings

export interface OpenListener {
  readonly kind: ListenerSettings["kind"]
  readonly name: string
  /** Empty for a unix socket. */
  readonly host: string
  /** The port taken, also when the settings said 0; 0 for a unix socket. */
  readonly port: number
  /** Where clients find it: mqtt://, mqtts://, ws://, wss:// with host and port, or unix: with a path. */
  readonly url: string
}

type OnTransport = (transport: Transport) => void

export const openListeners = (
  settings: ReadonlyArray<ListenerSettings>,
  onTransport: OnTransport
): Effect.Effect<ReadonlyArray<OpenListener>, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const opened: Array<OpenListener> = []
    const refused: Array<ListenError> = []
    for (const listener of settings) {
      const result = yield* Effect.result(open(listener, settings, onTransport))
      if (Result.isSuccess(result)) opened.push(result.success)
      else refused.push(result.failure)
    }
    const [first, ...others] = refused
    if (first === undefined) return opened
    first.others = others
    return yield* first
  })

const open = (
  listener: ListenerSettings,
  all: ReadonlyArray<ListenerSettings>,
  onTransport: OnTransport
): Effect.Effect<OpenListener, ListenError, Scope.Scope> => {
  if (listener.kind === "unix") {
    const { kind, name, path } = listener
    return Effect.as(listenUnix({ ...listener, onTransport }), { kind, name, host: "", port: 0, url: `unix:${path}` })
  }
  const options = { ...listener, ipv6Only: sharesPortWithIpv4(listener, all), onTransport }
  const { kind, name } = listener
  return Effect.map(listenOn(options), ({ host, port }) => ({ kind, name, host, port, url: url(listener, host, port) }))
}

type OnPortSettings = Exclude<ListenerSettings, UnixListenerSettings>

const listenOn = (
  options: OnPortSettings & { readonly ipv6Only: boolean; readonly onTransport: OnTransport }
): Effect.Effect<BoundAddress, ListenError, Scope.Scope> => {
  switch (options.kind) {
    case "tcp":
      return listenTcp(options)
    case "tls":
      return listenTls(options)
    case "websocket":
      return listenWebSocket(options)
  }
}

function url(listener: OnPortSettings, host: string, port: number): string {
  const address = formatAddress(host, port)
  if (listener.kind === "tcp") return `mqtt://${address}`
  if (listener.kind === "tls") return `mqtts://${address}`
  return `${listener.tls === undefined ? "ws" : "wss"}://${address}${listener.paths[0] ?? ""}`
}

/** "::" would take the IPv4 side too, and 0.0.0.0 on the same port would find it in use. */
function sharesPortWithIpv4(listener: OnPortSettings, all: ReadonlyArray<ListenerSettings>): boolean {
  const { host, port } = listener
  if (!host.includes(":")) return false
  return all.some((other) => other.kind !== "unix" && other.port === port && !other.host.includes(":"))
}
