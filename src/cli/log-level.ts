/**
 * `promptmq log-level [level]`: which level the running broker logs at, or another one: until it stops, or with --for for a
 * time, after which the broker itself goes back; --client for the entries of one client alone.
 */
import { SettingsChanged } from "../admin/api/settings.ts"
import { LogLevelView } from "../admin/api/system.ts"
import { settingsLeaves } from "../settings/leaves.ts"
import { parseDurationMs } from "../settings/units.ts"
import { escaped } from "../telemetry/log-entry.ts"
import { openApi } from "./api-client.ts"
import { ApiFault, tell } from "./api-fault.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text, UsageFault } from "./grammar/option.ts"
import { actOptions } from "./operate/act.ts"
import { writeJson } from "./operate/show.ts"
import { timeText } from "./operate/words.ts"
import type { World } from "./world.ts"

const key = "log.level"
const levels = settingsLeaves.find((leaf) => leaf.key === key)?.choices ?? []
const path = "/api/v1/logs/level"
/** What the admin API takes. */
const FOR_MS_MAX = 86_400_000

export const body = commandBody({
  notes: [
    "Without --for the level holds until the broker stops or reads its configuration again: no file is written.",
    "With --for the broker goes back by itself when the time is over; nothing has to wait for it."
  ],
  examples: [
    { line: "promptmq log-level", why: "what it is, and what is raised until when" },
    { line: "promptmq log-level debug --for 10m", why: "and back again by itself" },
    { line: "promptmq log-level debug --for 10m --client c1", why: "only what concerns this client" }
  ],
  operands: [{ name: "level", summary: levels.join(", "), isRequired: false, choices: levels }],
  options: {
    for: text("hold so long, then as before", { placeholder: "duration" }),
    client: text("only entries of this client (with --for)", { placeholder: "id" }),
    ...actOptions
  },
  isHelpWhenBare: false,
  run: async ({ operands, options }, world) => {
    const [level] = operands
    const forMs = options.for === undefined ? undefined : parseDurationMs(options.for)
    if (options.for !== undefined && (forMs === undefined || forMs <= 0 || forMs > FOR_MS_MAX)) {
      return new UsageFault(`--for is "${options.for}", it takes a duration up to 24h: 30s, 10m, 1h`)
    }
    if (forMs !== undefined && level === undefined) return new UsageFault("--for needs a level")
    if (options.client !== undefined && forMs === undefined) {
      return new UsageFault(
        "--client needs --for",
        "a level of one client is for a time: log-level debug --for 10m --client c1"
      )
    }
    const api = await openApi(options, world)
    if (typeof api === "number" || api instanceof UsageFault) return api
    if (level !== undefined && forMs === undefined) {
      const changed = await api.ask(
        { method: "PATCH", path: "/api/v1/settings", body: { [key]: level } },
        SettingsChanged
      )
      if (changed instanceof ApiFault) return tell(changed, world)
    }
    const raise = {
      level,
      seconds: (forMs ?? 0) / 1000,
      ...(options.client === undefined ? {} : { client: options.client })
    }
    // [OPERATE-5] the broker sets back what was, whatever becomes of this command.
    const view = await api.ask(forMs === undefined ? { path } : { method: "POST", path, body: raise }, LogLevelView)
    return view instanceof ApiFault ? tell(view, world) : told(view, options.json, world)
  }
})

function told({ level, raises }: LogLevelView, isJson: boolean, world: World): ExitCode {
  if (isJson) writeJson(world, { version: 1, level, raises })
  else {
    const lines = raises.map(
      ({ client, level: raised, until }) =>
        `${raised}${client === null ? "" : ` for ${JSON.stringify(client)}`} until ${timeText(until)}`
    )
    world.stdout.write(`${escaped([level, ...lines].join("; "))}\n`)
  }
  return exitCodes.done
}
