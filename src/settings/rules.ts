/**
 * Rules that take more than one value to judge, as a table: key, code, severity, and when it is broken.
 *
 * Three families:
 *   E32xx  values that contradict each other, or a listener open to strangers by accident
 *   E33xx  warnings: it works, but not as the author may believe
 *   E34xx  not in this version: what the broker cannot do yet is refused, never ignored
 *
 * TLS is asked for by server.tls and never replaced by plain text: without certificate and key, or without an
 * address, it is refused (the original came up in plain text). What the files hold is judged when they are
 * read (listener/tls-load.ts).
 *
 * A rule sees decoded settings and which keys were written; a rule whose keys have bad values is not asked
 * (the loader knows). Order of the table = order of the report for problems without a place of their own.
 */
import type { ListenAddress } from "./address.ts"
import { formatAddress, isLoopback } from "./address.ts"
import { authSection, type ProviderName, providerNames } from "./declare-auth.ts"
import { type Member, segmentOf } from "./section.ts"
import type { SettingFault } from "./setting-fault.ts"
import type { Settings } from "./settings.ts"
import { formatSizeBytes } from "./units.ts"

export interface SettingRule {
  readonly severity: "error" | "warning"
  /** The keys it looks at; the problem is reported at the first one that was written. */
  readonly keys: ReadonlyArray<string>
  readonly check: (settings: Settings, isWritten: (key: string) => boolean) => SettingFault | undefined
}

