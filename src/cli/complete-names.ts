/**
 * `promptmq complete-names clients <line>`: for the completion scripts only, so it is in no help: names that a running broker
 * knows, one per line, for the command line typed so far (whose -c, --data-dir, --url and --token-file are obeyed).
 *
 * Somebody waits at a key: an answer that is not there at once is none, and nothing that goes wrong is said. Names that a
 * shell's line cannot hold (control characters) are left out.
 */
import { escaped } from "../telemetry/log-entry.ts"
import { askHttp } from "./api-http.ts"
import { chooseBroker, type placeOptions } from "./api-place.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { UsageFault } from "./grammar/option.ts"
import type { World } from "./world.ts"

const ANSWER_TIMEOUT_MS = 500
const NAMES_MAX = 1000

export async function completeNames(words: ReadonlyArray<string>, world: World): Promise<ExitCode> {
  const [kind, line = ""] = words
  if (kind !== "clients") return exitCodes.wrongUsage
  const quiet = Object.create(world, { stderr: { value: { isTerminal: false, columns: 100, write: () => {} } } })
  const place = await chooseBroker(placeOf(line), quiet as World)
  if (place instanceof UsageFault || typeof place === "number") return exitCodes.unreachable
  const query = { limit: NAMES_MAX }
  const request = { path: "/api/v1/clients", query, timeoutMs: ANSWER_TIMEOUT_MS }
  const answer = await askHttp(place.url, place.token, request)
  if ("unreached" in answer) return exitCodes.unreachable
  const { items } = (answer.body ?? {}) as { readonly items?: unknown }
  if (!Array.isArray(items)) return exitCodes.refused
  const names = items.flatMap((item: { readonly clientIdentifier?: unknown } | null) => {
    const name = item?.clientIdentifier
    return typeof name === "string" && name !== "" && escaped(name) === name ? [name] : []
  })
  world.stdout.write(names.map((name) => `${name}\n`).join(""))
  return exitCodes.done
}

type PlaceName = keyof typeof placeOptions

/** Which broker the unfinished line means. Not the parser: the line need not be right yet. */
function placeOf(line: string): Record<PlaceName, string | undefined> {
  const place: Record<PlaceName, string | undefined> = {
    url: undefined,
    "token-file": undefined,
    config: undefined,
    "data-dir": undefined
  }
  const words = line.split(/\s+/).map((word) => word.replaceAll(/["']/g, ""))
  for (const [i, word] of words.entries()) {
    const [, typed, attached] = /^(?:--([\w-]+)|-c)(?:=(.*))?$/.exec(word) ?? []
    const name = word.startsWith("-c") ? "config" : typed
    if (name !== undefined && Object.hasOwn(place, name)) place[name as PlaceName] = attached ?? words[i + 1]
  }
  return place
}
