/**
 * Deadlines of a connection: connect timeout, keep-alive, unfinished packets, readers that do not read. One
 * timer in the wheel per connection, no fiber.
 *
 * Keep-alive is lazy: its timer fires at the earliest possible end, looks when the client was last heard and
 * comes again if that is too soon. A packet costs nothing here.
 *
 * Invariants
 * - A client is closed between 1.5 K and 1.5 K + 1 s of silence [MQTT-3.1.2-22]; what the server sends does not
 *   count, nor does the time in which the connection waited for us.
 * - Deadlines are monotonic: a wall clock that jumps ends nothing.
 */
import type { TimerHandle } from "../base/wheel.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core, Expirable } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { unwatch } from "./timers.ts"

/** [MQTT-3.1.2-22] [v3.1.1 MQTT-3.1.2-24] */
const GRACE = 1.5
const LOOK_MS_MAX = 60_000

class ConnectionTimer implements Expirable {
  readonly #core: Core
  readonly #client: Client
  constructor(core: Core, client: Client) {
    this.#core = core
    this.#client = client
  }
  onTimer(): void {
    const core = this.#core
    const client = this.#client
    client.timer = undefined
    if (client.state === ClientState.closed) return
    if (client.state !== ClientState.connected) {
      closeClient(core, client, "refused", undefined, "no CONNECT within server.connect-timeout")
      return
    }
    // While the connection waits for us the client cannot be heard.
    const heardMs = client.connection.stopped ? core.loopMs : client.lastReceivedMs
    const deadlineMs = client.keepAliveMs === 0 ? Number.POSITIVE_INFINITY : heardMs + client.keepAliveMs * GRACE
    if (core.loopMs >= deadlineMs) {
      closeClient(core, client, "keep-alive", ReasonCode.keepAliveTimeout, "keep-alive timeout")
    } else if (isStuck(core, client)) {
      closeClient(core, client, "lost", undefined, "server.read-timeout or server.write-timeout ran out")
    } else client.timer = core.wheel.schedule(this, Math.min(deadlineMs, core.loopMs + lookEveryMs(core)))
  }
}

/** From accept to CONNECT: the connection has `connectTimeoutMs`. */
export const watchConnect = (core: Core, client: Client): void => {
  client.timer = core.wheel.schedule(new ConnectionTimer(core, client), core.loopMs + core.limits.connectTimeoutMs)
}

/** From CONNACK on. Keep Alive 0 means no limit. */
export const watchKeepAlive = (core: Core, client: Client): void => {
  if (client.state !== ClientState.connected) {
    unwatch(core, client)
    return
  }
  const keepAliveMs = client.keepAliveMs === 0 ? Number.POSITIVE_INFINITY : client.keepAliveMs * GRACE
  const firstMs = Math.min(keepAliveMs, lookEveryMs(core))
  const deadlineMs = core.loopMs + firstMs
  const timer = client.timer as TimerHandle<Expirable> | undefined
  // That of the CONNECT goes on as this one.
  if (timer !== undefined && core.wheel.move(timer, deadlineMs)) return
  client.timer = core.wheel.schedule(new ConnectionTimer(core, client), deadlineMs)
}

/** How often a connection is looked at for packets that do not end and readers that do not read. */
const lookEveryMs = (core: Core): number => {
  const { readTimeoutMs, writeTimeoutMs } = core.limits
  return Math.min(readTimeoutMs || LOOK_MS_MAX, writeTimeoutMs || LOOK_MS_MAX, LOOK_MS_MAX) / 2
}

const isStuck = (core: Core, client: Client): boolean => {
  const { readTimeoutMs, writeTimeoutMs } = core.limits
  if (readTimeoutMs > 0 && client.partialSinceMs >= 0 && core.loopMs - client.partialSinceMs >= readTimeoutMs)
    return true
  const { unsentBytes } = client.connection.transport
  const { writesDone } = client.connection.outbox
  const hasRead = writesDone !== client.writesDone || unsentBytes < client.unsentBytes
  if (client.unsentBytes === 0 || hasRead) client.unsentSinceMs = core.loopMs
  client.unsentBytes = unsentBytes
  client.writesDone = writesDone
  return writeTimeoutMs > 0 && unsentBytes > 0 && core.loopMs - client.unsentSinceMs >= writeTimeoutMs
}
