/**
 * Opens every configured listener; the broker behind them sees transports and no difference.
 *
 * Invariants
 * - All or none: when one cannot be opened the effect fails, and the scope closes those before it.
 * - The scope's end stops accepting on all of them first; connections that were accepted stay with the broker.
 *
 * Elsewhere: which listeners there are (config), the kinds themselves (tcp.ts, websocket.ts), memory.ts for tests.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ListenError } from "./listen-error.ts"
import { listenTcp } from "./tcp.ts"
import type { Transport } from "./transport.ts"
import { listenWebSocket } from "./websocket.ts"

export interface TcpListenerSettings {
  readonly kind: "tcp"
  readonly name: string
  readonly host: string
  readonly port: number
}

export interface WebSocketListenerSettings {
  readonly kind: "websocket"
  readonly name: string
  readonly host: string
  readonly port: number
  readonly paths: ReadonlyArray<string>
  readonly maxPacketBytes: number
  readonly originsAllowed?: ReadonlyArray<string> | undefined
}

export type ListenerSettings = TcpListenerSettings | WebSocketListenerSettings

export interface OpenListener {
  readonly kind: ListenerSettings["kind"]
  readonly name: string
  readonly host: string
  /** The port taken, also when the settings said 0. */
  readonly port: number
}

export const openListeners = (
  settings: ReadonlyArray<ListenerSettings>,
  onTransport: (transport: Transport) => void
): Effect.Effect<ReadonlyArray<OpenListener>, ListenError, Scope.Scope> =>
  Effect.forEach(settings, (listener) => {
    const options = { ...listener, ipv6Only: sharesPortWithIpv4(listener, settings), onTransport }
    const opened = options.kind === "tcp" ? listenTcp(options) : listenWebSocket(options)
    return Effect.map(opened, ({ host, port }) => ({ kind: listener.kind, name: listener.name, host, port }))
  })

/** "::" would take the IPv4 side too, and 0.0.0.0 on the same port would find it in use. */
function sharesPortWithIpv4(listener: ListenerSettings, all: ReadonlyArray<ListenerSettings>): boolean {
  return listener.host.includes(":") && all.some(({ host, port }) => port === listener.port && !host.includes(":"))
}
