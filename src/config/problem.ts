/**
 * One problem of a configuration, and how it is told.
 *
 *   error E3107  config/broker.yaml:14:15  storage.wal.sync-mode: "imediate" is not one of immediate, ...
 *      fix: did you mean "immediate"?    more: promptmq explain-error E3107
 *
 * The same data in JSON (toJson) has stable names. A problem never holds the value of a secret: facts are
 * made without it and the quoted line of the file is left out for such keys.
 */

export interface FilePlace {
  readonly file: string
  /** Absent when the whole file is meant. Both count from 1. */
  readonly line?: number
  readonly column?: number
}
export interface EnvironmentPlace {
  readonly environment: string
}
export interface FlagPlace {
  /** With its dashes. */
  readonly flag: string
}
export type Place = FilePlace | EnvironmentPlace | FlagPlace

export interface Problem {
  /** "E3107": its long text is in error-codes.ts. */
  readonly code: string
  readonly severity: "error" | "warning"
  readonly key: string | undefined
  readonly place: Place | undefined
  readonly fact: string
  readonly fix: string
  /** The line of the file, for the caret. */
  readonly excerpt?: string
}

export interface FormatOptions {
  /** Shows the line of the file with a caret under the place. */
  readonly excerpts?: boolean
}

export const formatProblem = (problem: Problem, options: FormatOptions = {}): string => {
  const head = [
    `${problem.severity} ${problem.code}`,
    ...(problem.place === undefined ? [] : [formatPlace(problem.place)]),
    problem.key === undefined ? problem.fact : `${problem.key}: ${problem.fact}`
  ]
  const excerpt = options.excerpts === true ? excerptLines(problem) : []
  const fix = `   fix: ${problem.fix}    more: promptmq explain-error ${problem.code}`
  return [head.join("  "), ...excerpt, fix].join("\n")
}

export const formatProblems = (problems: ReadonlyArray<Problem>, options: FormatOptions = {}): string =>
  problems.map((problem) => formatProblem(problem, options)).join("\n")

export const formatPlace = (place: Place): string => {
  if ("environment" in place) return place.environment
  if ("flag" in place) return place.flag
  return place.line === undefined ? place.file : `${place.file}:${place.line}:${place.column ?? 1}`
}

/** For `--json`: names and order are part of the interface. */
export const toJson = (problem: Problem): Readonly<Record<string, unknown>> => ({
  code: problem.code,
  severity: problem.severity,
  key: problem.key ?? null,
  place: problem.place ?? null,
  fact: problem.fact,
  fix: problem.fix
})

const excerptLengthMax = 120

const excerptLines = (problem: Problem): ReadonlyArray<string> => {
  const place = problem.place
  if (problem.excerpt === undefined || place === undefined || !("file" in place) || place.line === undefined) return []
  const column = place.column ?? 1
  if (column > excerptLengthMax) return []
  const number = String(place.line)
  const line = problem.excerpt.slice(0, excerptLengthMax).replace(/\t/g, " ")
  return [`   ${number} | ${line}`, `   ${" ".repeat(number.length)} | ${" ".repeat(column - 1)}^`]
}
