/**
 * The `$SYS` topics, in Mosquitto's names: published to whoever subscribes, retained for whoever comes later.
 *
 * They are the broker's own: kept apart from other retained messages (store/sys-retained.ts), at QoS 0, in no log, and
 * under the rules of access like any topic. A value that has not changed is not published again.
 *
 * Two names mean a little else here, because messages are kept otherwise: store/messages counts the records of the message
 * log, whoever waits for them; clients/maximum counts connections.
 *
 * Elsewhere: when they are published (admin/operations.ts).
 */

import { buildPublish } from "../codec/build-publish.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { Counter } from "../metrics/counters.ts"
import { dropReasons } from "../metrics/drop-reasons.ts"
import { LoadAverage, loadMinutes } from "../metrics/load-averages.ts"
import type { SysRetained } from "../store/sys-retained.ts"
import type { Core } from "./core.ts"
import { deliver } from "./deliver.ts"

export interface SysOptions {
  readonly version: string
  readonly uptimeSeconds: () => number
  readonly heapUsedBytes: () => number
}

const ROOT = "$SYS/broker/"
const CELLS_PER_DIRECTION = 16
const noProperties = Buffer.alloc(0)

export class SysTopics {
  readonly #core: Core
  readonly #retained: SysRetained
  readonly #options: SysOptions
  readonly #view = new PublishView()
  readonly #averages = Object.fromEntries(Object.keys(loadOf).map((name) => [name, new LoadAverage()]))
  #steppedMs: number
  #heapMaxBytes = 0

  constructor(core: Core, retained: SysRetained, options: SysOptions) {
    this.#core = core
    this.#retained = retained
    this.#options = options
    this.#steppedMs = core.loopMs
  }

  /** Publishes what has changed. */
  publish(): void {
    const core = this.#core
    core.tick()
    const seconds = (core.loopMs - this.#steppedMs) / 1000
    this.#steppedMs = core.loopMs
    for (const [name, total] of Object.entries(loadOf)) {
      const average = this.#averages[name] as LoadAverage
      average.step(total(core), seconds)
      for (const [i, minutes] of loadMinutes.entries()) {
        this.#tell(`load/${name}/${minutes}min`, (average.loads[i] ?? 0).toFixed(2))
      }
    }
    for (const [name, value] of Object.entries(figureOf)) this.#tell(name, String(value(core)))
    for (const { id, name } of dropReasons) {
      const total = core.ledger.total(id)
      if (total > 0) this.#tell(`drops/${name}`, String(total))
    }
    const heapBytes = this.#options.heapUsedBytes()
    this.#heapMaxBytes = Math.max(this.#heapMaxBytes, heapBytes)
    this.#tell("heap/current", String(heapBytes))
    this.#tell("heap/maximum", String(this.#heapMaxBytes))
    this.#tell("uptime", `${Math.floor(this.#options.uptimeSeconds())} seconds`)
    this.#tell("version", `promptmq version ${this.#options.version}`)
  }

  #tell(name: string, value: string): void {
    const topic = ROOT + name
    const frame = buildPublish(4, topic, Buffer.from(value), 0, true, noProperties)
    const before = this.#retained.own.get(topic)
    if (before?.frame.equals(frame) === true) return
    const core = this.#core
    const stored = { topic, frame, isVersion5: false, publisher: 0, sequence: -1, storedAtMs: core.nowMs }
    this.#retained.own.set({ ...stored, expiresAtMs: Number.POSITIVE_INFINITY })
    viewTrusted(this.#view, frame, 0, frame.length, false)
    const entry = core.router.intern(this.#view.buffer, this.#view.topicStart, this.#view.topicEnd)
    if (entry.matched.length > 0) deliver(core, this.#view, entry, -1, 0, Number.POSITIVE_INFINITY, 1)
  }
}

const cell =
  (index: number) =>
  ({ count }: Core): number =>
    count[index] as number
const sum =
  (first: number, cells: number) =>
  ({ counters }: Core): number =>
    counters.sum(first, cells)
const packetsIn = sum(Counter.packetsIn, CELLS_PER_DIRECTION)
const packetsOut = sum(Counter.packetsOut, CELLS_PER_DIRECTION)
const messagesIn = sum(Counter.messagesIn, 3)
const messagesOut = sum(Counter.messagesOut, 3)
const dropped = ({ ledger }: Core): number => ledger.totals.reduce((total, each) => total + each, 0)
/** Sessions that no connection holds, and that one does. */
const connected = ({ sessions }: Core): number => {
  let total = 0
  for (const session of sessions.values()) if (session.connection !== undefined) total += 1
  return total
}
const disconnected = (core: Core): number => core.sessions.size - connected(core)
const records = ({ log }: Core): number => log.statistics().records

/** Totals since the start, of which averages are made. */
const loadOf: Readonly<Record<string, (core: Core) => number>> = {
  "messages/received": packetsIn,
  "messages/sent": packetsOut,
  "publish/dropped": dropped,
  "publish/received": messagesIn,
  "publish/sent": messagesOut,
  "bytes/received": cell(Counter.bytesIn),
  "bytes/sent": cell(Counter.bytesOut),
  sockets: sum(Counter.socketsOpened, Counter.connectionsAccepted - Counter.socketsOpened),
  connections: sum(Counter.connectionsAccepted, Counter.connectionsRefused - Counter.connectionsAccepted)
}

const figureOf: Readonly<Record<string, (core: Core) => number>> = {
  "clients/total": ({ sessions }) => sessions.size,
  "clients/maximum": ({ connectionsMax }) => connectionsMax,
  "clients/inactive": disconnected,
  "clients/disconnected": disconnected,
  "clients/active": connected,
  "clients/connected": connected,
  "clients/expired": cell(Counter.sessionsExpired),
  "messages/stored": records,
  "store/messages/count": records,
  "store/messages/bytes": ({ log }) => log.statistics().bytes,
  "subscriptions/count": ({ counters }) => counters.read("subscriptions"),
  "shared_subscriptions/count": ({ groups }) => groups.size,
  "retained messages/count": ({ retained }) => retained.count,
  "messages/received": packetsIn,
  "messages/sent": packetsOut,
  "publish/messages/dropped": dropped,
  "publish/messages/received": messagesIn,
  "publish/messages/sent": messagesOut,
  "publish/bytes/received": cell(Counter.payloadIn),
  "publish/bytes/sent": cell(Counter.payloadOut),
  "bytes/received": cell(Counter.bytesIn),
  "bytes/sent": cell(Counter.bytesOut)
}
