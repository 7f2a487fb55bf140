/**
 * A change of run-time settings: judged completely, then all of it or none.
 *
 * Each value goes through the decoder of its setting, the same one that reads the file; then the rules over
 * several settings are asked about the result. Pure: answers the new settings, the caller applies them.
 */
import { type Leaf, leafByKey, settingsLeaves, settingValue } from "../settings/leaves.ts"
import { nearest } from "../settings/nearest.ts"
import { settingRules } from "../settings/rules.ts"
import type { WireValue } from "../settings/setting.ts"
import { ValueRefused } from "../settings/setting-fault.ts"
import type { Settings } from "../settings/settings.ts"
import type { FailureEntry } from "./api/shared.ts"
import { failureEntry } from "./failures.ts"

export interface SettingsAccess {
  readonly current: () => Settings
  /** Where the value comes from, as `config show --origin` says it; "default" when nobody wrote it. */
  readonly originOf: (key: string) => string
  /** Settings that follow from others (settings/resolve.ts). */
  readonly resolve: (settings: Settings) => Settings
  /** Makes the settings the current ones; only settings named in `changedKeys` differ. */
  readonly apply: (settings: Settings, changedKeys: ReadonlyArray<string>) => void
}

export interface ChangedSettings {
  readonly settings: Settings
  /** Those that have another value than before. */
  readonly changed: ReadonlyArray<{ readonly key: string; readonly value: WireValue }>
}

export type ChangeVerdict = { readonly accepted: ChangedSettings } | { readonly refused: ReadonlyArray<FailureEntry> }

/** `wanted` maps keys ("log.level") to values as they would be written in YAML. */
export function changeSettings(
  access: Omit<SettingsAccess, "apply">,
  wanted: Readonly<Record<string, unknown>>
): ChangeVerdict {
  const current = access.current()
  const refused: Array<FailureEntry> = []
  const written = new Set<string>()
  let settings = current
  for (const [key, raw] of Object.entries(wanted)) {
    const leaf = leafByKey.get(key)
    const value = leaf?.live === true ? leaf.spec.decode(raw) : undefined
    if (leaf === undefined) refused.push(unknownSetting(key))
    else if (!leaf.live) refused.push(failureEntry("settingNotLive", { key }))
    else if (value instanceof ValueRefused) refused.push(refusedValue(key, value))
    else {
      written.add(key)
      settings = withField(settings, leaf.field, value) as Settings
    }
  }
  refused.push(...brokenRules(settings, written, access))
  return refused.length > 0 ? { refused } : { accepted: differences(current, access.resolve(settings)) }
}

/** The value as it would be written in YAML. */
export function wireValue(settings: Settings, leaf: Leaf): WireValue {
  return leaf.spec.encode(settingValue(settings, leaf))
}

/** "topics.policies[1].max-bytes" where it is about a part of the value. */
function refusedValue(key: string, { fault: { at = "", code, fact, fix } }: ValueRefused): FailureEntry {
  return { key: key + at, code, fact, fix }
}

function unknownSetting(key: string): FailureEntry {
  const close = nearest(key, leafByKey.keys())
  if (close === undefined) return failureEntry("unknownSetting", { key })
  return failureEntry("unknownSetting", { key, fix: `did you mean "${close}"?` })
}

function brokenRules(
  settings: Settings,
  written: ReadonlySet<string>,
  access: Pick<SettingsAccess, "originOf">
): ReadonlyArray<FailureEntry> {
  const isWritten = (key: string): boolean => written.has(key) || access.originOf(key) !== "default"
  const broken: Array<FailureEntry> = []
  for (const rule of settingRules) {
    const key = rule.keys.find((each) => written.has(each))
    if (rule.severity !== "error" || key === undefined) continue
    const fault = rule.check(settings, isWritten)
    if (fault !== undefined) broken.push({ key, ...fault })
  }
  return broken
}

function differences(before: Settings, settings: Settings): ChangedSettings {
  const changed = settingsLeaves
    .map((leaf) => ({ key: leaf.key, value: wireValue(settings, leaf), before: wireValue(before, leaf) }))
    .filter(({ value, before }) => JSON.stringify(value) !== JSON.stringify(before))
    .map(({ key, value }) => ({ key, value }))
  return { settings, changed }
}

function withField(node: unknown, field: ReadonlyArray<string>, value: unknown): unknown {
  const [name, ...rest] = field
  if (name === undefined) return value
  const members = node as Readonly<Record<string, unknown>>
  return { ...members, [name]: withField(members[name], rest, value) }
}
