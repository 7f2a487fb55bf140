/**
 * Random histories of shared subscriptions: three members with windows of their own, one publisher, three groups
 * that overlap, and a model that listens. Nothing is known to the model but what clients see, the ledger, and how
 * many QoS 0 packets the broker has sent.
 *
 * Rules
 * - A message of a group is open with one member at a time; it goes to another one only when the connection of the
 *   first has ended, and never after an acknowledgement of any kind [MQTT-4.8.2-6].
 * - QoS 2 stays with its member: same packet identifier, DUP, a later connection [MQTT-4.8.2-4]; it dies with the
 *   member's session [MQTT-4.8.2-5].
 * - QoS is that of the message or of the member's grant, whichever is lower [MQTT-4.8.2-3].
 * - A normal subscription of a member gets its own copy.
 * - Key-ordered: per topic the first receipts come in the order of publishing.
 * - The books balance: every message of every group was acknowledged, or sent at QoS 0, or is in the ledger.
 *
 * Subscription Identifiers tell the model which group a copy comes from.
 */
import { Counter } from "../../src/metrics/counters.ts"
import { DropReason } from "../../src/metrics/drop-reasons.ts"
import type { ShareStrategy } from "../../src/session/share-strategy.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { naiveMatch } from "../contract/naive-match.ts"
import { LateLog } from "../support/late-log.ts"
import * as packets from "./client-packets.ts"
import { Complaint, check } from "./oracle.ts"
import { type Peer, World } from "./world.ts"

export type ShareStep = readonly [verb: number, a: number, b: number, c: number, d: number]

export interface ShareScenario {
  readonly strategy: ShareStrategy
  readonly late: boolean
  readonly tiny: boolean
}

const names = ["A", "B", "C"]
const topics = ["t/1", "t/2", "t/3"]
const filters = ["t/+", "#", "t/+"]
const shares = ["$share/g/t/+", "$share/h/#", "$share/i/t/+"]
const normalFilter = "t/#"
const NORMAL = 9
const payloadBytes = [4, 4, 4, 300, 1500]
const pauses = [100, 1000, 2500]
const expiries = [undefined, undefined, undefined, 2]
const sessionExpiries = [0, 10_000, 10_000, 3]
const packetSizes = [undefined, undefined, undefined, 200, 1000]
/** What never was owed to anybody, or was told to the one who refused it. */
const notOwed: ReadonlyArray<number> = [
  DropReason.noSubscriber,
  DropReason.negativeAcknowledgement,
  DropReason.quotaExceeded
]

const OUTBOX_BYTES_MAX = 3000
const ROOMY_BYTES = 4_194_304
const TINY_BYTES = 24_576
/** A replicated log's ring forgets nothing it has not shown. */
const UNSHOWN_MAX = 2

export const runShareHistory = (scenario: ShareScenario, steps: ReadonlyArray<ShareStep>): void => {
  const history = new ShareHistory(scenario)
  try {
    for (const step of steps) history.take(step)
    history.finish()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    error.message += `\n${JSON.stringify(scenario)}\n${history.trace.map((line) => `  ${line}`).join("\n")}`
    throw error
  }
}

interface Holder {
  readonly actor: Actor
  readonly life: number
  readonly connection: number
  readonly qos: number
  readonly id: number
}

/** One message as one group owes it. */
class Owed {
  readonly number: number
  readonly topic: string
  readonly qos: number
  readonly group: Incarnation
  holder: Holder | undefined = undefined
  released = false
  done = false

  constructor(number: number, topic: string, qos: number, group: Incarnation) {
    this.number = number
    this.topic = topic
    this.qos = qos
    this.group = group
  }
}

/** A group from its first member to its last. */
class Incarnation {
  readonly members = new Map<Actor, number>()
  /** Every grant a session had since it joined, by actor and life: packets may still be under way. */
  readonly grants = new Map<string, Set<number>>()
  readonly lastFirst = new Map<string, number>()
}

interface Pending {
  readonly type: number
  readonly id: number
  readonly owed: Owed | undefined
}

class Actor {
  readonly name: string
  peer: Peer | undefined = undefined
  exists = false
  connected = false
  connection = -1
  life = 0
  /** The first connection of this life. */
  lifeBegan = 0
  expirySeconds = 0
  offlineSinceMs = 0
  receiveMaximum = 0
  hasNormal = false
  pending: Array<Pending> = []
  readonly open = new Set<number>()
  readonly unreleased = new Map<number, Owed>()
  readonly zeros = new Set<number>()

