/**
 * What Mosquitto's directives mean here: a table from directive to setting, or to the reason why not.
 *
 * Read from mosquitto.conf(5) of 2.0 and 2.1. Listener directives (listener, port, protocol, certfile ...)
 * are not in this table: they belong to blocks and are read by import-mosquitto.ts. A directive that is
 * missing here has no counterpart and is listed as such by the importer.
 */
import type { WireValue } from "../settings/setting.ts"

export interface Translation {
  readonly key: string
  /** Undefined when the value cannot be read. */
  readonly value: (text: string) => WireValue
}

const number = (text: string): WireValue => (/^-?\d+$/.test(text) ? Number(text) : undefined)

/** Mosquitto's 0 or -1 for "no limit" becomes the highest value the setting takes. */
const limit =
  (highest: number, unlimited: string) =>
  (text: string): WireValue =>
    text === unlimited ? highest : number(text)

const flag = (text: string): WireValue => (text === "true" ? true : text === "false" ? false : undefined)

/** "2d", "1w", "1m" (month), "1y"; Mosquitto counts a month as 30 days. */
const expiry = (text: string): WireValue => {
  const match = /^(\d+)([hdwmy])$/.exec(text)
  const daysPer: Readonly<Record<string, number>> = { d: 1, w: 7, m: 30, y: 365 }
  if (match === null) return undefined
  return match[2] === "h" ? `${match[1]}h` : `${Number(match[1]) * (daysPer[match[2] ?? ""] ?? 0)}d`
}

export const translations: Readonly<Record<string, Translation>> = {
  allow_anonymous: { key: "auth.allow-anonymous", value: flag },
  // Its lines are read as they are ($7$ and $6$); the importer names the provider in auth.chain as well.
  password_file: { key: "auth.password-file", value: (text) => text },
  acl_file: { key: "acl.rules-file", value: (text) => text },
  max_packet_size: { key: "mqtt.max-packet-size", value: limit(268_435_456, "0") },
  max_inflight_messages: { key: "mqtt.max-inflight", value: limit(65_535, "0") },
  max_keepalive: { key: "mqtt.max-keep-alive", value: limit(65_535, "0") },
  max_topic_alias: { key: "mqtt.topic-alias-maximum", value: number },
  max_qos: { key: "mqtt.max-qos", value: number },
  retain_available: { key: "mqtt.retain-available", value: flag },
  global_max_connections: { key: "mqtt.max-connections", value: limit(1_000_000, "-1") },
  max_connections: { key: "mqtt.max-connections", value: limit(1_000_000, "-1") },
  persistent_client_expiration: { key: "mqtt.max-session-expiry", value: expiry },
  // A folder of our own in the other's: nothing of Mosquitto's is read or overwritten.
  persistence_location: { key: "storage.data-dir", value: (text) => `${text.replace(/\/+$/, "")}/promptmq` },
  pid_file: { key: "server.pid-file", value: (text) => text },
  cafile: { key: "server.tls-ca", value: (text) => text },
  certfile: { key: "server.tls-cert", value: (text) => text },
  keyfile: { key: "server.tls-key", value: (text) => text },
  require_certificate: { key: "server.tls-client-auth", value: (text) => (text === "true" ? "require" : undefined) },
  // Mosquitto's own meaning since 1.6: this version or newer.
  tls_version: { key: "server.tls-min-version", value: (text) => text },
  ciphers: { key: "server.tls-ciphers", value: (text) => text }
}

const otherPlugins = "plugins of Mosquitto do not run here; auth.chain has providers: http, jwt, ldap, custom"
const byCertificate = "write auth.chain: [x509] and auth.x509.username"
const byKey = "write auth.chain: [psk] and auth.psk.file"
const noBridge = "bridges are not in this version"
const noSnapshots =
  "nothing waits for a snapshot here: with storage.engine wal a message is on disk before it is acknowledged"
const always = "always so here"

export const reasons: Readonly<Record<string, string>> = {
  psk_file: byKey,
  plugin: otherPlugins,
  auth_plugin: otherPlugins,
  clientid_prefixes: "write rules about client ids into acl.rules-file",
  capath: "authorities stand in one file here: server.tls-ca",
  crlfile: "name the file in server.tls-crl",
  "ciphers_tls1.3": "server.tls-ciphers holds the names of TLS 1.3 too",
  use_identity_as_username: byCertificate,
  use_subject_as_username: byCertificate,
  psk_hint: byKey,
  connection: noBridge,
  address: noBridge,
  topic: noBridge,
  cleansession: noBridge,
  notifications: noBridge,
  try_private: noBridge,
  persistence_file: "another broker's file; nothing is read from it",
  autosave_interval: noSnapshots,
  autosave_on_changes: noSnapshots,
  autosave_on_exit: noSnapshots,
  message_size_limit: "limits payloads; the nearest setting is mqtt.max-packet-size, which counts whole packets",
  memory_limit: "the nearest setting is storage.memory-buffer, which limits stored messages only",
  max_queued_messages: "what waits for a session lies in the log: see storage.memory-buffer",
  max_queued_bytes: "what waits for a session lies in the log: see storage.memory-buffer",
  user: "let the service manager choose the user",
  log_dest: "logs go to standard output; let the service manager collect them",
  log_facility: "logs go to standard output; let the service manager collect them",
  log_timestamp: always,
  log_timestamp_format: always,
  connection_messages: always,
  set_tcp_nodelay: always,
  per_listener_settings: "settings are for the whole broker here",
  include_dir: "import the files of that folder one by one",
  mount_point: "listeners cannot have their own topic prefix here",
  socket_domain: "write the addresses you want into server.bind",
  bind_interface: "write the interface's address into server.bind"
}

/** From quiet to talkative; the most talkative log_type of the file decides log.level. */
export const logTypes: ReadonlyArray<readonly [type: string, level: string]> = [
  ["none", "fatal"],
  ["error", "error"],
  ["warning", "warn"],
  ["notice", "info"],
  ["information", "info"],
  ["subscribe", "debug"],
  ["unsubscribe", "debug"],
  ["websockets", "debug"],
  ["debug", "debug"],
  ["all", "debug"]
]
