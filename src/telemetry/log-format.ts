/**
 * The shapes of a log entry. Each answers one entry as one line (console: plus indented cause lines),
 * line feed included.
 *
 *   json     {"time":"2026-11-20T10:00:00.000Z","level":"info","message":"client connected","client":"c1"}
 *   text     time=2026-11-20T10:00:00.000Z level=info message="client connected" client=c1
 *   console  10:00:00.000  info   client connected  client=c1
 *              | cause lines
 *
 * A field named like one of the entry's own (time, level, message, cause) gets an underscore behind it.
 * Escaping and limits: log-entry.ts.
 */
import {
  causeLines,
  escaped,
  type LogEntry,
  type LogLevelName,
  type PlainValue,
  plainFields,
  shortened
} from "./log-entry.ts"

export type LogFormat = "json" | "text" | "console"

export interface FormatOptions {
  /** ANSI colours in the console format. */
  readonly colour: boolean
}

/** The setting's `auto` is the console format on a terminal, else json. */
export function logFormatFor(setting: LogFormat | "auto", isTerminal: boolean): LogFormat {
  if (setting !== "auto") return setting
  return isTerminal ? "console" : "json"
}

export function formatEntry(format: LogFormat, given: LogEntry, options: FormatOptions): string {
  const entry = { ...given, message: shortened(given.message) }
  switch (format) {
    case "json":
      return jsonLine(entry)
    case "text":
      return textLine(entry)
    case "console":
      return consoleLines(entry, options)
  }
}

const ownNames: ReadonlySet<string> = new Set(["time", "level", "message", "cause"])

function jsonLine(entry: LogEntry): string {
  const line: { [name: string]: PlainValue } = Object.create(null)
  line["time"] = new Date(entry.atMs).toISOString()
  line["level"] = entry.level
  line["message"] = entry.message
  for (const [name, value] of Object.entries(plainFields(entry.fields))) line[fieldName(name)] = value
  if (entry.cause !== undefined) line["cause"] = causeLines(entry.cause).join("\n")
  return `${escaped(JSON.stringify(line))}\n`
}

function textLine(entry: LogEntry): string {
  const cause = entry.cause === undefined ? "" : ` cause=${word(causeLines(entry.cause).join("\n"))}`
  const time = new Date(entry.atMs).toISOString()
  return `time=${time} level=${entry.level} message=${word(entry.message)}${pairs(entry, " ")}${cause}\n`
}

function consoleLines(entry: LogEntry, options: FormatOptions): string {
  const time = new Date(entry.atMs).toISOString().slice(11, 23)
  const level = entry.level.padEnd(5)
  const painted = options.colour ? `${colours[entry.level]}${level}\x1b[0m` : level
  const cause =
    entry.cause === undefined
      ? ""
      : causeLines(entry.cause)
          .map((line) => `  | ${line}\n`)
          .join("")
  return `${time}  ${painted}  ${escaped(entry.message)}${pairs(entry, "  ")}\n${cause}`
}

const colours: Readonly<Record<LogLevelName, string>> = {
  trace: "\x1b[2m",
  debug: "\x1b[2m",
  info: "\x1b[32m",
  warn: "\x1b[1;33m",
  error: "\x1b[1;31m",
  fatal: "\x1b[1;31m"
}

function pairs(entry: LogEntry, gap: string): string {
  return Object.entries(plainFields(entry.fields))
    .map(([name, value], index) => `${index === 0 ? gap : " "}${fieldName(name)}=${word(value)}`)
    .join("")
}

/** A bare word where nothing in it could be misread, else a JSON string or structure. */
function word(value: PlainValue): string {
  if (typeof value === "string" && /^[^\s"=\\\p{C}\p{Z}]+$/u.test(value)) return value
  return escaped(JSON.stringify(value))
}

function fieldName(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_.-]/g, "_")
  return ownNames.has(clean) ? `${clean}_` : clean
}
