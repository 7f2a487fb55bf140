/**
 * The least role that an endpoint takes, by its declaration. One that names none takes an admin: a forgotten role opens
 * nothing.
 */
import * as Context from "effect/Context"
import { type Role, RoleNeeded } from "./api/shared.ts"

export const roleOf = (annotations: Context.Context<never>): Role =>
  Context.getOrElse(annotations as Context.Context<RoleNeeded>, RoleNeeded, () => "admin" as const)
