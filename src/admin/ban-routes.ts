/**
 * Bans over the admin API: list, add, remove. What they are and how long they last is access/bans.ts; who is connected and
 * banned now is disconnected by the broker before the answer is sent.
 *
 *   GET    /api/v1/bans        { items: [BanRow] }
 *   POST   /api/v1/bans        { client | user | address, seconds?, reason? } ─▶ BanRow; no seconds = for good
 *   DELETE /api/v1/bans/{id}   {}; the id of a row, percent-encoded
 */
import type { Ban, BanKind } from "../access/bans.ts"
import { banKinds } from "../access/bans.ts"
import type { BanRequest, BansDesk } from "../broker/keep-bans.ts"
import { failureEntry, failures } from "./failures.ts"

export interface BanView {
  readonly id: string
  readonly kind: BanKind
  readonly value: string
  readonly reason: string
  readonly by: string
  readonly since: string
  /** null = until somebody removes it. */
  readonly until: string | null
}

export interface BansView {
  readonly items: ReadonlyArray<BanView>
}

interface BanAnswer<B> {
  readonly status: number
  readonly body: B
}

const SECONDS_MAX = 315_360_000
const REASON_LENGTH_MAX = 256

export function listBans(desk: BansDesk): BanAnswer<BansView> {
  return { status: 200, body: { items: desk.list().map(banView) } }
}

export function addBan(desk: BansDesk, body: unknown) {
  const request = requestOf(body)
  if (request === undefined) return failed("badBan")
  const ban = desk.add(request)
  if (ban === "bad-value") return failed("badBan")
  return ban === "full" ? failed("tooManyBans") : { status: 200, body: banView(ban) }
}

export function removeBan(desk: BansDesk, id: string) {
  const colon = id.indexOf(":")
  const kind = banKinds.find((each) => each === id.slice(0, colon))
  if (kind === undefined || !desk.remove(kind, id.slice(colon + 1))) return failed("noBan")
  return { status: 200, body: {} }
}

export function banView({ by, createdAtMs, kind, untilMs, value, why }: Ban): BanView {
  const since = new Date(createdAtMs).toISOString()
  const until = untilMs === undefined ? null : new Date(untilMs).toISOString()
  return { id: `${kind}:${value}`, kind, value, reason: why, by, since, until }
}

/** Exactly one of client, user and address; nothing that is not known. */
function requestOf(body: unknown): BanRequest | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined
  const { reason = "", seconds, ...named } = body as Readonly<Record<string, unknown>>
  const [name, ...others] = Object.keys(named)
  const kind = banKinds.find((each) => each === name)
  if (kind === undefined || others.length > 0) return undefined
  const value = named[kind]
  if (typeof value !== "string" || typeof reason !== "string" || reason.length > REASON_LENGTH_MAX) return undefined
  if (seconds === undefined || seconds === null) return { kind, value, why: reason, forMs: undefined }
  if (typeof seconds !== "number" || !(seconds > 0 && seconds <= SECONDS_MAX)) return undefined
  return { kind, value, why: reason, forMs: Math.ceil(seconds * 1000) }
}

function failed(name: "badBan" | "noBan" | "tooManyBans") {
  return { status: failures[name].status, body: { errors: [failureEntry(name)] } }
}
