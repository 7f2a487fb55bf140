/**
 * The log: a plain object for plain rooms and callbacks, and the Effect logger that writes to the same one.
 *
 * The level can change while the broker runs. Effect's own minimum level belongs to a fiber and cannot
 * reach the ones that run already, so it is opened fully here and the log's level decides alone.
 *
 * Raises: for a time another level holds, for all entries or for those of one client (field clientIdentifier). A raise
 * ends by itself [RAISE-1], leaves the level's setting alone, and costs nothing while there is none. An entry is written when
 * any level that concerns it lets it through; a raise of all takes the setting's place, so it can also make the log quieter.
 *
 * Deliberately elsewhere: what an entry may show (log-entry.ts), its shapes (log-format.ts), which stream
 * it goes to and whether that takes colours (the caller), the file and its rotation (log-file.ts).
 */
import * as Cause from "effect/Cause"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as EffectLogLevel from "effect/LogLevel"
import * as References from "effect/References"
import type { LogEntry, LogFields, LogLevelName } from "./log-entry.ts"
import { formatEntry, type LogFormat } from "./log-format.ts"

/** As in the setting log.level; panic is another word for fatal. */
export type LogLevelSetting = LogLevelName | "panic"

export interface LogOptions {
  readonly format: LogFormat
  readonly level: LogLevelSetting
  /** Whether the console format may use ANSI colours. */
  readonly colour: boolean
  /** One entry, line feed included. */
  readonly write: (text: string) => void
  readonly wallClockMs: () => number
}

const severity: Readonly<Record<LogLevelSetting, number>> = {
  trace: 0,
  debug: 1,
  info: 2,
  warn: 3,
  error: 4,
  fatal: 5,
  panic: 5
}

/** Another level for a time. */
export interface LogRaise {
  /** Undefined = all entries. */
  readonly clientIdentifier: string | undefined
  readonly level: LogLevelSetting
  readonly untilMs: number
}

/** Clients with a level of their own at the same time. */
export const RAISED_CLIENTS_MAX = 32

export class Log {
  readonly #options: LogOptions
  #level: LogLevelSetting
  #format: LogFormat
  #raise: LogRaise | undefined
  readonly #raisedClients = new Map<string, LogRaise>()
  /** The first end of a raise; Infinity while there is none. */
  #raisesEndMs = Number.POSITIVE_INFINITY
  /** The least severity that any of them lets through. */
  #severity: number
  /** Told of every entry that is written: who shows the last ones (log-ring.ts). */
  onEntry: ((entry: LogEntry) => void) | undefined = undefined

  constructor(options: LogOptions) {
    this.#options = options
    this.#level = options.level
    this.#format = options.format
    this.#severity = severity[options.level]
  }

  /** As it is set, whatever is raised. */
  get level(): LogLevelSetting {
    return this.#level
  }

  /** Those in force, that of all entries first. */
  get raises(): ReadonlyArray<LogRaise> {
    this.#endRaises()
    return [...(this.#raise === undefined ? [] : [this.#raise]), ...this.#raisedClients.values()]
  }

  /** Takes effect with the next entry, wherever it comes from. */
  setLevel(level: LogLevelSetting): void {
    this.#level = level
    this.#settle()
  }

  /** For a time, and then as before. False: too many clients have a level of their own. */
  raise(raise: LogRaise): boolean {
    this.#endRaises()
    const { clientIdentifier } = raise
    if (clientIdentifier === undefined) this.#raise = raise
    else if (this.#raisedClients.has(clientIdentifier) || this.#raisedClients.size < RAISED_CLIENTS_MAX) {
      this.#raisedClients.set(clientIdentifier, raise)
    } else return false
    this.#settle()
    return true
  }

  /** Before its time; false when there is none. */
  endRaise(clientIdentifier: string | undefined): boolean {
    this.#endRaises()
    const isThere =
      clientIdentifier === undefined ? this.#raise !== undefined : this.#raisedClients.has(clientIdentifier)
    if (clientIdentifier === undefined) this.#raise = undefined
    else this.#raisedClients.delete(clientIdentifier)
    this.#settle()
    return isThere
  }

  setFormat(format: LogFormat): void {
    this.#format = format
  }

  /** Ask before putting together fields for an entry that is mostly not written. */
  isEnabled(level: LogLevelName): boolean {
    return severity[level] >= this.#severity
  }

  write(level: LogLevelName, message: string, fields: LogFields = {}, cause?: string): void {
    if (!this.isEnabled(level)) return
    if (this.#raisesEndMs !== Number.POSITIVE_INFINITY && !this.#isRaisedFor(level, fields)) return
    const entry = { atMs: this.#options.wallClockMs(), level, message, fields, cause }
    this.#options.write(formatEntry(this.#format, entry, this.#options))
    this.onEntry?.(entry)
  }

  #isRaisedFor(level: LogLevelName, { clientIdentifier }: LogFields): boolean {
    this.#endRaises()
    const own = typeof clientIdentifier === "string" ? this.#raisedClients.get(clientIdentifier) : undefined
    const least = severity[(this.#raise ?? this).level]
    return severity[level] >= (own === undefined ? least : Math.min(least, severity[own.level]))
  }

  /** [RAISE-1] No timer: whoever writes, or asks, ends those whose time is over. */
  #endRaises(): void {
    if (this.#raisesEndMs === Number.POSITIVE_INFINITY) return
    const nowMs = this.#options.wallClockMs()
    if (nowMs < this.#raisesEndMs) return
    if (this.#raise !== undefined && this.#raise.untilMs <= nowMs) this.#raise = undefined // [RAISE-1]
    for (const [client, { untilMs }] of this.#raisedClients) if (untilMs <= nowMs) this.#raisedClients.delete(client) // [RAISE-1]
    this.#settle()
  }

  #settle(): void {
    const all = [...(this.#raise === undefined ? [] : [this.#raise]), ...this.#raisedClients.values()]
    this.#raisesEndMs = Math.min(...all.map(({ untilMs }) => untilMs), Number.POSITIVE_INFINITY)
    const base = severity[(this.#raise ?? this).level]
    this.#severity = Math.min(base, ...Array.from(this.#raisedClients.values(), ({ level }) => severity[level]))
  }
}

/** Effect.log* goes to `log`. Arguments that are plain objects, and log annotations, become fields. */
export function loggingLayer(log: Log): Layer.Layer<never> {
  const logger = Logger.make<unknown, void>((options) => {
    const level = levelNames[options.logLevel]
    if (!log.isEnabled(level)) return
    const { message, fields } = messageAndFields(options.message)
    const annotations = options.fiber.getRef(References.CurrentLogAnnotations)
    const cause = options.cause.reasons.length === 0 ? undefined : Cause.pretty(options.cause)
    log.write(level, message, { ...annotations, ...fields }, cause)
  })
  return Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "All"))
}

const levelNames: Readonly<Record<EffectLogLevel.LogLevel, LogLevelName>> = {
  All: "trace",
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
  None: "fatal"
}

function messageAndFields(message: unknown): { readonly message: string; readonly fields: LogFields } {
  const texts: Array<string> = []
  const fields: Record<string, unknown> = {}
  for (const part of Array.isArray(message) ? message : [message]) {
    if (isPlainObject(part)) Object.assign(fields, part)
    else if (part instanceof Error) texts.push(`${part.name}: ${part.message}`)
    else texts.push(String(part))
  }
  return { message: texts.join(" "), fields }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
