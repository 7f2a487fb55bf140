/**
 * Where a value came from: the default, a line of the file, a variable, a flag.
 *
 * Every setting has exactly one origin, that of the layer that won. For a file it is the place of the key
 * (problems point at the value), because that is what one looks for when asking "who set this?".
 */
import type { EnvironmentPlace, FilePlace, FlagPlace, Place } from "./problem.ts"
import { formatPlace } from "./problem.ts"

export type Origin =
  | { readonly source: "default" }
  | ({ readonly source: "file" } & FilePlace)
  | ({ readonly source: "environment" } & EnvironmentPlace)
  | ({ readonly source: "flag" } & FlagPlace)

export const defaultOrigin: Origin = { source: "default" }

export const originOf = (place: Place): Origin => {
  if ("environment" in place) return { source: "environment", ...place }
  if ("flag" in place) return { source: "flag", ...place }
  return { source: "file", ...place }
}

/** "default", "broker.yaml:14:5", "PROMPTMQ_LOG_LEVEL", "--log-level" */
export const formatOrigin = (origin: Origin): string => (origin.source === "default" ? "default" : formatPlace(origin))
