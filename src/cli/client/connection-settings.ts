/**
 * The shared options, judged together and made into what connect.ts needs. Everything that can be found
 * wrong without a broker is found here, before anything is sent: that is wrong usage, exit code 2.
 *
 * A URL gives defaults; what is said by its own option wins over the URL.
 */
import { readFileSync } from "node:fs"
import { receiptsWish } from "../../broker/receipts.ts"
import { topicFault } from "../../router/topic-filter.ts"
import { type Decoded, UsageFault } from "../grammar/option.ts"
import type { ConnectionOptions } from "./connection-options.ts"
import type { PropertyBag, PropertyBags } from "./property-option.ts"
import { parseUrl, type UrlParts } from "./url.ts"

export type ProtocolVersion = 3 | 4 | 5
export type Qos = 0 | 1 | 2

export interface Target {
  readonly host: string
  readonly port: number
  /** Set: connect to this socket instead of host and port. */
  readonly unixPath: string | undefined
  /** Set: speak MQTT inside a WebSocket at this path. */
  readonly webSocketPath: string | undefined
  readonly bindAddress: string | undefined
  readonly tls: TlsSettings | undefined
}

export interface TlsSettings {
  readonly authorities: Buffer | undefined
  readonly certificate: Buffer | undefined
  readonly key: Buffer | undefined
  readonly isHostNameChecked: boolean
}

export interface WillSettings {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
}

export interface ConnectionSettings {
  readonly target: Target
  readonly protocolVersion: ProtocolVersion
  /** Empty: the broker names the client (MQTT 5 and 3.1.1). */
  readonly clientId: string
  readonly isSessionKept: boolean
  readonly sessionExpirySeconds: number | undefined
  readonly keepAliveSeconds: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly will: WillSettings | undefined
  readonly properties: PropertyBags
  readonly isDebug: boolean
  readonly isQuiet: boolean
  /** The topic that stood in the URL. */
  readonly urlTopic: string | undefined
}

/** More levels than a broker's default are still legal MQTT: the broker judges depth. */
export const topicLevelsMax = 65_535

export function connectionSettings(
  options: Decoded<ConnectionOptions>,
  processId: number
): ConnectionSettings | UsageFault {
  const url = options.url === undefined ? {} : parseUrl(options.url)
  if (url instanceof UsageFault) return url
  const tls = tlsSettings(options, url)
  if (tls instanceof UsageFault) return tls
  const password = passwordOf(options, url)
  if (password instanceof UsageFault) return password
  const sessionExpirySeconds = sessionExpiry(options["session-expiry-interval"])
  if (sessionExpirySeconds instanceof UsageFault) return sessionExpirySeconds
  const protocolVersion = versionOf(options)
  const will = willSettings(options)
  if (will instanceof UsageFault) return will
  const fault = togetherFault(options, protocolVersion, url.username, password)
  if (fault !== undefined) return fault
  return {
    target: targetOf(options, url, tls),
    protocolVersion,
    clientId: clientIdOf(options, protocolVersion, processId),
    isSessionKept: options["disable-clean-session"],
    sessionExpirySeconds,
    keepAliveSeconds: options.keepalive ?? 60,
    username: options.username ?? url.username,
    password,
    will,
    properties: options.property,
    isDebug: options.debug,
    isQuiet: options.quiet,
    urlTopic: url.topic
  }
}

/** For messages: `localhost:1883`, `ws://host:8080/mqtt`, `/run/broker.sock`. */
export function targetText(target: Target): string {
  if (target.unixPath !== undefined) return target.unixPath
  const host = target.host.includes(":") ? `[${target.host}]` : target.host
  if (target.webSocketPath === undefined) return `${host}:${target.port}`
  return `${target.tls === undefined ? "ws" : "wss"}://${host}:${target.port}${target.webSocketPath}`
}

function targetOf(options: Decoded<ConnectionOptions>, url: UrlParts, tls: TlsSettings | undefined): Target {
  const isWebSocket = options.ws || url.isWebSocket === true || options["ws-path"] !== undefined
  const defaultPort = isWebSocket ? (tls === undefined ? 8080 : 8084) : tls === undefined ? 1883 : 8883
  const path = options["ws-path"] ?? "/mqtt"
  return {
    host: options.host ?? url.host ?? "localhost",
    port: options.port ?? url.port ?? defaultPort,
    unixPath: options.unix,
    webSocketPath: isWebSocket ? (path.startsWith("/") ? path : `/${path}`) : undefined,
    bindAddress: options.bind,
    tls
  }
}

