/**
 * One request to the admin API, as bytes and JSON: no schema, no Effect, so that `promptmq health` (run by Docker every few
 * seconds) and completion (run at each Tab) start fast. What decodes the answers is api-client.ts.
 *
 * Invariants
 * - The token goes into a header and nowhere else; no redirect is followed, so it goes to the named host only.
 * - A path is sent as it was made: identifiers in it are percent-encoded by their callers (segment).
 * - An answer is bounded in time and size; whatever goes wrong on the way is a value.
 */
import * as http from "node:http"
import type * as https from "node:https"

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** "/api/v1/clients", without query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  readonly timeoutMs?: number
}

/** JSON; undefined when the body is none. */
export interface ApiAnswer {
  readonly status: number
  readonly body: unknown
}

/** The system's word for what kept the answer away: ECONNREFUSED, ETIMEDOUT, EMSGSIZE ... */
export interface Unreached {
  readonly unreached: string
}

/** An answer from memory: who does not give it within this time is not well. */
const ANSWER_TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

export async function askHttp(
  base: URL,
  token: string | undefined,
  request: ApiRequest
): Promise<ApiAnswer | Unreached> {
  const isTls = base.protocol === "https:"
  const { request: send } = isTls ? await import("node:https") : http
  const body = request.body === undefined ? undefined : JSON.stringify(request.body)
  const options: https.RequestOptions = {
    method: request.method ?? "GET",
    host: base.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: base.port === "" ? (isTls ? 443 : 80) : Number(base.port),
    path: `${base.pathname.replace(/\/+$/, "")}${request.path}${queryText(request.query ?? {})}`,
    agent: false,
    headers: {
      host: base.host,
      accept: "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) })
    }
  }
  return new Promise((resolve) => {
    const asked = send(options, (response) => collect(response, resolve))
    const timeout = setTimeout(() => {
      resolve({ unreached: "ETIMEDOUT" })
      asked.destroy()
    }, request.timeoutMs ?? ANSWER_TIMEOUT_MS)
    asked.on("error", (cause: NodeJS.ErrnoException) => resolve({ unreached: causeCode(cause) }))
    asked.on("close", () => clearTimeout(timeout))
    asked.end(body)
  })
}

/** A client identifier or another text as one segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text)
}

function collect(response: http.IncomingMessage, resolve: (answer: ApiAnswer | Unreached) => void): void {
  const chunks: Array<Buffer> = []
  let bytes = 0
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    chunks.push(chunk)
    if (bytes <= ANSWER_BYTES_MAX) return
    resolve({ unreached: "EMSGSIZE" })
    response.destroy()
  })
  response.on("error", (cause: NodeJS.ErrnoException) => resolve({ unreached: causeCode(cause) }))
  response.on("end", () => resolve({ status: response.statusCode ?? 0, body: jsonOf(Buffer.concat(chunks)) }))
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.append(name, String(value))
  return given.size === 0 ? "" : `?${given}`
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch {
    return undefined
  }
}

function causeCode(cause: NodeJS.ErrnoException): string {
  // Of several addresses of one name (::1 and 127.0.0.1) the first one's reason stands for all.
  const { code, errors } = cause as { readonly code?: string; readonly errors?: ReadonlyArray<NodeJS.ErrnoException> }
  return code ?? errors?.[0]?.code ?? cause.message
}
