/**
 * Publishers wait before the log has to refuse: reading from a connection stops when a PUBLISH of its that is logged meets a log
 * under pressure, and goes on when the pressure has gone. Those who publish most meet it most often.
 *
 *   pressure   0 ................... 0.75 .................... 0.9 .................. 1
 *              everybody is read from      who waits, waits on  PUBLISH stops its     append() refuses: 0x97
 *                                                               connection
 *
 * A sync that takes very long (core.isDiskStalled, watch-disk.ts) counts as full pressure, and so does a process that runs
 * short of memory (core.isMemoryTight, memory-ceiling.ts): then whoever publishes waits, at QoS 0 too.
 *
 * Invariants
 * - A connection waits LOOK_MS at most at a time: its acknowledgements may be what frees memory, and a client that is
 *   not heard at all takes us for dead. Then it is read from for MESSAGES_AFTER_WAIT more. While the disk is stalled that
 *   goes for those that have deliveries to acknowledge, and for one message; the others wait for the disk.
 * - Whom the log refuses is told so, and does not wait as well.
 * - Time in which we do not read counts against nobody's keep-alive.
 * - Nothing is read from within the log's own call: that happens in the next turn of the loop.
 */
import { type Client, ClientState } from "./client.ts"
import type { Core, Expirable } from "./core.ts"

/**
 * Shares of what storage.memory-buffer and storage.wal.max-pending allow: who wants it earlier or later changes these. The
 * distance between the two keeps publishers from being stopped and let go for each message.
 */
export const PRESSURE_STOP = 0.9
export const PRESSURE_GO = 0.75
/** How often those who wait are looked at when the log says nothing. */
const LOOK_MS = 100
/** Memory may stay short for long: a publisher is slow then, 320 messages per second, and does not stand still. */
export const MESSAGES_AFTER_WAIT = 32

/** The connections that are not read from, and whether somebody will look at them. */
export class Slowed {
  readonly clients = new Set<Client>()
  isWatched = false
  isLookDeferred = false
}

/** The client's PUBLISH was logged. Only from within receive(). */
export const slowDown = (core: Core, client: Client): void => {
  if (core.log.pressure < PRESSURE_STOP && !core.isDiskStalled && !core.isMemoryTight) return
  if (client.state !== ClientState.connected || client.connection.stopped) return
  if (client.publishesLeft > 0 && !core.isDiskStalled) {
    client.publishesLeft -= 1
    return
  }
  client.connection.stop()
  core.slowed.clients.add(client)
  watch(core)
}

/** The log has kept something: the pressure may be gone. */
export const lookAtSlowed = (core: Core): void => {
  const { slowed } = core
  if (slowed.clients.size === 0 || slowed.isLookDeferred || isPressed(core)) return
  slowed.isLookDeferred = true
  core.options.defer(() => {
    slowed.isLookDeferred = false
    core.tick()
    letGo(core, isPressed)
  })
}

const isPressed = (core: Core): boolean => core.log.pressure >= PRESSURE_GO || core.isDiskStalled || core.isMemoryTight

/** They waited their time. */
const mustWaitOn = (core: Core, client: Client): boolean =>
  core.isDiskStalled && (client.session?.window.inFlight ?? 0) === 0

/** Each may bring the pressure back, and itself into the line again. */
const letGo = (core: Core, mustWait: (core: Core, client: Client) => boolean): void => {
  for (const client of [...core.slowed.clients]) {
    if (client.state === ClientState.connected && mustWait(core, client)) continue
    core.slowed.clients.delete(client)
    client.publishesLeft = isPressed(core) ? MESSAGES_AFTER_WAIT - 1 : 0
    client.lastReceivedMs = core.loopMs // [MQTT-3.1.2-22]
    client.connection.go()
  }
}

const watch = (core: Core): void => {
  const { slowed } = core
  if (slowed.isWatched) return
  slowed.isWatched = true
  const watcher: Expirable = {
    onTimer() {
      letGo(core, mustWaitOn)
      slowed.isWatched = slowed.clients.size > 0
      if (slowed.isWatched) core.wheel.schedule(watcher, core.loopMs + LOOK_MS)
    }
  }
  core.wheel.schedule(watcher, core.loopMs + LOOK_MS)
}
