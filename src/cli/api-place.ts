/**
 * Which broker the operating commands ask, and with which token.
 *
 *   nothing given       the broker of this user's configuration, found as `promptmq server` finds it
 *   -c, --data-dir      the one that was started with these
 *   --url               the one there; its token comes from --token-file. On this machine the configured token will do,
 *                       another one is never shown it
 *
 * A token file that cannot be read is not yet an error: most often no broker was ever started here, which is the better
 * sentence, and /health takes none. It becomes one when a broker answers (api-client.ts).
 */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { ConfigInvalid } from "../config/config-invalid.ts"
import { readErrorWords } from "../config/layers.ts"
import { formatAddress, isLoopback, reachable } from "../settings/address.ts"
import type { Settings } from "../settings/settings.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { type Decoded, type Option, text, UsageFault } from "./grammar/option.ts"
import { configOption, load, printInvalid, settingsFlags, settingsOptions } from "./settings-options.ts"
import { complain, type World } from "./world.ts"

const section = "Which broker"

export const placeOptions = {
  url: text("its admin API (from the configuration: admin.bind)", { section, placeholder: "http://host:port" }),
  "token-file": text("file with a token of it (admin.token-file)", { section, placeholder: "file", isFile: true }),
  config: { ...configOption.config, section },
  "data-dir": {
    ...(settingsOptions["data-dir"] as Option<string | undefined>),
    summary: "folder of everything it keeps, its token among it (storage.data-dir)",
    section,
    isFile: true,
    placeholder: "folder"
  }
}

export interface ApiPlace {
  readonly url: URL
  readonly token: string | undefined
  /** Why there is no token. */
  readonly tokenFault: TokenFault | undefined
}

export interface TokenFault {
  readonly isRefused: boolean
  readonly fact: string
}

export async function chooseBroker(
  options: Decoded<typeof placeOptions>,
  world: World
): Promise<ApiPlace | ExitCode | UsageFault> {
  const url = options.url === undefined ? undefined : urlOf(options.url)
  if (url instanceof UsageFault) return url
  const tokenFile = options["token-file"]
  const given = tokenFile === undefined ? undefined : readToken(resolve(world.workingDirectory, tokenFile))
  if (url !== undefined && given !== undefined) return { url, ...given }
  const loaded = await load(options.config, settingsFlags(options), world)
  if (loaded instanceof ConfigInvalid) {
    printInvalid(world, loaded)
    return exitCodes.configInvalid
  }
  const { settings } = loaded
  if (url !== undefined) {
    const fact = `${url.hostname} is another machine, which is not shown this one's token`
    // [OPERATE-1] a token is shown to its own machine only.
    return isHere(url)
      ? { url, ...readToken(settings.admin.tokenFile) }
      : { url, token: undefined, tokenFault: { isRefused: false, fact } }
  }
  if (!settings.admin.enabled) {
    const fix = "switch it on in the broker's configuration, or name another broker: --url, --token-file"
    complain(world, { code: "E4001", fact: "this configuration has no admin API (admin.enabled: false)", fix })
    return exitCodes.unreachable
  }
  return { url: configuredUrl(settings), ...(given ?? readToken(settings.admin.tokenFile)) }
}

/** Where the broker of this configuration is called; an address that listens everywhere is called at home. */
export function configuredUrl({ admin }: Settings): URL {
  return new URL(`http://${formatAddress(reachable(admin.bind))}`)
}

export function readToken(file: string): Pick<ApiPlace, "token" | "tokenFault"> {
  try {
    return { token: readFileSync(file, "utf8").trim(), tokenFault: undefined }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isRefused = code === "EACCES" || code === "EPERM"
    return { token: undefined, tokenFault: { isRefused, fact: `${file}: ${readErrorWords(cause)}` } }
  }
}

function isHere({ hostname }: URL): boolean {
  return isLoopback({ host: hostname.replace(/^\[(.*)\]$/, "$1"), port: 0 })
}

function urlOf(typed: string): URL | UsageFault {
  const url = URL.canParse(typed) ? new URL(typed) : undefined
  const fix = "write it as http://127.0.0.1:9090"
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return new UsageFault("--url is no address of the form http://host:port", fix)
  }
  // Not quoted: what stands there may be a password.
  if (url.username !== "" || url.password !== "") {
    return new UsageFault("--url holds a user name or password", "the token comes from a file: --token-file")
  }
  return url
}