  constructor(name: string) {
    this.name = name
  }
}

class ShareHistory {
  readonly trace: Array<string> = []
  readonly #scenario: ShareScenario
  readonly #world: World
  readonly #late: LateLog | undefined
  readonly #actors = names.map((name) => new Actor(name))
  readonly #groups: Array<Incarnation | undefined> = shares.map(() => undefined)
  readonly #owed: Array<Map<number, Owed>> = shares.map(() => new Map())
  #publisher: Peer
  #number = 0
  #owedCount = 0
  #normalCount = 0
  #completed = 0

  constructor(scenario: ShareScenario) {
    this.#scenario = scenario
    const log = new MemoryLog({ limitBytes: scenario.tiny ? TINY_BYTES : ROOMY_BYTES })
    this.#late = scenario.late ? new LateLog(log) : undefined
    this.#world = new World({
      log: this.#late ?? log,
      outboxBytesMax: OUTBOX_BYTES_MAX,
      limits: { sharedStrategy: scenario.strategy, sharedKeyProperty: "", sessionExpirySecondsMax: 100_000 }
    })
    const publisher = this.#world.connect(({ type, packetIdentifier }) => {
      if (type === 5) publisher.send(packets.acknowledge(6, packetIdentifier))
    })
    this.#publisher = publisher
    publisher.send(packets.connect({ clientIdentifier: "P", cleanStart: true }))
    for (const actor of this.#actors) this.#connect(actor, false, 10_000, 2, undefined)
    this.#world.run()
  }

  take([verb, a, b, c, d]: ShareStep): void {
    const actor = this.#actors[a % names.length] as Actor
    this.#perform(verbs[verb % verbs.length] as (typeof verbs)[number], actor, b, c, d)
    this.#world.run(d % 4)
  }

  #perform(verb: (typeof verbs)[number], actor: Actor, b: number, c: number, d: number): void {
    if (verb === "publish") this.#publish(b, c, d)
    else if (verb === "join") this.#join(actor, b % shares.length, c)
    else if (verb === "leave") this.#leave(actor, b % shares.length)
    else if (verb === "normal") this.#normal(actor)
    else if (verb === "acknowledge") {
      for (let i = 0; i <= b % 4; i++) this.#acknowledge(actor, c + i * 7, c % 19 === 18)
    } else if (verb === "connect") {
      this.#connect(actor, b % 5 === 4, sessionExpiries[c % 4] as number, 1 + (b % 4), packetSizes[d % 5])
    } else if (verb === "disconnect") this.#disconnect(actor, b)
    else if (verb === "stall") this.#stall(actor)
    else if (verb === "run") this.#world.run(b % 3 === 0 ? undefined : b % 16)
    else if (verb === "advance") this.#advance(pauses[b % pauses.length] as number)
    else if (verb === "show") this.#late?.showTail(1 + (b % 4))
    else this.#late?.promise(1 + (b % 4))
  }

  #stall({ connected, name, peer }: Actor): void {
    if (!connected || peer === undefined) return
    this.trace.push(`${name} ${peer.stalled ? "goes on" : "stalls"}`)
    if (peer.stalled) peer.unstall()
    else peer.stall()
  }

  #publish(b: number, c: number, d: number): void {
    const number = this.#number++
    const topic = topics[c % topics.length] as string
    const qos = b % 8 === 0 ? 0 : 1 + (b % 2)
    const expirySeconds = expiries[b % 4]
    const payload = Buffer.alloc(payloadBytes[d % payloadBytes.length] as number)
    payload.writeUInt32BE(number)
    this.trace.push(`P publishes ${number} to ${topic} QoS ${qos}, ${payload.length} bytes ${expirySeconds ?? ""}`)
    const { core } = this.#world
    const takers = this.#groups.map((group, i) => this.#takes(i, group, topic, qos))
    const refusedBefore = core.ledger.total(DropReason.quotaExceeded)
    const options = { topic, payload, qos, packetIdentifier: 1 + (number % 60_000) }
    this.#publisher.send(packets.publish(expirySeconds === undefined ? options : { ...options, expirySeconds }))
    if (core.ledger.total(DropReason.quotaExceeded) > refusedBefore) return
    this.#groups.forEach((group, i) => {
      if (group === undefined || !takers[i]) return
      this.#owed[i]?.set(number, new Owed(number, topic, qos, group))
      this.#owedCount += 1
    })
    for (const actor of this.#actors) {
      if (!actor.connected || !actor.hasNormal) continue
      actor.zeros.add(number)
      this.#normalCount += 1
    }
    if (this.#late !== undefined && this.#late.unshown > UNSHOWN_MAX) this.#late.showTail()
  }

  /** Whether the group owes the message to its members: nobody keeps anything for those who are away at QoS 0. */
  #takes(i: number, group: Incarnation | undefined, topic: string, qos: number): boolean {
    if (group === undefined || !naiveMatch(filters[i] as string, topic)) return false
    const isThere = [...group.members.keys()].some(({ connected }) => connected)
    const reads = this.#world.core.groups.get(shares[i] as string)?.entry.readsLog === true
    return isThere || (qos > 0 && reads)
  }

  #join(actor: Actor, i: number, c: number): void {
    if (!actor.connected) return
    // A late log shows messages when a group of QoS 0 may be gone: nobody could tell what it owed.
    const qos = this.#scenario.late ? 1 + (c % 2) : c % 3
    this.trace.push(`${actor.name} joins ${shares[i]} at QoS ${qos}`)
    actor.peer?.send(packets.subscribe(1, { filter: shares[i] as string, qos, subscriptionIdentifier: i + 1 }))
    const group = this.#groups[i] ?? new Incarnation()
    this.#groups[i] = group
    group.members.set(actor, qos)
    const life = `${actor.name}${actor.life}`
    const grants = group.grants.get(life) ?? new Set()
    group.grants.set(life, grants.add(qos))
  }

  #leave(actor: Actor, i: number): void {
    if (!actor.connected || this.#groups[i]?.members.has(actor) !== true) return
    this.trace.push(`${actor.name} leaves ${shares[i]}`)
    actor.peer?.send(packets.unsubscribe(2, shares[i] as string))
    this.#isGone(actor, i)
  }

  #isGone(actor: Actor, i: number): void {
    const group = this.#groups[i]
    group?.members.delete(actor)
    if (group?.members.size === 0) this.#groups[i] = undefined
  }

  #normal(actor: Actor): void {
    if (!actor.connected || this.#scenario.late) return
    this.trace.push(`${actor.name} ${actor.hasNormal ? "unsubscribes from" : "subscribes to"} ${normalFilter}`)
    if (actor.hasNormal) actor.peer?.send(packets.unsubscribe(3, normalFilter))
    else actor.peer?.send(packets.subscribe(3, { filter: normalFilter, subscriptionIdentifier: NORMAL }))
    actor.hasNormal = !actor.hasNormal
  }

  #acknowledge(actor: Actor, which: number, isRefusal: boolean): void {
    if (!actor.connected || actor.pending.length === 0) return
    const [answer] = actor.pending.splice(which % actor.pending.length, 1)
    if (answer === undefined) return
    const { id, owed, type } = answer
    const refuses = isRefusal && type !== 7 && owed?.released === false
    this.trace.push(
      `${actor.name} ${acknowledgements[type]} ${owed?.number ?? "?"} id ${id}${refuses ? " refused" : ""}`
    )
    if (type === 5 && !refuses) {
      if (owed !== undefined) owed.released = true
    } else {
      actor.open.delete(id)
      actor.unreleased.delete(id)
      if (owed !== undefined) owed.done = true
      this.#completed += 1
    }
    actor.peer?.send(packets.acknowledge(type, id, refuses ? 0x83 : 0))
  }

  #connect(actor: Actor, cleanStart: boolean, expirySeconds: number, receiveMaximum: number, size?: number): void {
    const connection = actor.connection + 1
    this.trace.push(
      `${actor.name} connects (${connection})${cleanStart ? " clean" : ""} expiry ${expirySeconds} receive maximum ${receiveMaximum} size ${size ?? ""}`
    )
    if (actor.connected) this.#connectionEnded(actor)
    if (cleanStart && actor.exists) this.#sessionEnded(actor)
    if (!actor.exists) actor.lifeBegan = connection
    Object.assign(actor, { exists: true, connected: true, connection, expirySeconds, receiveMaximum })
    const peer = this.#world.connect((packet) => this.#received(actor, connection, packet))
    actor.peer = peer
    const options = { clientIdentifier: actor.name, cleanStart, sessionExpirySeconds: expirySeconds, receiveMaximum }
    peer.send(packets.connect(size === undefined ? options : { ...options, maximumPacketSize: size }))
  }

  #disconnect(actor: Actor, b: number): void {
    if (!actor.connected) return
    this.trace.push(`${actor.name} ${b % 3 === 0 ? "disconnects" : "is cut off"}`)
    if (b % 3 === 0) actor.peer?.send(packets.disconnect())
    else actor.peer?.cut()
    this.#connectionEnded(actor)
  }

  #connectionEnded(actor: Actor): void {
    actor.peer?.forget()
    actor.connected = false
    actor.offlineSinceMs = this.#world.nowMs
    actor.pending = []
    actor.open.clear()
    actor.zeros.clear()
    if (actor.expirySeconds === 0) this.#sessionEnded(actor)
  }

  #sessionEnded(actor: Actor): void {
    actor.exists = false
    actor.life += 1
    actor.hasNormal = false
    actor.unreleased.clear()
    for (let i = 0; i < shares.length; i++) this.#isGone(actor, i)
  }

  #advance(ms: number): void {
    this.trace.push(`${ms} ms pass`)
    this.#world.advance(ms)
    for (const actor of this.#actors) {
      const isOver = this.#world.nowMs >= actor.offlineSinceMs + actor.expirySeconds * 1000
      if (actor.exists && !actor.connected && isOver) this.#sessionEnded(actor)
    }
  }

  #received(actor: Actor, connection: number, packet: packets.Received): void {
    if (actor.connection !== connection || !actor.connected) return
    if (packet.type === 3) this.#gotMessage(actor, packet)
    else if (packet.type === 6) {
      actor.pending.push({ type: 7, id: packet.packetIdentifier, owed: actor.unreleased.get(packet.packetIdentifier) })
    } else if (![2, 9, 11].includes(packet.type)) throw new Complaint(`${actor.name}: unexpected packet ${packet.type}`)
  }

  #gotMessage(actor: Actor, packet: packets.Received): void {
    const number = packet.payload.readUInt32BE(0)
    const [which] = packet.identifiers
    const name = `${actor.name}: message ${number} of ${which === NORMAL ? normalFilter : shares[(which ?? 0) - 1]}`
    this.trace.push(
      `${actor.name} gets ${number} by ${which} QoS ${packet.qos} id ${packet.packetIdentifier}${packet.duplicate ? " DUP" : ""}`
    )
    check(packet.identifiers.length === 1, `${name}: one copy, one subscription`)
    if (which === NORMAL) {
      check(packet.qos === 0 && actor.zeros.delete(number), `${name} was not to come`)
      return
    }
    const owed = this.#owed[(which ?? 0) - 1]?.get(number) as Owed
    check(owed !== undefined, `${name} was not to come`)
    check(packet.topic === owed.topic, `${name}: topic ${packet.topic}`)
    check(!owed.done, `${name} came after it was done with`)
    const isFirst = owed.holder === undefined
    this.#mayHold(name, actor, owed, packet)
    if (packet.qos === 0) {
      owed.done = true
      return
    }
    if (isFirst && this.#scenario.strategy === "key-ordered") {
      const last = owed.group.lastFirst.get(owed.topic) ?? -1
      check(number > last, `${name} came after ${last}`)
      owed.group.lastFirst.set(owed.topic, number)
    }
    this.#exchangeOpened(name, actor, owed, packet)
  }

  #mayHold(name: string, actor: Actor, owed: Owed, packet: packets.Received): void {
    const { holder } = owed
    const grants = owed.group.grants.get(`${actor.name}${actor.life}`)
    check(grants !== undefined, `${name}: not a member`)
    const qoses = [...(grants as Set<number>)].map((granted) => Math.min(granted, owed.qos))
    check(qoses.includes(packet.qos), `${name}: QoS ${packet.qos}, granted ${qoses.join()}`)
    check(!packet.duplicate || actor.connection > actor.lifeBegan, `${name} has DUP on the session's first connection`)
    if (holder === undefined) return
    const isSame = holder.actor === actor && holder.life === actor.life
    const hasEnded = holder.actor.connection !== holder.connection || !holder.actor.connected
    check(hasEnded, `${name} is open with ${holder.actor.name}`)
    if (holder.qos === 2) {
      check(isSame, `${name} belongs to ${holder.actor.name} at QoS 2`)
      check(packet.duplicate && packet.packetIdentifier === holder.id, `${name} came again as if it were new`)
      check(!owed.released, `${name} came after PUBREC`)
    }
  }

  #exchangeOpened(name: string, actor: Actor, owed: Owed, packet: packets.Received): void {
    const { packetIdentifier: id, qos } = packet
    check(!actor.open.has(id), `${name}: identifier ${id} is open`)
    actor.open.add(id)
    check(actor.open.size <= actor.receiveMaximum, `${name} passes Receive Maximum ${actor.receiveMaximum}`)
    owed.holder = { actor, life: actor.life, connection: actor.connection, qos, id }
    if (qos === 2) actor.unreleased.set(id, owed)
    actor.pending.push({ type: qos === 1 ? 4 : 5, id, owed })
  }

  /** Everybody comes back and takes what is owed; then everybody goes, and the books must balance. */
  finish(): void {
    this.trace.push("the end")
    this.#settle()
    for (const actor of this.#actors) {
      if (actor.exists) this.#connect(actor, false, 10_000, 1000)
      if (actor.connected && actor.peer?.stalled === true) actor.peer.unstall()
    }
    this.#takeAll()
    this.#nothingWaits()
    for (const actor of this.#actors) if (actor.connected) actor.peer?.cut()
    this.#publisher.cut()
    this.#world.advance(20_000_000)
    this.#settle()
    this.#nothingIsLeft()
    this.#booksBalance()
  }

  #settle(): void {
    this.#world.run()
    while ((this.#late?.unshown ?? 0) > 0 || (this.#late?.unpromised ?? 0) > 0) {
      this.#late?.showTail()
      this.#late?.promise()
      this.#world.run()
    }
  }

  #takeAll(): void {
    for (let left = true; left; ) {
      this.#settle()
      left = false
      for (const actor of this.#actors) {
        for (; actor.connected && actor.pending.length > 0; left = true) this.#acknowledge(actor, 0, false)
      }
    }
  }

  #nothingWaits(): void {
    const { core } = this.#world
    for (const [text, group] of core.groups) {
      check(group.reader.mode === 2 && group.requeued.length === 0, `${text} still waits, everybody has room`)
      check(group.openKeys.size === 0, `${text} has keys open with nobody`)
    }
    for (const { clientIdentifier, sharedInFlight, window } of core.sessions.values()) {
      check(window.inFlight === 0 && (sharedInFlight?.size ?? 0) === 0, `${clientIdentifier} has exchanges open`)
    }
    shares.forEach((text, i) => {
      check((this.#groups[i] !== undefined) === core.groups.has(text), `${text}: broker and model differ`)
    })
  }

  #nothingIsLeft(): void {
    const { core } = this.#world
    check(core.groups.size === 0, "groups outlive their members")
    check(core.router.statistics().filters === 0, "filters outlive their subscribers")
    check(core.wheel.size === 0, "timers outlive their owners")
  }

  #booksBalance(): void {
    const { core } = this.#world
    const sentAtQos0 = core.count[Counter.messagesOut] as number
    const rows = core.ledger.rows().filter(({ reason }) => !notOwed.includes(reason))
    const booked = rows.reduce((sum, { count }) => sum + count, 0)
    const owed = this.#owedCount + this.#normalCount
    const facts = `${owed} owed, ${this.#completed} acknowledged, ${sentAtQos0} sent at QoS 0, ${booked} in the ledger`
    const told = rows.map(({ clientIdentifier, count, reason }) => `${clientIdentifier} ${reason}: ${count}`).join("; ")
    check(owed === this.#completed + sentAtQos0 + booked, `${facts} (${told})`)
  }
}

const acknowledgements = ["", "", "", "", "PUBACK", "PUBREC", "", "PUBCOMP"]

/** What the first number of a step means; as often as it stands here. */
const verbs = [
  ...Array<"run">(3).fill("run"),
  ...Array<"publish">(10).fill("publish"),
  ...Array<"join">(5).fill("join"),
  "leave",
  "normal",
  ...Array<"acknowledge">(5).fill("acknowledge"),
  ...Array<"connect">(3).fill("connect"),
  "disconnect",
  "stall",
  "advance",
  "show",
  "show",
  "promise"
] as const

export const shareVerbCount = verbs.length
