/**
 * What a schema did not take, as the API tells it: each place with what was expected there. The value itself is not
 * repeated: it may be a secret.
 */
import type { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import type * as SchemaIssue from "effect/SchemaIssue"
import type { FailureEntry } from "./api/shared.ts"
import { failureEntry } from "./failures.ts"

const entriesMax = 20

export const schemaFailure = ({ cause, kind }: HttpApiSchemaError): ReadonlyArray<FailureEntry> => {
  const found = leavesOf(cause.issue, []).slice(0, entriesMax)
  return found.map(({ path, what }) => {
    const key = path.map(String).join(".")
    if (kind === "Query" && (key === "limit" || key === "offset")) return failureEntry("badLimit", { key })
    const name = kind === "Query" ? "badQuery" : "malformed"
    return failureEntry(name, { ...(key === "" ? {} : { key }), fact: key === "" ? what : `${key}: ${what}` })
  })
}

interface Leaf {
  readonly path: ReadonlyArray<PropertyKey>
  readonly what: string
}

const leavesOf = (issue: SchemaIssue.Issue, path: ReadonlyArray<PropertyKey>): ReadonlyArray<Leaf> => {
  switch (issue._tag) {
    case "Pointer":
      return leavesOf(issue.issue, [...path, ...issue.path])
    case "Composite":
      return issue.issues.flatMap((each) => leavesOf(each, path))
    case "Encoding":
    case "Filter":
      return leavesOf(issue.issue, path)
    case "AnyOf": {
      const inner = issue.issues.flatMap((each) => leavesOf(each, path))
      return inner.length === 0 ? [{ path, what: "this is none of what it may be" }] : inner.slice(0, 1)
    }
    case "MissingKey":
      return [{ path, what: "it is missing" }]
    case "UnexpectedKey":
      return [{ path, what: "there is no such member" }]
    case "InvalidType":
      return [{ path, what: path.length === 0 ? "this is not a JSON object" : "this is of another type" }]
    default:
      return [{ path, what: "this cannot be understood" }]
  }
}
