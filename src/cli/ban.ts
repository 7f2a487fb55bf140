/**
 * `promptmq ban`: keeps a client, a user or an address away, for a time or for good. Who is connected is disconnected.
 */
import { BanRow } from "../admin/api/security.ts"
import { parseDurationMs } from "../settings/units.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, text, UsageFault } from "./grammar/option.ts"
import { act, actOptions } from "./operate/act.ts"
import { timeText } from "./operate/words.ts"

const section = "Whom (one of them)"

const banOptions = {
  client: text("a client identifier, as does <id>", { section, placeholder: "id", completes: "clients" }),
  user: text("a user name", { section, placeholder: "name" }),
  address: text("an address or a network: 192.0.2.7, 192.0.2.0/24", { section, placeholder: "address" }),
  for: text("how long: 30s, 10m, 1h, 7d (for good)", { placeholder: "duration" }),
  reason: text("why, for the log and for those who look", { placeholder: "text" })
}

export const body = commandBody({
  notes: ["A ban holds at once and survives a restart. promptmq bans lists them, promptmq unban takes one back."],
  examples: [
    { line: "promptmq ban c1 --for 1h --reason 'floods plant/#'", why: "a client, for an hour" },
    { line: "promptmq ban --address 192.0.2.0/24", why: "a network, for good" }
  ],
  operands: [{ name: "id", summary: "client identifier", isRequired: false, completes: "clients" }],
  options: { ...banOptions, ...actOptions },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const request = requestOf(operands[0], options)
    if (request instanceof UsageFault) return request
    return act(
      options,
      world,
      (api) => api.ask({ method: "POST", path: "/api/v1/bans", body: request }, BanRow),
      (ban) => `${ban.kind} ${ban.value} is banned ${until(ban.until)}: ban ${ban.id}`
    )
  }
})

interface BanBody {
  readonly client?: string
  readonly user?: string
  readonly address?: string
  readonly seconds?: number
  readonly reason?: string
}

function requestOf(operand: string | undefined, options: Decoded<typeof banOptions>): BanBody | UsageFault {
  const { address, reason, user } = options
  const client = options.client ?? operand
  const isTwice = options.client !== undefined && operand !== undefined
  if (isTwice || [client, user, address].filter((each) => each !== undefined).length !== 1) {
    return new UsageFault("it bans exactly one: <id>, --client, --user or --address")
  }
  const ms = options.for === undefined ? undefined : parseDurationMs(options.for)
  if (options.for !== undefined && (ms === undefined || ms < 1000)) {
    return new UsageFault(`--for is "${options.for}", it takes a duration of a second or more: 30s, 10m, 1h, 7d`)
  }
  return {
    ...(client === undefined ? {} : { client }),
    ...(user === undefined ? {} : { user }),
    ...(address === undefined ? {} : { address }),
    ...(ms === undefined ? {} : { seconds: Math.ceil(ms / 1000) }),
    ...(reason === undefined ? {} : { reason })
  }
}

function until(at: string | null): string {
  return at === null ? "for good" : `until ${timeText(at)}`
}
