/**
 * The broker as a service: one Core for the life of a scope, its timers, its doors for connections, its end.
 *
 * Invariants
 * - A connection that was accepted belongs to the broker's scope: the scope's end drains it.
 * - Draining, in this order: no new CONNECT is accepted, 5.0 clients are told 0x8B, everything queued is
 *   flushed, at most `server.shutdown-timeout`; then what is left is cut.
 * - The listeners depend on this layer, so they have stopped accepting before draining begins.
 */
import { randomBytes } from "node:crypto"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { Access } from "../access/access.ts"
import { TimerWheel } from "../base/wheel.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { Connection } from "../listener/connection.ts"
import { FlushTurn, type TurnWatcher } from "../listener/flush-turn.ts"
import { Outbox } from "../listener/outbox.ts"
import { SlabPool } from "../listener/slab-pool.ts"
import type { Transport } from "../listener/transport.ts"
import { Counter, listenerIndex } from "../metrics/counters.ts"
import { TopicSeries } from "../metrics/topic-series.ts"
import { matches } from "../router/topic-filter.ts"
import type { Settings } from "../settings/settings.ts"
import { SysRetained } from "../store/sys-retained.ts"
import { installPump } from "./catch-up.ts"
import { type Client, ClientState } from "./client.ts"
import { Core, type Expirable } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { describeCore } from "./gauges.ts"
import { watchConnect } from "./keep-alive.ts"
import { limitsOf } from "./limits.ts"
import { queuePump } from "./pump-queue.ts"
import { watchQueues } from "./queue-caps.ts"
import { frameSizeMax, Receiver } from "./receive.ts"
import { restore } from "./restore.ts"
import { keepCursors } from "./save-cursors.ts"
import {
  BrokerClock,
  BrokerSettings,
  CodecPort,
  CountersPort,
  EventLog,
  Ledger,
  MessageLogPort,
  RetainedPort,
  RouterPort,
  SessionStorePort
} from "./services.ts"
import { supervise } from "./supervise.ts"
import { followLog } from "./tail.ts"
import { settleThrottles } from "./throttle.ts"

/** Precision of every deadline; keep-alive must end within a second of its time. */
const TICK_MS = 100
const WHEEL_SLOTS = 1024
const DRAIN_LOOK_MS = 10

export interface BrokerShape {
  readonly core: Core
  /** Takes over a connection that a listener accepted. */
  readonly accept: (transport: Transport) => void
  /** Makes changed run-time settings the ones in force. */
  readonly apply: (settings: Settings) => void
}

export class Broker extends Context.Service<Broker, BrokerShape>()("promptmq/broker/Broker") {
  static readonly layer = Layer.effect(
    Broker,
    Effect.gen(function* () {
      const settings = yield* BrokerSettings
      const core = yield* makeCore
      installPump(core)
      followLog(core)
      describeCore(core)
      watchQueues(core)
      yield* restore(core)
      yield* keepCursors(core)
      yield* supervise("the timer wheel", turnWheel(core))
      yield* Effect.addFinalizer(() => drain(core, settings.current.server.shutdownTimeoutMs))
      const pool = new SlabPool()
      const turn = new FlushTurn(setImmediate)
      turn.watcher = turnWatcher(core)
      return {
        core,
        accept: (transport) => accept(core, transport, pool, turn, settings.current),
        apply: (next) => {
          settings.current = next
          core.limits = limitsOf(next)
          core.tick()
          for (const client of core.clients) if (client?.session !== undefined) settleThrottles(core, client)
        }
      }
    })
  )
}

