/**
 * What `promptmq doctor` says about one thing: how it is, and what to do where it is not well.
 *
 *   ok        as it should be
 *   note      worth knowing, nobody has to do anything
 *   warning   works, and will not always
 *   problem   open to strangers, or it will fail
 */
export type State = "ok" | "note" | "warning" | "problem"

export interface Finding {
  /** Stable, for programs: "listeners", "disk-sync". */
  readonly check: string
  readonly state: State
  readonly fact: string
  /** There where the state is warning or problem; a note may have one. */
  readonly fix?: string
}

export function ok(check: string, fact: string): Finding {
  return { check, state: "ok", fact }
}

export function note(check: string, fact: string, fix?: string): Finding {
  return { check, state: "note", fact, ...(fix === undefined ? {} : { fix }) }
}

export function warning(check: string, fact: string, fix: string): Finding {
  return { check, state: "warning", fact, fix }
}

export function problem(check: string, fact: string, fix: string): Finding {
  return { check, state: "problem", fact, fix }
}
