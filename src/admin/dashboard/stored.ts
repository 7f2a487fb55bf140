/**
 * What this browser keeps of its user: saved filters, snippets of messages, silenced checks. In localStorage, never on the
 * broker; what cannot be read is as if it had never been there.
 */
import { type Signal, signal } from "@preact/signals"

const entriesMax = 50

export interface Stored<A> {
  readonly all: Signal<ReadonlyArray<A>>
  /** One of the same name is replaced. */
  readonly keep: (entry: A) => void
  readonly forget: (name: string) => void
}

export const stored = <A extends { readonly name: string }>(key: string): Stored<A> => {
  const place = `promptmq-${key}`
  const all = signal<ReadonlyArray<A>>(readAll<A>(place))
  const write = (entries: ReadonlyArray<A>): void => {
    all.value = entries.slice(-entriesMax)
    localStorage.setItem(place, JSON.stringify(all.value))
  }
  return {
    all,
    keep: (entry) => write([...all.peek().filter(({ name }) => name !== entry.name), entry]),
    forget: (name) => write(all.peek().filter((each) => each.name !== name))
  }
}

const readAll = <A extends { readonly name: string }>(place: string): ReadonlyArray<A> => {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(place) ?? "[]")
    return Array.isArray(found) ? (found as ReadonlyArray<A>).filter((each) => typeof each?.name === "string") : []
  } catch {
    return []
  }
}
