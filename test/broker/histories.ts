/**
 * Random histories: three sessions and a publisher against a broker, step by step, with the oracle listening.
 *
 * A step is five small numbers, so that fast-check can shrink it; what they mean stands in `verbs`. Between
 * two steps the broker gets only a few of its turns, so everything overlaps with everything. At the end every
 * session comes back, takes and acknowledges all it is owed, and ends; then the books must balance.
 */
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import { SessionMode } from "../../src/session/session.ts"
import type { ReaderLimits } from "../../src/store/log-reader.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { LateLog } from "../support/late-log.ts"
import * as packets from "./client-packets.ts"
import { Complaint, check, type Message, ModelSession } from "./oracle.ts"
import { type Peer, World } from "./world.ts"

export type Step = readonly [verb: number, a: number, b: number, c: number, d: number]

export interface Scenario {
  /** The log shows its tail and keeps its promise later. */
  readonly late: boolean
  /** The ring is so small that readers are overtaken. */
  readonly tiny: boolean
  /** No two filters match the same topic: then the ledger is exact, not an upper bound. */
  readonly disjoint: boolean
  readonly readers: ReaderLimits | undefined
  /** What waits in memory for sessions that end with their connection, before they fall back to the log. */
  readonly waitingMemoryBytes: number
}

const topics = ["a", "a/b", "a/c", "b/c", "a/b/c", "d"]
const overlapping = ["a/b", "a/+", "a/#", "#", "+/c", "b/c", "+/+"]
const apart = ["a/+", "b/c", "d", "a/b/c", "a"]
const names = ["A", "B", "C"]
const payloadBytes = [4, 4, 300, 1500]
const pauses = [100, 1000, 2500, 5000]
const expiries = [undefined, undefined, undefined, 2, 6]
const sessionExpiries = [0, 10_000, 10_000, 10_000, 4]

const OUTBOX_BYTES_MAX = 3000
const ROOMY_BYTES = 4_194_304
const TINY_BYTES = 24_576
const PUBLISHING_MAX = 8

/** What happened in all histories so far: a test in which nothing happens proves nothing. */
export class Tally {
  deliveries = 0
  repeats = 0
  overtaken = 0
  expired = 0
  refusedPublishes = 0
  droppedAtQos0 = 0
  endedWithMessages = 0
}

export const runHistory = (scenario: Scenario, steps: ReadonlyArray<Step>, tally: Tally): void => {
  const history = new History(scenario, tally)
  try {
    for (const step of steps) history.take(step)
    history.finish()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    error.message += `\n${history.trace.map((line) => `  ${line}`).join("\n")}`
    throw error
  }
}

class Actor {
  readonly session: ModelSession
  peer: Peer | undefined = undefined
  /** QoS 2 messages it publishes and that are not complete, by packet identifier. */
  readonly publishing = new Map<number, { readonly frame: Buffer; released: boolean; keptAbove: number }>()
  nextIdentifier = 1
  connections = 0
  zerosDroppedBefore = 0

  constructor(name: string) {
    this.session = new ModelSession(name)
  }
}

class History {
  readonly trace: Array<string> = []
  readonly #scenario: Scenario
  readonly #tally: Tally
  readonly #world: World
  readonly #late: LateLog | undefined
  readonly #filters: ReadonlyArray<string>
  readonly #publisher = new Actor("P")
  readonly #actors = names.map((name) => new Actor(name))
  #messages = 0
  /** Everything sent before this moment has been received, by peers that take what they are sent. */
  #drainedAtMs = 0
  #refusals = 0

