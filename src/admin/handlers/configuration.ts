/**
 * Group "configuration": values with their origin, changes while the broker runs, checking a document, diff and reload.
 *
 * Secrets are "(hidden)" in every answer. A change is all or nothing and holds until the broker stops; a reload is what the
 * configuration room makes of the file (ConfigurationDesk).
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { settingsLeaves } from "../../settings/leaves.ts"
import { AdminApi } from "../api/api.ts"
import type { SettingsChanged, SettingsList } from "../api/settings.ts"
import { changeSettings, wireValue } from "../change-settings.ts"
import { refuse, unprocessable } from "../refusal.ts"
import type { HandlerSources } from "./handler-sources.ts"

type Values = SettingsList["settings"][number]["value"]

export const configurationHandlers = ({ checkDocument, configuration, settings }: HandlerSources) =>
  HttpApiBuilder.group(AdminApi, "configuration", (handlers) =>
    handlers.handleAll({
      settings: () => Effect.sync(() => ({ settings: listSettings(settings) })),
      changeSettings: ({ payload }) => Effect.suspend(() => change(settings, payload)),
      check: ({ payload: { yaml } }) =>
        Effect.map(
          Effect.promise(() => checkDocument(yaml)),
          (problems) => ({ problems })
        ),
      diff: () => (configuration === undefined ? refuse("notWired") : Effect.promise(configuration.diff)),
      reload: () =>
        Effect.gen(function* () {
          if (configuration === undefined) return yield* refuse("notWired")
          const done = yield* Effect.promise(configuration.reload)
          if ("applied" in done) return done
          return yield* unprocessable(
            done.map(({ code, fact, fix, key, place }) => ({
              code,
              ...(key === "" ? {} : { key }),
              ...(place === "" ? {} : { place }),
              fact,
              fix
            }))
          )
        })
    })
  )

const listSettings = (settings: HandlerSources["settings"]): SettingsList["settings"] => {
  const current = settings.current()
  return settingsLeaves.map((leaf) => ({
    key: leaf.key,
    value: leaf.secret ? "(hidden)" : ((wireValue(current, leaf) ?? null) as Values),
    origin: settings.originOf(leaf.key),
    live: leaf.live,
    summary: leaf.summary
  }))
}

const change = (settings: HandlerSources["settings"], wanted: Readonly<Record<string, unknown>>) => {
  const verdict = changeSettings(settings, wanted)
  if ("refused" in verdict) return unprocessable(verdict.refused)
  const { changed, settings: next } = verdict.accepted
  if (changed.length > 0) {
    settings.apply(
      next,
      changed.map(({ key }) => key)
    )
  }
  const told: SettingsChanged = {
    changed: changed.map(({ key, value }) => ({ key, value: (value ?? null) as Values }))
  }
  return Effect.succeed(told)
}
