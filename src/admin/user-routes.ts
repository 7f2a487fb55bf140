/**
 * The routes of the built-in user database. A hash goes in and never comes out.
 *
 *   GET    /api/v1/users          { items: [UserView], total }; ?limit=1..1000 (100), ?after=<name of the last page's end>
 *   POST   /api/v1/users          { name, password, scram?, groups?, isSuperuser? } ─▶ UserView, 409 when there is one
 *   PUT    /api/v1/users/{name}   { password?, ... } ─▶ UserView: makes the user, or changes what is written
 *   DELETE /api/v1/users/{name}   ─▶ {}
 *
 * 409 while auth.chain does not name user-database: users nobody asks for would be a trap. 503 when too many passwords
 * wait to be hashed. The body is at most 64 KiB, as everywhere.
 */
import type { ShownUser, UserAdmin, UserChange, UserRefusal } from "../access/user-admin.ts"
import { type FailureName, failureEntry, failures } from "./failures.ts"

export interface UserView {
  readonly name: string
  /** Kind of the hash: "argon2id". */
  readonly hash: string
  readonly scram: boolean
  readonly groups: ReadonlyArray<string>
  readonly isSuperuser: boolean
  readonly createdAt: string
  readonly changedAt: string
}

export interface UsersView {
  readonly items: ReadonlyArray<UserView>
  readonly total: number
  readonly isTotalExact: true
}

const limitDefault = 100
const limitMax = 1000

export function listUsers(users: UserAdmin, query: URLSearchParams) {
  const limitText = query.get("limit") ?? String(limitDefault)
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0
  if (limit < 1 || limit > limitMax) return failed("badLimit")
  const items = users.list(query.get("after") ?? undefined, limit).map(viewOf)
  return { status: 200, body: { items, total: users.count(), isTotalExact: true } satisfies UsersView }
}

export async function addUser(users: UserAdmin, body: unknown) {
  const { name, ...rest } = (body ?? {}) as Readonly<Record<string, unknown>>
  const change = typeof name === "string" ? changeOf(name, rest) : undefined
  return change === undefined ? failed("badUser") : told(await users.add(change))
}

export async function putUser(users: UserAdmin, name: string, body: unknown) {
  const change = changeOf(name, body)
  return change === undefined ? failed("badUser") : told(await users.put(change))
}

export async function removeUser(users: UserAdmin, name: string) {
  const removed = await users.remove(name)
  return typeof removed === "string" ? failed(failureOf[removed]) : { status: 200, body: {} }
}

function told(outcome: ShownUser | UserRefusal) {
  return typeof outcome === "string" ? failed(failureOf[outcome]) : { status: 200, body: viewOf(outcome) }
}

const failureOf: Readonly<Record<UserRefusal, FailureName>> = {
  exists: "userExists",
  unknown: "noUser",
  full: "tooManyUsers",
  busy: "hashingBusy",
  "bad-name": "badUser",
  "bad-password": "badPassword",
  "bad-groups": "badUser"
}

/** Nothing that is not known is taken: a misspelt key would be a right that somebody believes to have given. */
function changeOf(username: string, body: unknown): UserChange | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined
  const { groups, isSuperuser, password, scram, ...others } = body as Readonly<Record<string, unknown>>
  if (Object.keys(others).length > 0) return undefined
  if (password !== undefined && typeof password !== "string") return undefined
  if (scram !== undefined && typeof scram !== "boolean") return undefined
  if (isSuperuser !== undefined && typeof isSuperuser !== "boolean") return undefined
  if (groups !== undefined && !(Array.isArray(groups) && groups.every((group) => typeof group === "string"))) {
    return undefined
  }
  return { username, password, scram, groups, superuser: isSuperuser }
}

function viewOf({ superuser, username, ...rest }: ShownUser): UserView {
  return { name: username, isSuperuser: superuser, ...rest }
}

function failed(name: FailureName) {
  return { status: failures[name].status, body: { errors: [failureEntry(name)] } }
}
