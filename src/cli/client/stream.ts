/**
 * The byte stream to a broker: TCP, TLS, Unix socket or WebSocket. MQTT.js would make them itself, but it
 * cannot bind a local address and hides the error that explains a failed connection.
 */
import * as net from "node:net"
import type { Duplex } from "node:stream"
import * as tls from "node:tls"
import type { ProtocolVersion, Target, TlsSettings } from "./connection-settings.ts"
import { targetText } from "./connection-settings.ts"

export type OpenStream = () => Duplex

/** Loads what the kind of target needs; the answer opens one stream per call (reconnects call it again). */
export async function streamOpener(target: Target, version: ProtocolVersion): Promise<OpenStream> {
  if (target.unixPath !== undefined) {
    const path = target.unixPath
    return () => net.connect({ path })
  }
  if (target.webSocketPath !== undefined) return webSocketOpener(target, version)
  const place = { host: target.host, port: target.port, noDelay: true, ...boundTo(target) }
  const secure = target.tls
  if (secure === undefined) return () => net.connect(place)
  return () => tls.connect({ ...place, ...tlsOptions(target.host, secure) })
}

async function webSocketOpener(target: Target, version: ProtocolVersion): Promise<OpenStream> {
  const { WebSocket, createWebSocketStream } = await import("ws")
  const options = {
    ...boundTo(target),
    ...(target.tls === undefined ? {} : tlsOptions(target.host, target.tls)),
    perMessageDeflate: false
  }
  // MQTT 3.1 was never given a name of its own by the standard; brokers expect mqttv3.1 [MQTT-6.0.0-3].
  const subprotocol = version === 3 ? "mqttv3.1" : "mqtt"
  return () => createWebSocketStream(new WebSocket(targetText(target), subprotocol, options))
}

function boundTo(target: Target): { readonly localAddress?: string } {
  return target.bindAddress === undefined ? {} : { localAddress: target.bindAddress }
}

function tlsOptions(host: string, settings: TlsSettings): tls.ConnectionOptions {
  return {
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(settings.authorities === undefined ? {} : { ca: settings.authorities }),
    ...(settings.certificate === undefined ? {} : { cert: settings.certificate }),
    ...(settings.key === undefined ? {} : { key: settings.key }),
    ...(settings.isHostNameChecked ? {} : { checkServerIdentity: () => undefined })
  }
}
