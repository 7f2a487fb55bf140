/**
 * The last step of decoding: settings that depend on others or on where the broker runs.
 *
 * Fills in the empty folders and makes every path absolute; caps the default keep-alive by its maximum.
 *
 *   storage.data-dir   $XDG_STATE_HOME/promptmq, else ~/.local/state/promptmq
 *   storage.wal-dir    <data-dir>/log
 *   admin.token-file   <data-dir>/admin-token, admin.tokens-file <data-dir>/tokens
 *   auth.password-file <data-dir>/passwords
 *
 * Relative paths start at the working directory, as in the seeds (./data), wherever the file was found: at the one of the
 * load, so that a daemon, whose own is another, finds them;
 * "~/" is the home folder because no shell expands it inside a file. Nothing is created or looked at here.
 */
import { isAbsolute, join, resolve } from "node:path"
import type { Settings } from "./settings.ts"

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly homeDirectory: string
}

export const resolveSettings = (settings: Settings, surroundings: Surroundings): Settings => {
  const absolute = (path: string): string => {
    if (path === "~" || path.startsWith("~/")) return join(surroundings.homeDirectory, path.slice(1))
    return resolve(surroundings.workingDirectory, path)
  }
  const absoluteOrEmpty = (path: string): string => (path === "" ? "" : absolute(path))
  const { acl, server, mqtt, storage, admin, auth, limits, log } = settings
  const dataDir = storage.dataDir === "" ? stateFolder(surroundings) : absolute(storage.dataDir)
  return {
    ...settings,
    server: {
      ...server,
      tlsCert: absoluteOrEmpty(server.tlsCert),
      tlsKey: absoluteOrEmpty(server.tlsKey),
      tlsCa: absoluteOrEmpty(server.tlsCa),
      tlsCrl: absoluteOrEmpty(server.tlsCrl),
      unixBind: server.unixBind.map(absolute),
      pidFile: absoluteOrEmpty(server.pidFile)
    },
    log: { ...log, file: absoluteOrEmpty(log.file) },
    acl: { ...acl, rulesFile: absoluteOrEmpty(acl.rulesFile) },
    limits: { ...limits, bansFile: absoluteOrEmpty(limits.bansFile) },
    // Only the default can be above: a written one is refused by a rule (E3203).
    mqtt: { ...mqtt, keepAliveSeconds: Math.min(mqtt.keepAliveSeconds, mqtt.maxKeepAliveSeconds) },
    storage: { ...storage, dataDir, walDir: storage.walDir === "" ? join(dataDir, "log") : absolute(storage.walDir) },
    auth: {
      ...auth,
      passwordFile: auth.passwordFile === "" ? join(dataDir, "passwords") : absolute(auth.passwordFile),
      ...providerFiles(auth, absoluteOrEmpty)
    },
    admin: {
      ...admin,
      tokenFile: admin.tokenFile === "" ? join(dataDir, "admin-token") : absolute(admin.tokenFile),
      tokensFile: admin.tokensFile === "" ? join(dataDir, "tokens") : absolute(admin.tokensFile),
      auditFile: absoluteOrEmpty(admin.auditFile)
    }
  }
}

/** Files that single providers of authentication are made from. */
const providerFiles = ({ custom, http, jwt, ldap, psk }: Settings["auth"], absolute: (path: string) => string) => ({
  custom: { ...custom, module: absolute(custom.module) },
  http: { ...http, ca: absolute(http.ca), cert: absolute(http.cert), key: absolute(http.key) },
  jwt: {
    ...jwt,
    hmacKeyFile: absolute(jwt.hmacKeyFile),
    jwksCa: absolute(jwt.jwksCa),
    publicKeyFile: absolute(jwt.publicKeyFile)
  },
  ldap: { ...ldap, ca: absolute(ldap.ca) },
  psk: { ...psk, file: absolute(psk.file) }
})

const stateFolder = (surroundings: Surroundings): string => {
  const stateHome = surroundings.environment["XDG_STATE_HOME"] ?? ""
  // The XDG specification: a relative path in the variable is invalid and to be ignored.
  const base = isAbsolute(stateHome) ? stateHome : join(surroundings.homeDirectory, ".local", "state")
  return join(base, "promptmq")
}
