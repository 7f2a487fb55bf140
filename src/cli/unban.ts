/**
 * `promptmq unban <ban>`: takes a ban back, named by its id or by whom it is of.
 *
 * Exit codes: 6 there is no such ban. Of several bans of one name (a client and a user may share it) none is taken back: they
 * are named with their ids.
 */
import { BanRow } from "../admin/api/security.ts"
import { Done, pageLimitMax, pageOf } from "../admin/api/shared.ts"
import { ApiFault } from "./api-fault.ts"
import { segment } from "./api-http.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { UsageFault } from "./grammar/option.ts"
import { act, actOptions } from "./operate/act.ts"

type Ban = typeof BanRow.Type

export const body = commandBody({
  notes: [],
  examples: [
    { line: "promptmq unban c1", why: "the client, user or address c1" },
    { line: "promptmq unban user:alice", why: "the ban of this id, as promptmq bans shows it" }
  ],
  operands: [{ name: "ban", summary: "id of the ban, or whom it is of", isRequired: true }],
  options: actOptions,
  isHelpWhenBare: true,
  run: ({ operands, options }, world) => {
    const typed = operands[0] as string
    return act<Ban>(
      options,
      world,
      async (api) => {
        // An id is "kind:value"; the value alone is in one column for sure.
        const query = { filter: typed.replace(/^(client|user|address):/, ""), limit: pageLimitMax }
        const page = await api.ask({ path: "/api/v1/bans", query }, pageOf(BanRow))
        if (page instanceof ApiFault) return page
        const ban = choose(typed, page.items)
        if (ban instanceof UsageFault || ban instanceof ApiFault) return ban
        const done = await api.ask({ method: "DELETE", path: `/api/v1/bans/${segment(ban.id)}` }, Done)
        return done instanceof ApiFault ? done : ban
      },
      (ban) => `${ban.kind} ${ban.value} is no longer banned`
    )
  }
})

function choose(typed: string, bans: ReadonlyArray<Ban>): Ban | ApiFault | UsageFault {
  const [first, second] = bans.filter(({ id, value }) => id === typed || value === typed)
  if (first === undefined) {
    const fix = "promptmq bans lists them; one may have ended already"
    return new ApiFault(exitCodes.notFound, [{ code: "E6001", fact: `there is no ban ${typed}`, fix }])
  }
  if (second === undefined) return first
  const words = [first, second].map(({ id, kind }) => `${id} (${kind})`).join(" and ")
  return new UsageFault(`several bans are of ${typed}: ${words}`, "name the id of one")
}