const makeCore = Effect.gen(function* () {
  const { current } = yield* BrokerSettings
  const log = yield* EventLog
  const counters = yield* CountersPort
  const run = yield* FiberSet.makeRuntime<never>()
  const core: Core = new Core({
    limits: limitsOf(current),
    codec: yield* CodecPort,
    router: yield* RouterPort,
    log: yield* MessageLogPort,
    sessionStore: yield* SessionStorePort,
    retained: new SysRetained(yield* RetainedPort),
    access: yield* Access,
    ledger: yield* Ledger,
    counters,
    meter: current.metrics.enabled ? counters.meter : undefined,
    topicSeries: topicSeriesOf(current),
    clock: yield* BrokerClock,
    wheel: new TimerWheel<Expirable>(TICK_MS, WHEEL_SLOTS),
    run: (effect) => void run(crashOnDefect(effect)),
    defer: (callback) => void setImmediate(callback),
    random: Math.random,
    randomText: () => `auto-${randomBytes(12).toString("hex")}`,
    report: (event) => {
      for (const watch of core.eventWatchers) watch(event)
      if (!log.isEnabled(event.level)) return
      const { level, what, ...fields } = event
      log.write(level, what, fields)
    },
    isReported: (level) => log.isEnabled(level)
  })
  return core
})

/** Undefined where no topic is to be counted by itself. */
const topicSeriesOf = ({ metrics }: Settings): TopicSeries | undefined =>
  metrics.enabled && metrics.topics.length > 0
    ? new TopicSeries(metrics.maxTopicSeries, (topic) => metrics.topics.some((filter) => matches(filter, topic)))
    : undefined

/** Deliveries are timed by turn, and few turns: a look at the clock costs more than a message. */
const turnWatcher = (core: Core): TurnWatcher | undefined => {
  const { meter } = core
  if (meter === undefined) return undefined
  return {
    turnBegan: () => {
      meter.turnMs = core.loopMs
    },
    turnEnded: () => {
      if (meter.turnDone()) meter.turnLooked(core.options.clock.loopMs())
    }
  }
}

/** A broken invariant ends the process, in a fiber as on the publish path: a forked fiber would keep it to itself. */
const crashOnDefect = (effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(effect, (cause) =>
    Effect.sync(() => {
      if (Cause.hasInterruptsOnly(cause)) return
      setImmediate(() => {
        throw Cause.squash(cause)
      })
    })
  )

const turnWheel = (core: Core) =>
  Effect.sync(() => {
    core.tick()
    core.wheel.advance(core.loopMs, (due) => due.onTimer())
  }).pipe(Effect.repeat(Schedule.spaced(TICK_MS)))

const accept = (core: Core, transport: Transport, pool: SlabPool, turn: FlushTurn, settings: Settings): void => {
  core.tick()
  const opened = Counter.socketsOpened + listenerIndex(transport.listener)
  core.count[opened] = (core.count[opened] as number) + 1
  const outbox = new Outbox(transport, pool, turn, settings.server.maxOutgoingBytes, settings.server.writeBufferBytes)
  const client: Client = core.addClient(
    new Connection(transport, outbox, (buffer, start, end) => {
      const length = core.codec.frameLength(buffer, start, end, frameSizeMax(core, client))
      return typeof length === "number" ? length : -1
    })
  )
  const { connection } = client
  // A WebSocket gathers whole messages before anybody sees a length: until CONNECT it may gather no more than one.
  transport.limitIncoming?.(core.limits.connectPacketSizeBytesMax, core.fairness.held)
  connection.countHeld(core.fairness.held)
  connection.receiver = new Receiver(core, client)
  outbox.onDrained = () => queuePump(core, client)
  watchConnect(core, client)
}

/** Tells everybody, flushes, waits until all are gone or the time is up. */
const drain = (core: Core, timeoutMs: number) =>
  Effect.gen(function* () {
    core.draining = true
    core.tick()
    const leaving = core.clients.filter((client) => client !== undefined)
    const { serverReference } = core.limits
    const code = serverReference === "" ? ReasonCode.serverShuttingDown : ReasonCode.useAnotherServer
    const properties = serverReference === "" ? {} : { serverReference }
    for (const client of leaving) {
      closeClient(core, client, "server", code, "the broker is shutting down", properties)
    }
    const flushed = () => leaving.every(({ connection }) => connection.closed)
    yield* Effect.sleep(DRAIN_LOOK_MS).pipe(Effect.repeat({ until: () => flushed() }), Effect.timeoutOption(timeoutMs))
    for (const { connection, state } of leaving) if (state === ClientState.closed) connection.destroy()
  })
