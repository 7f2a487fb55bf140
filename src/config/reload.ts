/**
 * Reload: the settings are loaded again exactly as at the start (file, variables, flags), judged, and made the current
 * ones: all or nothing.
 *
 *   load ─▶ judge files (certificates, users, rules) ─▶ judge what would be at work ─▶ files ─▶ settings ─▶ one line
 *     └─ a fault anywhere before "files": one line says so, and everything is as it was
 *
 * Invariants
 * - [RELOAD-1] What is refused changes nothing: no setting, no file, no origin.
 * - [RELOAD-2] One reload after the other; who asks while one runs gets the next one, which everybody who asked meanwhile
 *   shares: at most two are under way, however many ask.
 * - [RELOAD-3] A setting that is not live is never applied; what is at work is judged as a whole, because a new live value
 *   beside an old one that waits for a restart may be a combination that no file says.
 * - [RELOAD-4] The file is the truth: what was changed through the admin API and is not in it goes. Diff, answer and log
 *   say which settings these are.
 * - Secrets are not shown: "(hidden)" before and after.
 *
 * Elsewhere: who asks (cli/server-life.ts for SIGHUP, the admin API, the watch below), what a client would lose
 * (access/rules-effect.ts), applying (app.ts: the same path as PATCH /settings).
 */
import type { FileProblem } from "../access/provider-file.ts"
import { impactOf, type RulesEffect } from "../access/rules-effect.ts"
import { type Leaf, settingsLeaves, settingValue } from "../settings/leaves.ts"
import { settingRules } from "../settings/rules.ts"
import type { WireValue } from "../settings/setting.ts"
import type { Settings } from "../settings/settings.ts"
import type { Log } from "../telemetry/logging.ts"
import { ConfigInvalid } from "./config-invalid.ts"
import type { LoadedSettings } from "./load.ts"
import { defaultOrigin } from "./origin.ts"
import { formatPlace, type Problem } from "./problem.ts"

/** Origin of a value that was changed while the broker runs. */
export const ownOrigin = "admin API"

/** As the admin API shows them. */
export interface ReloadProblem {
  readonly severity: "error" | "warning"
  readonly code: string
  readonly key: string
  readonly place: string
  readonly fact: string
  readonly fix: string
}

export interface ReloadChange {
  readonly key: string
  readonly before: Exclude<WireValue, undefined> | null
  readonly after: Exclude<WireValue, undefined> | null
  readonly effect: "live" | "restart"
  /** Where the value before comes from; "admin API": somebody changed it while the broker ran, and the reload undoes that. */
  readonly origin: string
}

export interface ReloadImpact {
  readonly clientIdentifier: string
  readonly what: string
  readonly decidedBy: string
}

export interface ConfigurationDiff {
  readonly file: string | null
  readonly problems: ReadonlyArray<ReloadProblem>
  readonly changes: ReadonlyArray<ReloadChange>
  readonly impacts: ReadonlyArray<ReloadImpact>
  readonly clientsAffected: number
  readonly topicsAffected: number
}

export interface Reloaded {
  readonly applied: ReadonlyArray<ReloadChange>
  /** Changes that wait for a restart. */
  readonly waiting: ReadonlyArray<ReloadChange>
}

/** Problems: nothing has changed. */
export type ReloadOutcome = Reloaded | ReadonlyArray<ReloadProblem>

/** What the admin API, signals and the watch may ask for. Neither rejects. */
export interface ConfigurationDesk {
  readonly diff: () => Promise<ConfigurationDiff>
  readonly reload: () => Promise<ReloadOutcome>
}

export type FileFault = FileProblem | Problem

export interface ReloadParts {
  readonly load: () => Promise<LoadedSettings | ConfigInvalid>
  readonly current: () => Settings
  /** Where the current value of a setting comes from. */
  readonly originOf: (key: string) => string
  /** Settings that follow from others. */
  readonly resolve: (settings: Settings) => Settings
  /** Files that the settings name: what is wrong with them; nothing changes. */
  readonly judgeFiles: () => Promise<ReadonlyArray<FileFault>>
  /** Makes those files take effect. What failed after it was judged good a moment ago, one line each. */
  readonly applyFiles: () => Promise<ReadonlyArray<string>>
  /** What the rules, as their file is now, would take from those who are connected. */
  readonly impacts: () => Promise<RulesEffect | undefined>
  readonly apply: (settings: Settings, loaded: LoadedSettings) => void
  readonly note: (isGood: boolean) => void
  readonly log: Pick<Log, "write">
}

export const makeConfigurationDesk = (parts: ReloadParts): ConfigurationDesk => ({
  diff: () => diff(parts),
  reload: oneAfterTheOther(() => reload(parts))
})

/** [RELOAD-2] */
export const oneAfterTheOther = <A>(work: () => Promise<A>): (() => Promise<A>) => {
  let running: Promise<A> | undefined
  let next: Promise<A> | undefined
  const start = (): Promise<A> => {
    const mine = work().finally(() => {
      if (running === mine) running = undefined
    })
    running = mine
    return mine
  }
  return () => {
    if (running === undefined) return start()
    // [RELOAD-2]
    next ??= running.then(noop, noop).then(() => {
      next = undefined
      return start()
    })
    return next
  }
}

const noop = (): void => undefined

