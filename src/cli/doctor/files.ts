/**
 * Files that hold secrets or data, and who else on this machine may read or write them. Only looks: modes are mended by
 * who owns the files, since a secret that others could read may be known already.
 */
import { type Stats, statSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Settings } from "../../settings/settings.ts"
import { type Finding, ok, problem, warning } from "./finding.ts"

const OTHERS_READ = 0o077
const OTHERS_WRITE = 0o022

export function fileModes(settings: Settings, configFile: string | undefined): ReadonlyArray<Finding> {
  const { admin, auth, limits, server, storage } = settings
  const isKept = storage.engine !== "memory"
  const secrets = [
    ["admin.token-file", admin.enabled ? admin.tokenFile : ""],
    ["server.tls-key", server.tls ? server.tlsKey : ""],
    ["auth.password-file", auth.chain.includes("password-file") ? auth.passwordFile : ""],
    ["auth.psk.file", auth.chain.includes("psk") ? auth.psk.file : ""],
    ["limits.bans-file", limits.bansFile !== "" ? limits.bansFile : isKept ? join(storage.dataDir, "bans.json") : ""],
    ["storage.data-dir", isKept ? storage.dataDir : ""]
  ] as const
  const findings = secrets.flatMap(([key, path]) => secret(key, path))
  findings.push(...trusted("the configuration", configFile), ...trusted("acl.rules-file", settings.acl.rulesFile))
  return findings.length > 0 ? findings : [ok("files", "secrets and data are readable for the broker's user only")]
}

/** Others must not even read it. */
function secret(key: string, path: string): ReadonlyArray<Finding> {
  const status = statusOf(path)
  if (status === undefined || (status.mode & OTHERS_READ) === 0) return []
  const mode = (status.mode & 0o777).toString(8)
  const fix = `chmod ${status.isDirectory() ? "700" : "600"} ${path}`
  return [problem("files", `${key} ${path} is open to other users of this machine (mode ${mode})`, fix)]
}

/** Others may read it; whoever may write it, or replace it, decides what the broker does. */
function trusted(what: string, path: string | undefined): ReadonlyArray<Finding> {
  if (path === undefined || path === "") return []
  for (const each of [path, dirname(path)]) {
    const status = statusOf(each)
    // A folder with the sticky bit (/tmp) lets nobody replace what is another's.
    const isGuarded =
      status === undefined ||
      (status.mode & OTHERS_WRITE) === 0 ||
      (status.isDirectory() && (status.mode & 0o1000) !== 0)
    if (isGuarded) continue
    return [
      warning("files", `${what} can be changed by other users: ${each} is writable for them`, `chmod go-w ${each}`)
    ]
  }
  return []
}

function statusOf(path: string): Stats | undefined {
  if (path === "") return undefined
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
