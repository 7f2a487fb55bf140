/**
 * PUBACK, PUBREC, PUBREL, PUBCOMP, both ways.
 *
 *   we receive a message       PUBLISH 1 ▶ PUBACK            PUBLISH 2 ▶ PUBREC, PUBREL ▶ PUBCOMP
 *   we sent a message          PUBACK ▶ done                 PUBREC ▶ PUBREL, PUBCOMP ▶ done
 *
 * Invariants
 * - What waits for the log's promise leaves through `releaseKept` only, in the order of its tickets.
 * - Where the session outlives the process every step of QoS 2 is saved before it is answered: PUBCOMP waits for Q2REL,
 *   PUBREL for Q2OUT-REC. A step that the store does not take is not answered: the connection ends.
 * - An acknowledgement of ours is never held back by a full window or outbox [MQTT-3.3.4-10].
 * - Unknown identifiers change no quota: PUBREC and PUBREL are answered with 0x92, the others are ignored.
 * - Every exchange that ends gives its place in the window back and lets a waiting session read on.
 */
import { PacketType } from "../codec/codec.ts"
import type { Fault } from "../codec/fault.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { acknowledgementSize, writeAcknowledgement } from "../codec/write-acknowledgement.ts"
import { Counter } from "../metrics/counters.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import type { Session } from "../session/session.ts"
import { KeepLane } from "../store/ports.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { dropRecord } from "./drop-record.ts"
import { storeRefuses } from "./faults.ts"
import { holdUntilKept } from "./holds.ts"
import { acknowledgeWithReceipt } from "./receipts.ts"
import { endExchange, wakeGroups } from "./share-exchange.ts"

export const acknowledge = (
  core: Core,
  client: Client,
  packetType: number,
  packetIdentifier: number,
  reasonCode: number
): void => {
  if (client.receipts !== undefined && packetType <= PacketType.pubrec && reasonCode === ReasonCode.success) {
    if (acknowledgeWithReceipt(core, client, packetType, packetIdentifier)) return
  }
  const outbox = client.connection.outbox
  const size = acknowledgementSize(client.version, reasonCode)
  const at = outbox.reserve(size)
  writeAcknowledgement(outbox.slab, at, packetType, packetIdentifier, reasonCode, client.version)
  core.count[Counter.packetsOut + packetType] = (core.count[Counter.packetsOut + packetType] as number) + 1
  core.count[Counter.bytesOut] = (core.count[Counter.bytesOut] as number) + size
}

/** Every ticket up to it is kept as the lane promises (KeepLane) [KEEP-1]. */
export const keptOf = ({ log }: Core, lane: number): number =>
  lane === KeepLane.policy ? log.kept : lane === KeepLane.durable ? log.durable : log.written

/** Its ticket is not kept yet: the acknowledgement waits, without a closure. */
export const acknowledgeWhenKept = (
  core: Core,
  client: Client,
  packetType: number,
  packetIdentifier: number,
  lane: number,
  ticket: number
): void => {
  const ring = core.acknowledgements[lane] as (typeof core.acknowledgements)[number]
  ring.push(ticket, client.slot, client.slotGeneration, packetIdentifier, packetType, core.loopMs)
}

/** The log keeps more than before: what waited for that leaves now. */
export const releaseKept = (core: Core): void => {
  const { acknowledgements, holds, log } = core
  const [policy, durable, written] = acknowledgements
  if (policy.length > 0) releaseLane(core, policy, log.kept)
  if (durable.length > 0) releaseLane(core, durable, log.durable)
  if (written.length > 0) releaseLane(core, written, log.written)
  if (holds.length > 0) holds.release(log.kept)
}

const releaseLane = (core: Core, ring: Core["acknowledgements"][number], kept: number): void => {
  const nowMs = core.meter === undefined ? 0 : core.options.clock.loopMs()
  const waits = new Waits(core, nowMs)
  ring.release(kept, (slot, generation, packetIdentifier, packetType, arrivedMs) => {
    const client = core.clients[slot]
    // The slot may be another client's by now: then nobody is there to be told.
    if (client === undefined || client.slotGeneration !== generation || client.state !== ClientState.connected) return
    if (packetType === PacketType.puback) client.incomingOpen -= 1
    acknowledge(core, client, packetType, packetIdentifier, ReasonCode.success)
    waits.add(packetType === PacketType.puback ? 1 : 2, arrivedMs)
  })
  waits.book()
}

/** How long those waited that are released together: what came in one chunk is one entry. */
class Waits {
  readonly #core: Core
  readonly #nowMs: number
  #qos = 1
  #arrivedMs = 0
  #times = 0

  constructor(core: Core, nowMs: number) {
    this.#core = core
    this.#nowMs = nowMs
  }

