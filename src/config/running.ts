/**
 * The settings of a running broker: the desk of reload.ts with its parts, where each value comes from, and the watch over
 * the configuration's file (server.watch-config).
 *
 * One door for every change while it runs: `apply`, for PATCH /settings and for a reload alike.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AccessControlShape } from "../access/access-layer.ts"
import { watchFile } from "../access/file-watch.ts"
import { makeAclDesk } from "../broker/acl-desk.ts"
import type { Core } from "../broker/core.ts"
import type { SettingsHolder } from "../broker/services.ts"
import { supervise } from "../broker/supervise.ts"
import { stateOfFile } from "../listener/file-state.ts"
import type { TlsMaterial } from "../listener/tls-material.ts"
import type { ReloadFigures } from "../metrics/reload-figures.ts"
import type { Settings } from "../settings/settings.ts"
import type { Log } from "../telemetry/logging.ts"
import type { ConfigInvalid } from "./config-invalid.ts"
import type { LoadedSettings } from "./load.ts"
import { defaultOrigin, formatOrigin } from "./origin.ts"
import { type ConfigurationDesk, makeConfigurationDesk, ownOrigin } from "./reload.ts"

export interface RunningSettingsOptions {
  readonly held: SettingsHolder
  readonly core: Core
  readonly access: AccessControlShape
  readonly tls: TlsMaterial | undefined
  readonly reloads: ReloadFigures
  readonly log: Log
  readonly resolve: (settings: Settings) => Settings
  readonly originOf: (key: string) => string
  /** Absent: nothing was loaded that could be loaded again (an embedded broker). */
  readonly load?: (() => Promise<LoadedSettings | ConfigInvalid>) | undefined
  /** What server.watch-config is about. */
  readonly file: WatchedFile | undefined
  /** Makes the settings the current ones, everywhere. */
  readonly apply: (settings: Settings) => void
}

export interface RunningSettings {
  readonly current: () => Settings
  readonly resolve: (settings: Settings) => Settings
  /** "default", "broker.yaml:14:5", "admin API". */
  readonly originOf: (key: string) => string
  readonly apply: (settings: Settings, changedKeys: ReadonlyArray<string>) => void
  readonly configuration: ConfigurationDesk | undefined
}

export const openRunningSettings = Effect.fnUntraced(function* (
  options: RunningSettingsOptions
): Effect.fn.Return<RunningSettings, never, Scope.Scope> {
  const running = runningSettings(options)
  const { file, held } = options
  const { configuration } = running
  if (held.initial.server.watchConfig && file !== undefined && configuration !== undefined) {
    yield* supervise("the watch over the configuration", watchConfiguration(file, configuration))
  }
  return running
})

const runningSettings = (options: RunningSettingsOptions): RunningSettings => {
  const { access, apply, core, held, load, log, reloads, resolve, tls } = options
  const changed = new Set<string>()
  let originOf = options.originOf
  const current = (): Settings => held.current
  const acl = makeAclDesk(core, access.rules)
  const originNow = (key: string): string => (changed.has(key) ? ownOrigin : originOf(key))
  const configuration =
    load === undefined
      ? undefined
      : makeConfigurationDesk({
          load,
          current,
          originOf: originNow,
          resolve,
          judgeFiles: async () => [...(tls?.judge() ?? []), ...(await Effect.runPromise(access.judge))],
          applyFiles: async () => {
            const problems = tls?.reload() ?? []
            return [...problems.map(({ fact }) => fact), ...(await Effect.runPromise(access.reload))]
          },
          impacts: async () => {
            const effect = await acl.preview()
            return "losses" in effect ? effect : undefined
          },
          apply: (settings, { origins }) => {
            originOf = (key) => formatOrigin(origins.get(key) ?? defaultOrigin)
            changed.clear() // [RELOAD-4]
            apply(settings)
          },
          note: (isGood) => reloads.note(isGood, Date.now()),
          log
        })
  return {
    current,
    resolve,
    originOf: originNow,
    apply: (next, changedKeys) => {
      for (const key of changedKeys) changed.add(key)
      apply(next)
    },
    configuration
  }
}

export interface WatchedFile {
  readonly path: string
  /** As it was when it was read for the start: what changes while the store is recovered is not missed. */
  readonly state: string
}

export const watchedFile = (path: string | undefined): WatchedFile | undefined =>
  path === undefined ? undefined : { path, state: stateOfFile(path) }

/** Reloads when the file changes; runs until it is interrupted. */
const watchConfiguration = (
  { path: file, state: loaded }: WatchedFile,
  { reload }: ConfigurationDesk
): Effect.Effect<unknown> =>
  Effect.suspend(() => {
    let state = loaded
    const onChange = Effect.suspend(() => {
      state = stateOfFile(file)
      return Effect.promise(reload)
    })
    return watchFile(file, () => state, onChange)
  })
