/**
 * From settings to a connected MQTT client, or a failure with its exit code: 4 when there is no broker to
 * talk to, 5 when it does not want us, 1 for the rest. The MQTT library is loaded here, on first use.
 *
 * Invariants
 * - The promise resolves once: with the connection when CONNACK said 0, else with the failure.
 * - Handlers that must not miss a packet (a resumed session sends at once) are attached through `prepare`,
 *   before a byte is sent.
 */
import type { IClientOptions, IConnackPacket, IDisconnectPacket, MqttClient } from "mqtt"
import { type ExitCode, exitCodes } from "../exit-codes.ts"
import type { World } from "../world.ts"
import { type ConnectionSettings, connectProperties, targetText } from "./connection-settings.ts"
import { attachDebug } from "./debug.ts"
import type { PropertyBag } from "./property-option.ts"
import { connackText, errorCodeOf, exitCodeOfReason } from "./reason-text.ts"
import { streamOpener } from "./stream.ts"

export const connectTimeoutMs = 10_000
/** `sub` comes back after this long; it does so until it is told to stop. */
export const reconnectPeriodMs = 1000

export class ConnectFailure {
  readonly code: string
  readonly fact: string
  readonly fix: string
  readonly exitCode: ExitCode
  constructor(exitCode: ExitCode, fact: string, fix: string) {
    this.code = errorCodeOf(exitCode)
    this.fact = fact
    this.exitCode = exitCode
    this.fix = fix
  }
}

export interface Connection {
  readonly client: MqttClient
  readonly connack: IConnackPacket
  /** From the first byte to CONNACK. */
  readonly connectMs: number
  /** Sends DISCONNECT and waits until the stream is closed; what is unacknowledged is given up. */
  readonly end: () => Promise<void>
}

export interface Manner {
  readonly isReconnecting: boolean
  readonly prepare?: (client: MqttClient) => void
}

export async function connect(
  settings: ConnectionSettings,
  world: World,
  manner: Manner
): Promise<Connection | ConnectFailure> {
  const { MqttClient } = await import("mqtt")
  const openStream = await streamOpener(settings.target, settings.protocolVersion)
  const startedMs = world.monotonicMs()
  let lastError: Error | undefined
  const client = new MqttClient(
    () => {
      const stream = openStream()
      stream.on("error", (error) => {
        lastError = error
      })
      return stream
    },
    clientOptions(settings, manner)
  )
  // Without a listener an error would end the process; what it means is read on `close` and below.
  client.on("error", (error) => {
    lastError = error
  })
  if (settings.isDebug) attachDebug(client, world)
  manner.prepare?.(client)
  return new Promise((resolve) => {
    const onClose = (): void => {
      client.end(true)
      resolve(failureOf(settings, lastError))
    }
    client.once("close", onClose)
    client.once("connect", (connack) => {
      client.off("close", onClose)
      const connectMs = world.monotonicMs() - startedMs
      resolve({ client, connack, connectMs, end: () => endConnection(client, settings) })
    })
    client.connect()
  })
}

function clientOptions(settings: ConnectionSettings, manner: Manner): IClientOptions {
  const properties = connectProperties(settings)
  const { username, password, will } = settings
  return {
    manualConnect: true,
    protocolId: settings.protocolVersion === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: settings.protocolVersion,
    clientId: settings.clientId,
    clean: !settings.isSessionKept,
    keepalive: settings.keepAliveSeconds,
    connectTimeout: connectTimeoutMs,
    reconnectPeriod: manner.isReconnecting ? reconnectPeriodMs : 0,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(properties === undefined ? {} : { properties }),
    ...(will === undefined
      ? {}
      : { will: { ...will, payload: Buffer.from(will.payload), ...withProperties(settings.properties.will) } })
  }
}

function withProperties(bag: PropertyBag | undefined): { readonly properties?: PropertyBag } {
  return bag === undefined ? {} : { properties: bag }
}

async function endConnection(client: MqttClient, settings: ConnectionSettings): Promise<void> {
  const packet: Partial<IDisconnectPacket> = withProperties(settings.properties.disconnect)
  // A stream that the broker lets hang must not hold the command.
  const timer = setTimeout(() => client.stream.destroy(), endTimeoutMs)
  // Unacknowledged packets would make the library wait for ever: the caller has decided not to.
  for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id))
  await client.endAsync(packet)
  clearTimeout(timer)
}

const endTimeoutMs = 2000

export function failureOf(settings: ConnectionSettings, error: Error | undefined): ConnectFailure {
  const place = targetText(settings.target)
  const code = (error as { readonly code?: unknown } | undefined)?.code
  if (typeof code === "number") {
    const exitCode = exitCodeOfReason(code)
    const isRefused = exitCode === exitCodes.refused
    const fix = isRefused
      ? "check -u, -P and -i, or the broker's access rules"
      : "the reason is the broker's; its log may say more"
    return new ConnectFailure(exitCode, `${place} refused the connection: ${connackText(code)}`, fix)
  }
  const fact = `cannot reach the broker at ${place}: ${causeText(error)}`
  return new ConnectFailure(exitCodes.unreachable, fact, fixOf(code, settings))
}

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset before CONNACK",
  EPIPE: "the connection was closed before CONNACK",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "the name service does not answer",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  EADDRNOTAVAIL: "the local address is not one of this machine",
  ENOENT: "no such socket",
  EACCES: "permission denied",
  ENOTSOCK: "that is not a socket",
  ERR_TLS_CERT_ALTNAME_INVALID: "the broker's certificate is for another host name",
  SELF_SIGNED_CERT_IN_CHAIN: "the broker's certificate is signed by an authority that is not trusted here",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the broker's certificate is signed by itself and not trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the broker's certificate is signed by an authority that is not trusted here"
}

const notMqtt = "what answers there does not speak MQTT (a web server, or a WebSocket or TLS port?)"

function causeText(error: Error | undefined): string {
  if (error === undefined) return "it closed the connection before CONNACK (is that an MQTT port, with or without TLS?)"
  // What mqtt-packet says of bytes that are none of MQTT's, such as the "H" of "HTTP/1.1 400".
  if (/^Invalid header flag bits|^Cannot parse|^Not supported, /.test(error.message)) return notMqtt
  if (error.message === "connack timeout") return `no CONNACK within ${connectTimeoutMs / 1000} s`
  const code = (error as { readonly code?: unknown }).code
  return causes[String(code)] ?? (error.message === "" ? String(code) : error.message)
}

function fixOf(code: unknown, settings: ConnectionSettings): string {
  if (code === "ECONNREFUSED") return "is it running? promptmq starts one here, -h and -p name another"
  const isCertificate = typeof code === "string" && /CERT|VERIFY/.test(code)
  if (isCertificate && settings.target.tls?.authorities === undefined) return "name its authority: --cafile <file>"
  return "check host, port and the way there (-h, -p, -L, --ws, --tls)"
}
