/**
 * A run: cycles of start, work, death. What must hold is in the books; here is only when the broker dies and how.
 *
 * - A life ends by a blow at a moment that is drawn: so many milliseconds after the process was started (which hits
 *   recovery), or 0 to 40 ms after the nth acknowledgement, subscription, message, will or audit of that life.
 * - Every tenth life or so ends by a tidy stop instead: exit code 0, and then packet identifiers are exact.
 * - Now and then, and at the end, nobody publishes any more until everything that is due has come.
 * - The blow is SIGKILL unless the caller brings another (a power cut).
 *
 * Faults end a run: what comes after the first ones would only be their consequences.
 */
import { Books, type EventKind } from "./books.ts"
import { BrokerProcess, type BrokerProgram } from "./broker-process.ts"
import { type Company, gather } from "./company.ts"
import { Dice } from "./dice.ts"
import type { Actor } from "./peer.ts"

export interface RunOptions {
  readonly program: BrokerProgram
  readonly cycles: number
  readonly seed: number
  /** Ends the process at once, by whatever means; resolves when the next one may be started. */
  readonly strike?: ((broker: BrokerProcess, books: Books) => Promise<void>) | undefined
  /** Further clients, who know the streams. */
  readonly more?: (books: Books, streams: Company["streams"], dice: () => Dice) => ReadonlyArray<Actor>
  readonly onCycle?: (cycle: number, books: Books) => void
  readonly isStopped?: () => boolean
}

export interface RunReport {
  readonly cycles: number
  readonly blows: number
  readonly tidyStops: number
  readonly books: Books
  /** Of the last life, when there were faults. */
  readonly output: ReadonlyArray<string>
}

const tidyShare = 0.1
const startBlowShare = 0.1
const startBlowMsMax = 600
const blowDelayMsMax = 40
const blowAtOnceShare = 0.3
const idleBlowMs = 250
const stuckMs = 15_000
const workedBy = 2
const drainEvery = 100
const drainLookMs = 20
const stopMsMax = 20_000

/** How late in a life each event may be the one that counts. */
const occasions: ReadonlyArray<readonly [EventKind, number]> = [
  ["connack", 20],
  ["puback", 200],
  ["puback", 20],
  ["pubrec", 100],
  ["pubcomp", 100],
  ["suback", 4],
  ["unsuback", 2],
  ["message", 400],
  ["will", 2],
  ["audit", 2]
]

export async function killRun(options: RunOptions): Promise<RunReport> {
  const run = new Run(options)
  await run.all()
  return run.report
}

class Run {
  readonly #options: RunOptions
  readonly #books = new Books()
  readonly #company: Company
  readonly #actors: ReadonlyArray<Actor>
  #dice: Dice
  #cycle = 0
  #blows = 0
  #tidyStops = 0
  #output: ReadonlyArray<string> = []

  constructor(options: RunOptions) {
    this.#options = options
    this.#dice = new Dice(options.seed)
    const dice = () => this.#dice
    this.#company = gather(this.#books, dice)
    this.#actors = [...this.#company.actors, ...(options.more?.(this.#books, this.#company.streams, dice) ?? [])]
  }

