/**
 * What other rules would take away from the clients that are connected: before a reload, for `config diff` and its
 * summary ("3 clients lose access to 1 topic").
 *
 * Looked at per client: each subscription as a filter, and each topic it is known to publish or to be handed. A wide
 * subscription that stays may lose single topics: those show among `read`.
 *
 * Plain and pure: who is connected and what they do comes in (broker/live-clients.ts), both lists of rules as authorizers.
 * An identity's own rules count in both. Bounded by what comes in; LOSSES_MAX rows are told, all are counted.
 */
import { type Identity, Verdict } from "./access.ts"
import type { Authorizer } from "./authorizer.ts"

export interface LiveClient {
  readonly identity: Identity
  /** Filters without $share and $replay. */
  readonly subscriptions: ReadonlyArray<{ readonly filter: string; readonly qos: number }>
  /** Topics it published to lately, and topics it was handed. */
  readonly published: ReadonlyArray<string>
  readonly received: ReadonlyArray<string>
}

export interface Loss {
  readonly clientIdentifier: string
  readonly username: string | undefined
  readonly action: "subscribe" | "publish" | "read"
  /** Topic or filter. */
  readonly topic: string
  /** "acl.yaml:12 denies it". */
  readonly because: string
}

export interface RulesEffect {
  /** The first ones. */
  readonly losses: ReadonlyArray<Loss>
  readonly lossCount: number
  readonly clients: number
  readonly topics: number
  /** "3 clients lose access to 1 topic", "no connected client loses anything". */
  readonly summary: string
}

export const LOSSES_MAX = 1000

/** A loss as the admin API tells it. */
export const impactOf = ({ action, because, clientIdentifier, topic }: Loss) => ({
  clientIdentifier,
  what: `${action} ${topic}`,
  decidedBy: because
})

export const rulesEffect = (before: Authorizer, after: Authorizer, clients: Iterable<LiveClient>): RulesEffect => {
  const losses: Array<Loss> = []
  const topics = new Set<string>()
  let lossCount = 0
  let clientCount = 0
  for (const { identity, published, received, subscriptions } of clients) {
    const { clientIdentifier, username } = identity
    const countBefore = lossCount
    const judge = (action: Loss["action"], topic: string, qos: number): void => {
      if (verdictOf(before, identity, action, topic, qos) !== Verdict.allow) return
      if (verdictOf(after, identity, action, topic, qos) === Verdict.allow) return
      lossCount += 1
      topics.add(topic)
      if (losses.length >= LOSSES_MAX) return
      const { because } = after.explain(identity, { action, topic, qos, retain: false })
      losses.push({ clientIdentifier, username, action, topic, because })
    }
    for (const { filter, qos } of subscriptions) judge("subscribe", filter, qos)
    for (const topic of published) judge("publish", topic, 0)
    for (const topic of received) judge("read", topic, 0)
    if (lossCount > countBefore) clientCount += 1
  }
  return { losses, lossCount, clients: clientCount, topics: topics.size, summary: wordsOf(clientCount, topics.size) }
}

const verdictOf = (
  authorizer: Authorizer,
  identity: Identity,
  action: Loss["action"],
  topic: string,
  qos: number
): number => {
  switch (action) {
    case "subscribe":
      return authorizer.subscribeVerdict(identity, topic, qos)
    case "publish":
      return authorizer.publishVerdict(identity, topic, qos, false, false)
    case "read":
      return authorizer.readVerdict(identity, topic, qos, false)
  }
}

const wordsOf = (clients: number, topics: number): string => {
  if (clients === 0) return "no connected client loses anything"
  const who = clients === 1 ? "1 client loses" : `${clients} clients lose`
  return `${who} access to ${topics === 1 ? "1 topic" : `${topics} topics`}`
}
