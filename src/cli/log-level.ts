/**
 * `promptmq log-level [level]`: which level the running broker logs at, or another one until it stops. With --for the command
 * waits and then sets back what was, also when it is interrupted.
 */
import { SettingsChanged, SettingsList } from "../admin/api/settings.ts"
import { settingsLeaves } from "../settings/leaves.ts"
import { parseDurationMs } from "../settings/units.ts"
import type { Api } from "./api-client.ts"
import { openApi } from "./api-client.ts"
import { ApiFault, tell } from "./api-fault.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text, UsageFault } from "./grammar/option.ts"
import { actOptions } from "./operate/act.ts"
import { Rounds, writeJson } from "./operate/show.ts"
import { say, type World } from "./world.ts"

const key = "log.level"
const levels = settingsLeaves.find((leaf) => leaf.key === key)?.choices ?? []

export const body = commandBody({
  notes: ["The level holds until the broker stops or reads its configuration again: no file is written."],
  examples: [
    { line: "promptmq log-level", why: "what it is" },
    { line: "promptmq log-level debug --for 10m", why: "and back again, also at Ctrl-C" }
  ],
  operands: [{ name: "level", summary: levels.join(", "), isRequired: false, choices: levels }],
  options: { for: text("wait so long, then set back", { placeholder: "duration" }), ...actOptions },
  isHelpWhenBare: false,
  run: async ({ operands, options }, world) => {
    const [wanted] = operands
    const forMs = options.for === undefined ? undefined : parseDurationMs(options.for)
    if (options.for !== undefined && (forMs === undefined || forMs <= 0 || forMs > FOR_MS_MAX)) {
      return new UsageFault(`--for is "${options.for}", it takes a duration up to 24h: 30s, 10m, 1h`)
    }
    if (forMs !== undefined && wanted === undefined) return new UsageFault("--for needs a level")
    const api = await openApi(options, world)
    if (typeof api === "number" || api instanceof UsageFault) return api
    const before = await levelOf(api)
    if (before instanceof ApiFault) return tell(before, world)
    if (wanted === undefined) return told(before, options.json, world)
    const fault = await change(api, wanted)
    if (fault !== undefined) return tell(fault, world)
    const code = told(wanted, options.json, world)
    return forMs === undefined ? code : setBack(api, before, forMs, world)
  }
})

/** What a timer can hold, with room. */
const FOR_MS_MAX = 86_400_000

async function levelOf(api: Api): Promise<string | ApiFault> {
  const list = await api.ask({ path: "/api/v1/settings" }, SettingsList)
  return list instanceof ApiFault ? list : String(list.settings.find((setting) => setting.key === key)?.value)
}

async function change(api: Api, level: string): Promise<ApiFault | undefined> {
  const changed = await api.ask({ method: "PATCH", path: "/api/v1/settings", body: { [key]: level } }, SettingsChanged)
  return changed instanceof ApiFault ? changed : undefined
}

function told(level: string, isJson: boolean, world: World): ExitCode {
  if (isJson) writeJson(world, { version: 1, level })
  else world.stdout.write(`${level}\n`)
  return exitCodes.done
}

async function setBack(api: Api, level: string, forMs: number, world: World): Promise<ExitCode> {
  const rounds = new Rounds(world)
  await rounds.wait(forMs)
  // [OPERATE-5] what was is set back, also at Ctrl-C.
  const code = rounds.end()
  const fault = await change(api, level)
  if (fault !== undefined) return tell(fault, world)
  say(world, `${key} is ${level} again`)
  return code
}
