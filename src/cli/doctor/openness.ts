/**
 * What is open, judged from the settings alone: listeners beyond this machine, who gets in, what travels in plain text,
 * whose word about an address counts, and limits that were switched off.
 */

import { formatAddress, isLoopback, type ListenAddress } from "../../settings/address.ts"
import { parseNetwork } from "../../settings/network-set.ts"
import type { Settings } from "../../settings/settings.ts"
import { type Finding, note, ok, problem, warning } from "./finding.ts"

export function openness(settings: Settings): ReadonlyArray<Finding> {
  return [
    ...listeners(settings),
    anonymous(settings),
    rules(settings),
    admin(settings),
    tls(settings),
    ...proxies(settings),
    limits(settings)
  ]
}

const beyond = (addresses: ReadonlyArray<ListenAddress>): ReadonlyArray<ListenAddress> =>
  addresses.filter((address) => !isLoopback(address))

const named = (addresses: ReadonlyArray<ListenAddress>): string =>
  addresses
    .map((address) => (address.host === "" ? `every address, port ${address.port}` : formatAddress(address)))
    .join("; ")

function listeners({ server }: Settings): ReadonlyArray<Finding> {
  const plain = beyond([...server.bind, ...server.wsBind])
  const secure = server.tls ? beyond([...server.tlsBind, ...server.wssBind]) : []
  const findings: Array<Finding> = []
  if (plain.length > 0) {
    findings.push(
      problem(
        "listeners",
        `plain MQTT is reachable from other machines: ${named(plain)}. Passwords and messages can be read on the way`,
        "bind server.bind and server.ws-bind to loopback and let others come by TLS: promptmq cert self-signed makes a certificate to begin with"
      )
    )
  }
  if (secure.length > 0) findings.push(note("listeners", `reachable from other machines, with TLS: ${named(secure)}`))
  if (findings.length === 0) findings.push(ok("listeners", "MQTT listens on this machine only"))
  const mode = Number.parseInt(server.unixMode, 8)
  if (server.unixBind.length > 0 && (mode & 0o002) !== 0) {
    const fix = "take the last digit's write bit away: server.unix-mode: 0660"
    findings.push(warning("listeners", "every user of this machine may connect to the unix socket", fix))
  }
  return findings
}

/** The same judgement as the rule E3202, in words for a person who looks on. */
function anonymous({ auth, server }: Settings): Finding {
  const open = beyond([...server.bind, ...server.wsBind, ...(server.tls ? [...server.tlsBind, ...server.wssBind] : [])])
  const isCertificateNecessary =
    server.tls && server.tlsClientAuth === "require" && beyond([...server.bind, ...server.wsBind]).length === 0
  if (auth.chain.length > 0 && auth.allowAnonymous !== true) {
    return ok("anonymous", `clients have to say who they are: ${auth.chain.join(", ")}`)
  }
  if (auth.allowAnonymous === false) return ok("anonymous", "nobody comes in without credentials")
  if (open.length === 0) return ok("anonymous", "clients come in without a password, from this machine only")
  if (isCertificateNecessary) return ok("anonymous", "who comes from another machine has to show a certificate")
  const fix = "promptmq user add <name>, then auth.chain: [password-file], and remove auth.allow-anonymous"
  return problem("anonymous", "strangers from other machines come in without a password", fix)
}

function rules({ acl }: Settings): Finding {
  if (acl.rulesFile === "") {
    return note(
      "rules",
      "whoever comes in may publish and subscribe to everything but $ topics (acl.rules-file is not set)"
    )
  }
  if (acl.noMatch === "deny") return ok("rules", "what no rule allows is denied")
  return warning("rules", "what no rule names is allowed (acl.no-match: allow)", "set acl.no-match to deny")
}

function admin({ admin: { bind, enabled }, metrics }: Settings): Finding {
  const fix = "bind admin.bind to loopback and reach it by an SSH tunnel, or by a proxy with TLS"
  if (enabled && !isLoopback(bind)) {
    return problem(
      "admin",
      `the admin API is reachable from other machines in plain text, its token too: ${named([bind])}`,
      fix
    )
  }
  if (metrics.enabled && beyond(metrics.bind).length > 0) {
    const fact = `metrics are readable from other machines: ${named(beyond(metrics.bind))}`
    return warning("admin", fact, "bind metrics.bind to loopback, or let a firewall admit only who collects them")
  }
  return ok("admin", enabled ? "the admin API answers this machine only, with a token" : "the admin API is off")
}

function tls({ server }: Settings): Finding {
  if (!server.tls) return note("tls", "there is no listener with TLS (server.tls is false)")
  const oldest = server.tlsMinVersion === "tlsv1.3" ? "TLS 1.3" : "TLS 1.2 and 1.3"
  return ok("tls", `${oldest}; certificates of clients: ${server.tlsClientAuth}`)
}

function proxies({ server }: Settings): ReadonlyArray<Finding> {
  const wide = server.proxyTrusted.filter((text) => {
    const network = parseNetwork(text)
    return network !== undefined && network.prefix < (network.family === "ipv4" ? 8 : 16)
  })
  if (wide.length === 0) return []
  const fact = `nearly everybody may say who they are: server.proxy-trusted has ${wide.join(", ")}`
  return [problem("proxies", fact, "list the addresses of your proxies only")]
}

/** Keys whose 0 takes a protection away. */
const protections: ReadonlyArray<readonly [key: string, value: (settings: Settings) => number]> = [
  ["limits.max-connections-per-address", ({ limits: { maxConnectionsPerAddress } }) => maxConnectionsPerAddress],
  ["limits.connect-rate-per-address", ({ limits: { connectRatePerAddress } }) => connectRatePerAddress],
  ["limits.max-queued-messages", ({ limits: { maxQueuedMessages } }) => maxQueuedMessages],
  ["limits.max-queued-bytes", ({ limits: { queuedBytesMax } }) => queuedBytesMax],
  ["limits.flapping-connects", ({ limits: { flappingConnects } }) => flappingConnects],
  ["limits.max-loop-lag", ({ limits: { loopLagMsMax } }) => loopLagMsMax],
  ["server.read-timeout", ({ server: { readTimeoutMs } }) => readTimeoutMs],
  ["server.write-timeout", ({ server: { writeTimeoutMs } }) => writeTimeoutMs]
]

function limits(settings: Settings): Finding {
  const off = protections.filter(([, value]) => value(settings) === 0).map(([key]) => key)
  if (off.length === 0) return ok("limits", "every limit has a value")
  return warning(
    "limits",
    `switched off: ${off.join(", ")}`,
    "remove them from the configuration: the defaults are wide"
  )
}
