/**
 * What is wrong with one value, before anybody knows where the value was written.
 *
 * The settings room judges values and their combinations; it knows no files and no lines. config/ adds the
 * place and prints (config/problem.ts); config/error-codes.ts holds the long text of every code used here.
 * A fault never contains the value of a secret.
 */

export interface SettingFault {
  /** "E3107": see config/error-codes.ts. */
  readonly code: string
  /** What is the case, without the key's name: `"imediate" is not one of immediate, batch, periodic`. */
  readonly fact: string
  /** What to do about it. */
  readonly fix: string
  /** The part of a list of records that it is about, "[1].max-bytes"; absent when it is the whole value. */
  readonly at?: string
}

export class ValueRefused {
  readonly fault: SettingFault
  constructor(code: string, fact: string, fix: string, at?: string) {
    this.fault = { code, fact, fix, ...(at === undefined ? {} : { at }) }
  }

  /** The same, told of a value that this one is a part of. */
  below(at: string): ValueRefused {
    const { code, fact, fix } = this.fault
    return new ValueRefused(code, fact, fix, at + (this.fault.at ?? ""))
  }
}

const shownLengthMax = 60

/** A value as it may be quoted in a message: short, on one line, secrets left out. */
export const quoted = (raw: unknown, secret: boolean): string => {
  if (secret) return "the value (not shown: it is a secret)"
  if (Array.isArray(raw)) return "a list"
  if (raw === null || raw === undefined) return "an empty value"
  if (typeof raw === "object") return "a section"
  const text = typeof raw === "string" ? JSON.stringify(raw) : String(raw)
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}...` : text
}
