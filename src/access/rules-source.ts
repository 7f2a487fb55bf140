/**
 * The rules of the running broker: read at the start, read again when their file changes or somebody asks.
 *
 *   acl.rules-file ──readRules──▶ RulesAuthorizer.replace ──▶ generation + 1: every kept verdict is void
 *
 * Invariants
 * - Fails closed at the start: a file that cannot be read or is wrong ends the start (security.md, row 28).
 * - [ACL-8] Fails safe later: the old rules stay at work, one line says so (row 29). All or nothing.
 * - The watch acts on a change when two looks in a row saw the same, so a file that is being copied is left alone; what
 *   failed is told once and tried again when the file changes.
 *
 * Elsewhere: what is in the file (rules-file.ts), who supervises the watch and calls reload() (app.ts, the admin API).
 */
import { readFileSync, statSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { stateOfFile } from "../listener/file-state.ts"
import type { Settings } from "../settings/settings.ts"
import { watchFile } from "./file-watch.ts"
import type { Rule, RuleList } from "./rule.ts"
import { RulesAuthorizer } from "./rules-authorizer.ts"
import type { ReadRules, RulesProblem } from "./rules-file.ts"

export const rulesFileBytesMax = 16_777_216

export const rulesFileUnreadable = "E3521"

export type AclSettings = Settings["acl"]

/** The rules file cannot be used, with everything that is wrong with it. */
export class RulesInvalid extends Schema.TaggedError<RulesInvalid>()("RulesInvalid", {
  problems: Schema.Array(Schema.Any as Schema.Codec<RulesProblem>)
}) {
  override get message(): string {
    return this.problems.map(problemLine).join("\n")
  }
  /** Documented: "configuration invalid". */
  override readonly [Runtime.errorExitCode] = 3
}

export const problemLine = ({ code, fact, fix, place }: RulesProblem): string => {
  const at = place.line === undefined ? place.file : `${place.file}:${place.line}:${place.column ?? 1}`
  return `${code}  ${at}  ${fact} (${fix})`
}

/** What a reload did. */
export interface RulesChange {
  readonly before: RuleList
  readonly after: RuleList
  /** In words: "12 rules, 3 added, 1 removed". */
  readonly summary: string
}

export class RulesSource {
  readonly settings: AclSettings
  readonly authorizer: RulesAuthorizer
  readonly #read: (text: string, file: string) => ReadRules
  #fileState: string

  private constructor(
    settings: AclSettings,
    read: (text: string, file: string) => ReadRules,
    rules: RuleList | undefined
  ) {
    this.settings = settings
    this.#read = read
    this.#fileState = stateOfFile(settings.rulesFile)
    this.authorizer = new RulesAuthorizer({ rules, noMatch: settings.noMatch })
  }

  /** The parser is loaded only when there is a file. */
  static readonly open = (settings: AclSettings): Effect.Effect<RulesSource, RulesInvalid> =>
    Effect.gen(function* () {
      if (settings.rulesFile === "") {
        return new RulesSource(settings, () => ({ rules: [], problems: [] }), undefined)
      }
      const { readRules } = yield* Effect.promise(() => import("./rules-file.ts"))
      const { problems, rules } = load(settings.rulesFile, readRules)
      if (problems.length > 0) return yield* new RulesInvalid({ problems })
      return new RulesSource(settings, readRules, rules)
    })

  /** Reads the file again. Fails with what is wrong, and then nothing has changed. Without a file it has nothing to do. */
  get reload(): Effect.Effect<RulesChange, RulesInvalid> {
    return Effect.suspend(() => {
      const { authorizer, settings } = this
      const before = authorizer.rules
      if (settings.rulesFile === "") return Effect.succeed(changeOf(before, before))
      this.#fileState = stateOfFile(settings.rulesFile)
      const { problems, rules } = load(settings.rulesFile, this.#read)
      if (problems.length > 0) return Effect.fail(new RulesInvalid({ problems })) // [ACL-8]
      authorizer.replace({ rules, noMatch: settings.noMatch })
      return Effect.succeed(changeOf(before, rules))
    })
  }

  /** What the file holds now, judged and not used. */
  get preview(): Effect.Effect<RuleList, RulesInvalid> {
    return Effect.suspend(() => {
      const { rulesFile } = this.settings
      if (rulesFile === "") return Effect.succeed([])
      const { problems, rules } = load(rulesFile, this.#read)
      return problems.length > 0 ? Effect.fail(new RulesInvalid({ problems })) : Effect.succeed(rules)
    })
  }

  /** The file's state, by its file system's account, when it was last read. */
  get fileState(): string {
    return this.#fileState
  }
}

export interface RulesReports {
  readonly onReloaded: (change: RulesChange) => void
  /** The old rules stay at work. */
  readonly onRefused: (error: RulesInvalid) => void
}

/** Reloads when the file changes; runs until it is interrupted. */
export const watchRules = (source: RulesSource, reports: RulesReports): Effect.Effect<unknown> =>
  watchFile(
    source.settings.rulesFile,
    () => source.fileState,
    Effect.suspend(() => Effect.match(source.reload, { onSuccess: reports.onReloaded, onFailure: reports.onRefused }))
  )

/** One line for the log. */
export const refusedWords = ({ problems }: RulesInvalid): string => {
  const [first] = problems
  const more = problems.length > 1 ? `, and ${problems.length - 1} more problems` : ""
  return `the rules file is not used, the old rules stay in force: ${first === undefined ? "" : problemLine(first)}${more}`
}

const load = (path: string, read: (text: string, file: string) => ReadRules): ReadRules => {
  const unreadable = (fact: string): ReadRules => ({
    rules: [],
    problems: [
      {
        code: rulesFileUnreadable,
        severity: "error",
        key: undefined,
        place: { file: path },
        fact,
        fix: "name a file that exists and that this user may read (acl.rules-file)"
      }
    ]
  })
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return unreadable("is not a plain file")
    if (stat.size > rulesFileBytesMax)
      return unreadable(`${stat.size} bytes is above the limit of ${rulesFileBytesMax}`)
    return read(readFileSync(path, "utf8"), path)
  } catch (cause) {
    return unreadable(`cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`)
  }
}

const changeOf = (before: RuleList, after: RuleList): RulesChange => {
  const old = new Set(before.map(identityOf))
  const now = new Set(after.map(identityOf))
  const added = [...now].filter((rule) => !old.has(rule)).length
  const removed = [...old].filter((rule) => !now.has(rule)).length
  return { before, after, summary: `${after.length} rules, ${added} added, ${removed} removed` }
}

/** A rule without its place. */
const identityOf = ({ source: _, ...rule }: Rule): string => JSON.stringify(rule)
