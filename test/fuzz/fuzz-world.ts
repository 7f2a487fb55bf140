/**
 * A broker for hostile clients: the real verbs over connections, clock and task queue that a seed moves.
 *
 * Like test/broker/world.ts, with what that one leaves out because its clients are honest: access that has to be asked
 * and an authentication method (so that a connection stops and goes on), transports that obey pause, small limits for
 * everything, and a network end that reads any bytes without trusting them.
 *
 * Nothing is caught here: an exception of the broker is the test's failure.
 */
import * as Effect from "effect/Effect"
import { type AccessDecisions, ConnectRefused, type EnhancedMethod, Verdict } from "../../src/access/access.ts"
import { TimerWheel } from "../../src/base/wheel.ts"
import { installPump } from "../../src/broker/catch-up.ts"
import type { Client } from "../../src/broker/client.ts"
import { Core, type Expirable } from "../../src/broker/core.ts"
import { describeCore } from "../../src/broker/gauges.ts"
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
import { DropLedger } from "../../src/metrics/drop-ledger.ts"
import { makeTreeRouter } from "../../src/router/tree-router.ts"
import type { Session } from "../../src/session/session.ts"
import { shareStrategies } from "../../src/session/share-strategy.ts"
import { defaultSettings } from "../../src/settings/settings.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { makeMemoryRetained } from "../../src/store/memory-retained.ts"
import { memorySessions } from "../../src/store/memory-sessions.ts"
import type { Random } from "../fault/random.ts"
import { LateLog } from "../support/late-log.ts"

export const SESSION_EXPIRY_SECONDS_MAX = 60
const START_MS = 100_000
const UNSHOWN_MAX = 30
const pool = new SlabPool()

export class FuzzWorld {
  readonly core: Core
  readonly #late: LateLog | undefined
  nowMs = START_MS
  readonly #tasks: Array<() => void> = []
  readonly #turn = new FlushTurn((run) => this.later(run))
  readonly #outboxBytesMax: number
  readonly #takenBefore = pool.takenSlabs
  #named = 0

  /** `settled`: nothing by chance: these limits, everybody may everything, room enough. */
  constructor(random: Random, settled?: Limits) {
    const late = settled === undefined && random.chance(0.5)
    this.#outboxBytesMax = settled === undefined ? random.pick([200, 4096, 65_536]) : 65_536
    const memoryLog = new MemoryLog({
      limitBytes: settled === undefined ? random.pick(late ? [4_000_000] : [20_000, 65_536, 1_000_000]) : 4_000_000
    })
    this.#late = late ? new LateLog(memoryLog, (step) => this.later(step)) : undefined
    const counters = new Counters()
    this.core = new Core({
      limits: settled ?? limitsFrom(random),
      codec: ownCodec,
      router: makeTreeRouter<Session>({ cachedEntriesMax: random.pick([4, 1024]) }),
      log: this.#late ?? memoryLog,
      sessionStore: memorySessions,
      retained: makeMemoryRetained({ maxMessages: random.pick([3, 1000]), maxBytes: 100_000, visitsMax: 8 }),
      access: accessFrom(random, settled !== undefined),
      ledger: new DropLedger({ rowsMax: 100 }),
      counters,
      wheel: new TimerWheel<Expirable>(100, 64),
      clock: { loopMs: () => this.nowMs, wallOffsetMs: () => 1_700_000_000_000 },
      run: (effect) => this.later(() => Effect.runSync(effect)),
      defer: (callback) => this.later(callback),
      random: () => random.next(),
      randomText: () => `assigned-${this.#named++}`,
      report: () => undefined
    })
    installPump(this.core)
    followLog(this.core)
    describeCore(this.core)
  }

  /** Slabs that some outbox or transport holds. */
  get takenSlabs(): number {
    return pool.takenSlabs - this.#takenBefore
  }

  later(task: () => void): void {
    this.#tasks.push(task)
  }

  /** At most `count` tasks; without a count until nothing is left to do, which must come. */
  run(count: number = Number.POSITIVE_INFINITY): void {
    for (let done = 0; done < count; done++) {
      const task = this.#tasks.shift()
      if (task === undefined) return
      if (done > 200_000) throw new Error("the broker never comes to rest")
      task()
    }
  }