export const settingRules: ReadonlyArray<SettingRule> = [
  error(["server.tls", "server.tls-cert", "server.tls-key"], "E3201", ({ auth, server }) => {
    const missing = [server.tlsCert === "" ? "tls-cert" : "", server.tlsKey === "" ? "tls-key" : ""].filter(Boolean)
    const hasKeysOnly = missing.length === 2 && auth.psk.file !== ""
    if (!server.tls || missing.length === 0 || hasKeysOnly) return undefined
    return [`TLS needs ${missing.join(" and ")}`, "name the PEM files of certificate chain and private key"]
  }),
  error(["auth.chain", "auth.psk.file", "server.tls"], "E3545", ({ auth, server }) => {
    if (!auth.chain.includes("psk") || (server.tls && auth.psk.file !== "")) return undefined
    return server.tls
      ? ["auth.chain names psk, and there are no keys", "name the file of identities and keys in auth.psk.file"]
      : ["auth.chain names psk, and no listener has TLS", "set server.tls to true, or take psk out of auth.chain"]
  }),
  error(["server.tls-client-auth", "server.tls-ca", "server.tls"], "E3206", ({ server }) =>
    !server.tls || server.tlsClientAuth === "none" || server.tlsCa !== ""
      ? undefined
      : [
          `tls-client-auth is ${server.tlsClientAuth}, and nothing says who may sign certificates of clients`,
          "name the PEM file of your own authority in server.tls-ca"
        ]
  ),
  error(["server.tls", "server.tls-bind", "server.wss-bind"], "E3207", ({ server }) =>
    !server.tls || server.tlsBind.length + server.wssBind.length > 0
      ? undefined
      : ["tls is true, and tls-bind and wss-bind are both empty", "give one of them an address, or set tls to false"]
  ),
  error(["cluster.enabled"], "E3402", ({ cluster }) =>
    cluster.enabled ? ["this version cannot join a cluster", "set cluster.enabled to false"] : undefined
  ),
  warning(["server.daemon", "log.file"], "E3313", ({ log, server }) =>
    server.daemon && log.file === ""
      ? ["the broker is detached, and its log goes nowhere", "name a file in log.file"]
      : undefined
  ),
  error(["storage.engine"], "E3404", ({ storage }) =>
    storage.engine === "sqlite"
      ? ['this version has no storage engine "sqlite"', "set storage.engine to wal, which keeps everything on disk"]
      : undefined
  ),
  error(
    ["storage.wal.no-sync", "storage.wal.acknowledge", "storage.wal.force-fsync", "topics.policies"],
    "E3209",
    ({ storage, topics }) => {
      const { acknowledge, forceFsync, noSync } = storage.wal
      const waiting = topics.policies.findIndex((policy) => policy.acknowledge === "durable" && !policy.forceFsync)
      if (!noSync || forceFsync || (acknowledge !== "durable" && waiting === -1)) return undefined
      const who =
        acknowledge === "durable" ? "acknowledge: durable" : `topics.policies[${waiting}] (acknowledge: durable)`
      return [
        `${who} waits for syncs, and with no-sync there are none while messages flow`,
        "set storage.wal.no-sync to false, or acknowledge what is written"
      ]
    }
  ),
  publicWithoutCredentials("server.bind", ({ server }) => server.bind),
  publicWithoutCredentials("server.ws-bind", ({ server }) => server.wsBind),
  publicWithoutCredentials("server.tls-bind", (settings) =>
    strangersReachTls(settings) ? settings.server.tlsBind : []
  ),
  publicWithoutCredentials("server.wss-bind", (settings) =>
    strangersReachTls(settings) ? settings.server.wssBind : []
  ),
  error(["server.bind", "server.ws-bind", "server.tls", "server.unix-bind"], "E3205", ({ server }) =>
    server.tls || server.bind.length + server.wsBind.length + server.unixBind.length > 0
      ? undefined
      : ["there is no listener: nobody could connect", 'give server.bind an address, such as "127.0.0.1:1883"']
  ),
  error(
    ["admin.bind", "server.wss-bind", "server.tls-bind", "server.ws-bind", "server.bind", "server.tls"],
    "E3204",
    (settings) => {
      const pair = overlapping(listenersOf(settings))
      if (pair === undefined) return undefined
      return [`${pair[0]} and ${pair[1]} want the same port`, "give each listener a port of its own"]
    }
  ),
  error(["server.proxy-protocol", "server.forwarded-for", "server.proxy-trusted"], "E3241", ({ server }) =>
    server.proxyTrusted.length > 0 || (server.proxyProtocol.length === 0 && !server.forwardedFor)
      ? undefined
      : [
          `${server.forwardedFor ? "forwarded-for" : "proxy-protocol"} is on, and proxy-trusted names nobody`,
          'name the proxies in server.proxy-trusted, such as ["10.0.0.5"]'
        ]
  ),
  error(["server.unix-bind"], "E3208", ({ server }) => {
    const twice = server.unixBind.find((path, index) => server.unixBind.indexOf(path) !== index)
    return twice === undefined ? undefined : [`${twice} is there twice`, "write each path once"]
  }),
  error(["mqtt.keep-alive", "mqtt.max-keep-alive"], "E3203", ({ mqtt }, isWritten) => {
    // Unwritten, the default gives way to a lower maximum (resolve.ts).
    if (mqtt.keepAliveSeconds <= mqtt.maxKeepAliveSeconds || !isWritten("mqtt.keep-alive")) return undefined
    return [
      `keep-alive ${mqtt.keepAliveSeconds} is above max-keep-alive ${mqtt.maxKeepAliveSeconds}`,
      "lower the one or raise the other"
    ]
  }),
  warning(["server.bind", "server.ws-bind"], "E3303", ({ server, auth }) => {
    const open = [...server.bind, ...server.wsBind].filter((address) => !isLoopback(address))
    if (auth.allowAnonymous !== true || open.length === 0) return undefined
    return [
      `${open.map(formatAddress).join(", ")} serves strangers in plain text: anyone on the network can read and publish`,
      "bind to loopback and let others come by server.tls-bind, or close the port to everyone else"
    ]
  }),
  warning(["auth.allow-anonymous", "auth.chain"], "E3304", ({ auth }) =>
    auth.allowAnonymous === false && auth.chain.length === 0
      ? [
          "no client can connect: anonymous ones are refused, and auth.chain names nobody who knows others",
          "write auth.chain: [password-file], or remove allow-anonymous (anonymous on loopback only)"
        ]
      : undefined
  ),
  ...idleProviders(),
  error(["auth.chain"], "E3211", ({ auth }) => {
    const twice = auth.chain.find((name, index) => auth.chain.indexOf(name) !== index)
    return twice === undefined ? undefined : [`${twice} is there twice`, "write each provider once"]
  }),
  warning(["auth.fall-through", "auth.chain"], "E3312", ({ auth }) => {
    const idle = auth.fallThrough.find((name) => !auth.chain.includes(name))
    return idle === undefined ? undefined : [`${idle} is not in auth.chain`, "add it there, or remove it here"]
  }),
  warning(["storage.memory-buffer", "mqtt.max-packet-size"], "E3306", ({ storage, mqtt }) =>
    storage.memoryBufferBytes >= mqtt.maxPacketSizeBytes
      ? undefined
      : [
          `memory-buffer ${formatSizeBytes(storage.memoryBufferBytes)} cannot hold one packet of max-packet-size ${formatSizeBytes(mqtt.maxPacketSizeBytes)}`,
          "raise storage.memory-buffer or lower mqtt.max-packet-size"
        ]
  ),
  {
    severity: "warning",
    keys: [...tlsKeys(), "server.tls"],
    check: ({ server }, isWritten) => {
      const written = tlsKeys().filter(isWritten)
      if (server.tls || written.length === 0) return undefined
      const fact = `${written.join(", ")}: no effect while tls is false, nothing is encrypted`
      return { code: "E3305", fact, fix: "set server.tls to true, or remove them" }
    }
  },
  {
    severity: "warning",
    keys: ["storage.engine", ...durabilityKeys()],
    check: ({ storage }, isWritten) => {
      const written = durabilityKeys().filter(isWritten)
      if (storage.engine !== "memory" || written.length === 0) return undefined
      const fact = `${written.join(", ")}: no effect with the memory engine, which keeps nothing at exit`
      return { code: "E3302", fact, fix: "set storage.engine to wal, or remove them" }
    }
  },
  warning(
    ["storage.wal.force-fsync", "storage.wal.no-sync", "storage.wal.acknowledge", "storage.wal.sync-mode"],
    "E3308",
    ({ storage }) => {
      const { acknowledge, forceFsync, noSync } = storage.wal
      const idle = [noSync ? "no-sync" : "", acknowledge === "written" ? "acknowledge: written" : ""].filter(Boolean)
      if (!forceFsync || idle.length === 0) return undefined
      return [`${idle.join(", ")}: no effect while force-fsync is true`, "remove the one or the other"]
    }
  ),
  warning(["storage.wal.sync-interval", "storage.wal.sync-mode"], "E3309", ({ storage }, isWritten) =>
    isWritten("storage.wal.sync-interval") && storage.wal.syncMode !== "periodic"
      ? [`sync-interval has no effect in sync-mode ${storage.wal.syncMode}`, "set sync-mode to periodic, or remove it"]
      : undefined
  ),
  warning(["storage.wal.batch-sync-size", "storage.wal.sync-mode"], "E3309", ({ storage }, isWritten) =>
    isWritten("storage.wal.batch-sync-size") && storage.wal.syncMode !== "batch"
      ? [`batch-sync-size has no effect in sync-mode ${storage.wal.syncMode}`, "set sync-mode to batch, or remove it"]
      : undefined
  ),
  warning(["storage.compaction.max-wal-size", "storage.wal.segment-size"], "E3310", ({ storage }) => {
    const leastBytes = 2 * storage.wal.segmentSizeBytes
    if (storage.engine !== "wal" || storage.compaction.maxWalSizeBytes >= leastBytes) return undefined
    return [
      `the log cannot get below two files of segment-size ${formatSizeBytes(storage.wal.segmentSizeBytes)}`,
      `raise max-wal-size to ${formatSizeBytes(leastBytes)}, or lower segment-size`
    ]
  }),
  {
    severity: "warning",
    keys: ["server.read-buffer"],
    check: (_, isWritten) =>
      isWritten("server.read-buffer")
        ? {
            code: "E3307",
            fact: "no effect: the run time reads up to 64 KiB from a socket at once",
            fix: "remove the key"
          }
        : undefined
  },
  {
    severity: "error",
    keys: ["metrics.path"],
    check: ({ metrics }) =>
      metrics.enabled && /^\/($|api\/|health|livez|readyz|startupz|debug\/|docs|openapi)/.test(metrics.path)
        ? {
            code: "E3229",
            fact: `${JSON.stringify(metrics.path)} is a path of the admin listener's own`,
            fix: 'choose another one, such as "/metrics"'
          }
        : undefined
  }
]

