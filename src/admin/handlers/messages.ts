/**
 * Group "messages": the drop ledger, passports and traces.
 *
 * What a trace or a passport is lives behind TraceDesk; where there is none the lists are empty and nothing can be
 * started.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { AdminApi } from "../api/api.ts"
import { Caller } from "../api/shared.ts"
import { refuse } from "../refusal.ts"
import { dropList, isDropReason } from "../views/drops-view.ts"
import type { HandlerSources } from "./handler-sources.ts"

const stepsDefault = 1000

export const messagesHandlers = ({ core, traces }: HandlerSources) =>
  HttpApiBuilder.group(AdminApi, "messages", (handlers) =>
    handlers.handleAll({
      drops: ({ query }) =>
        query.reason === undefined || isDropReason(query.reason)
          ? Effect.sync(() => dropList(core.ledger, query))
          : refuse("badQuery", { key: "reason", fact: "there is no such reason" }),
      passport: ({ params: { sequence } }) =>
        Number.isSafeInteger(sequence) && sequence >= 0
          ? Effect.flatMap(
              Effect.promise(async () => traces?.passport(sequence)),
              (passport) => (passport === undefined ? refuse("noMessage") : Effect.succeed(passport))
            )
          : refuse("badQuery", { key: "sequence", fact: "a sequence is a whole number" }),
      traces: () => Effect.sync(() => traces?.list() ?? []),
      startTrace: ({ payload }) =>
        Effect.gen(function* () {
          if (traces === undefined) return yield* refuse("noTraces", { fact: "this broker keeps no traces" })
          const { name } = yield* Caller
          const started = traces.start(payload, name)
          if ("id" in started) return started
          const { fact, fix, key, reason } = started
          const words = { fact, fix, ...(key === undefined ? {} : { key }) }
          return yield* reason === "busy" ? refuse("noTraces", words) : refuse("badTrace", words)
        }),
      trace: ({ params: { id }, query: { after = 0, limit = stepsDefault } }) => {
        const found = traces?.steps(id, after, limit)
        return found === undefined ? refuse("noTrace") : Effect.succeed(found)
      },
      endTrace: ({ params: { id } }) =>
        Effect.suspend(() => (traces?.end(id) === true ? Effect.succeed({ done: true as const }) : refuse("noTrace")))
    })
  )
