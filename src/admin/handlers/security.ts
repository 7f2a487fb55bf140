/**
 * Group "security": what is open to whom, users of the built-in database, the rules, bans. A hash goes in and never comes
 * out; a ban disconnects whom it names before the answer is sent.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { Ban } from "../../access/bans.ts"
import { banKinds } from "../../access/bans.ts"
import { impactOf } from "../../access/rules-effect.ts"
import type { ShownUser, UserAdmin, UserRefusal } from "../../access/user-admin.ts"
import type { AclDesk } from "../../broker/acl-desk.ts"
import type { BanRequest as DeskRequest } from "../../broker/keep-bans.ts"
import type { QuotaUse } from "../../broker/keep-quotas.ts"
import { problemEntry, questionOf, ruleRow } from "../acl-questions.ts"
import { AdminApi } from "../api/api.ts"
import type { BanRequest, BanRow, QuotaRow, SecurityView, UserRow } from "../api/security.ts"
import { Caller } from "../api/shared.ts"
import { refuse, unprocessable } from "../refusal.ts"
import { type Columns, pageOf, timeText } from "../views/page.ts"
import type { HandlerSources } from "./handler-sources.ts"

const usersAtATime = 1000
const banSecondsMax = 315_360_000
const banReasonLengthMax = 256

export const securityHandlers = (sources: HandlerSources) => {
  const { acl, bans, quotas, users } = sources
  const database = users === undefined ? refuse("noUserDatabase") : Effect.succeed(users)
  return HttpApiBuilder.group(AdminApi, "security", (handlers) =>
    handlers.handleAll({
      security: () => Effect.sync(() => securityView(sources)),
      users: ({ query }) =>
        Effect.map(database, (admin) => {
          const listing = { items: usersOf(admin), count: admin.count(), columns: userColumns }
          return pageOf({ ...listing, searched: ["name", "groups"] }, query)
        }),
      putUser: ({ params: { name }, payload: { groups, isSuperuser, password, scram } }) =>
        Effect.gen(function* () {
          const admin = yield* database
          const change = { username: name, password, groups, superuser: isSuperuser, scram }
          return yield* told(yield* Effect.promise(() => admin.put(change)))
        }),
      removeUser: ({ params: { name } }) =>
        Effect.gen(function* () {
          const admin = yield* database
          const removed = yield* Effect.promise(() => admin.remove(name))
          return typeof removed === "string" ? yield* refuse("noUser") : { done: true as const }
        }),
      rules: ({ query }) =>
        Effect.sync(() => {
          const rows = (acl?.rules() ?? []).map(ruleRow)
          return pageOf({ items: rows, count: rows.length, columns: ruleColumns, searched: ["text", "source"] }, query)
        }),
      reloadRules: () => reloadRules(acl),
      previewRules: ({ payload }) => previewRules(acl, payload),
      explain: ({ payload }) => {
        const question = questionOf(payload)
        if (question === undefined || acl === undefined) return refuse("badAclQuestion")
        return Effect.sync(() => explanation(acl, question))
      },
      quotas: ({ query }) =>
        Effect.sync(() => {
          const list = quotas?.list() ?? []
          const listing = { items: list, count: list.length, columns: quotaColumns }
          return pageOf({ ...listing, searched: ["user", "quota", "state"] }, query)
        }),
      bans: ({ query }) =>
        Effect.sync(() => {
          const list = bans?.list() ?? []
          const listing = { items: list, count: list.length, columns: banColumns }
          return pageOf({ ...listing, searched: ["value", "reason", "kind"] }, query)
        }),
      ban: ({ payload }) => {
        const request = banRequest(payload)
        return Effect.gen(function* () {
          if (request === undefined || bans === undefined) return yield* refuse("badBan")
          const { name, role } = yield* Caller
          const ban = bans.add({ ...request, by: `${name} (${role})` })
          if (ban === "bad-value") return yield* refuse("badBan")
          return ban === "full" ? yield* refuse("tooManyBans") : banRow(ban)
        })
      },
      unban: ({ params: { id } }) =>
        Effect.suspend(() => {
          const colon = id.indexOf(":")
          const kind = banKinds.find((each) => each === id.slice(0, colon))
          const isRemoved = kind !== undefined && bans?.remove(kind, id.slice(colon + 1)) === true
          return isRemoved ? Effect.succeed({ done: true as const }) : refuse("noBan")
        })
    })
  )
}

const securityView = ({ acl, bans, core, security, settings }: HandlerSources): SecurityView => ({
  ...security(),
  rules: acl?.rules().length ?? 0,
  // Without a rules file nobody is asked.
  noMatch: settings.current().acl.rulesFile === "" ? "allow" : (acl?.noMatch() ?? "deny"),
  bans: bans?.list().length ?? 0,
  refusals: core.failedLogins.recent
    .map(({ atMs, clientIdentifier, listener, peer, reasonCode, why }) => ({
      at: timeText(atMs),
      clientIdentifier,
      address: peer,
      listener,
      reasonCode,
      why
    }))
    .reverse()
})

function* usersOf(admin: UserAdmin): Generator<ShownUser> {
  let after: string | undefined
  for (;;) {
    const some = admin.list(after, usersAtATime)
    yield* some
    if (some.length < usersAtATime) return
    after = some.at(-1)?.username
  }
}

const userColumns: Columns<ShownUser, UserRow> = {
  name: ({ username }) => username,
  groups: ({ groups }) => groups,
  isSuperuser: ({ superuser }) => superuser,
  hash: ({ hash }) => hash,
  scram: ({ scram }) => scram,
  createdAt: ({ createdAt }) => createdAt,
  changedAt: ({ changedAt }) => changedAt
}

const told = (outcome: ShownUser | UserRefusal) => {
  switch (outcome) {
    case "busy":
      return refuse("hashingBusy")
    case "full":
      return refuse("tooManyUsers")
    case "bad-password":
      return refuse("badPassword")
    case "exists":
    case "unknown":
    case "bad-name":
    case "bad-groups":
      return refuse("badUser")
    default: {
      const { changedAt, createdAt, groups, hash, scram, superuser, username } = outcome
      return Effect.succeed({ name: username, groups, isSuperuser: superuser, hash, scram, createdAt, changedAt })
    }
  }
}

type Rule = ReturnType<typeof ruleRow>
const ruleColumns: Columns<Rule, Rule> = {
  number: ({ number }) => number,
  effect: ({ effect }) => effect,
  text: ({ text }) => text,
  source: ({ source }) => source
}

const reloadRules = (acl: AclDesk | undefined) =>
  Effect.gen(function* () {
    const done = yield* Effect.promise(async () => acl?.reload())
    if (done === undefined) return yield* refuse("noRulesFile")
    return "summary" in done ? { rules: done.after.length } : yield* unprocessable(done.map(problemEntry))
  })

const previewRules = (acl: AclDesk | undefined, { name, rules }: { readonly name: string; readonly rules: string }) =>
  Effect.gen(function* () {
    const effect = yield* Effect.promise(async () => acl?.judge(rules, name))
    if (effect === undefined) return yield* refuse("notWired")
    if (!("losses" in effect)) return yield* unprocessable(effect.map(problemEntry))
    return { impacts: effect.losses.map(impactOf), clientsAffected: effect.clients, topicsAffected: effect.topics }
  })

const explanation = (acl: AclDesk, question: Parameters<AclDesk["explain"]>[0]) => {
  const { allowed, because, identity, isConnected, number, rule } = acl.explain(question)
  const { clientIdentifier, groups = [], provider = null, username = null } = identity
  return {
    verdict: allowed ? ("allow" as const) : ("deny" as const),
    decidedBy: rule?.source ?? because,
    rule: rule === undefined ? null : { ...ruleRow(rule, number ?? -1), number: (number ?? -1) + 1 },
    identity: { clientIdentifier, username, groups, provider, isConnected }
  }
}

const quotaColumns: Columns<QuotaUse, QuotaRow> = {
  user: ({ username }) => username,
  quota: ({ quota }) => quota,
  used: ({ used }) => used,
  limit: ({ max }) => max,
  percent: ({ max, used }) => Math.round((used * 100) / max),
  state: ({ state }) => state,
  refused: ({ refused }) => refused,
  resetsAt: ({ endsAtMs }) => (endsAtMs === undefined ? null : timeText(endsAtMs))
}

const banColumns: Columns<Ban, BanRow> = {
  id: ({ kind, value }) => `${kind}:${value}`,
  kind: ({ kind }) => kind,
  value: ({ value }) => value,
  reason: ({ why }) => why,
  by: ({ by }) => by,
  since: ({ createdAtMs }) => timeText(createdAtMs),
  until: ({ untilMs }) => (untilMs === undefined ? null : timeText(untilMs))
}

const banRow = (ban: Ban): BanRow => {
  const { id, kind, value, reason, by, since, until } = banColumns
  return {
    id: id(ban),
    kind: kind(ban),
    value: value(ban),
    reason: reason(ban),
    by: by(ban),
    since: since(ban),
    until: until(ban)
  }
}

/** Exactly one of client, user and address. */
const banRequest = ({
  reason = "",
  seconds,
  ...named
}: typeof BanRequest.Type): Omit<DeskRequest, "by"> | undefined => {
  const kinds = banKinds.filter((each) => named[each] !== undefined)
  const [kind] = kinds
  const value = kind === undefined ? undefined : named[kind]
  if (kind === undefined || kinds.length > 1 || value === undefined || reason.length > banReasonLengthMax)
    return undefined
  if (seconds === undefined) return { kind, value, why: reason, forMs: undefined }
  if (!(seconds > 0 && seconds <= banSecondsMax)) return undefined
  return { kind, value, why: reason, forMs: Math.ceil(seconds * 1000) }
}
