/**
 * Who is connected and what they do, as far as the broker knows it without having kept a list: subscriptions, and of the
 * topics the router has cached those that match them. For rules-effect.ts; cold.
 *
 * Bounded: TOPICS_MAX topics are looked at, and of those a client is told at most TOPICS_PER_CLIENT_MAX.
 */
import type { LiveClient } from "../access/rules-effect.ts"
import { withoutReplay } from "../router/replay-filter.ts"
import type { LiveSubscription } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { isPublisherOf } from "./permissions.ts"

const TOPICS_MAX = 10_000
const TOPICS_PER_CLIENT_MAX = 256

interface Known {
  readonly published: Array<string>
  readonly received: Set<string>
}

export const liveClients = (core: Core): ReadonlyArray<LiveClient> => {
  const known = new Map<Client, Known>()
  for (const client of core.clients) {
    if (client?.state === ClientState.connected) known.set(client, { published: [], received: new Set() })
  }
  let looked = 0
  for (const entry of core.router.cached()) {
    if (++looked > TOPICS_MAX) break
    const topic = entry.bytes.toString("utf8")
    for (const { live } of core.router.match(topic)) {
      for (const each of live) {
        const { group, subscriber } = each as LiveSubscription<Session> as Subscription
        const readers = group === undefined ? [subscriber] : group.members.map(({ session }) => session)
        for (const session of readers) note(known, session, topic)
      }
    }
    for (const [client, { published }] of known) {
      if (published.length < TOPICS_PER_CLIENT_MAX && isPublisherOf(client, entry)) published.push(topic)
    }
  }
  return [...known].flatMap(([client, { published, received }]) => {
    const { identity, session } = client
    if (identity === undefined || session === undefined) return []
    return [{ identity, subscriptions: subscriptionsOf(session), published, received: [...received] }]
  })
}

const note = (known: ReadonlyMap<Client, Known>, session: Session, topic: string): void => {
  const received = known.get(session.connection as Client)?.received
  if (received !== undefined && received.size < TOPICS_PER_CLIENT_MAX) received.add(topic)
}

const subscriptionsOf = (session: Session): LiveClient["subscriptions"] => {
  const plain = [...session.subscriptions].flatMap(([text, { active, qos }]) =>
    active ? [{ filter: withoutReplay(text), qos }] : []
  )
  const shared = [...(session.shared?.values() ?? [])].map((group) => ({
    filter: group.entry.filter.text,
    qos: group.memberOf(session)?.qos ?? 0
  }))
  return [...plain, ...shared]
}
