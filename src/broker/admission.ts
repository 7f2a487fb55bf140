/**
 * Who is let in, beyond what authentication says: bans, flapping, users' quotas, and whether the broker can carry one
 * more at all.
 *
 *   judgeStranger   CONNECT has come, nobody has been asked yet: what it names may be banned, the broker may be too busy
 *   judgeIdentity   it is who it says: the name authentication found may be banned or have enough connections already
 *   connected       it is in: its connects are counted
 *
 * Order: a ban first (0x8A, it holds whatever the load is), then load (0x89), then quotas (0x97).
 */

import type { Identity } from "../access/access.ts"
import { type Ban, type banKinds, flappingBan } from "../access/bans.ts"
import type { ConnectPacket } from "../codec/codec.ts"
import { Fault } from "../codec/fault.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { hostOf } from "../listener/address.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { MemoryLevel } from "./memory-ceiling.ts"
import { mayConnect } from "./users.ts"

const outOfMemory = new Fault(ReasonCode.serverBusy, "the broker is short of memory (limits.max-memory)")
const tooLate = new Fault(ReasonCode.serverBusy, "the broker is overloaded (limits.max-loop-lag)")
const userIsFull = new Fault(ReasonCode.quotaExceeded, "limits.max-connections-per-user is reached")

export const judgeStranger = (core: Core, client: Client, packet: ConnectPacket): Fault | undefined => {
  const { bans, loopLagMs, memoryLevel } = core.fairness
  const host = hostOf(client.connection.transport.peer)
  const ban = bans.find(packet.clientIdentifier, packet.username, host, core.nowMs)
  if (ban !== undefined) return banned(ban)
  // The program around an embedded broker sees its own load.
  if (host === undefined) return undefined
  if (memoryLevel >= MemoryLevel.refuse) return outOfMemory
  const { loopLagMsMax } = core.limits
  return loopLagMsMax > 0 && loopLagMs > loopLagMsMax ? tooLate : undefined
}

/** `old` is the connection that this one takes over. */
export const judgeIdentity = (core: Core, identity: Identity, old: Client | undefined): Fault | undefined => {
  const { clientIdentifier, username } = identity
  const ban = core.fairness.bans.find(clientIdentifier, username, undefined, core.nowMs)
  if (ban !== undefined) return banned(ban)
  return mayConnect(core, identity, old) ? undefined : userIsFull
}

/** Counted after it got in, so that nobody can get another one banned by failing to. */
export const connected = (core: Core, client: Client, { clientIdentifier, username }: Identity): void => {
  const { bans, flapping, users } = core.fairness
  users.joined(client, username)
  const host = hostOf(client.connection.transport.peer)
  const { exempt, flappingBanMs, flappingConnects: connectsMax, flappingWindowMs: windowMs } = core.limits
  if (host === undefined || exempt.has(host)) return
  if (!flapping.connected(clientIdentifier, core.loopMs, { connectsMax, windowMs })) return
  const why = `${connectsMax} connects within ${windowMs / 1000} s`
  const createdAtMs = Math.floor(core.nowMs)
  const untilMs = createdAtMs + flappingBanMs
  const isBanned = bans.add(
    { kind: "client", value: clientIdentifier, why, by: flappingBan, createdAtMs, untilMs },
    createdAtMs
  )
  core.options.report({
    level: "warn",
    what: "a client flaps",
    clientIdentifier,
    peer: client.connection.transport.peer,
    why
  })
  if (isBanned) core.options.defer(() => enforceBan(core))
}

/** Who is connected and banned now leaves. */
export const enforceBan = (core: Core): void => {
  core.tick()
  for (const client of [...core.clients]) {
    if (client?.state !== ClientState.connected) continue
    const { identity } = client
    const host = hostOf(client.connection.transport.peer)
    const ban = core.fairness.bans.find(identity?.clientIdentifier, identity?.username, host, core.nowMs)
    if (ban !== undefined) closeClient(core, client, "banned", ReasonCode.administrativeAction, banned(ban).why) // DISCONNECT has no 0x8A
  }
}

/** The client hears for how long, not why: that is between the operator and the log. */
const banned = ({ kind, untilMs }: Ban): Fault => {
  const what = { client: "client id", user: "user name", address: "address" }[kind satisfies (typeof banKinds)[number]]
  const until = untilMs === undefined ? "" : ` until ${new Date(untilMs).toISOString()}`
  return new Fault(ReasonCode.banned, `this ${what} is banned${until}`)
}
