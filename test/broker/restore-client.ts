/**
 * A client that keeps its half of the session through every crash of the broker, as the standard asks: it repeats what
 * was not answered under the same packet identifiers, and knows QoS 2 messages by them. What it is told is checked at
 * once: kept already, and what the model (restore-model.ts) expects.
 *
 * The model needs to know which record made a change what it is: it looks at the store's records, never at the broker.
 */
import type { ControlRecord } from "../../src/store/control-records.ts"
import type { StoreRecord } from "../support/crash-store.ts"
import * as packets from "./client-packets.ts"
import { Complaint, check } from "./oracle.ts"
import { Life, type Message, ModelWill, type Options, Timeline } from "./restore-model.ts"
import type { Stage } from "./restore-stage.ts"
import type { Peer } from "./world.ts"

/** Few, so that each is soon used again. */
const IDENTIFIERS = 6
const SHARED_TOPIC = "s/"
const RETAINED_FILTER = "r/+"
const WILLS = "w"
const NEVER = Number.POSITIVE_INFINITY

interface Outgoing {
  readonly message: Message
  /** Of its record; Infinity while there is none. */
  ticket: number
  released: boolean
  releasedTicket: number
}

export class Actor {
  readonly name: string
  readonly #stage: Stage
  readonly #current = new Timeline<Life | undefined>(0, undefined)
  peer: Peer | undefined = undefined
  pending: Array<{ readonly type: number; readonly id: number; readonly number: number }> = []
  /** One per connection that had one. The last is the one that may still matter. */
  wills: Array<ModelWill> = []
  /** It asked for a clean start and was not told that it has it: it asks again. */
  #wantsClean = true
  #present = false
  #connackTicket = 0
  #wishedExpirySeconds = 0
  /** Of the connection whose CONNACK it has seen. */
  #confirmedExpirySeconds: number | undefined
  readonly #outgoing = new Map<number, Outgoing>()
  readonly #incoming = new Map<number, number>()
  /** Tickets that SUBACK and UNSUBACK tell, by packet identifier. */
  readonly #asked = new Map<number, number>()
  #askIdentifier = 100
  readonly #willsSeen = new Map<number, number>()
  /** Times it asked for retained messages, and what it got. */
  #retainedAsked = 0
  readonly #retainedSeen = new Map<number, number>()

  constructor(stage: Stage, name: string) {
    this.#stage = stage
    this.name = name
  }