  /** A log overtakes nothing that it has not shown (store/ports.ts): the late one has to show before it is full. */
  keepUp(): void {
    if (this.#late !== undefined && this.#late.unshown > UNSHOWN_MAX) this.#late.showTail()
  }

  advance(ms: number): void {
    this.nowMs += ms
    this.core.tick()
    this.core.wheel.advance(this.core.loopMs, (due) => due.onTimer())
  }

  /** As accept() in broker.ts. */
  connect(onFrame: (frame: Buffer) => void): FuzzPeer {
    const { core } = this
    core.tick()
    const peer = new FuzzPeer(this, onFrame)
    const outbox = new Outbox(peer, pool, this.#turn, this.#outboxBytesMax)
    const client: Client = core.addClient(
      new Connection(peer, outbox, (buffer, start, end) => {
        const length = core.codec.frameLength(buffer, start, end, frameSizeMax(core, client))
        return typeof length === "number" ? length : -1
      })
    )
    client.connection.receiver = new Receiver(core, client)
    outbox.onDrained = () => queuePump(core, client)
    peer.client = client
    watchConnect(core, client)
    return peer
  }
}

const limitsFrom = (random: Random): Limits => ({
  ...limitsOf(defaultSettings),
  packetSizeBytesMax: random.pick([2200, 2200, 100_000]),
  keepAliveSeconds: 60_000,
  keepAliveSecondsMax: random.pick([65_000, 65_535]),
  connectPacketSizeBytesMax: 600,
  clientIdentifierLengthMax: 50,
  topicLengthBytesMax: 200,
  topicLevelsMax: 20,
  qosMax: random.chance(0.1) ? 1 : 2,
  inFlightMax: random.pick([1, 3, 100]),
  receiveMaximum: random.pick([2, 10, 65_535]),
  topicAliasMaximum: random.pick([0, 3]),
  connectionsMax: random.pick([8, 100]),
  sessionsMax: random.pick([5, 100, 100]),
  sessionExpirySecondsMax: SESSION_EXPIRY_SECONDS_MAX,
  subscriptionsPerClientMax: random.pick([3, 100]),
  filtersPerPacketMax: 10,
  retainAvailable: !random.chance(0.1),
  wildcardAvailable: !random.chance(0.05),
  sharedAvailable: !random.chance(0.05),
  sharedStrategy: random.pick(shareStrategies),
  sharedKeyProperty: random.pick(["", "key"]),
  responseInformation: random.pick(["", "answers/"])
})

/** Everybody may in, or everybody is asked: topics with a "c" need an Effect, those with a "dup" are forbidden. */
const accessFrom = (random: Random, isOpen: boolean): AccessDecisions => {
  const allowsEverything = isOpen || random.chance(0.5)
  const verdict = (_identity: unknown, text: string) => {
    if (allowsEverything) return Verdict.allow
    return text.includes("dup") ? Verdict.deny : text.includes("c") ? Verdict.ask : Verdict.allow
  }
  const decide = (_identity: unknown, text: string) =>
    text.includes("b") ? Effect.succeed(false) : text.includes("$") ? Effect.die("a broken rule") : Effect.succeed(true)
  return {
    generation: 0,
    allowsEverything,
    admitsEverybody: allowsEverything,
    methods: new Map([["w", method]]),
    authenticate: ({ clientIdentifier, username }) =>
      username === undefined || random.chance(0.5)
        ? Effect.succeed({ clientIdentifier, username })
        : Effect.fail(new ConnectRefused({ reasonCode: 0x86, why: "a wrong password" })),
    publishVerdict: verdict,
    decidePublish: decide,
    subscribeVerdict: verdict,
    decideSubscribe: decide,
    readVerdict: (_identity, text) => (text.includes("dup") ? Verdict.deny : Verdict.allow)
  }
}

/** One question, then in, whatever the answer was; no data at all is a refusal. */
const method: EnhancedMethod = {
  name: "w",
  begin: ({ clientIdentifier, username }, begun) =>
    begun === undefined
      ? Effect.fail(new ConnectRefused({ reasonCode: 0x87, why: "no data" }))
      : Effect.succeed({
          data: Buffer.from("?"),
          next: () => Effect.succeed({ identity: { clientIdentifier, username } })
        })
}

/** A client's end and the network in between. Bytes may be anything; whole frames from the server are passed on. */
export class FuzzPeer implements Transport {
  readonly kind = "memory"
  readonly listener = "fuzz"
  readonly peer = "fuzz:1"
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined
  client: Client | undefined = undefined
  unsentBytes = 0
  closed = false
  readonly #world: FuzzWorld
  readonly #onFrame: (frame: Buffer) => void
  readonly #writes: Array<{ readonly bytes: Buffer; readonly done: () => void }> = []
  readonly #unread: Array<Buffer> = []
  #rest: Buffer = Buffer.alloc(0)
  #paused = false
  #stalled = false
  #ending = false

  constructor(world: FuzzWorld, onFrame: (frame: Buffer) => void) {
    this.#world = world
    this.#onFrame = onFrame
  }

  send(chunk: Buffer): void {
    if (this.closed || this.#ending) return
    // What waits to be read comes first, also while resume() has not come to it.
    if (this.#paused || this.#unread.length > 0) this.#unread.push(chunk)
    else this.onData(chunk)
  }

  stall(stalled: boolean): void {
    this.#stalled = stalled
    if (!stalled) this.#takeLater()
  }

  /** The network breaks; an end that came while the broker paused is still told at once. */
  cut(): void {
    if (this.closed) return
    this.closed = true
    this.unsentBytes = 0
    for (const { done } of this.#writes.splice(0)) done()
    this.onClose(undefined)
  }

  write(buffer: Buffer, done: () => void): void {
    if (this.closed) {
      this.#world.later(done)
      return
    }
    this.#writes.push({ bytes: Buffer.from(buffer), done })
    this.unsentBytes += buffer.length
    this.#takeLater()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#world.later(() => {
      while (!this.#paused && !this.closed && !this.#ending && this.#unread.length > 0)
        this.onData(this.#unread.shift() as Buffer)
    })
  }

  end(): void {
    this.#ending = true
    this.#world.later(() => {
      if (!this.#stalled) this.#take()
      this.cut()
    })
  }

  destroy(): void {
    this.#ending = true
    this.#world.later(() => this.cut())
  }

  #takeLater(): void {
    this.#world.later(() => {
      if (!this.#stalled) this.#take()
    })
  }

  #take(): void {
    for (const { bytes, done } of this.#writes.splice(0)) {
      this.unsentBytes = Math.max(0, this.unsentBytes - bytes.length)
      this.#rest = Buffer.concat([this.#rest, bytes])
      done()
    }
    this.#frames()
  }

  #frames(): void {
    for (;;) {
      let length = 0
      let at = 1
      let byte = 128
      while (byte >= 128) {
        if (at >= this.#rest.length) return
        byte = this.#rest[at] as number
        length += (byte & 127) * 128 ** (at - 1)
        at += 1
      }
      if (at + length > this.#rest.length) return
      const frame = this.#rest.subarray(0, at + length)
      this.#rest = this.#rest.subarray(at + length)
      this.#onFrame(frame)
    }
  }
}