const diff = async (parts: ReloadParts): Promise<ConfigurationDiff> => {
  const loaded = await parts.load()
  if (loaded instanceof ConfigInvalid) {
    const problems = [...loaded.problems, ...loaded.warnings].map(shownProblem)
    return { file: null, problems, changes: [], impacts: [], clientsAffected: 0, topicsAffected: 0 }
  }
  const { changes, next } = changesOf(parts, loaded)
  const problems = [...(await parts.judgeFiles()), ...brokenTogether(next, loaded), ...loaded.warnings]
  const effect = await parts.impacts()
  return {
    file: loaded.file ?? null,
    problems: problems.map(shownProblem),
    changes,
    impacts: (effect?.losses ?? []).map(impactOf),
    clientsAffected: effect?.clients ?? 0,
    topicsAffected: effect?.topics ?? 0
  }
}

const reload = async (parts: ReloadParts): Promise<ReloadOutcome> => {
  const loaded = await parts.load()
  if (loaded instanceof ConfigInvalid) return refuse(parts, loaded.problems)
  const { changes, next } = changesOf(parts, loaded)
  const faults = [...(await parts.judgeFiles()), ...brokenTogether(next, loaded)]
  if (faults.length > 0) return refuse(parts, faults) // [RELOAD-1]
  const failed = await parts.applyFiles()
  if (failed.length > 0) return refuse(parts, failed.map(changedMeanwhile))
  parts.apply(next, loaded)
  parts.note(true)
  const applied = changes.filter(({ effect }) => effect === "live")
  const waiting = changes.filter(({ effect }) => effect === "restart")
  const undone = applied.filter(({ origin }) => origin === ownOrigin).map(({ key }) => key)
  parts.log.write("info", "the configuration was read again", {
    file: loaded.file,
    applied: applied.map(({ key }) => key),
    ...(undone.length === 0 ? {} : { undoneFromAdminApi: undone }), // [RELOAD-4]
    ...(waiting.length === 0 ? {} : { waitingForRestart: waiting.map(({ key }) => key) })
  })
  return { applied, waiting }
}

/** [RELOAD-1] One line, with the first problem in full. */
const refuse = (parts: ReloadParts, faults: ReadonlyArray<FileFault>): ReloadOutcome => {
  const problems = faults.map(shownProblem)
  const [first] = problems
  const more = problems.length > 1 ? `, and ${problems.length - 1} more` : ""
  const fact = [first?.key, first?.fact].filter(Boolean).join(": ")
  parts.note(false)
  parts.log.write("error", `the configuration is refused, the old one stays in force: ${fact}${more}`, {
    code: first?.code,
    place: first?.place === "" ? undefined : first?.place,
    fix: first?.fix
  })
  return problems
}

/** What differs, and what would be at work: the current settings with the live ones that are new. */
const changesOf = (
  { current, originOf, resolve }: Pick<ReloadParts, "current" | "originOf" | "resolve">,
  { settings }: LoadedSettings
): { readonly changes: ReadonlyArray<ReloadChange>; readonly next: Settings } => {
  const now = current()
  let next: unknown = now
  const changes: Array<ReloadChange> = []
  for (const leaf of settingsLeaves) {
    const before = leaf.spec.encode(settingValue(now, leaf))
    const after = leaf.spec.encode(settingValue(settings, leaf))
    if (JSON.stringify(before) === JSON.stringify(after)) continue
    changes.push({
      key: leaf.key,
      before: shownValue(leaf, before),
      after: shownValue(leaf, after),
      effect: leaf.live ? "live" : "restart",
      origin: originOf(leaf.key)
    })
    if (leaf.live) next = withField(next, leaf.field, settingValue(settings, leaf)) // [RELOAD-3]
  }
  return { changes, next: resolve(next as Settings) }
}

const brokenTogether = (next: Settings, { origins }: LoadedSettings): ReadonlyArray<Problem> => {
  const isWritten = (key: string): boolean => (origins.get(key) ?? defaultOrigin).source !== "default"
  return settingRules.flatMap((rule): ReadonlyArray<Problem> => {
    const fault = rule.severity === "error" ? rule.check(next, isWritten) : undefined
    if (fault === undefined) return []
    const key = rule.keys.find(isWritten) ?? rule.keys[0]
    const fact = `${fault.fact}, beside what waits for a restart`
    return [{ ...fault, fact, severity: "error", key, place: undefined }]
  })
}

const shownValue = (leaf: Leaf, value: WireValue): ReloadChange["before"] =>
  leaf.secret && value !== "" ? "(hidden)" : (value ?? null)

export const shownProblem = (fault: FileFault): ReloadProblem => {
  const { code, fact, fix } = fault
  const { key, place, severity } = { key: undefined, place: undefined, severity: "error" as const, ...fault }
  return { severity, code, key: key ?? "", place: place === undefined ? "" : formatPlace(place), fact, fix }
}

const changedMeanwhile = (fact: string): FileFault => ({
  code: "E3571",
  fact,
  fix: "write files aside and rename them into place, then reload again"
})

const withField = (node: unknown, field: ReadonlyArray<string>, value: unknown): unknown => {
  const [name, ...rest] = field
  if (name === undefined) return value
  const members = node as Readonly<Record<string, unknown>>
  return { ...members, [name]: withField(members[name], rest, value) }
}