function tlsSettings(options: Decoded<ConnectionOptions>, url: UrlParts): TlsSettings | UsageFault | undefined {
  const { tls, cafile, cert, key, insecure } = options
  if (!tls && cafile === undefined && cert === undefined && key === undefined && url.isTls !== true) {
    return insecure ? new UsageFault("--insecure needs TLS", "add --tls or --cafile <file>") : undefined
  }
  if ((cert === undefined) !== (key === undefined)) return new UsageFault("--cert and --key are used together")
  const authorities = fileOf("--cafile", cafile)
  if (authorities instanceof UsageFault) return authorities
  const certificate = fileOf("--cert", cert)
  if (certificate instanceof UsageFault) return certificate
  const privateKey = fileOf("--key", key)
  if (privateKey instanceof UsageFault) return privateKey
  return { authorities, certificate, key: privateKey, isHostNameChecked: !insecure }
}

/** The content of a file named by an option. */
export function fileOf(option: string, path: string | undefined): Buffer | UsageFault | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why = code === "ENOENT" ? "no such file" : code === "EACCES" ? "permission denied" : String(code)
    return new UsageFault(`${option} ${path}: ${why}`)
  }
}

function passwordOf(options: Decoded<ConnectionOptions>, url: UrlParts): string | UsageFault | undefined {
  const file = fileOf("--password-file", options["password-file"])
  if (file instanceof UsageFault) return file
  return file === undefined ? (options.pw ?? url.password) : (file.toString("utf8").split(/\r?\n/)[0] ?? "")
}

const expiryNever = 0xffff_ffff

function sessionExpiry(text: string | undefined): number | UsageFault | undefined {
  if (text === undefined) return undefined
  if (text === "-1" || text === "∞") return expiryNever
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= expiryNever) return seconds
  return new UsageFault(`-x ${text}: it takes seconds from 0 to ${expiryNever}, -1 or ∞`)
}

function versionOf(options: Decoded<ConnectionOptions>): ProtocolVersion {
  const version = options["protocol-version"]
  if (version === undefined) return 5
  return version.endsWith("311") ? 4 : version.endsWith("31") ? 3 : 5
}

function clientIdOf(options: Decoded<ConnectionOptions>, version: ProtocolVersion, processId: number): string {
  if (options.id !== undefined) return options.id
  if (options["id-prefix"] !== undefined) return `${options["id-prefix"]}${processId}`
  // MQTT 3.1 has no empty client identifier.
  return version === 3 ? `promptmq-${processId}` : ""
}

function willSettings(options: Decoded<ConnectionOptions>): WillSettings | UsageFault | undefined {
  const topic = options["will-topic"]
  const payload = options["will-payload"]
  if (topic === undefined) {
    const isWillWithoutTopic =
      payload !== undefined ||
      options["will-qos"] !== undefined ||
      options["will-retain"] ||
      options.property.will !== undefined
    return isWillWithoutTopic ? new UsageFault("a will needs --will-topic <topic>") : undefined
  }
  const fault = topicFault(topic, topicLevelsMax)
  if (fault !== undefined) return new UsageFault(`--will-topic ${topic}: ${fault.why}`, "correct the topic", "E2002")
  return { topic, payload: payload ?? "", qos: (options["will-qos"] ?? 0) as Qos, retain: options["will-retain"] }
}

function togetherFault(
  options: Decoded<ConnectionOptions>,
  version: ProtocolVersion,
  urlUsername: string | undefined,
  password: string | undefined
): UsageFault | undefined {
  if (options.id !== undefined && options["id-prefix"] !== undefined)
    return new UsageFault("-i and -I exclude each other")
  if (options["disable-clean-session"] && options.id === undefined && options["id-prefix"] === undefined) {
    return new UsageFault("-c keeps a session, so the broker must know the client again", "add -i <id>")
  }
  if (version < 5) {
    if (options["session-expiry-interval"] !== undefined) return new UsageFault("-x needs MQTT 5", "add -V mqttv5")
    if (Object.keys(options.property).length > 0) return new UsageFault("-D needs MQTT 5", "add -V mqttv5")
    if (password !== undefined && (options.username ?? urlUsername) === undefined) {
      return new UsageFault("a password without a user name needs MQTT 5", "add -u <name>")
    }
  }
  if (options.unix !== undefined && (options.host ?? options.port ?? options.url) !== undefined) {
    return new UsageFault("--unix replaces host and port, they exclude each other")
  }
  return undefined
}

/** What CONNECT says about the session, together with -D connect. */
export function connectProperties(settings: ConnectionSettings): PropertyBag | undefined {
  if (settings.protocolVersion < 5) return undefined
  const expiry = settings.sessionExpirySeconds ?? (settings.isSessionKept ? expiryNever : undefined)
  const { userProperties, ...own } = settings.properties.connect ?? {}
  // A broker of this kind then says with each acknowledgement what it kept, and for how many; others pass over it.
  const wish = settings.isDebug ? { [receiptsWish]: "yes" } : undefined
  const pairs = { ...wish, ...(userProperties as Record<string, string> | undefined) }
  return {
    ...(expiry === undefined ? {} : { sessionExpiryInterval: expiry }),
    ...own,
    ...(Object.keys(pairs).length === 0 ? {} : { userProperties: pairs })
  }
}
