/**
 * Group "system" and the door: the broker as a whole, its figures, its log, who changed what, and the exchange of a login
 * code for a token.
 *
 * The snapshot is the one that the streams got last (watch.ts): asking costs nothing.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { Log } from "../../telemetry/logging.ts"
import { AdminApi } from "../api/api.ts"
import { Caller } from "../api/shared.ts"
import type { LogEntry, LogLevelView, SystemInfo } from "../api/system.ts"
import { refuse } from "../refusal.ts"
import { RequestAddress } from "../request-address.ts"
import { dropTotals } from "../views/drops-view.ts"
import { timeText } from "../views/page.ts"
import type { HandlerSources } from "./handler-sources.ts"

const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString()
const historySecondsDefault = 3600
const historySecondsMax = 24 * 3600
const logsDefault = 200
const logsMax = 2000
const auditDefault = 200
const levels: ReadonlyArray<string> = ["trace", "debug", "info", "warn", "error", "fatal"]

export const systemHandlers = (sources: HandlerSources) =>
  HttpApiBuilder.group(AdminApi, "system", (handlers) =>
    handlers.handleAll({
      system: () => Effect.sync(() => systemInfo(sources)),
      overview: () => Effect.sync(() => sources.watch.latest()),
      history: ({ query: { seconds = historySecondsDefault } }) =>
        seconds > 0 && seconds <= historySecondsMax
          ? Effect.sync(() => sources.watch.history.last(seconds))
          : refuse("badQuery", { key: "seconds", fact: `seconds is not above 0 and at most ${historySecondsMax}` }),
      logs: ({ query: { after = 0, client, level = "trace", limit = logsDefault } }) => {
        const least = levels.indexOf(level)
        if (least < 0) return refuse("badQuery", { key: "level", fact: `level is none of ${levels.join(", ")}` })
        if (!(limit >= 1 && limit <= logsMax)) return refuse("badLimit", { fact: `limit is not from 1 to ${logsMax}` })
        const isWanted = (entry: { readonly level: string; readonly fields: Readonly<Record<string, unknown>> }) =>
          levels.indexOf(entry.level) >= least && (client === undefined || entry.fields["clientIdentifier"] === client)
        return Effect.sync(() => sources.logs.since(after, limit, isWanted).map(logEntry))
      },
      logLevel: () => Effect.sync(() => logLevelView(sources.log)),
      raiseLogLevel: ({ payload: { client, level, seconds } }) =>
        Effect.gen(function* () {
          const { log } = sources
          const { name } = yield* Caller
          const untilMs = Date.now() + seconds * 1000
          if (!log.raise({ clientIdentifier: client, level, untilMs })) return yield* refuse("tooManyRaises")
          log.write("info", "another log level for a time", { by: name, level, client, until: timeText(untilMs) })
          return logLevelView(log)
        }),
      endLogRaise: ({ query: { client } }) =>
        Effect.suspend(() =>
          sources.log.endRaise(client) ? Effect.succeed(logLevelView(sources.log)) : refuse("noRaise")
        ),
      audit: ({ query: { limit = auditDefault } }) => Effect.sync(() => sources.audit.last(Math.max(1, limit))),
      whoami: () => Effect.map(Caller, ({ name, role }) => ({ name, role }))
    })
  )

export const doorHandlers = ({ attempts, audit, callers }: HandlerSources) =>
  HttpApiBuilder.group(AdminApi, "door", (handlers) =>
    handlers.handle("login", ({ payload: { code } }) =>
      Effect.gen(function* () {
        const address = yield* RequestAddress
        const nowMs = Date.now()
        if (attempts.isBlocked(address, nowMs)) return yield* refuse("tooManyWrong")
        const entry = { who: "login link", role: "admin", address, what: "POST /api/v1/login" } as const
        const loggedIn = callers.logIn(code)
        if (loggedIn === undefined) {
          attempts.wrong(address, nowMs)
          audit.add({ ...entry, outcome: 401 })
          return yield* refuse("unauthorized", { fact: "the code is not the one, was used, or is too old" })
        }
        audit.add({ ...entry, outcome: 200 })
        return { token: loggedIn.token, role: loggedIn.role, expiresAt: timeText(loggedIn.expiresAtMs) }
      })
    )
  )

const logLevelView = ({ level, raises }: Log): LogLevelView => ({
  level,
  raises: raises.map(({ clientIdentifier = null, level, untilMs }) => ({
    level,
    client: clientIdentifier,
    until: timeText(untilMs)
  }))
})

const systemInfo = ({ addresses, core, storage, version }: HandlerSources): SystemInfo => {
  const memory = process.memoryUsage()
  return {
    version,
    node: process.version,
    pid: process.pid,
    startedAt,
    uptimeSeconds: Math.round(process.uptime() * 1000) / 1000,
    addresses: addresses(),
    counters: core.counters.samples(),
    memory: {
      rssBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      externalBytes: memory.external,
      arrayBuffersBytes: memory.arrayBuffers
    },
    log: core.log.statistics(),
    storage: storage(),
    drops: dropTotals(core.ledger)
  }
}

const logEntry = ({
  atMs,
  fields,
  level,
  message,
  number
}: {
  readonly number: number
  readonly atMs: number
  readonly level: string
  readonly message: string
  readonly fields: LogEntry["fields"]
}): LogEntry => {
  const client = fields["clientIdentifier"]
  return {
    number,
    at: timeText(atMs),
    level,
    message,
    clientIdentifier: typeof client === "string" ? client : null,
    fields
  }
}