  get report(): RunReport {
    const [blows, tidyStops] = [this.#blows, this.#tidyStops]
    return { cycles: this.#cycle, blows, tidyStops, books: this.#books, output: this.#output }
  }

  async all(): Promise<void> {
    const { cycles, isStopped = () => false, onCycle, seed } = this.#options
    while (this.#cycle < cycles && this.#books.faults.length === 0 && !isStopped()) {
      this.#cycle++
      this.#dice = new Dice(seed, this.#cycle)
      await this.#life()
      if (this.#cycle % drainEvery === 0) await this.#drain()
      onCycle?.(this.#cycle, this.#books)
    }
    if (this.#books.faults.length === 0) await this.#drain()
  }

  async #life(): Promise<void> {
    const dice = this.#dice
    const isFirst = this.#cycle === 1
    const isTidy = !isFirst && dice.chance(tidyShare)
    const broker = new BrokerProcess(this.#options.program)
    const blow = new Blow(() => void this.#strike(broker))
    if (!isTidy && !isFirst && dice.chance(startBlowShare)) blow.after(dice.below(startBlowMsMax))
    else if (!isTidy && !isFirst) blow.arm(this.#books, dice)
    if (await this.#joinAll(broker, blow, false)) {
      if (isTidy) {
        await pause(dice.below(idleBlowMs))
        await this.#stop(broker)
      } else blow.after(isFirst ? 0 : idleBlowMs)
    }
    await this.#over(broker, blow, isTidy)
  }

  /** A life in which nothing new is published, until nothing is due. */
  async #drain(): Promise<void> {
    const broker = new BrokerProcess(this.#options.program)
    const blow = new Blow(() => void this.#strike(broker))
    if (await this.#joinAll(broker, blow, true)) {
      let seen = -1
      for (let quietMs = 0; quietMs < stuckMs && this.#due().length > 0; quietMs += drainLookMs) {
        await pause(drainLookMs)
        if (this.#books.events !== seen) quietMs = 0
        seen = this.#books.events
      }
      for (const due of this.#due()) this.#books.fault(due)
      await this.#stop(broker)
    }
    await this.#over(broker, blow, true)
  }

  #due(): ReadonlyArray<string> {
    return this.#actors.flatMap((actor) => actor.due() ?? [])
  }

  /** True when everybody is there, or was when the blow fell. False when it never listened. */
  async #joinAll(broker: BrokerProcess, blow: Blow, isLast: boolean): Promise<boolean> {
    const port = await broker.listening
    if (port === undefined) {
      if (!broker.isKilled) this.#books.fault(`cycle ${this.#cycle}: the broker did not start`)
      return false
    }
    const stuck = setTimeout(() => {
      this.#books.fault(`cycle ${this.#cycle}: some client waits for ever`)
      blow.now()
    }, stuckMs)
    await this.#company.audit.join(port, isLast)
    // In the first life one after the other, as listed: subscribers before what is published to them.
    if (this.#cycle === 1) for (const actor of this.#actors) await actor.join(port, isLast)
    else await Promise.all(this.#actors.map((actor) => actor.join(port, isLast)))
    clearTimeout(stuck)
    return true
  }

  async #stop(broker: BrokerProcess): Promise<void> {
    const stuck = setTimeout(() => {
      this.#books.fault(`cycle ${this.#cycle}: the broker does not stop`)
      broker.kill("SIGKILL")
    }, stopMsMax)
    await Promise.all(this.#actors.map((actor) => actor.settle()))
    broker.kill("SIGTERM")
    const { code } = await broker.ended
    clearTimeout(stuck)
    this.#tidyStops++
    if (code !== 0) this.#books.fault(`cycle ${this.#cycle}: a tidy stop ended with ${code}`)
  }

  async #strike(broker: BrokerProcess): Promise<void> {
    this.#blows++
    if (this.#options.strike === undefined) broker.kill("SIGKILL")
    else this.#struck = this.#options.strike(broker, this.#books)
  }
  #struck: Promise<void> = Promise.resolve()

  async #over(broker: BrokerProcess, blow: Blow, isTidy: boolean): Promise<void> {
    const { code, signal } = await broker.ended
    blow.disarm(this.#books)
    await this.#struck
    if (!isTidy && !broker.isKilled) this.#books.fault(`cycle ${this.#cycle}: it ended by itself, ${signal ?? code}`)
    await Promise.all([this.#company.audit, ...this.#actors].map((actor) => actor.ended))
    for (const actor of this.#actors) actor.lifeEnded(isTidy)
    // A run in which nobody got anywhere would find no fault.
    const isWork = (["audit", "suback", "message", "puback", "pubcomp"] as const).every(
      (kind) => this.#books.count(kind) > 0
    )
    if (this.#cycle > workedBy && !isWork) this.#books.fault("nothing was published and received, so nothing was shown")
    if (this.#books.faults.length > 0) this.#output = broker.output
  }
}

/** Falls once. */
class Blow {
  readonly #strike: () => void
  #timer: NodeJS.Timeout | undefined
  #isDone = false

  constructor(strike: () => void) {
    this.#strike = strike
  }

  arm(books: Books, dice: Dice): void {
    const [kind, countMax] = dice.pick(occasions)
    let left = dice.between(1, countMax)
    const delayMs = dice.chance(blowAtOnceShare) ? 0 : dice.below(blowDelayMsMax)
    books.onEvent = (happened) => {
      if (happened !== kind || --left !== 0) return
      if (delayMs === 0) this.now()
      else this.after(delayMs)
    }
  }

  after(delayMs: number): void {
    this.#timer ??= setTimeout(() => this.now(), delayMs)
  }

  now(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#strike()
  }

  disarm(books: Books): void {
    this.#isDone = true
    clearTimeout(this.#timer)
    books.onEvent = () => undefined
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