  add(qos: number, arrivedMs: number): void {
    if (qos !== this.#qos || arrivedMs !== this.#arrivedMs) this.book()
    this.#qos = qos
    this.#arrivedMs = arrivedMs
    this.#times += 1
  }

  book(): void {
    const seconds = Math.max(0, this.#nowMs - this.#arrivedMs) / 1000
    if (this.#times > 0) this.#core.meter?.of("publishAck", this.#qos - 1).observeMany(seconds, this.#times)
    this.#times = 0
  }
}

/** A PUBACK, PUBREC, PUBREL or PUBCOMP from the client, in `client.ackView`. */
export const receiveAcknowledgement = (core: Core, client: Client, packetType: number): Fault | undefined => {
  const session = client.session as Session
  const { packetIdentifier, reasonCode } = client.ackView
  if (packetType === PacketType.puback) receivePuback(core, client, session, packetIdentifier, reasonCode)
  else if (packetType === PacketType.pubrec) return receivePubrec(core, client, session, packetIdentifier, reasonCode)
  else if (packetType === PacketType.pubcomp) receivePubcomp(core, client, session, packetIdentifier)
  else return receivePubrel(core, client, session, packetIdentifier)
  return undefined
}

const receivePuback = (core: Core, client: Client, session: Session, id: number, reasonCode: number): void => {
  if (session.window.state(id) !== ExchangeState.awaitPuback) return
  if (core.watch !== undefined) core.watch.acknowledged(client, session, PacketType.puback, id, reasonCode)
  if (reasonCode >= 0x80) refused(core, session, id)
  finish(core, client, session, id)
}

const receivePubrec = (
  core: Core,
  client: Client,
  session: Session,
  id: number,
  reasonCode: number
): Fault | undefined => {
  const state = session.window.state(id)
  if (state === ExchangeState.awaitPubrec && core.watch !== undefined) {
    core.watch.acknowledged(client, session, PacketType.pubrec, id, reasonCode)
  }
  if (state === ExchangeState.awaitPubrec && reasonCode >= 0x80) {
    refused(core, session, id) // no PUBREL follows [MQTT-4.3.3-4]
    finish(core, client, session, id)
  } else if (state === ExchangeState.awaitPubrec) {
    if (core.isDurable && session.persistent) {
      const ticket = core.sessionStore.sentReceived(session.number, id)
      if (ticket < 0) return storeRefuses // [KEEP-3]
      holdUntilKept(core, client, ticket) // [KEEP-2]: what is released is never published again [MQTT-4.3.3-6]
      core.markDirty(session)
    }
    session.window.released(id)
    acknowledge(core, client, PacketType.pubrel, id, ReasonCode.success) // [MQTT-4.3.3-4]
  } else if (state === ExchangeState.awaitPubcomp) {
    if (reasonCode >= 0x80) finish(core, client, session, id)
    else acknowledge(core, client, PacketType.pubrel, id, ReasonCode.success)
  } else if (reasonCode < 0x80) {
    acknowledge(core, client, PacketType.pubrel, id, ReasonCode.packetIdentifierNotFound)
  }
  return undefined
}

const receivePubcomp = (core: Core, client: Client, session: Session, id: number): void => {
  if (session.window.state(id) !== ExchangeState.awaitPubcomp) return
  if (core.watch !== undefined) core.watch.acknowledged(client, session, PacketType.pubcomp, id, 0)
  finish(core, client, session, id)
}

/** PUBREL [MQTT-4.3.3-11]: the identifier is free for a new message from here on [MQTT-4.3.3-12]. */
const receivePubrel = (core: Core, client: Client, session: Session, id: number): Fault | undefined => {
  const known = session.incoming?.has(id) === true
  if (known && core.isDurable && session.persistent) {
    const ticket = core.sessionStore.released(session.number, id)
    if (ticket < 0) return storeRefuses // [KEEP-3]
    holdUntilKept(core, client, ticket) // [KEEP-2] [MQTT-4.3.3-12]
    core.markDirty(session)
  }
  if (known) {
    session.incoming?.delete(id)
    session.incomingDurable?.delete(id)
    client.incomingOpen -= 1
  }
  acknowledge(core, client, PacketType.pubcomp, id, known ? ReasonCode.success : ReasonCode.packetIdentifierNotFound)
  return undefined
}

const finish = (core: Core, client: Client, session: Session, id: number): void => {
  if (core.isDurable && session.persistent) saveDone(core, session, id)
  session.window.close(id) // [MQTT-3.3.4-9]
  session.retainedInFlight?.delete(id)
  session.replayInFlight?.delete(id)
  if (session.shared !== undefined) {
    endExchange(core, session, id)
    wakeGroups(core, session) // the window has a place: a shared subscription may have waited for it
  }
  client.pumpWanted ||= client.mustPump
}

/** Before the exchange is closed [MQTT-4.3.3-3]. Nobody waits for it: a step that is lost makes us repeat what the receiver knows already. */
export const saveDone = (core: Core, session: Session, id: number): void => {
  if (session.window.state(id) !== ExchangeState.awaitPuback) core.sessionStore.sentDone(session.number, id)
  core.markDirty(session)
}

const refused = (core: Core, session: Session, id: number): void => {
  const sequence = session.window.sequence(id)
  if (sequence >= 0) dropRecord(core, session, DropReason.negativeAcknowledgement, core.log.topicAt(sequence), sequence)
  else core.ledger.add(DropReason.negativeAcknowledgement, session.clientIdentifier, "", 1, core.nowMs)
}