  constructor(scenario: Scenario, tally: Tally) {
    this.#scenario = scenario
    this.#tally = tally
    const log = new MemoryLog({ limitBytes: scenario.tiny ? TINY_BYTES : ROOMY_BYTES })
    this.#late = scenario.late ? new LateLog(log) : undefined
    this.#world = new World({
      log: this.#late ?? log,
      outboxBytesMax: OUTBOX_BYTES_MAX,
      limits: {
        receiveMaximum: PUBLISHING_MAX,
        sessionExpirySecondsMax: 100_000,
        waitingMemoryBytes: scenario.waitingMemoryBytes
      },
      ...(scenario.readers === undefined ? {} : { readerLimits: scenario.readers })
    })
    this.#filters = scenario.disjoint ? apart : overlapping
    this.#connect(this.#publisher, true, 0, 100)
    this.#actors.forEach((actor, i) => {
      this.#connect(actor, true, i === 0 ? 0 : 10_000, 1 + i)
      this.#subscribe(actor, 2 + i, 1 + i, i)
    })
    this.#drain()
  }

  take([verb, a, b, c, d]: Step): void {
    const actor = this.#actors[a % names.length] as Actor
    const run = verbs[verb % verbs.length] as (typeof verbs)[number]
    this.#perform(run, actor, a, b, c, d)
    this.#world.run(d % 4)
    for (const each of this.#actors) this.#agrees(each)
  }

  #perform(verb: (typeof verbs)[number], actor: Actor, a: number, b: number, c: number, d: number): void {
    switch (verb) {
      case "publish":
        this.#publish(a % 5 < 2 ? actor : this.#publisher, a, b, c, d)
        break
      case "subscribe":
        this.#subscribe(actor, b, c, d)
        break
      case "unsubscribe":
        this.#unsubscribe(actor, b)
        break
      case "acknowledge":
        for (let i = 0; i <= b % 4; i++) this.#acknowledge(actor, c + i * 7, c % 29 === 28)
        break
      case "connect":
        this.#connect(actor, b % 5 === 4, sessionExpiries[c % sessionExpiries.length] as number, 1 + (b % 4))
        break
      case "disconnect":
        this.#disconnect(actor, b)
        break
      case "stall":
        this.#stall(actor)
        break
      case "run":
        if (b % 3 === 0) this.#drain()
        else this.#world.run(b % 16)
        break
      case "advance":
        this.#advance(pauses[b % pauses.length] as number, c % 2 === 0)
        break
      case "show":
        this.#late?.showTail(1 + (b % 4))
        break
      case "promise":
        this.#late?.promise(1 + (b % 4))
    }
  }

  #publish(actor: Actor, a: number, b: number, c: number, d: number): void {
    // A log forgets nothing that it has not shown.
    if (this.#world.log.wouldDropBelow(2048) >= 0) this.#late?.showTail()
    const from = actor.session.connected ? actor : this.#publisher
    const { peer } = from
    const appeared = Math.min(topics.length, 1 + Math.floor(this.#messages / 5))
    const qos = from.publishing.size >= PUBLISHING_MAX ? 0 : Math.min(2, b % 4)
    const expirySeconds = expiries[c % expiries.length]
    const message: Message = {
      number: this.#messages++,
      topic: topics[(a + c) % appeared] as string,
      qos,
      retain: c % 3 === 0,
      expirySeconds,
      expiresAtMs: expirySeconds === undefined ? Number.POSITIVE_INFINITY : this.#world.wallMs + expirySeconds * 1000,
      sequence: this.#world.log.next
    }
    const payload = Buffer.alloc(payloadBytes[d % payloadBytes.length] as number)
    payload.writeUInt32BE(message.number)
    const packetIdentifier = from.nextIdentifier++
    const { topic, retain } = message
    const options = {
      topic,
      retain,
      qos,
      payload,
      packetIdentifier,
      ...(expirySeconds === undefined ? {} : { expirySeconds })
    }
    const { ledger } = this.#world.core
    const refusedBefore = ledger.total(DropReason.quotaExceeded)
    const name = from.session.name
    this.trace.push(
      `${name} publishes ${message.number} to ${topic} QoS ${qos}${retain ? " retain" : ""} ${expirySeconds ?? ""}`
    )
    if (qos > 0) {
      const frame = packets.publish({ ...options, duplicate: true })
      from.publishing.set(packetIdentifier, { frame, released: false, keptAbove: -1 })
    }
    ;(peer as Peer).send(packets.publish(options))
    if (ledger.total(DropReason.quotaExceeded) > refusedBefore) {
      this.trace.push("  refused")
      from.publishing.delete(packetIdentifier)
    } else this.#expect(message, from, packetIdentifier)
  }

  #expect(message: Message, from: Actor, packetIdentifier: number): void {
    const isLate = this.#world.log.next > Math.max(message.sequence, this.#world.core.tailSeen)
    for (const { session } of this.#actors) session.published(message, session === from.session, isLate)
    const isDurable = ({ session }: Actor) => session.expirySeconds > 0 && session.queue.has(message.number)
    const open = from.publishing.get(packetIdentifier)
    if (open !== undefined && (message.retain || this.#actors.some(isDurable))) open.keptAbove = message.sequence
  }

  #subscribe(actor: Actor, b: number, c: number, d: number): void {
    const { session, peer } = actor
    if (!session.connected || peer === undefined) return
    const filter = this.#filters[b % this.#filters.length] as string
    const options = {
      qos: c % 3,
      noLocal: c % 4 === 0,
      retainAsPublished: c % 5 < 2,
      identifier: d % 3 === 0 ? 0 : 1 + (d % 7)
    }
    this.trace.push(`${session.name} subscribes to ${filter} ${JSON.stringify(options)}`)
    peer.send(
      packets.subscribe(1, { filter, ...options, subscriptionIdentifier: options.identifier, retainHandling: 2 })
    )
    session.subscriptions.set(filter, options)
  }

  #unsubscribe(actor: Actor, b: number): void {
    const { session, peer } = actor
    const held = [...session.subscriptions.keys()]
    if (!session.connected || peer === undefined || held.length === 0) return
    const filter = held[b % held.length] as string
    this.trace.push(`${session.name} unsubscribes from ${filter}`)
    peer.send(packets.unsubscribe(2, filter))
    session.subscriptions.delete(filter)
  }

  #acknowledge({ session, peer }: Actor, which: number, isRefusal: boolean): void {
    if (!session.connected || peer === undefined || session.pending.length === 0) return
    const [answer] = session.pending.splice(which % session.pending.length, 1)
    if (answer === undefined) return
    const refuses = isRefusal && answer.type !== 7 && answer.expected?.done === false
    const name = ["", "", "", "", "PUBACK", "PUBREC", "", "PUBCOMP"][answer.type]
    this.trace.push(`${session.name} ${name} ${answer.expected?.message.number}${refuses ? " refused" : ""}`)
    if (refuses) this.#refusals += 1
    session.acknowledged(answer, refuses)
    peer.send(packets.acknowledge(answer.type, answer.packetIdentifier, refuses ? 0x83 : 0))
  }

  #connect(actor: Actor, cleanStart: boolean, sessionExpirySeconds: number, receiveMaximum: number): void {
    const { session } = actor
    const connection = actor.connections++
    this.trace.push(
      `${session.name} connects (${connection})${cleanStart ? " clean" : ""} expiry ${sessionExpirySeconds} receive maximum ${receiveMaximum}`
    )
    if (session.connected) {
      actor.peer?.forget()
      session.connectionEnded(this.#world.nowMs)
    }
    if (cleanStart && session.exists) session.end()
    const present = session.exists
    session.connectedAs(connection, receiveMaximum, sessionExpirySeconds)
    const peer = this.#world.connect((packet) => this.#received(actor, connection, present, packet))
    actor.peer = peer
    actor.zerosDroppedBefore = this.#zerosDropped(actor)
    peer.send(packets.connect({ clientIdentifier: session.name, cleanStart, sessionExpirySeconds, receiveMaximum }))
    if (!present) actor.publishing.clear()
    for (const [id, { frame, released }] of actor.publishing) {
      if (frame[0] === 0x3a || frame[0] === 0x3b) actor.publishing.delete(id)
      else peer.send(released ? packets.acknowledge(6, id) : frame)
    }
  }

  #disconnect(actor: Actor, b: number): void {
    const { session, peer } = actor
    if (!session.connected || peer === undefined) return
    this.trace.push(`${session.name} ${b % 3 === 0 ? "disconnects" : "is cut off"}`)
    peer.forget()
    if (b % 3 === 0) peer.send(packets.disconnect())
    else peer.cut()
    session.connectionEnded(this.#world.nowMs)
  }

  #stall({ session, peer }: Actor): void {
    if (!session.connected || peer === undefined) return
    this.trace.push(`${session.name} ${peer.stalled ? "goes on" : "stalls"}`)
    if (peer.stalled) peer.unstall()
    else peer.stall()
  }

  #advance(ms: number, drained: boolean): void {
    if (drained) this.#drain()
    this.trace.push(`${ms} ms pass`)
    this.#world.advance(ms)
    for (const { session } of this.#actors) session.timePassed(this.#world.nowMs)
  }

  #drain(): void {
    this.#world.run()
    this.#drainedAtMs = this.#world.wallMs
  }

  #received(actor: Actor, connection: number, present: boolean, packet: packets.Received): void {
    const { session } = actor
    if (session.connection !== connection || !session.connected) return
    switch (packet.type) {
      case 2:
        check(packet.reasonCode === 0, `${session.name}: refused with ${packet.reasonCode}`)
        check(packet.sessionPresent === present, `${session.name}: session present ${packet.sessionPresent}`)
        return
      case 3: {
        this.trace.push(
          `${session.name} gets ${packet.payload.readUInt32BE(0)} QoS ${packet.qos} id ${packet.packetIdentifier}${packet.duplicate ? " DUP" : ""}`
        )
        const notBeforeMs = actor.peer?.prompt === true ? this.#drainedAtMs : 0
        session.received(packet, notBeforeMs, !this.#scenario.tiny)
        this.#tally.deliveries += 1
        if (packet.duplicate) this.#tally.repeats += 1
        return
      }
      case 6:
        session.releasedBy(packet.packetIdentifier)
        return
      case 4:
      case 5:
      case 7:
        this.#publishAnswered(actor, packet)
        return
      case 9:
        check((packet.codes[0] as number) < 3, `${session.name}: SUBSCRIBE was refused with ${packet.codes[0]}`)
        return
      case 11:
        check(packet.codes[0] === 0, `${session.name}: UNSUBSCRIBE was answered ${packet.codes[0]}`)
        return
      default:
        throw new Complaint(`${session.name}: unexpected packet ${packet.type}, reason ${packet.reasonCode}`)
    }
  }

  #publishAnswered(actor: Actor, { type, packetIdentifier, reasonCode }: packets.Received): void {
    const open = actor.publishing.get(packetIdentifier)
    if (open === undefined) return
    const isKept = this.#world.log.kept > open.keptAbove
    if (type !== 7) check(isKept, `${actor.session.name}: ${packetIdentifier} was acknowledged before it was kept`)
    if (type === 5 && reasonCode < 0x80) {
      open.released = true
      actor.peer?.send(packets.acknowledge(6, packetIdentifier))
    } else actor.publishing.delete(packetIdentifier)
  }

  /** Broker and model agree about who is connected. */
  #agrees({ session, peer }: Actor): void {
    const held = this.#world.core.sessions.get(session.name)
    check(
      (held !== undefined) === session.exists,
      `${session.name}: session ${held === undefined ? "is gone" : "lives on"}`
    )
    const isConnected = held?.connection !== undefined && held.connection === peer?.client
    check(isConnected === session.connected, `${session.name}: ${isConnected ? "still" : "not"} connected`)
  }

  finish(): void {
    this.trace.push("the end")
    this.#settle()
    for (const actor of this.#actors) {
      const { session } = actor
      if (!session.exists) continue
      if (!session.connected) this.#connect(actor, false, 10_000, 1000)
      if (actor.peer?.stalled === true) actor.peer.unstall()
    }
    this.#takeAll()
    for (const actor of this.#actors) this.#everythingCame(actor)
    for (const { session } of this.#actors) session.end()
    this.#endAll()
    for (const { session } of this.#actors) this.#booksBalance(session)
    const refused = this.#world.core.ledger.total(DropReason.negativeAcknowledgement)
    check(refused === this.#refusals, `${refused} refusals in the ledger, ${this.#refusals} made`)
    this.#count()
  }

  #count(): void {
    const { totals } = this.#world.core.ledger
    const of = (reason: number): number => totals[reason] as number
    this.#tally.overtaken += of(DropReason.overtaken)
    this.#tally.expired += of(DropReason.messageExpired)
    this.#tally.refusedPublishes += of(DropReason.quotaExceeded)
    this.#tally.droppedAtQos0 += of(DropReason.outgoingBufferFull)
    this.#tally.endedWithMessages += of(DropReason.sessionCleaned) + of(DropReason.sessionExpired)
    this.#tally.endedWithMessages += of(DropReason.inflightLost)
  }

  #settle(): void {
    this.#drain()
    while ((this.#late?.unshown ?? 0) > 0 || (this.#late?.unpromised ?? 0) > 0) {
      this.#late?.showTail()
      this.#late?.promise()
      this.#drain()
    }
  }

  #takeAll(): void {
    for (let left = true; left; ) {
      this.#settle()
      left = false
      for (const actor of this.#actors) {
        while (actor.session.connected && actor.session.pending.length > 0) {
          this.#acknowledge(actor, 0, false)
          left = true
        }
      }
    }
  }

  #everythingCame(actor: Actor): void {
    const { session } = actor
    if (!session.exists) return
    const { log, core } = this.#world
    const held = core.sessions.get(session.name)
    check(held?.mode === SessionMode.live, `${session.name} is not live at the end`)
    check(held?.window.inFlight === 0, `${session.name} has exchanges open at the end`)
    for (const { message } of session.owed) {
      const isExpired = message.expiresAtMs <= this.#world.wallMs
      const isOvertaken = message.sequence < log.first
      check(isExpired || isOvertaken, `${session.name}: message ${message.number} never came`)
    }
    const missing = session.zeros.size
    const dropped = this.#zerosDropped(actor) - actor.zerosDroppedBefore
    const isExact = this.#scenario.late ? missing <= dropped : missing === dropped
    check(isExact, `${session.name}: ${missing} of QoS 0 never came, ${dropped} in the ledger`)
  }

  #endAll(): void {
    const { core } = this.#world
    for (const actor of [...this.#actors, this.#publisher]) actor.peer?.cut()
    this.#world.advance(20_000_000)
    this.#settle()
    check(core.sessions.size === 0, "sessions outlive their expiry")
    check(core.router.statistics().filters === 0, "filters outlive their subscribers")
    check(core.wheel.size === 0, "timers outlive their owners")
    check(core.acknowledgements.every(({ length }) => length === 0) && core.holds.length === 0, "answers wait for ever")
  }

  #booksBalance(session: ModelSession): void {
    const { core } = this.#world
    const others = [DropReason.outgoingBufferFull, DropReason.negativeAcknowledgement]
    const all = core.ledger
      .rows()
      .filter((row) => row.clientIdentifier === session.name && !others.includes(row.reason as 0))
    const booked = all.reduce((sum, { count }) => sum + count, 0)
    const missing = session.buried.length
    const extra = session.phantoms + session.lateZerosExpiring
    const most = session.buried.reduce((sum, { weight }) => sum + Math.max(1, weight), 0) + extra
    const facts = `${session.name}: ${missing} never completed, ${booked} in the ledger`
    if (this.#scenario.disjoint && extra === 0) check(booked === missing, facts)
    else check(booked >= missing && booked <= most, `${facts} (at most ${most})`)
  }

  #zerosDropped({ session }: Actor): number {
    return this.#world.dropped(session.name, DropReason.outgoingBufferFull)
  }
}

/** What the first number of a step means; as often as it stands here. */
const verbs = [
  ...Array<"run">(3).fill("run"),
  ...Array<"publish">(10).fill("publish"),
  ...Array<"subscribe">(4).fill("subscribe"),
  "unsubscribe",
  ...Array<"acknowledge">(5).fill("acknowledge"),
  ...Array<"connect">(2).fill("connect"),
  "disconnect",
  "stall",
  "advance",
  "show",
  "show",
  "promise"
] as const

export const verbCount = verbs.length
