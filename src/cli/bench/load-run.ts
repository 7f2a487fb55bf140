/**
 * A load run from first connection to last: connect all, begin, cut the warm-up off, measure, wait for what is still on its
 * way, leave. The counts are in a Tally; what the window between two looks at it held is the result.
 *
 * Invariants
 * - Subscribers are ready before the first message is sent, so a message that does not come was lost.
 * - The run ends by its time, by its count, by a signal, or when a connection is lost; it always answers what was counted until then.
 */
import type { ConnectFailure } from "../client/connect.ts"
import type { ConnectionSettings } from "../client/connection-settings.ts"
import { streamOpener } from "../client/stream.ts"
import type { World } from "../world.ts"
import { LoadPublisher } from "./load-publisher.ts"
import { LoadSubscriber } from "./load-subscriber.ts"
import { Pace } from "./pace.ts"
import { connectBytes, PublishTemplates } from "./packets.ts"
import type { LoadPlan } from "./plan.ts"
import { Tally } from "./tally.ts"

/** Connections being opened at once: less than a usual listen backlog. */
const openingMax = 64
const tickMs = 1
const watchMs = 100
/** Nothing has come for this long: nothing will. */
const quietMs = 2000
const leaveLimitMs = 2000

export interface LoadResult {
  readonly clients: number
  readonly connectSeconds: number
  /** The measured window. */
  readonly seconds: number
  readonly publishedPerSecond: number
  readonly acknowledgedPerSecond: number
  readonly deliveredPerSecond: number
  readonly bytesInPerSecond: number
  readonly bytesOutPerSecond: number
  /** Share of one core this process used in the window. */
  readonly ownCpu: number
  /** Of the whole run, warm-up included. */
  readonly tally: Tally
  readonly expected: number
  readonly isInterrupted: boolean
}

/** For progress: called every `watchMs` with the counts so far. */
export type OnWatch = (
  tally: Tally,
  phase: "connecting" | "warming up" | "measuring" | "draining",
  clients: number
) => void

export class LoadRun {
  readonly #plan: LoadPlan
  readonly #settings: ConnectionSettings
  readonly #world: World
  readonly #onWatch: OnWatch
  readonly #tally = new Tally()
  readonly #pace: Pace
  readonly #publishers: Array<LoadPublisher> = []
  readonly #subscribers: Array<LoadSubscriber> = []
  #phase: Parameters<OnWatch>[1] = "connecting"
  #isStopped = false
  #wake: () => void = () => undefined
  #isWakeDue = false

  constructor(plan: LoadPlan, settings: ConnectionSettings, world: World, onWatch: OnWatch) {
    this.#plan = plan
    this.#settings = settings
    this.#world = world
    this.#onWatch = onWatch
    this.#pace = new Pace(plan, this.#tally, world.monotonicMs, world.wallClockMs)
  }

  /** Ends it early; the result is what was counted. */
  stop(): void {
    this.#isStopped = true
    this.#wake()
  }

