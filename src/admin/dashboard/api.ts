/**
 * Requests to /api/v1, typed by the same declaration the server answers from. A refusal is thrown as Refusal with the
 * server's words; no answer at all as Unreached; a token that is no longer good ends the session.
 */
import { signal } from "@preact/signals"
import type { FailureEntry } from "../api/shared.ts"
import { logOut, token } from "./session.ts"

/** Whether the last request was answered, by whatever. */
export const isReachable = signal(true)

export class Refusal extends Error {
  readonly status: number
  readonly entries: ReadonlyArray<FailureEntry>

  constructor(status: number, entries: ReadonlyArray<FailureEntry>) {
    super(entries.map(sentence).join("; ") || `status ${status}`)
    this.status = status
    this.entries = entries
  }
}

export class Unreached extends Error {
  constructor() {
    super("The broker does not answer. Nothing was changed, as far as this page knows.")
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
  const response = await reach(urlOf(path, query), {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal })
  })
  if (response.ok) return (await response.json()) as A
  if (response.status === 401) logOut(expired)
  throw new Refusal(response.status, await entriesOf(response))
}

/** fetch, with what it says of the way to the broker. A request that was given up says nothing. */
export const reach = async (url: string, init: RequestInit): Promise<Response> => {
  try {
    const response = await fetch(url, init)
    isReachable.value = true
    return response
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause
    isReachable.value = false
    throw new Unreached()
  }
}

export const expired = "The session has ended: the broker was restarted, or the token was changed or has run out."

export const urlOf = (path: string, query: Query = {}): string => {
  const words = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${name}=${encodeURIComponent(String(value))}`]
  )
  return `/api/v1${path}${words.length === 0 ? "" : `?${words.join("&")}`}`
}

const sentence = ({ fact, fix, key, place }: FailureEntry): string => {
  const words = place === undefined ? fact : `${[place, key].filter(Boolean).join(" ")}: ${fact}`
  return fix === "" ? words : `${words} — ${fix}`
}

const entriesOf = async (response: Response): Promise<ReadonlyArray<FailureEntry>> => {
  try {
    return ((await response.json()) as { readonly errors?: ReadonlyArray<FailureEntry> }).errors ?? []
  } catch {
    return []
  }
}
