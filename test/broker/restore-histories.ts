/**
 * Random histories over the real verbs, with crashes: the broker is thrown away and built again from the records that
 * were kept, and perhaps some more. restore-model.ts says what clients must find then, restore-client.ts is a client
 * that keeps its half of the session through every crash.
 *
 *   P   publishes, and its session outlives everything      A B   subscribe, and share "$share/g/s/+" at QoS 2
 *   C   comes and goes: clean starts, short expiry, wills    O     observes wills at QoS 2
 */
import * as Effect from "effect/Effect"
import { closeClient } from "../../src/broker/disconnect.ts"
import { livenessRoots } from "../../src/broker/liveness.ts"
import { restore } from "../../src/broker/restore.ts"
import { flushCursors } from "../../src/broker/save-cursors.ts"
import type { ReaderLimits } from "../../src/store/log-reader.ts"
import { CrashStore, type Engine } from "../support/crash-store.ts"
import { check } from "./oracle.ts"
import { Actor } from "./restore-client.ts"
import type { Life, Options } from "./restore-model.ts"
import type { SharedMessage, Stage, Tally } from "./restore-stage.ts"
import { World } from "./world.ts"

export type Step = readonly [verb: number, a: number, b: number, c: number, d: number]

export interface Scenario {
  readonly engine: Engine
  readonly readers: ReaderLimits | undefined
}

const topics = ["a", "a/b", "a/c", "s/1", "s/2", "r/1", "r/2", "r/3"]
const filters = ["a/b", "a/+", "a/#", "+/c", "r/+", "r/+"]
/** Only here messages are retained: what comes with RETAIN is what a SUBSCRIBE asked for. */
const RETAINED = "r/"
const shareText = "$share/g/s/+"
const LONG_SECONDS = 1_000_000
const whole: Options = { qos: 2, noLocal: false, retainAsPublished: false, identifier: 0 }
const RECEIVE_MAXIMUM = 6

export const runHistory = async (scenario: Scenario, steps: ReadonlyArray<Step>, tally: Tally): Promise<void> => {
  const history = new History(scenario, tally)
  try {
    await history.begin()
    for (const step of steps) await history.take(step)
    await history.finish()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    error.message += `\n${history.stage.trace.map((line) => `  ${line}`).join("\n")}`
    throw error
  }
}

class History {
  readonly stage: Stage
  readonly #scenario: Scenario
  readonly #actors: ReadonlyArray<Actor>
  readonly #publisher: Actor
  readonly #observer: Actor

