/**
 * Effective settings as text: what `promptmq config show` and the admin API print.
 *
 * YAML reads back to the same settings (secrets excepted, they are never shown); JSON has one entry per key
 * with value and origin and is meant for programs: its names are stable.
 */
import type { Leaf } from "../settings/leaves.ts"
import { settingsLeaves, settingValue } from "../settings/leaves.ts"
import type { WireValue } from "../settings/setting.ts"
import type { LoadedSettings } from "./load.ts"
import { defaultOrigin, formatOrigin, type Origin } from "./origin.ts"
import { yamlDocument, yamlValue } from "./yaml-text.ts"

export interface ShownSetting {
  readonly value: WireValue | null
  readonly origin: Origin
  readonly live: boolean
}

export const showYaml = (loaded: LoadedSettings, options: { readonly origin: boolean }): string => {
  const shown = settingsLeaves.filter((leaf) => wireValue(loaded, leaf) !== undefined)
  return yamlDocument(
    shown.map((leaf) => ({
      path: leaf.path,
      comment: [],
      value: yamlValue(wireValue(loaded, leaf)),
      note: options.origin ? formatOrigin(loaded.origins.get(leaf.key) ?? defaultOrigin) : undefined,
      isCommentedOut: leaf.secret
    }))
  )
}

/** Keyed by the full key, in the order of the reference. */
export const showJson = (loaded: LoadedSettings): Readonly<Record<string, ShownSetting>> =>
  Object.fromEntries(
    settingsLeaves.map((leaf) => [
      leaf.key,
      {
        value: wireValue(loaded, leaf) ?? null,
        origin: loaded.origins.get(leaf.key) ?? defaultOrigin,
        live: leaf.live
      }
    ])
  )

const wireValue = (loaded: LoadedSettings, leaf: Leaf): WireValue => {
  const wire = leaf.spec.encode(settingValue(loaded.settings, leaf))
  return leaf.secret && wire !== "" ? "(secret)" : wire
}
