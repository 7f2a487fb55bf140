/**
 * Credentials that end (a token's `exp`, a certificate's last day) end the connection they opened.
 *
 * Invariants
 * - 5.0 clients are told 0x87, others see the end [EXP-1]; the will is published, the session stays.
 * - The end is a wall time and the wheel is monotonic: the timer looks at the wall again when it fires, and at least
 *   every LOOK_MS_MAX, so that a clock that was set is noticed.
 * - A new identity (re-authentication) takes the place of the old one, its end included.
 */

import type { TimerHandle } from "../base/wheel.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core, Expirable } from "./core.ts"
import { closeClient } from "./disconnect.ts"

const LOOK_MS_MAX = 600_000

/** Call it whenever `client.identity` was set on a connected client. */
export const watchIdentity = (core: Core, client: Client): void => {
  unwatchIdentity(core, client)
  const expiresAtMs = client.identity?.expiresAtMs
  if (expiresAtMs === undefined || client.state !== ClientState.connected) return
  const waitMs = Math.min(Math.max(0, expiresAtMs - core.nowMs), LOOK_MS_MAX)
  client.identityTimer = core.wheel.schedule(new IdentityTimer(core, client), core.loopMs + waitMs)
}

export const unwatchIdentity = (core: Core, client: Client): void => {
  if (client.identityTimer !== undefined) core.wheel.cancel(client.identityTimer as TimerHandle<Expirable>)
  client.identityTimer = undefined
}

class IdentityTimer implements Expirable {
  readonly #core: Core
  readonly #client: Client
  constructor(core: Core, client: Client) {
    this.#core = core
    this.#client = client
  }
  onTimer(): void {
    const core = this.#core
    const client = this.#client
    client.identityTimer = undefined
    const expiresAtMs = client.identity?.expiresAtMs
    if (client.state !== ClientState.connected || expiresAtMs === undefined) return
    if (core.nowMs < expiresAtMs) watchIdentity(core, client)
    else closeClient(core, client, "server", ReasonCode.notAuthorized, "the credentials have expired") // [EXP-1]
  }
}