type Verdict = readonly [fact: string, fix: string] | undefined
type Judgement = (settings: Settings, isWritten: (key: string) => boolean) => Verdict

function error(keys: ReadonlyArray<string>, code: string, broken: Judgement): SettingRule {
  return rule("error", keys, code, broken)
}

function warning(keys: ReadonlyArray<string>, code: string, broken: Judgement): SettingRule {
  return rule("warning", keys, code, broken)
}

function rule(
  severity: "error" | "warning",
  keys: ReadonlyArray<string>,
  code: string,
  broken: Judgement
): SettingRule {
  return {
    severity,
    keys,
    check: (settings, isWritten) => {
      const verdict = broken(settings, isWritten)
      return verdict === undefined ? undefined : { code, fact: verdict[0], fix: verdict[1] }
    }
  }
}

function publicWithoutCredentials(
  key: string,
  addressesOf: (settings: Settings) => ReadonlyArray<ListenAddress>
): SettingRule {
  return error([key, "auth.allow-anonymous", "auth.chain"], "E3202", (settings) => {
    const open = addressesOf(settings).filter((address) => !isLoopback(address))
    // false is safe: nobody gets in, and E3304 says so. With a chain, who shows nothing is refused.
    const { allowAnonymous, chain } = settings.auth
    if (open.length === 0 || allowAnonymous !== undefined || chain.length > 0) return undefined
    return [
      `${open.map(formatAddress).join(", ")} is reachable from other machines, and anyone there could connect`,
      "let clients prove who they are (auth.chain: [password-file]), bind to 127.0.0.1, or accept it with auth.allow-anonymous: true"
    ]
  })
}

