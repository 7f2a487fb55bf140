/**
 * Requests to /api/v1, typed by the same declaration the server answers from. A refusal is thrown as Refusal with the
 * server's words; a token that is no longer good ends the session.
 */
import type { FailureEntry } from "../api/shared.ts"
import { logOut, token } from "./session.ts"

export class Refusal extends Error {
  readonly status: number
  readonly entries: ReadonlyArray<FailureEntry>

  constructor(status: number, entries: ReadonlyArray<FailureEntry>) {
    super(entries.map(({ fact, fix }) => (fix === "" ? fact : `${fact} — ${fix}`)).join("; ") || `status ${status}`)
    this.status = status
    this.entries = entries
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export const get = <A>(path: string, query: Query = {}, signal?: AbortSignal): Promise<A> =>
  request<A>("GET", path, query, undefined, signal)

export const send = <A>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown, query: Query = {}) =>
  request<A>(method, path, query, body)

const request = async <A>(
  method: string,
  path: string,
  query: Query,
  body?: unknown,
  signal?: AbortSignal
): Promise<A> => {
  const headers: Record<string, string> = { authorization: `Bearer ${token.peek()}` }
  if (body !== undefined) headers["content-type"] = "application/json"
  const response = await fetch(urlOf(path, query), {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal })
  })
  if (response.ok) return (await response.json()) as A
  if (response.status === 401) logOut("The token is not valid any more.")
  throw new Refusal(response.status, await entriesOf(response))
}

export const urlOf = (path: string, query: Query = {}): string => {
  const words = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${name}=${encodeURIComponent(String(value))}`]
  )
  return `/api/v1${path}${words.length === 0 ? "" : `?${words.join("&")}`}`
}

const entriesOf = async (response: Response): Promise<ReadonlyArray<FailureEntry>> => {
  try {
    return ((await response.json()) as { readonly errors?: ReadonlyArray<FailureEntry> }).errors ?? []
  } catch {
    return []
  }
}
