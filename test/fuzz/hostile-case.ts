/**
 * One case: several hostile clients and a healthy one on one broker, until everybody has left and every session has
 * expired. The seed decides everything; the trace tells what was sent.
 *
 * What must hold
 * - No exception leaves the broker: it asserts its invariants, so one that a client can break is a way to stop it.
 * - The healthy client gets its own messages, once and in order, and an answer to every ping.
 * - Nobody is sent a PUBLISH larger than it takes [MQTT-3.1.2-24]. Gauges are never negative.
 * - Afterwards nothing is left: sessions, subscriptions, filters, groups, timers, slabs, queues, in flight.
 */
import { Counter } from "../../src/metrics/counters.ts"
import * as packets from "../broker/client-packets.ts"
import { Random } from "../fault/random.ts"
import { type FuzzPeer, FuzzWorld, SESSION_EXPIRY_SECONDS_MAX } from "./fuzz-world.ts"
import { type Knowledge, PacketMaker } from "./hostile-packets.ts"

const HOSTILE_CLIENTS = 4
const STEPS_MIN = 20
const STEPS_MAX = 80
const HEALTHY_TOPIC = "healthy/own"
const TRACE_BYTES_MAX = 80
/** Share of fields that are odd: the less, the longer a connection lasts. */
const ODDITIES = [0, 0.001, 0.005, 0.02, 0.1]

/** How often the cases came to what they are for. */
export interface Reach {
  packets: number
  connected: number
  closedByBroker: number
  delivered: number
  acknowledged: number
  resumed: number
  expired: number
}

export class HostileCase {
  readonly trace: Array<string> = []
  readonly #random: Random
  readonly #world: FuzzWorld
  readonly #maker: PacketMaker
  readonly #hostile: Array<Hostile> = []
  /** Those too whose place another one has taken while they stay connected. */
  readonly #all: Array<Hostile> = []
  readonly #healthy: Healthy
  readonly #reach: Reach

  constructor(seed: number, reach: Reach) {
    this.#random = new Random(seed)
    this.#world = new FuzzWorld(this.#random)
    const { limits } = this.#world.core
    this.#maker = new PacketMaker(this.#random, this.#random.pick(ODDITIES), limits)
    this.#reach = reach
    this.#healthy = new Healthy(this.#world)
  }

  run(): void {
    const random = this.#random
    for (let i = 0; i < HOSTILE_CLIENTS; i++) this.#hostile.push(this.#newcomer())
    const steps = STEPS_MIN + random.below(STEPS_MAX - STEPS_MIN)
    for (let step = 0; step < steps; step++) {
      this.#step(random.below(HOSTILE_CLIENTS))
      if (random.chance(0.6)) this.#world.run(random.below(20))
      if (step % 16 === 15) this.#healthy.proveHealth()
      if (step % 8 === 7) judgeGauges(this.#world)
    }
    this.#healthy.proveHealth()
    this.#everybodyLeaves()
  }

  #step(index: number): void {
    const random = this.#random
    const client = this.#hostile[index] as Hostile
    const choice = random.below(100)
    if (client.peer.closed || choice < 3) {
      if (random.chance(0.7)) client.peer.cut()
      else client.peer.stall(false)
      this.#hostile[index] = this.#newcomer()
    } else if (choice < 6) {
      const ms = random.pick([50, 500, 1500, 4000, 61_000])
      this.#note(index, `+${ms} ms`)
      this.#world.advance(ms)
    } else if (choice < 9) {
      this.#note(index, "stalls, or reads on")
      client.peer.stall(random.chance(0.5))
    } else this.#send(index, client)
  }

  /** Several packets at once, whole or cut into chunks at any byte, now and then not to the end. */
  #send(index: number, client: Hostile): void {
    const random = this.#random
    const count = 1 + random.below(random.chance(0.05) ? 80 : 5)
    const made = client.asked
      ? [this.#maker.auth(0x18)]
      : Array.from({ length: count }, () => this.#maker.any(client.knowledge))
    if (random.chance(0.1)) made.push(...made.slice(0, 3))
    this.#reach.packets += made.length
    let bytes: Buffer = Buffer.concat(made)
    if (random.chance(0.03)) bytes = bytes.subarray(0, random.below(bytes.length))
    while (bytes.length > 0) {
      const at = random.chance(0.7) ? bytes.length : 1 + random.below(bytes.length)
      this.#note(index, bytes.subarray(0, at).toString("hex", 0, Math.min(at, TRACE_BYTES_MAX)))
      this.#world.keepUp()
      client.peer.send(Buffer.from(bytes.subarray(0, at)))
      bytes = bytes.subarray(at)
      if (random.chance(0.2)) this.#world.run(3)
    }
  }

  #newcomer(): Hostile {
    const random = this.#random
    const client = new Hostile(this.#world, random, this.#reach)
    this.#all.push(client)
    if (random.chance(0.97)) {
      const connect = this.#maker.connect(client.knowledge)
      this.trace.push(`new: ${connect.toString("hex", 0, TRACE_BYTES_MAX)}`)
      client.peer.send(connect)
    }
    return client
  }

  #everybodyLeaves(): void {
    const world = this.#world
    const { core } = world
    for (const { peer } of this.#all) peer.cut()
    this.#healthy.leave()
    world.run()
    for (let seconds = 0; seconds <= 2 * SESSION_EXPIRY_SECONDS_MAX; seconds += 5) {
      world.advance(5000)
      world.run()
    }
    this.#reach.resumed += core.count[Counter.sessionsResumed] as number
    this.#reach.expired += core.count[Counter.sessionsExpired] as number
    judgeRest(world)
  }

  #note(index: number, what: string): void {
    this.trace.push(`${index}: ${what}`)
  }
}

