/**
 * Decisions that need an Effect: the connection stops scanning, the Effect runs in the broker's scope, and
 * the connection goes on with the same packet or the next one. Order within the connection is kept.
 *
 * Invariants
 * - Fails closed: an Effect that fails or dies is a denial, with one line in the log.
 * - An answer for a client that is gone meanwhile is discarded.
 * - Where every verdict is known nothing stops and no Effect runs.
 */
import * as Effect from "effect/Effect"
import { type Identity, Verdict } from "../access/access.ts"
import type { SubscribePacket } from "../codec/codec.ts"
import type { Fault } from "../codec/fault.ts"
import { withoutReplay } from "../router/replay-filter.ts"
import { parseSharedFilter } from "../router/topic-filter.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { orDeny } from "./or-deny.ts"
import { isFree } from "./permissions.ts"
import { judgeSubscribe, receiveSubscribe } from "./subscribe.ts"

/** Decides whether the PUBLISH in the client's view may be published; then the same frame is read again. */
export const decidePublish = (core: Core, client: Client): void => {
  const view = client.publishView
  const topic =
    view.topicEnd > view.topicStart
      ? view.buffer.toString("utf8", view.topicStart, view.topicEnd)
      : (client.aliases?.[view.topicAlias]?.toString("utf8") ?? "")
  client.connection.stop()
  const decision = client.access.decidePublish(client.identity as Identity, topic, view.qos, view.retain, false)
  goOnAfter(core, client, decision, (allowed) => {
    client.askedTopic = topic
    client.askedVerdict = allowed ? Verdict.allow : Verdict.deny
  })
}

export const decideSubscribe = (core: Core, client: Client, packet: SubscribePacket): Fault | undefined => {
  const fault = judgeSubscribe(core, client, packet)
  if (fault !== undefined) return fault
  const identity = client.identity as Identity
  // [ACL-4] A shared or replaying subscription is judged by its filter: the prefix gives no right and takes none.
  const filters = packet.entries.map(({ filter }) => withoutShare(withoutReplay(filter)))
  const qosMax = core.limits.qosMax
  const qosOf = (i: number): number => Math.min(packet.entries[i]?.qos ?? 0, qosMax)
  const verdicts = filters.map((filter, i) =>
    isFree(client) ? Verdict.allow : client.access.subscribeVerdict(identity, filter, qosOf(i))
  )
  if (!verdicts.includes(Verdict.ask)) {
    receiveSubscribe(core, client, packet, verdicts)
    return undefined
  }
  client.connection.stop()
  const decisions = Effect.forEach(filters, (filter, i) =>
    verdicts[i] === Verdict.ask
      ? orDeny(core, identity, client.access.decideSubscribe(identity, filter, qosOf(i)))
      : Effect.succeed(verdicts[i] === Verdict.allow)
  )
  goOnAfter(core, client, decisions, (allowed) => {
    const decided = allowed.map((yes) => (yes ? Verdict.allow : Verdict.deny))
    receiveSubscribe(core, client, packet, decided)
  })
  return undefined
}

const withoutShare = (filter: string): string => {
  const shared = parseSharedFilter(filter)
  return shared === undefined || !("filter" in shared) ? filter : shared.filter
}

const goOnAfter = <A>(core: Core, client: Client, decision: Effect.Effect<A>, apply: (answer: A) => void): void => {
  const denied = false as A
  core.options.run(
    Effect.map(orDeny(core, client.session, decision, denied), (answer) => {
      if (client.state !== ClientState.connected) return
      core.tick()
      apply(answer)
      // The client was not heard while it waited for us: that silence is not its own.
      client.lastReceivedMs = core.loopMs
      client.connection.go()
    })
  )
}