/** Who writes a provider's keys wants clients to be asked; without the chain nobody is (beyond loopback E3202 says more). */
function idleProviders(): ReadonlyArray<SettingRule> {
  return providerNames.map((name): SettingRule => {
    const keys = name === "user-database" ? ["auth.max-database-users"] : providerKeys(name)
    return {
      severity: "warning",
      keys: [...keys, "auth.chain"],
      check: ({ auth }, isWritten) => {
        const written = keys.filter(isWritten)
        if (written.length === 0 || auth.chain.includes(name)) return undefined
        const fact = `${written.join(", ")}: nobody asks ${name}, because auth.chain does not name it`
        return { code: "E3311", fact, fix: `add ${name} to auth.chain, or remove them` }
      }
    }
  })
}

function providerKeys(name: ProviderName): ReadonlyArray<string> {
  if (name === "password-file") return ["auth.password-file"]
  const members = authSection.members[name as keyof typeof authSection.members]
  if (!("members" in members)) return []
  return Object.entries(members.members).map(([field, member]) => `auth.${name}.${segmentOf(field, member as Member)}`)
}

/** Whom tls-ca must have signed is no stranger. */
function strangersReachTls({ server }: Settings): boolean {
  return server.tls && server.tlsClientAuth !== "require"
}

function tlsKeys(): ReadonlyArray<string> {
  return ["cert", "key", "ca", "crl", "client-auth", "bind"]
    .map((name) => `server.tls-${name}`)
    .concat("server.wss-bind", "auth.psk.file")
}

function durabilityKeys(): ReadonlyArray<string> {
  return [
    "storage.wal-dir",
    "storage.cursor-save-interval",
    "storage.on-corruption",
    "storage.wal.sync-mode",
    "storage.wal.sync-interval",
    "storage.wal.batch-sync-size",
    "storage.wal.acknowledge",
    "storage.wal.force-fsync",
    "storage.wal.no-sync",
    "storage.wal.crash-recovery-validation",
    "storage.wal.segment-size",
    "storage.compaction.max-message-age",
    "storage.compaction.max-wal-size",
    "storage.compaction.check-interval",
    "storage.compaction.concurrent-workers",
    "storage.compaction.batch-size",
    "storage.compaction.max-copy-rate"
  ]
}

interface NamedListener {
  readonly name: string
  readonly address: ListenAddress
}

function listenersOf(settings: Settings): ReadonlyArray<NamedListener> {
  const named = (key: string, address: ListenAddress) => ({ name: `${key} ${formatAddress(address)}`, address })
  return [
    ...settings.server.bind.map((address) => named("server.bind", address)),
    ...settings.server.wsBind.map((address) => named("server.ws-bind", address)),
    ...(settings.server.tls ? settings.server.tlsBind.map((address) => named("server.tls-bind", address)) : []),
    ...(settings.server.tls ? settings.server.wssBind.map((address) => named("server.wss-bind", address)) : []),
    ...(settings.admin.enabled ? [named("admin.bind", settings.admin.bind)] : [])
  ]
}

function overlapping(listeners: ReadonlyArray<NamedListener>): readonly [string, string] | undefined {
  for (const [index, left] of listeners.entries()) {
    for (const right of listeners.slice(index + 1)) {
      if (
        left.address.port !== 0 &&
        left.address.port === right.address.port &&
        sameHost(left.address, right.address)
      ) {
        return [left.name, right.name]
      }
    }
  }
  return undefined
}

function sameHost(left: ListenAddress, right: ListenAddress): boolean {
  if (left.host === right.host || left.host === "" || right.host === "") return true
  const isSix = (host: string) => host.includes(":")
  const anyFour = (one: string, other: string) => one === "0.0.0.0" && !isSix(other)
  const anySix = (one: string, other: string) => one === "::" && isSix(other)
  return [anyFour, anySix].some((covers) => covers(left.host, right.host) || covers(right.host, left.host))
}
