/**
 * The doors of the listeners (listener/door.ts), made of the settings in force and of what the broker knows: bans, and
 * how late its event loop is. One set of limits for all of them: an address that comes by four ports is one address.
 */

import { AcceptLimits, type AcceptPolicy } from "../listener/accept-limits.ts"
import { Door, type TurnedAway } from "../listener/door.ts"
import { Counter } from "../metrics/counters.ts"
import { NetworkSet } from "../settings/network-set.ts"
import type { Settings } from "../settings/settings.ts"
import type { Core } from "./core.ts"

/** Sockets above mqtt.max-connections that are let in to be told so (0x97), at least so many. */
const REFUSED_AT_ONCE = 64
/** So much later than new connections are refused with words, they are refused without. */
const OVERLOAD_FACTOR = 2

export interface Doors {
  readonly limits: AcceptLimits
  /** By the name of a listener. */
  readonly of: (listener: string) => Door
}

/** `current` are the settings in force: limits change while the broker runs, proxies do not. */
export const makeDoors = (core: Core, initial: Settings, current: () => Settings): Doors => {
  const { connectTimeoutMs, forwardedFor, proxyProtocol, proxyTrusted } = initial.server
  const limits = new AcceptLimits(policyOf(core, current), core.options.clock.loopMs)
  const trusted = new NetworkSet(proxyTrusted)
  core.counters.gauge("openSockets", () => limits.open)
  return {
    limits,
    of: (listener) =>
      new Door({
        listener,
        limits,
        trusted,
        isProxied: proxyProtocol.includes(listener),
        isForwarded: forwardedFor && (listener === "websocket" || listener === "wss"),
        headerTimeoutMs: connectTimeoutMs,
        nowMs: core.options.clock.loopMs,
        onTurnedAway: (why, told) => {
          const counter = counterOf[why]
          core.count[counter] = (core.count[counter] as number) + 1
          if (told === undefined) return
          const { count, peer, why: words } = told
          const what = `${count === 1 ? "a connection was" : `${count} connections were`} turned away (${told.listener})`
          core.options.report({ level: "info", what, peer, why: words })
        }
      })
  }
}

const counterOf: Record<TurnedAway, number> = {
  total: Counter.turnedAwayTotal,
  "address-connections": Counter.turnedAwayAddressConnections,
  "address-rate": Counter.turnedAwayAddressRate,
  banned: Counter.turnedAwayBanned,
  busy: Counter.turnedAwayBusy,
  proxy: Counter.turnedAwayProxy
}

/** Made anew when settings changed; asked for each socket. */
const policyOf = (core: Core, current: () => Settings): (() => AcceptPolicy) => {
  let of: Settings | undefined
  let policy: AcceptPolicy | undefined
  return () => {
    const settings = current()
    if (policy === undefined || of !== settings) policy = makePolicy(core, settings)
    of = settings
    return policy
  }
}

const makePolicy = (core: Core, { limits, mqtt }: Settings): AcceptPolicy => ({
  socketsMax: mqtt.maxConnections + Math.max(REFUSED_AT_ONCE, Math.ceil(mqtt.maxConnections / 16)),
  perAddressMax: limits.maxConnectionsPerAddress,
  ratePerSecond: limits.connectRatePerAddress,
  burst: limits.connectBurstPerAddress,
  isExempt: (address) => core.limits.exempt.has(address),
  isBanned: (address) => core.fairness.bans.findAddress(address, core.nowMs) !== undefined,
  isOverloaded: () => {
    const { loopLagMsMax } = core.limits
    return loopLagMsMax > 0 && core.fairness.loopLagMs > loopLagMsMax * OVERLOAD_FACTOR
  }
})
