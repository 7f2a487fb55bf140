/**
 * Who is connected is looked at again when that on which it was let in has changed: a certificate was revoked, an
 * authority put out, a pre-shared key exchanged, a user removed or given another password.
 *
 * Invariants
 * - [RCK-1] Whoever would not be let in any more with what it showed is disconnected, with 0x87 where MQTT 5.0 can tell; its
 *   will is published, its session stays: it is the user's, who may come again.
 * - Who is being judged meanwhile is looked at when that is done (doubtOf, asked by accept.ts).
 * - Nothing is asked of others here (a directory, a server): what they vouched for lasts as long as they said.
 *
 * Elsewhere: what was proved by TLS (listener/tls-proof.ts), by a password (access/password-users.ts); rules are another
 * matter, asked with each message (permissions.ts).
 */
import type { Identity } from "../access/access.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import type { TlsMaterial } from "../listener/tls-material.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { closeClient } from "./disconnect.ts"

/** The material of the listeners with TLS is another one. */
export const recheckProofs = (core: Core, material: TlsMaterial): void =>
  recheck(core, ({ connection }) => {
    const { tlsProof } = connection.transport
    return tlsProof === undefined ? undefined : material.doubtOf(tlsProof)
  })

/** A provider of authentication said that its users changed, or one of them. */
export const recheckIdentities = (core: Core, username: string | undefined): void =>
  recheck(core, ({ identity }) =>
    username === undefined || identity?.username === username ? doubtOf(identity) : undefined
  )

/** Asked when authentication is done: what it went by may have changed while it was under way. */
export const doubtOf = (identity: Identity | undefined): string | undefined =>
  identity?.isStillGood?.() === false ? "its user was removed or changed" : undefined

const recheck = (core: Core, doubt: (client: Client) => string | undefined): void => {
  core.tick()
  for (const client of [...core.clients]) {
    if (client === undefined || client.state === ClientState.closed) continue
    const why = doubt(client)
    if (why !== undefined) closeClient(core, client, "server", ReasonCode.notAuthorized, why) // [RCK-1]
  }
}