/** When everybody has left and every session has expired nothing is left. */
export const judgeRest = (world: FuzzWorld): void => {
  const { core } = world
  judgeGauges(world)
  const left = {
    connections: core.connections,
    clients: core.clients.filter((client) => client !== undefined).length,
    sessions: core.sessions.size,
    groups: core.groups.size,
    filters: core.router.statistics().filters,
    timers: core.wheel.size,
    acknowledgements: core.acknowledgements.reduce((sum, { length }) => sum + length, 0),
    holds: core.holds.length,
    handedBeforeTail: core.handedBeforeTail.size,
    pumps: core.pumpQueue.length + core.groupQueue.length,
    slabs: world.takenSlabs,
    unseen: core.log.next - core.delivered + core.log.next - core.tailSeen
  }
  for (const [what, count] of Object.entries(left)) if (count !== 0) throw new Error(`left behind: ${what} ${count}`)
  if (core.log.first < 0 || core.log.first > core.log.next) throw new Error("the log's ends crossed")
}

const judgeGauges = ({ core }: FuzzWorld): void => {
  for (const { family, value } of core.counters.samples()) if (!(value >= 0)) throw new Error(`${family} is ${value}`)
}

class Hostile {
  readonly peer: FuzzPeer
  readonly knowledge: Knowledge
  /** The last packet was AUTH: go on. */
  asked = false
  readonly #reach: Reach

  constructor(world: FuzzWorld, random: Random, reach: Reach) {
    this.#reach = reach
    this.knowledge = { version: random.pick([5, 5, 5, 4, 3]), heard: [], used: [], authenticates: false }
    this.peer = world.connect((frame) => this.#heard(frame))
  }

  #heard(frame: Buffer): void {
    const reach = this.#reach
    const type = (frame[0] as number) >> 4
    const tooLarge = frame.length > (this.peer.client?.maximumPacketSizeBytes ?? Number.POSITIVE_INFINITY)
    if (type === 2) reach.connected += 1
    this.asked = type === 15 && frame[bodyOf(frame)] === 0x18
    if (type === 14) reach.closedByBroker += 1
    if (type === 4 || type === 7) reach.acknowledged += 1
    if (tooLarge) throw new Error(`packet type ${type} larger than the client takes`) // [MQTT-3.1.2-24]
    const head = bodyOf(frame)
    if (type === 3) {
      reach.delivered += 1
      const at = head + 2 + frame.readUInt16BE(head)
      if (((frame[0] as number) & 6) !== 0) this.knowledge.heard.push(frame.readUInt16BE(at))
    } else if (type >= 4 && type <= 7) this.knowledge.heard.push(frame.readUInt16BE(head))
  }
}

const bodyOf = (frame: Buffer): number => {
  let at = 1
  while ((frame[at] as number) >= 128) at += 1
  return at + 1
}

/** Publishes to itself at QoS 1 and pings; what others say to it does not count. */
export class Healthy {
  readonly #peer: FuzzPeer
  readonly #world: FuzzWorld
  readonly #reader = new packets.PacketReader()
  readonly #own: Array<string> = []
  #pings = 0
  #acknowledged = 0
  #sent = 0

  constructor(world: FuzzWorld) {
    this.#world = world
    this.#peer = world.connect((frame) => this.#heard(frame))
    this.#peer.send(packets.connect({ clientIdentifier: "healthy", cleanStart: true }))
    world.run()
    this.#peer.send(packets.subscribe(1, { filter: HEALTHY_TOPIC, qos: 1 }))
    world.run()
  }

  proveHealth(): void {
    const before = this.#sent
    this.#own.length = 0
    for (let i = 0; i < 3; i++) {
      const options = { topic: HEALTHY_TOPIC, payload: `own ${this.#sent}`, qos: 1, packetIdentifier: 100 + i }
      this.#peer.send(Buffer.concat([packets.publish(options), packets.pingreq]))
      this.#sent += 1
      this.#world.run()
    }
    const expected = Array.from({ length: 3 }, (_, i) => `own ${before + i}`).join(", ")
    const got = this.#own.join(", ")
    if (this.#peer.closed) throw new Error("the healthy client was closed")
    if (got !== expected) throw new Error(`the healthy client got [${got}] for [${expected}]`)
    if (this.#pings !== this.#sent) throw new Error(`${this.#pings} answers to ${this.#sent} pings`)
    if (this.#acknowledged !== this.#sent) throw new Error(`${this.#acknowledged} PUBACKs for ${this.#sent} messages`)
  }

  leave(): void {
    this.#world.run()
    this.#peer.send(packets.disconnect())
    this.#world.run()
  }

  #heard(frame: Buffer): void {
    for (const packet of this.#reader.push(frame)) {
      if (packet.type === 3 && packet.payload.toString().startsWith("own ")) this.#own.push(packet.payload.toString())
      if (packet.type === 3 && packet.qos === 1) this.#peer.send(packets.acknowledge(4, packet.packetIdentifier))
      if (packet.type === 4) this.#acknowledged += packet.reasonCode < 0x80 ? 1 : 0
      if (packet.type === 13) this.#pings += 1
    }
  }
}