  async run(): Promise<LoadResult | ConnectFailure> {
    const watch = setInterval(() => this.#watch(), watchMs)
    const ping = setInterval(() => this.#ping(), Math.max(1000, this.#settings.keepAliveSeconds * 500))
    try {
      const startedMs = this.#world.monotonicMs()
      const failure = await this.#connectAll()
      if (failure !== undefined) return failure
      return await this.#measure((this.#world.monotonicMs() - startedMs) / 1000)
    } finally {
      clearInterval(watch)
      clearInterval(ping)
      await this.#leave()
    }
  }

  async #connectAll(): Promise<ConnectFailure | undefined> {
    const { publishers, subscribers } = this.#plan
    const open = await streamOpener(this.#settings.target, this.#settings.protocolVersion)
    const templates = publishers === 0 ? undefined : new PublishTemplates(this.#plan, this.#settings)
    const prefix = this.#settings.clientId === "" ? `bench-${this.#world.processId}` : this.#settings.clientId
    const connect = (name: string) => connectBytes(this.#settings, `${prefix}-${name}`)
    const common = [this.#settings, this.#tally] as const
    const subscribe = (index: number) => {
      const own = [index, this.#plan, this.#pace, this.#onDelivered] as const
      const client = new LoadSubscriber(open(), connect(`s${index}`), ...common, ...own)
      this.#subscribers.push(client)
      return client.ready
    }
    const publish = (index: number) => {
      const own = [index, this.#plan, this.#pace, templates as PublishTemplates] as const
      const client = new LoadPublisher(open(), connect(`p${index}`), ...common, ...own)
      this.#publishers.push(client)
      return client.ready
    }
    return (await this.#each(subscribers, subscribe)) ?? (await this.#each(publishers, publish))
  }

  /** `work` for 0 .. count - 1, some of them under way at once, until one fails. */
  async #each(
    count: number,
    work: (index: number) => Promise<ConnectFailure | undefined>
  ): Promise<ConnectFailure | undefined> {
    let next = 0
    let failure: ConnectFailure | undefined
    const lane = async (): Promise<void> => {
      while (next < count && failure === undefined && !this.#isStopped) failure ??= await work(next++)
    }
    await Promise.all(Array.from({ length: Math.min(openingMax, count) }, lane))
    return failure
  }

  async #measure(connectSeconds: number): Promise<LoadResult> {
    const pacer = this.#plan.publishers === 0 ? undefined : setInterval(this.#tick, tickMs)
    this.#pace.open()
    if (this.#plan.warmupMs > 0) {
      this.#phase = "warming up"
      this.#tick()
      await this.#sleep(this.#plan.warmupMs)
    }
    const from = this.#look()
    this.#tally.measuredFromUs = this.#pace.nowUs()
    this.#phase = "measuring"
    this.#tick()
    await this.#sleep(this.#plan.measuredMs)
    const until = this.#look()
    this.#tally.measuredUntilUs = this.#pace.nowUs()
    this.#pace.close()
    const isInterrupted = this.#isStopped
    this.#phase = "draining"
    await this.#settle()
    clearInterval(pacer)
    const seconds = Math.max((until.ms - from.ms) / 1000, 0.001)
    return {
      clients: this.#publishers.length + this.#subscribers.length,
      connectSeconds,
      seconds,
      publishedPerSecond: (until.published - from.published) / seconds,
      acknowledgedPerSecond: (until.acknowledged - from.acknowledged) / seconds,
      deliveredPerSecond: (until.delivered - from.delivered) / seconds,
      bytesInPerSecond: (until.bytesIn - from.bytesIn) / seconds,
      bytesOutPerSecond: (until.bytesOut - from.bytesOut) / seconds,
      ownCpu: (until.cpuMs - from.cpuMs) / 1000 / seconds,
      tally: this.#tally,
      expected: this.#tally.published * this.#plan.fan,
      isInterrupted
    }
  }

  /** Until everything is acknowledged and delivered, or nothing has come for a while. */
  async #settle(): Promise<void> {
    let seen = -1
    let quietFromMs = this.#world.monotonicMs()
    while (!this.#isSettled() && this.#tally.lostConnections === 0) {
      const { acknowledged, delivered } = this.#tally
      if (acknowledged + delivered !== seen) quietFromMs = this.#world.monotonicMs()
      seen = acknowledged + delivered
      if (this.#world.monotonicMs() - quietFromMs > quietMs) return
      await new Promise((resolve) => setTimeout(resolve, tickMs))
    }
  }

  #isSettled(): boolean {
    const { delivered, published } = this.#tally
    return delivered >= published * this.#plan.fan && this.#publishers.every(({ isIdle }) => isIdle)
  }

  #look() {
    const { published, acknowledged, delivered } = this.#tally
    const { system, user } = process.cpuUsage()
    let [bytesIn, bytesOut] = [0, 0]
    for (const client of [...this.#publishers, ...this.#subscribers]) {
      bytesIn += client.wireBytes.in
      bytesOut += client.wireBytes.out
    }
    const ms = this.#world.monotonicMs()
    return { ms, published, acknowledged, delivered, bytesIn, bytesOut, cpuMs: (system + user) / 1000 }
  }

  readonly #tick = (): void => {
    this.#pace.tick()
    if (this.#pace.isCountReached) this.#wake()
    if (this.#pace.isWindowFull && !this.#pace.hasRoomAgain()) return
    for (const publisher of this.#publishers) publisher.pump()
  }

  /** A full window may have room now: publishers go on after this turn of the loop. */
  readonly #onDelivered = (): void => {
    if (!this.#pace.isWindowFull || this.#isWakeDue) return
    this.#isWakeDue = true
    setImmediate(this.#onWake)
  }

  readonly #onWake = (): void => {
    this.#isWakeDue = false
    if (this.#pace.isOpen) this.#tick()
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopped) return resolve()
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #watch(): void {
    const clients = this.#publishers.length + this.#subscribers.length
    this.#onWatch(this.#tally, this.#phase, clients)
    // What is left would measure something else.
    if (this.#tally.lostConnections > 0) this.#wake()
  }

  #ping(): void {
    if (this.#settings.keepAliveSeconds === 0) return
    for (const client of [...this.#publishers, ...this.#subscribers]) client.ping()
  }

  async #leave(): Promise<void> {
    const clients = [...this.#publishers, ...this.#subscribers]
    for (const client of clients) client.leave()
    const untilMs = this.#world.monotonicMs() + leaveLimitMs
    while (clients.some(({ isClosed }) => !isClosed) && this.#world.monotonicMs() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, tickMs))
    }
    for (const client of clients) if (!client.isClosed) client.cut()
  }
}
