/**
 * What of the address a page keeps its view in: filter, order, what is chosen. Read anew each time, and rewritten without a step
 * in the history, so that typing into a filter does not fill it.
 */

export const queryOf = (name: string): string => new URLSearchParams(location.search).get(name) ?? ""

/** "" takes a name out. */
export const rewriteQuery = (change: Readonly<Record<string, string>>): void => {
  const next = withQuery(location.search, change)
  if (next !== location.search) history.replaceState(history.state, "", `${location.pathname}${next}`)
}

export const withQuery = (search: string, change: Readonly<Record<string, string>>): string => {
  const words = new URLSearchParams(search)
  for (const [name, value] of Object.entries(change)) {
    if (value === "") words.delete(name)
    else words.set(name, value)
  }
  const text = words.toString()
  return text === "" ? "" : `?${text}`
}
