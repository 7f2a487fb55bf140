/**
 * Refusals of handlers, as the errors that the API declares: the status of a failure (failures.ts) says which class.
 *
 *   return yield* refuse("noClient")
 *   return yield* refuse("badPublish", { fact: "a topic has no wildcards", key: "topic" })
 */
import * as Effect from "effect/Effect"
import type { FailureEntry } from "./api/shared.ts"
import { BadRequest, Busy, Conflict, Failed, Forbidden, NotFound, Unauthorized, Unprocessable } from "./api/shared.ts"
import { type FailureName, failureEntry, failures } from "./failures.ts"

const classes = {
  400: BadRequest,
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  422: Unprocessable,
  429: Busy,
  500: Failed
} as const

type Statuses = keyof typeof classes
/** Failures that a handler may answer with. */
type Refusable = {
  [N in FailureName]: (typeof failures)[N]["status"] extends Statuses ? N : never
}[FailureName]
type RefusalOf<N extends Refusable> = InstanceType<(typeof classes)[(typeof failures)[N]["status"]]>

export const refuse = <N extends Refusable>(
  name: N,
  words: Partial<FailureEntry> = {}
): Effect.Effect<never, RefusalOf<N>> => Effect.fail(refusal(name, words))

export const refusal = <N extends Refusable>(name: N, words: Partial<FailureEntry> = {}): RefusalOf<N> => {
  const Refusal = classes[failures[name].status]
  return new Refusal({ errors: [failureEntry(name, words)] }) as RefusalOf<N>
}

/** Several problems at once, each with a code of its own. */
export const unprocessable = (errors: ReadonlyArray<FailureEntry>): Effect.Effect<never, Unprocessable> =>
  Effect.fail(new Unprocessable({ errors }))