  constructor(scenario: Scenario, tally: Tally) {
    this.#scenario = scenario
    const store = new CrashStore(scenario.engine)
    const shared = new Map<number, SharedMessage>()
    const actors: Array<Actor> = []
    this.stage = { store, world: this.#makeWorld(store), trace: [], tally, crashes: 0, numbers: 0, shared, actors }
    actors.push(...["A", "B", "C", "P", "O"].map((name) => new Actor(this.stage, name)))
    this.#actors = actors.slice(0, 3)
    this.#publisher = actors[3] as Actor
    this.#observer = actors[4] as Actor
  }

  async begin(): Promise<void> {
    await Effect.runPromise(restore(this.stage.world.core))
    this.#publisher.connect(true, LONG_SECONDS, 100, undefined)
    this.#observer.connect(true, LONG_SECONDS, 100, undefined)
    this.#observer.subscribe("w", whole, 2)
    this.#actors.forEach((actor, i) => {
      actor.connect(true, LONG_SECONDS, 2 + i, undefined)
      actor.subscribe(filters[i] as string, { ...whole, qos: 1 + (i % 2) }, 2)
      if (i < 2) actor.subscribe(shareText, whole, 2)
    })
    this.#settle()
  }

  async take([verb, a, b, c, d]: Step): Promise<void> {
    const actor = this.#actors[a % this.#actors.length] as Actor
    await this.#perform(verbs[verb % verbs.length] as (typeof verbs)[number], actor, b, c, d)
    this.stage.world.run(d % 4)
    this.#agree()
  }

  async #perform(verb: (typeof verbs)[number], actor: Actor, b: number, c: number, d: number): Promise<void> {
    const { store, trace, world } = this.stage
    switch (verb) {
      case "publish": {
        const from = d % 3 === 0 ? actor : this.#publisher
        const topic = topics[b % topics.length] as string
        return from.publish(topic, c % 3, topic.startsWith(RETAINED) && c % 4 > 0)
      }
      case "subscribe": {
        const options = { qos: c % 3, noLocal: c % 4 === 0, retainAsPublished: false, identifier: d % 3 }
        return actor.subscribe(filters[b % filters.length] as string, options, d % 2 === 0 ? 0 : 2)
      }
      case "unsubscribe":
        return actor.unsubscribe(filters[b % filters.length] as string)
      case "acknowledge":
        for (let i = 0; i <= b % 4; i++) actor.acknowledge(c + i * 5)
        return
      case "connect":
        return this.#connect(actor, b, c, d)
      case "disconnect":
        return actor.disconnect(b % 3 === 0)
      case "advance":
        return this.#advance([100, 1000, 3000][b % 3] as number)
      case "promise":
        return store.promise(1 + (b % 8))
      case "flush":
        trace.push("cursors are saved")
        flushCursors(world.core, 1 + (b % 3))
        return
      case "run":
        return world.run(b % 16)
      case "compact":
        return this.#compact()
      case "crash": {
        const cuts = store.cuts()
        return this.#crash(cuts[b % cuts.length] as number, (c % 4) * 1000)
      }
      case "restart":
        return this.#restart()
    }
  }

  #connect(actor: Actor, b: number, c: number, d: number): void {
    const isWild = actor.name === "C"
    const expirySeconds = isWild ? ([0, 4, LONG_SECONDS][c % 3] as number) : LONG_SECONDS
    const willDelay = d % 2 === 0 ? undefined : ([0, 2, 6][b % 3] as number)
    actor.connect(isWild && c % 5 === 0, expirySeconds, 1 + (b % 4), willDelay)
    for (const each of [this.#publisher, this.#observer]) {
      if (each.peer === undefined) each.connect(false, LONG_SECONDS, 100, undefined)
    }
  }

  #advance(ms: number): void {
    this.stage.world.run()
    this.stage.trace.push(`${ms} ms pass`)
    this.stage.world.advance(ms)
    this.#timePassed()
  }

  #timePassed(): void {
    for (const actor of this.stage.actors) actor.timePassed()
  }

  async #compact(): Promise<void> {
    const { store, tally, trace, world } = this.stage
    const prepared = Effect.runPromise(livenessRoots(world.core).prepare())
    store.promise()
    await null
    store.promise()
    tally.compacted += store.compact(await prepared)
    trace.push(`compaction: ${store.log.dropped.size} gone`)
  }

  /** The process dies; of what was not kept, as much is found as `ticket` says. */
  async #crash(ticket: number, downMs: number): Promise<void> {
    const { store, tally, trace, world } = this.stage
    trace.push(`CRASH: ${ticket} of ${store.records.length} records are left, ${store.log.kept} were kept`)
    tally.crashes += 1
    tally.recordsLost += store.records.length - ticket
    this.stage.crashes += 1
    await this.#rebuild(store.crash(ticket), world.nowMs + downMs, ticket)
  }

  /** As drain() in broker.ts. */
  async #restart(): Promise<void> {
    const { store, tally, trace, world } = this.stage
    trace.push("the broker is stopped and started")
    tally.restarts += 1
    world.core.draining = true
    world.core.tick()
    const from = store.records.length
    for (const client of [...world.core.clients]) {
      if (client !== undefined) closeClient(world.core, client, "server", 0x8b, "the broker is shutting down")
    }
    for (const actor of this.stage.actors) actor.leftWithBroker(from)
    world.run()
    flushCursors(world.core, Number.POSITIVE_INFINITY)
    store.promise()
    const before = this.#windows()
    await this.#rebuild(store.crash(store.records.length), world.nowMs, store.records.length)
    const after = this.#windows()
    check(before === after, `open exchanges before the stop\n${before}\nand after the start\n${after}`)
  }

  /** Packet identifiers, states and positions of everything open, and what waits. */
  #windows(): string {
    const { core } = this.stage.world
    return [...core.sessions.values()]
      .filter(({ persistent }) => persistent)
      .sort((a, b) => (a.clientIdentifier < b.clientIdentifier ? -1 : 1))
      .map(({ clientIdentifier, cursor, incoming, subscriptions, window }) => {
        const oldest = Math.min(...[...subscriptions.values()].map(({ intervals }) => intervals[0]?.from ?? 0))
        const at = subscriptions.size === 0 ? "anywhere" : Math.max(cursor, oldest)
        const open = window.openIdentifiers().map((id) => `${id}:${window.state(id)}@${window.sequence(id)}`)
        return `${clientIdentifier} at ${at} open ${open} incoming ${[...(incoming ?? [])]}`
      })
      .join("\n")
  }

  async #rebuild(store: CrashStore, nowMs: number, ticket: number): Promise<void> {
    for (const actor of this.stage.actors) actor.crashed(ticket)
    for (const [number, message] of this.stage.shared) {
      message.tickets = message.tickets.filter((each) => each <= ticket)
      if (message.tickets.length === 0) this.stage.shared.delete(number)
    }
    this.stage.store = store
    this.stage.world = this.#makeWorld(store)
    const { world } = this.stage
    world.nowMs = nowMs
    world.core.tick()
    await Effect.runPromise(restore(world.core))
    for (const actor of this.stage.actors) actor.restarted()
    this.#timePassed()
    this.#agree()
  }

  #makeWorld(store: CrashStore): World {
    const { readers } = this.#scenario
    const limits = { receiveMaximum: RECEIVE_MAXIMUM, sessionExpirySecondsMax: LONG_SECONDS }
    const readerLimits = readers === undefined ? {} : { readerLimits: readers }
    const world = new World({ log: store.log, sessionStore: store, outboxBytesMax: 3000, limits, ...readerLimits })
    store.bringBackRetained(world.core.retained)
    return world
  }

  /** Broker and model agree about who is there. */
  #agree(): void {
    const { sessions } = this.stage.world.core
    for (const { life, name, peer } of this.stage.actors) {
      const held = sessions.get(name)
      check(
        (held !== undefined) === (life !== undefined),
        `${name}: session ${held === undefined ? "is gone" : "lives"}`
      )
      check(held === undefined || held.number === life?.number, `${name}: another session than expected`)
      check((held?.connection !== undefined) === (peer !== undefined), `${name}: connected or not?`)
      if (held !== undefined && life !== undefined) this.#sameSubscriptions(held.subscriptions, life)
      for (const subscription of held?.subscriptions.values() ?? []) {
        check(subscription.waiting >= 0, `${name}: ${subscription.waiting} messages wait`)
      }
    }
  }

  #sameSubscriptions(held: ReadonlyMap<string, { readonly active: boolean; readonly qos: number }>, life: Life): void {
    const active = [...held].filter(([, subscription]) => subscription.active)
    const found = active.map(([filter, { qos }]) => `${filter} ${qos}`).sort()
    const wanted = [...life.active]
      .filter(([filter]) => filter !== shareText)
      .map(([filter, { qos }]) => `${filter} ${qos}`)
    check(found.join() === wanted.sort().join(), `${life.name}: subscribed to ${found}, not ${wanted}`)
  }

  async finish(): Promise<void> {
    this.stage.trace.push("the end")
    this.#settle()
    for (const actor of this.stage.actors) {
      if (actor.peer === undefined) actor.connect(false, LONG_SECONDS, 1000, undefined)
    }
    this.#takeAll()
    const wild = this.#actors[2] as Actor
    wild.disconnect(false)
    this.#advance(20_000)
    this.#takeAll()
    for (const actor of this.stage.actors) actor.hasEverything()
    for (const [number, { receipts }] of this.stage.shared) {
      check(receipts > 0, `shared message ${number} never came to anybody`)
    }
    const wills = this.stage.actors.flatMap((actor) => actor.wills)
    this.#observer.sawWills(wills)
  }

  #takeAll(): void {
    for (let left = true; left; ) {
      this.#settle()
      left = false
      for (const actor of this.stage.actors) {
        while (actor.pending.length > 0) {
          actor.acknowledge(0)
          left = true
        }
      }
    }
  }

  #settle(): void {
    const { store, world } = this.stage
    for (let ticket = -1; ticket !== store.records.length; ) {
      ticket = store.records.length
      world.run()
      store.promise()
      world.run()
    }
  }
}

const verbs = [
  ...Array<"run">(3).fill("run"),
  ...Array<"publish">(9).fill("publish"),
  ...Array<"subscribe">(3).fill("subscribe"),
  "unsubscribe",
  ...Array<"acknowledge">(8).fill("acknowledge"),
  ...Array<"connect">(3).fill("connect"),
  "disconnect",
  "disconnect",
  "advance",
  ...Array<"promise">(4).fill("promise"),
  "flush",
  "flush",
  "compact",
  "crash",
  "restart"
] as const

export const verbCount = verbs.length
