/**
 * A broker without Effect, without sockets and without time: a Core as broker.ts makes it, and transports,
 * a clock and a task queue that do what the test says, when the test says it.
 *
 *   peer.send(bytes)   the server reads them now
 *   world.run(n)       the next n tasks: turns of the loop, writes taken by the network
 *   world.advance(ms)  time passes, the timer wheel turns
 */

import * as Effect from "effect/Effect"
import type { AccessDecisions } from "../../src/access/access.ts"
import { TimerWheel } from "../../src/base/wheel.ts"
import { installPump } from "../../src/broker/catch-up.ts"
import type { Client } from "../../src/broker/client.ts"
import { Core, type Expirable } from "../../src/broker/core.ts"
import { watchConnect } from "../../src/broker/keep-alive.ts"
import { type Limits, limitsOf } from "../../src/broker/limits.ts"
import { queuePump } from "../../src/broker/pump-queue.ts"
import { frameSizeMax, Receiver } from "../../src/broker/receive.ts"
import { followLog } from "../../src/broker/tail.ts"
import { ownCodec } from "../../src/codec/own.ts"
import { Connection } from "../../src/listener/connection.ts"
import { FlushTurn } from "../../src/listener/flush-turn.ts"
import { Outbox } from "../../src/listener/outbox.ts"
import { SlabPool } from "../../src/listener/slab-pool.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { Counters } from "../../src/metrics/counters.ts"
import { DropLedger, type DropRow } from "../../src/metrics/drop-ledger.ts"
import { makeTreeRouter } from "../../src/router/tree-router.ts"
import type { Session } from "../../src/session/session.ts"
import { defaultSettings } from "../../src/settings/settings.ts"
import { LogReader, type ReaderLimits } from "../../src/store/log-reader.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { makeMemoryRetained } from "../../src/store/memory-retained.ts"
import { memorySessions } from "../../src/store/memory-sessions.ts"
import type { MessageLog, SessionStore } from "../../src/store/ports.ts"
import { PacketReader, type Received } from "./client-packets.ts"

const WALL_OFFSET_MS = 1_700_000_000_000
/** In time with the wheel's ticks, and never 0. */
const START_MS = 100_000
const OUTBOX_BYTES_MAX = 65_536

export interface WorldOptions {
  readonly log?: MessageLog
  readonly sessionStore?: SessionStore
  readonly limits?: Partial<Limits>
  /** Unsent bytes towards one client from which on it is congested. */
  readonly outboxBytesMax?: number
  /** Small limits make readers switch between their two ways of reading after a few messages. */
  readonly readerLimits?: ReaderLimits
  /** Nobody is asked who it is: `admitsEverybody`. */
  readonly access?: AccessDecisions
  readonly cachedEntriesMax?: number
}

export class World {
  readonly core: Core
  readonly log: MessageLog
  nowMs = START_MS
  readonly #tasks: Array<() => void> = []
  #taskAt = 0
  readonly #pool = sharedPool
  readonly #turn = new FlushTurn((run) => this.later(run))
  readonly #outboxBytesMax: number
  readonly #readerLimits: ReaderLimits | undefined

  constructor(options: WorldOptions = {}) {
    this.log = options.log ?? new MemoryLog({ limitBytes: 4_194_304 })
    this.#outboxBytesMax = options.outboxBytesMax ?? OUTBOX_BYTES_MAX
    this.#readerLimits = options.readerLimits
    this.core = new Core({
      limits: { ...limitsOf(defaultSettings), keepAliveSeconds: 0, writeTimeoutMs: 0, ...options.limits },
      codec: ownCodec,
      router: makeTreeRouter<Session>({ cachedEntriesMax: options.cachedEntriesMax ?? 1024 }),
      log: this.log,
      sessionStore: options.sessionStore ?? memorySessions,
      retained: makeMemoryRetained({ maxMessages: 1_000_000, maxBytes: 1_073_741_824, visitsMax: 4096 }),
      access: options.access ?? allowAll,
      ledger: new DropLedger({ rowsMax: 10_000 }),
      counters: new Counters(),
      wheel: new TimerWheel<Expirable>(100, 64),
      clock: { loopMs: () => this.nowMs, wallOffsetMs: () => WALL_OFFSET_MS },
      run: () => {
        throw new Error("nothing here needs an Effect")
      },
      defer: (callback) => this.later(callback),
      random: () => 0,
      randomText: () => "assigned",
      report: () => undefined
    })
    installPump(this.core)
    followLog(this.core)
  }

  get wallMs(): number {
    return this.nowMs + WALL_OFFSET_MS
  }

  later(task: () => void): void {
    this.#tasks.push(task)
  }

  /** Runs at most `count` tasks; without a count until nothing is left to do. */
  run(count: number = Number.POSITIVE_INFINITY): void {
    for (let done = 0; done < count && this.#taskAt < this.#tasks.length; done++) {
      const task = this.#tasks[this.#taskAt] as () => void
      this.#taskAt += 1
      if (this.#taskAt === this.#tasks.length) {
        this.#tasks.length = 0
        this.#taskAt = 0
      }
      task()
    }
  }

