/**
 * `promptmq retained rm <filter>`: clears the retained messages of a topic, or of all that match a filter. With wildcards it
 * only counts, until --force is given: nothing brings them back.
 *
 * Exit codes: 6 nothing is retained there.
 */
import * as Schema from "effect/Schema"
import { hasWildcard } from "../router/topic-filter.ts"
import { ApiFault } from "./api-fault.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
import { act, actOptions, forceOption } from "./operate/act.ts"
import { filterUsage } from "./operate/topic-usage.ts"
import { numberText } from "./operate/words.ts"
import { count } from "./store-place.ts"

const Cleared = Schema.Struct({ matched: Schema.Number, cleared: Schema.Number })

export const body = commandBody({
  notes: ["A filter with wildcards needs --force; without it the messages are counted and nothing is cleared."],
  examples: [
    { line: "promptmq retained rm plant/1/config", why: "one topic" },
    { line: "promptmq retained rm 'plant/#' --dry-run", why: "how many would go" },
    { line: "promptmq retained rm 'plant/#' --force", why: "a subtree" }
  ],
  operands: [{ name: "filter", summary: "topic, or topic filter", isRequired: true }],
  options: { "dry-run": flag("only count"), ...forceOption, ...actOptions },
  isHelpWhenBare: true,
  run: async ({ operands, options }, world) => {
    const filter = operands[0] as string
    const fault = filterUsage(filter)
    if (fault !== undefined) return fault
    // [OPERATE-4] what nobody can bring back is asked for twice.
    const isAsking = hasWildcard(filter) && !options.force && !options["dry-run"]
    const isDry = isAsking || options["dry-run"]
    return act<typeof Cleared.Type>(
      options,
      world,
      async (api) => {
        const query = { filter, ...(isDry ? { "dry-run": "true" } : {}) }
        const cleared = await api.ask({ method: "DELETE", path: "/api/v1/retained", query }, Cleared)
        if (cleared instanceof ApiFault) return cleared
        const { matched } = cleared
        if (matched === 0) return nothingThere(filter)
        const fact = `${count(matched, "retained message")} would be cleared; none was`
        return isAsking ? new UsageFault(fact, "to clear them: --force") : cleared
      },
      ({ cleared, matched }) => {
        if (isDry) return `${count(matched, "retained message")} would be cleared`
        const rest = matched > cleared ? ` of ${numberText(matched)}; run it again for the rest` : ""
        return `${count(cleared, "retained message")} cleared${rest}`
      }
    )
  }
})

function nothingThere(filter: string): ApiFault {
  const problem = { code: "E6001", fact: `nothing is retained at ${filter}`, fix: "promptmq retained ls lists what is" }
  return new ApiFault(exitCodes.notFound, [problem])
}
