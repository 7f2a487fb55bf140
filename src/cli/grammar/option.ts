/**
 * Options of a command, as data: letter, values, help text and how to read what was given. The parser,
 * the help, the man page and the completion scripts are all derived from these rows.
 *
 * Invariants
 * - The key under which an option stands in its command's `options` is its long name: `--will-topic`.
 * - An option not given decodes the empty list; absent is `undefined` (or the empty list where it may repeat).
 * - Decoding answers a UsageFault, never throws: wrong usage is exit code 2, decided in one place.
 */

/** Something the user typed that we cannot use; without a fix the command's help is named. */
export class UsageFault {
  readonly fact: string
  readonly fix: string | undefined
  readonly code: string
  constructor(fact: string, fix?: string, code = "E2001") {
    this.fact = fact
    this.fix = fix
    this.code = code
  }
}

/** The arguments that belong to one use of an option; empty for a switch. */
export type Occurrence = ReadonlyArray<string>

/** Names that only a running broker knows. */
export type Completes = "clients"

export interface Option<T> {
  readonly letter: string | undefined
  /** What stands after it in help, such as `seconds`; undefined makes it a switch. */
  readonly placeholder: string | undefined
  readonly summary: string
  /** Heading in help and man page. */
  readonly section: string | undefined
  /** Other long names that mean the same. */
  readonly aliases: ReadonlyArray<string>
  /** Accepted values, for help and completion. */
  readonly choices: ReadonlyArray<string>
  readonly isFile: boolean
  /** What completion asks the running broker for. */
  readonly completes: Completes | undefined
  /** Understood, but not listed in help. */
  readonly isHidden: boolean
  /** Accepts `--no-name` too. */
  readonly isNegatable: boolean
  /** How many of the arguments that follow belong to it. */
  readonly width: (rest: ReadonlyArray<string>) => number
  decode(name: string, given: ReadonlyArray<Occurrence>): T | UsageFault
}

export type Options = Readonly<Record<string, Option<unknown>>>

/** What the options of a command decode to. */
export type Decoded<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never
}

/** The optional columns of a row. */
export interface Row {
  readonly letter?: string
  readonly placeholder?: string
  readonly section?: string
  readonly aliases?: ReadonlyArray<string>
  readonly choices?: ReadonlyArray<string>
  readonly isFile?: boolean
  readonly completes?: Completes
  readonly isHidden?: boolean
  readonly isNegatable?: boolean
}

export function flag(summary: string, row: Row = {}): Option<boolean> {
  return {
    ...shared(summary, row),
    placeholder: undefined,
    width: () => 0,
    decode: (name, given) => {
      const last = given.at(-1)
      if (last === undefined) return false
      const value = last[0] ?? "true"
      if (value === "true" || value === "false") return value === "true"
      return new UsageFault(`--${name} is "${value}", it takes no value other than true or false`)
    }
  }
}

export function text(summary: string, row: Row = {}): Option<string | undefined> {
  return { ...valued(summary, row), decode: (name, given) => lastOf(name, given, row.choices) }
}

/** May be given many times. */
export function texts(summary: string, row: Row = {}): Option<ReadonlyArray<string>> {
  return { ...valued(summary, row), decode: (_name, given) => given.map((values) => values[0] ?? "") }
}

export interface NumberRow extends Row {
  readonly minimum: number
  readonly maximum: number
  /** Fractions are allowed. */
  readonly isFractional?: boolean
}

export function number(summary: string, row: NumberRow): Option<number | undefined> {
  return {
    ...valued(summary, row),
    decode: (name, given) => {
      const value = lastOf(name, given, row.choices)
      if (value === undefined || value instanceof UsageFault) return value
      const parsed = value.trim() === "" ? Number.NaN : Number(value)
      const isKindRight = row.isFractional === true ? Number.isFinite(parsed) : Number.isInteger(parsed)
      if (isKindRight && parsed >= row.minimum && parsed <= row.maximum) return parsed
      const kind = row.isFractional === true ? "a number" : "a whole number"
      return new UsageFault(`--${name} is "${value}", it takes ${kind} from ${row.minimum} to ${row.maximum}`)
    }
  }
}

/** A row with its own idea of how many arguments it takes and what they mean. */
export function custom<T>(
  summary: string,
  row: Row,
  width: Option<T>["width"],
  decode: Option<T>["decode"]
): Option<T> {
  return { ...valued(summary, row), width, decode }
}

function valued(summary: string, row: Row) {
  return { ...shared(summary, row), placeholder: row.placeholder ?? "value", width: () => 1 }
}

function shared(summary: string, row: Row) {
  return {
    letter: row.letter,
    summary,
    section: row.section,
    aliases: row.aliases ?? [],
    choices: row.choices ?? [],
    isFile: row.isFile ?? false,
    completes: row.completes,
    isHidden: row.isHidden ?? false,
    isNegatable: row.isNegatable ?? false
  }
}

function lastOf(
  name: string,
  given: ReadonlyArray<Occurrence>,
  choices: ReadonlyArray<string> | undefined
): string | UsageFault | undefined {
  const value = given.at(-1)?.[0]
  if (value === undefined || choices === undefined || choices.includes(value)) return value
  return new UsageFault(`--${name} is "${value}", it takes one of ${choices.join(", ")}`)
}