  advance(ms: number): void {
    this.nowMs += ms
    this.core.tick()
    this.core.wheel.advance(this.core.loopMs, (due) => due.onTimer())
  }

  /** A connection that was accepted; as accept() in broker.ts. */
  connect(onPacket: (packet: Received) => void, version: 4 | 5 = 5): Peer {
    const { core } = this
    core.tick()
    const peer = new Peer(this, onPacket, version)
    const outbox = new Outbox(peer, this.#pool, this.#turn, this.#outboxBytesMax)
    const client: Client = core.addClient(
      new Connection(peer, outbox, (buffer, start, end) => {
        const length = core.codec.frameLength(buffer, start, end, frameSizeMax(core, client))
        return typeof length === "number" ? length : -1
      })
    )
    client.connection.receiver = new Receiver(core, client)
    if (this.#readerLimits !== undefined) client.reader = new LogReader(core.log, core.bitmaps, this.#readerLimits)
    outbox.onDrained = () => queuePump(core, client)
    peer.client = client
    watchConnect(core, client)
    return peer
  }

  /** Rows of the drop ledger for one client, by reason. */
  dropped(clientIdentifier: string, reason?: number): number {
    return this.rows(clientIdentifier, reason).reduce((sum, { count }) => sum + count, 0)
  }

  rows(clientIdentifier: string, reason?: number): ReadonlyArray<DropRow> {
    const own = this.core.ledger.rows().filter((row) => row.clientIdentifier === clientIdentifier)
    return reason === undefined ? own : own.filter((row) => row.reason === reason)
  }
}

const sharedPool = new SlabPool()
const allowAll = {
  generation: 0,
  allowsEverything: true,
  admitsEverybody: true,
  methods: new Map(),
  authenticate: () => Effect.die("never asked"),
  publishVerdict: () => 1,
  readVerdict: () => 1,
  decidePublish: () => Effect.succeed(true),
  subscribeVerdict: () => 1,
  decideSubscribe: () => Effect.succeed(true)
}

/** A client's end of a connection, and the network in between. */
export class Peer implements Transport {
  readonly kind = "memory"
  readonly listener = "test"
  readonly peer = "test:1"
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined
  client: Client | undefined = undefined
  unsentBytes = 0
  closed = false
  readonly #world: World
  readonly #onPacket: (packet: Received) => void
  readonly #reader: PacketReader
  #writes: Array<{ readonly buffer: Buffer; readonly done: () => void }> = []
  #stalled = false
  #prompt = true
  #taking = false
  #deaf = false

  constructor(world: World, onPacket: (packet: Received) => void, version: 4 | 5) {
    this.#world = world
    this.#onPacket = onPacket
    this.#reader = new PacketReader(version)
  }

  get stalled(): boolean {
    return this.#stalled
  }

  /** It has always taken at once what it was sent. */
  get prompt(): boolean {
    return this.#prompt
  }

  send(...packets: ReadonlyArray<Buffer>): void {
    if (!this.closed) this.onData(Buffer.concat(packets))
  }

  /** Takes nothing any more, as a process that was stopped. */
  stall(): void {
    this.#stalled = true
    this.#prompt = false
  }

  unstall(): void {
    this.#stalled = false
    this.#takeLater()
  }

  /** The client hears nothing from here on, whatever is still under way. */
  forget(): void {
    this.#deaf = true
  }

  /** The network breaks: what was not taken is gone. */
  cut(): void {
    if (this.closed) return
    this.#close()
  }

  write(buffer: Buffer, done: () => void): void {
    if (this.closed) {
      this.#world.later(done)
      return
    }
    this.#writes.push({ buffer, done })
    this.unsentBytes += buffer.length
    this.#takeLater()
  }

  end(): void {
    this.#world.later(() => {
      if (!this.#stalled) this.#take()
      this.#close()
    })
  }

  destroy(): void {
    this.#world.later(() => this.#close())
  }

  pause(): void {}
  resume(): void {}

  #takeLater(): void {
    if (this.#taking || this.#stalled) return
    this.#taking = true
    this.#world.later(() => {
      this.#taking = false
      if (!this.#stalled) this.#take()
    })
  }

  #take(): void {
    const writes = this.#writes
    this.#writes = []
    for (const { buffer, done } of writes) {
      this.unsentBytes -= buffer.length
      if (!this.closed && !this.#deaf)
        for (const packet of this.#reader.push(Buffer.from(buffer))) this.#onPacket(packet)
      done()
    }
  }

  #close(): void {
    if (this.closed) return
    this.closed = true
    for (const { done } of this.#writes.splice(0)) done()
    this.unsentBytes = 0
    this.onClose(undefined)
  }
}