  get life(): Life | undefined {
    return this.#current.value
  }
  get #will(): ModelWill | undefined {
    return this.wills.at(-1)
  }
  get #nowMs(): number {
    return Math.floor(this.#stage.world.wallMs)
  }

  connect(clean: boolean, expirySeconds: number, receiveMaximum: number, willDelay: number | undefined): void {
    const { store, trace, world } = this.#stage
    const cleanStart = clean || this.#wantsClean
    const number = willDelay === undefined ? -1 : this.#stage.numbers++
    const told = `${cleanStart ? " clean" : ""}, expiry ${expirySeconds}, receive maximum ${receiveMaximum}`
    trace.push(`${this.name} connects${told}, will ${number} after ${willDelay}`)
    const from = store.records.length
    const taken = this.peer
    taken?.forget()
    const before = taken !== undefined && this.life?.expirySeconds.value === 0 ? undefined : this.life
    this.#wantsClean = cleanStart
    this.#present = before !== undefined && !cleanStart
    this.pending = []
    this.#asked.clear()
    if (!this.#present) this.#outgoing.clear()
    // It knows that nothing is left of what it had: by its own wish, or since its last connection took the session along.
    if (cleanStart || this.#confirmedExpirySeconds === 0) this.#incoming.clear()
    this.#wishedExpirySeconds = expirySeconds
    this.#confirmedExpirySeconds = undefined
    const peer = world.connect((packet) => {
      if (this.peer === peer) this.#received(packet)
    })
    this.peer = peer
    const delay = { topic: WILLS, payload: `W${number}.`, qos: 2, delaySeconds: willDelay ?? 0 }
    const will = willDelay === undefined ? undefined : delay
    const wish = { clientIdentifier: this.name, cleanStart, sessionExpirySeconds: expirySeconds, receiveMaximum, will }
    peer.send(packets.connect(wish))
    if (taken !== undefined) this.#connectionEnded(from, false)
    this.#connected(before, from, expirySeconds)
    if (willDelay !== undefined) {
      const { number: sessionNumber } = this.life as Life
      const ticket = this.#ticketAfter(from, (each) => isConnected(each, sessionNumber))
      this.wills.push(new ModelWill(number, willDelay, sessionNumber, expirySeconds, ticket))
    }
    for (const [id, outgoing] of this.#outgoing) {
      this.#stage.tally.publishesRepeated += 1 // [MQTT-4.4.0-1]
      if (outgoing.released) this.#release(id, outgoing)
      else this.#send(id, outgoing, true)
    }
  }

  /** The broker has read CONNECT: which life this is, and since which records. */
  #connected(before: Life | undefined, from: number, expirySeconds: number): void {
    const { store, world } = this.#stage
    const sessionNumber = world.core.sessions.get(this.name)?.number ?? 0
    check(sessionNumber > 0, `${this.name} has no session after CONNECT`)
    const saved = this.#ticketAfter(from, (each) => isConnected(each, sessionNumber))
    this.#willAtReturn(from, saved)
    this.#connackTicket = expirySeconds > 0 || this.#present ? saved : 0
    if (this.#present) {
      before?.expirySeconds.set(saved, expirySeconds)
      before?.offlineSinceMs.set(saved, 0)
      return
    }
    if (before !== undefined) {
      const ended = this.#lastTicket((each) => isEnd(each, before.number))
      check(ended > from, `${this.name}: the session before a clean start was not ended`)
      this.#connackTicket = Math.max(this.#connackTicket, ended)
      this.#current.set(ended, undefined)
    }
    const ticket = saved > 0 ? saved : store.records.length
    this.#current.set(ticket, new Life(this.name, sessionNumber, ticket, expirySeconds))
    this.#retainedAsked = 0
    this.#retainedSeen.clear()
  }

  publish(topic: string, qos: number, retain: boolean): void {
    if (this.peer === undefined) return
    let id = 1
    while (this.#outgoing.has(id)) id += 1
    if (qos > 0 && id > IDENTIFIERS) return
    const message = { number: this.#stage.numbers++, publisher: this.name, topic, qos, retain }
    const outgoing = { message, ticket: NEVER, released: false, releasedTicket: 0 }
    if (qos > 0) this.#outgoing.set(id, outgoing)
    this.#send(id, outgoing, false)
  }

  #send(id: number, outgoing: Outgoing, duplicate: boolean): void {
    const { message } = outgoing
    const { number, qos, retain, topic } = message
    const { actors, shared, store, trace } = this.#stage
    const told = `${retain ? " retain" : ""}${duplicate ? " again" : ""}`
    trace.push(`${this.name} publishes ${number} to ${topic} QoS ${qos} id ${id}${told}`)
    const from = store.records.length
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(number)
    this.peer?.send(packets.publish({ topic, payload, qos, retain, duplicate, packetIdentifier: id }))
    const ticket = this.#ticketAfter(from, ({ kind }) => kind === "message")
    if (qos === 2 && outgoing.ticket < NEVER) {
      check(ticket === 0, `${number} was taken for a new message`)
      return
    }
    const received = this.#ticketAfter(from, ({ kind }) => kind === "received")
    if (received > 0) outgoing.ticket = received
    if (ticket === 0) return
    trace.push(`  record ${ticket}`)
    for (const { life } of actors) life?.published(message, ticket)
    // Logged only because a session that ends with its connection fell behind: nobody has to keep it.
    const isOwed = actors.some(({ life }) => life?.owes(number) === true)
    if (retain || isOwed || topic.startsWith(SHARED_TOPIC)) outgoing.ticket = Math.max(ticket, received)
    if (qos === 0 || !topic.startsWith(SHARED_TOPIC)) return
    const tickets = shared.get(number)?.tickets ?? []
    shared.set(number, { tickets: [...tickets, ticket], receipts: shared.get(number)?.receipts ?? 0 })
  }

  #release(id: number, outgoing: Outgoing): void {
    const from = this.#stage.store.records.length
    this.peer?.send(packets.acknowledge(6, id))
    outgoing.releasedTicket = Math.max(
      outgoing.releasedTicket,
      this.#ticketAfter(from, ({ kind }) => kind === "released")
    )
  }

  subscribe(filter: string, options: Options, retainHandling: number): void {
    if (this.peer === undefined || this.life === undefined) return
    const { identifier, noLocal, qos, retainAsPublished } = options
    const packetIdentifier = this.#askIdentifier++
    const told = `${JSON.stringify(options)}${retainHandling === 0 ? " and what is retained" : ""}`
    this.#stage.trace.push(`${this.name} subscribes to ${filter} ${told}`)
    if (retainHandling === 0 && filter === RETAINED_FILTER) this.#retainedAsked += 1
    const wish = { filter, qos, noLocal, retainAsPublished, subscriptionIdentifier: identifier, retainHandling }
    this.peer.send(packets.subscribe(packetIdentifier, wish))
    this.#changed(packetIdentifier, filter, options)
    const isWanted = retainHandling === 0 && qos > 0 && !noLocal
    if (filter === RETAINED_FILTER) this.life.wantsRetained.set(this.#stage.store.records.length, isWanted)
  }

  unsubscribe(filter: string): void {
    if (this.peer === undefined || this.life?.active.has(filter) !== true) return
    const packetIdentifier = this.#askIdentifier++
    this.#stage.trace.push(`${this.name} unsubscribes from ${filter}`)
    this.peer.send(packets.unsubscribe(packetIdentifier, filter))
    this.#changed(packetIdentifier, filter, undefined)
    if (filter === RETAINED_FILTER) this.life.wantsRetained.set(this.#stage.store.records.length, false)
  }

  #changed(packetIdentifier: number, filter: string, options: Options | undefined): void {
    const life = this.life as Life
    const ticket = this.#stage.store.records.length
    life.subscribed(filter, options, ticket)
    this.#asked.set(packetIdentifier, life.expirySeconds.value > 0 ? ticket : 0)
  }

  acknowledge(which: number): void {
    const { crashes, trace } = this.#stage
    if (this.peer === undefined || this.pending.length === 0) return
    const [answer] = this.pending.splice(which % this.pending.length, 1)
    if (answer === undefined) return
    const { id, number, type } = answer
    trace.push(`${this.name} ${["PUBACK", "PUBREC", "", "PUBCOMP"][type - 4]} ${id}`)
    const expected = this.life?.queue.get(number)
    if (type === 4 && expected !== undefined) {
      expected.acknowledged = expected.doneAtCrash === crashes ? expected.acknowledged + 1 : 1
      expected.doneAtCrash = crashes
    }
    this.peer.send(packets.acknowledge(type, id))
  }

  disconnect(clean: boolean): void {
    const { peer } = this
    if (peer === undefined) return
    this.#stage.trace.push(`${this.name} ${clean ? "disconnects" : "is cut off"}`)
    const from = this.#stage.store.records.length
    peer.forget()
    if (clean) peer.send(packets.disconnect())
    else peer.cut()
    this.peer = undefined
    this.#connectionEnded(from, clean)
  }

  /** The broker has stopped in order: nobody's will is published. */
  leftWithBroker(from: number): void {
    if (this.peer === undefined) return
    this.peer.forget()
    this.peer = undefined
    this.#connectionEnded(from, true)
  }

  #connectionEnded(from: number, isWillForgotten: boolean): void {
    const { life } = this
    const will = this.#will
    const number = life?.number ?? 0
    const offline = this.#lastTicket((each) => isOffline(each, number))
    const ended = this.#lastTicket((each) => isEnd(each, number))
    if (life?.expirySeconds.value === 0) this.#current.set(Math.max(ended, from), undefined)
    else {
      check(offline > from, `${this.name}: the end of the connection was not saved`)
      life?.offlineSinceMs.set(offline, this.#nowMs)
    }
    if (will?.state.value.kind !== "connected") return
    if (isWillForgotten) will.state.set(Math.max(offline, ended), { kind: "cancelled" })
    else if (will.dueAtMs(this.#nowMs, false) <= this.#nowMs) this.#published(will)
    else will.state.set(offline, { kind: "waiting", dueAtMs: will.dueAtMs(this.#nowMs, false) })
  }

  /** The return cancels a will that waits [MQTT-3.1.3-9]; where its session ends with that, it is published [MQTT-3.1.2-8]. */
  #willAtReturn(from: number, saved: number): void {
    const will = this.#will
    if (will?.state.value.kind !== "waiting") return
    if (this.#recordOf(will) > from) this.#published(will)
    else {
      check(this.#present || will.expirySeconds === 0, `will ${will.number} was lost`)
      will.state.set(saved > 0 ? saved : from + 1, { kind: "cancelled" })
      this.#stage.tally.willsCancelled += 1
    }
  }

  #published(will: ModelWill): void {
    const ticket = this.#recordOf(will)
    check(ticket > 0, `will ${will.number} was not published`)
    will.state.set(ticket, { kind: "published" })
    this.#stage.tally.willsPublished += 1
    this.#stage.trace.push(`will ${will.number} is published, record ${ticket}`)
  }

  #recordOf({ number }: ModelWill): number {
    return this.#lastTicket((each) => each.kind === "message" && each.frame.includes(`W${number}.`))
  }

  timePassed(): void {
    const { life } = this
    const { wallMs } = this.#stage.world
    const will = this.#will
    if (will?.state.value.kind === "waiting" && will.state.value.dueAtMs <= wallMs) this.#published(will)
    if (life === undefined || this.peer !== undefined) return
    if (wallMs < life.offlineSinceMs.value + life.expirySeconds.value * 1000) return
    const ended = this.#lastTicket((each) => isEnd(each, life.number))
    check(ended > 0, `${this.name}: the session did not expire`)
    this.#current.set(ended, undefined)
    this.#stage.tally.sessionsExpired += 1
  }

  /** Of all records those up to `ticket` are left. */
  crashed(ticket: number): void {
    this.peer?.forget()
    this.peer = undefined
    this.pending = []
    this.#current.rollBack(ticket)
    this.life?.rollBack(ticket)
    if (this.life?.expirySeconds.value === 0) this.#current.set(ticket, undefined)
    for (const outgoing of this.#outgoing.values()) {
      if (outgoing.ticket > ticket) outgoing.ticket = NEVER
      if (outgoing.releasedTicket > ticket) outgoing.releasedTicket = 0
    }
    // One whose CONNECT is lost never was.
    this.wills = this.wills.filter(({ state }) => state.rollBack(ticket))
  }

  /** Whoever was connected when the process died is offline since now. */
  restarted(): void {
    const { life } = this
    const will = this.#will
    if (life?.offlineSinceMs.value === 0) {
      const offline = this.#lastTicket((each) => isOffline(each, life.number))
      life.offlineSinceMs.set(offline, this.#nowMs)
    }
    if (will?.state.value.kind !== "connected") return
    const dueAtMs = will.dueAtMs(this.#nowMs, true)
    if (dueAtMs <= this.#nowMs) this.#published(will)
    else
      will.state.set(
        this.#lastTicket((each) => isOffline(each, will.sessionNumber)),
        { kind: "waiting", dueAtMs }
      )
  }

  #received(packet: packets.Received): void {
    const { kept } = this.#stage.store.log
    const { codes, packetIdentifier: id, reasonCode, type } = packet
    switch (type) {
      case 2:
        check(reasonCode === 0, `${this.name} was refused with ${reasonCode}`)
        check(packet.sessionPresent === this.#present, `${this.name}: session present ${packet.sessionPresent}`)
        check(this.#connackTicket <= kept, `${this.name}: CONNACK before ${this.#connackTicket} was kept`)
        this.#wantsClean = false
        this.#confirmedExpirySeconds = this.#wishedExpirySeconds
        // Only now is it told: a broker that crashed before may still resume what was there.
        if (!this.#present) this.#incoming.clear()
        return
      case 3:
        this.#message(packet)
        return
      case 4:
      case 5:
      case 7:
        this.#answered(id, type, reasonCode)
        return
      case 6: {
        const number = this.#incoming.get(id) ?? -1
        this.#incoming.delete(id)
        this.pending.push({ type: 7, id, number })
        return
      }
      case 9:
      case 11:
        check((codes[0] as number) < 0x80, `${this.name} was answered ${codes[0]}`)
        check((this.#asked.get(id) ?? 0) <= kept, `${this.name}: packet ${type} came before it was kept`)
        return
      default:
        throw new Complaint(`${this.name}: packet ${type}, reason ${reasonCode}`)
    }
  }

  #answered(id: number, type: number, reasonCode: number): void {
    const outgoing = this.#outgoing.get(id)
    const { kept } = this.#stage.store.log
    if (outgoing === undefined) return
    const { message, releasedTicket, ticket } = outgoing
    check(reasonCode < 0x80 || reasonCode === 0x92, `${message.number} was refused with ${reasonCode}`)
    if (type === 7) check(releasedTicket <= kept, `${message.number}: PUBCOMP before it was kept`)
    else check(ticket === NEVER || ticket <= kept, `${message.number} was acknowledged before it was kept`)
    if (type === 5) {
      outgoing.released = true
      this.#release(id, outgoing)
    } else this.#outgoing.delete(id)
  }

  #message(packet: packets.Received): void {
    const { tally, trace } = this.#stage
    const { duplicate, packetIdentifier: id, payload, qos, retain, topic } = packet
    if (qos === 0) return
    const number = topic === WILLS ? Number(/\d+/.exec(payload.toString())?.[0]) : payload.readUInt32BE(0)
    trace.push(`${this.name} gets ${number} QoS ${qos} id ${id}${retain ? " retain" : ""}${duplicate ? " DUP" : ""}`)
    tally.deliveries += 1
    if (duplicate) tally.repeats += 1
    // A retained copy is nothing that the model waits for.
    this.pending.push({ type: qos === 1 ? 4 : 5, id, number: retain ? -1 : number })
    if (qos === 2) {
      const known = this.#incoming.get(id)
      check(known === undefined || known === number, `${this.name}: ${number} under ${id}, which is ${known}'s`)
      this.#incoming.set(id, number)
      if (known === number) return
    }
    this.#application(packet, number)
  }

  /** What the application behind the client sees. */
  #application(packet: packets.Received, number: number): void {
    const { crashes, shared, store, tally } = this.#stage
    const { qos, retain, topic } = packet
    this.life?.seen.add(number)
    if (topic === WILLS) {
      this.#willsSeen.set(number, (this.#willsSeen.get(number) ?? 0) + 1)
    } else if (topic.startsWith(SHARED_TOPIC)) {
      const message = shared.get(number)
      check(message !== undefined, `${this.name}: shared message ${number} was not to come`)
      if (message === undefined) return
      message.receipts += 1
      tally.sharedDeliveries += 1
      if (qos === 2) check(message.receipts === 1, `shared message ${number} came twice at QoS 2`)
      if (qos === 2)
        check((message.tickets[0] as number) <= store.log.kept, `shared message ${number} was sent before it was kept`)
    } else if (retain) {
      tally.retained += 1
      if (qos < 2) return
      const seen = (this.#retainedSeen.get(number) ?? 0) + 1
      this.#retainedSeen.set(number, seen)
      check(seen <= this.#retainedAsked, `${this.name}: retained ${number} came ${seen} times at QoS 2`)
    } else if ((this.life?.expirySeconds.value ?? 0) > 0) {
      // What a session that ends with its connection gets is the oracle's matter (oracle.ts).
      this.life?.received(packet, number, crashes)
      const ticket = this.life?.queue.get(number)?.copies[0]?.ticket ?? 0
      if (qos === 2) check(ticket <= store.log.kept, `${this.name}: ${number} was sent at QoS 2 before it was kept`)
    }
  }

  hasEverything(): void {
    for (const { message, qos, receipts } of this.life?.queue.values() ?? []) {
      check(receipts > 0, `${this.name}: message ${message.number} at QoS ${qos} never came`)
    }
    for (const message of this.life?.wantsRetained.value === true ? this.#stage.store.retained() : []) {
      const { frame, sequence, topic } = message
      const isLast = this.#stage.world.core.retained.get(topic)?.sequence === sequence
      const number = frame.readUInt32BE(frame.length - 4)
      const isSeen = ((frame[0] as number) & 6) === 0 || this.life?.seen.has(number) === true
      check(!isLast || isSeen, `${this.name}: retained message ${number} of ${topic} never came`)
    }
    check(this.#outgoing.size === 0, `${this.name}: ${this.#outgoing.size} of its messages were never answered`)
  }

  sawWills(wills: ReadonlyArray<ModelWill>): void {
    const wanted = new Set<number>()
    for (const { number, state } of wills) if (state.value.kind === "published") wanted.add(number)
    for (const number of wanted) check(this.#willsSeen.has(number), `will ${number} never came`)
    for (const [number, times] of this.#willsSeen) {
      check(wanted.has(number), `will ${number} was not to come`)
      check(times === 1, `will ${number} came ${times} times`)
    }
  }

  #ticketAfter(from: number, wanted: (record: StoreRecord) => boolean): number {
    const { records } = this.#stage.store
    for (let at = from; at < records.length; at++) if (wanted(records[at] as StoreRecord)) return at + 1
    return 0
  }

  #lastTicket(wanted: (record: StoreRecord) => boolean): number {
    return this.#stage.store.records.findLastIndex(wanted) + 1
  }
}

const isConnected = (record: StoreRecord, number: number): boolean => isSession(record, number, true)
const isOffline = (record: StoreRecord, number: number): boolean => isSession(record, number, false)
const isEnd = (record: StoreRecord, number: number): boolean =>
  record.kind === "session-end" && (record as ControlRecord & { number: number }).number === number

const isSession = (record: StoreRecord, number: number, connected: boolean): boolean =>
  record.kind === "session" && record.number === number && (record.session.disconnectedAtMs === 0) === connected
