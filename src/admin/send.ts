/**
 * JSON on its way out: never kept by anybody, never taken for something else.
 *
 * Refusals have the shape that the API declares (api/shared.ts), also those that no handler made.
 */
import type { ServerResponse } from "node:http"
import type { FailureEntry } from "./api/shared.ts"
import { type FailureName, failureEntry, failures } from "./failures.ts"

/** Tags of the API's errors, by status (api/shared.ts). */
const tags: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  422: "Unprocessable",
  429: "Busy",
  500: "Failed"
}

export const sendFailure = (response: ServerResponse, name: FailureName): void =>
  sendEntries(response, name, [failureEntry(name)])

export const sendEntries = (response: ServerResponse, name: FailureName, errors: ReadonlyArray<FailureEntry>): void => {
  const { status } = failures[name]
  if (name === "unauthorized") response.setHeader("www-authenticate", "Bearer")
  // What is left of a body that is too large is not read: the connection ends with the answer.
  if (name === "bodyTooLarge") response.setHeader("connection", "close")
  const tag = tags[status]
  sendJson(response, status, JSON.stringify(tag === undefined ? { errors } : { _tag: tag, errors }))
}

export const sendJson = (response: ServerResponse, status: number, body: Uint8Array | string): void => {
  response.statusCode = status
  response.setHeader("content-type", "application/json; charset=utf-8")
  response.setHeader("cache-control", "no-store")
  response.setHeader("x-content-type-options", "nosniff")
  response.end(body)
}
