/**
 * Group "clients": sessions, connected or not, their subscriptions, shared subscriptions; and what is done to them.
 *
 * What a row shows is views/client-view.ts, what an action does broker/inspect/client-actions.ts. An identifier comes
 * decoded, and may hold any character.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { dropSomeOfQueue, endForGood, kick } from "../../broker/inspect/client-actions.ts"
import { removeSubscription } from "../../broker/subscribe.ts"
import type { Session } from "../../session/session.ts"
import { AdminApi } from "../api/api.ts"
import type { NotFound } from "../api/shared.ts"
import { refuse } from "../refusal.ts"
import {
  clientColumns,
  clientDetail,
  clientSearched,
  groupColumns,
  groupSearched,
  subscriptionColumns,
  subscriptionSearched,
  subscriptionsIn,
  subscriptionsTo
} from "../views/client-view.ts"
import { pageOf } from "../views/page.ts"
import type { HandlerSources } from "./handler-sources.ts"

export const clientsHandlers = ({ core }: HandlerSources) => {
  const clients = clientColumns(core)
  const sessionOf = (id: string): Effect.Effect<Session, NotFound> => {
    const session = core.sessions.get(id)
    return session === undefined ? refuse("noClient") : Effect.succeed(session)
  }
  return HttpApiBuilder.group(AdminApi, "clients", (handlers) =>
    handlers.handleAll({
      list: ({ query }) =>
        Effect.sync(() => {
          const { sessions } = core
          const listing = { items: sessions.values(), count: sessions.size, columns: clients }
          return pageOf({ ...listing, searched: clientSearched }, query)
        }),
      detail: ({ params: { id } }) =>
        Effect.map(sessionOf(id), (session) => clientDetail(core, session, core.clientEvents.of(id))),
      kick: ({ params: { id } }) =>
        Effect.flatMap(sessionOf(id), (session) =>
          kick(core, session) ? Effect.succeed({ done: true as const }) : refuse("notConnected")
        ),
      dropQueue: ({ params: { id } }) =>
        Effect.flatMap(sessionOf(id), (session) => dropQueue(core, session, core.log.next)),
      unsubscribe: ({ params: { id }, payload: { filter } }) =>
        Effect.flatMap(sessionOf(id), (session) =>
          removeSubscription(core, session, filter) ? Effect.succeed({ done: true as const }) : refuse("noSubscription")
        ),
      end: ({ params: { id } }) =>
        Effect.map(sessionOf(id), (session) => {
          endForGood(core, session)
          return { done: true as const }
        }),
      subscriptions: ({ query: { client, topic, ...query } }) =>
        Effect.sync(() => {
          const one = client === undefined ? undefined : core.sessions.get(client)
          const sessions = client === undefined ? core.sessions.values() : one === undefined ? [] : [one]
          const items = topic === undefined ? subscriptionsIn(sessions) : ofOne(subscriptionsTo(core, topic), client)
          return pageOf({ items, columns: subscriptionColumns, searched: subscriptionSearched }, query)
        }),
      shared: ({ query }) =>
        Effect.sync(() => {
          const { groups } = core
          const listing = { items: groups.values(), count: groups.size, columns: groupColumns(core) }
          return pageOf({ ...listing, searched: groupSearched }, query)
        })
    })
  )
}

/** In parts, with a turn of the loop between them; what came meanwhile stays. */
const dropQueue = (core: HandlerSources["core"], session: Session, head: number): Effect.Effect<{ dropped: number }> =>
  Effect.gen(function* () {
    let dropped = 0
    for (;;) {
      const some = dropSomeOfQueue(core, session)
      dropped += some
      if (some === 0 || session.cursor >= head) return { dropped }
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
  })

function* ofOne(
  items: ReturnType<typeof subscriptionsTo>,
  client: string | undefined
): ReturnType<typeof subscriptionsTo> {
  for (const item of items) if (client === undefined || item.session.clientIdentifier === client) yield item
}
