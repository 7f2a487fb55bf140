/**
 * PUBACK, PUBREC, PUBREL, PUBCOMP, both ways.
 *
 *   we receive a message       PUBLISH 1 ▶ PUBACK            PUBLISH 2 ▶ PUBREC, PUBREL ▶ PUBCOMP
 *   we sent a message          PUBACK ▶ done                 PUBREC ▶ PUBREL, PUBCOMP ▶ done
 *
 * Invariants
 * - What waits for the log's promise leaves through `releaseKept` only, in log order.
 * - An acknowledgement of ours is never held back by a full window or outbox [MQTT-3.3.4-10].
 * - Unknown identifiers change no quota: PUBREC and PUBREL are answered with 0x92, the others are ignored.
 * - Every exchange that ends gives its place in the window back and lets a waiting session read on.
 */
import { PacketType } from "../codec/codec.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { acknowledgementSize, writeAcknowledgement } from "../codec/write-acknowledgement.ts"
import { Counter } from "../metrics/counters.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import { ExchangeState } from "../session/outgoing-window.ts"
import type { Session } from "../session/session.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { endExchange, wakeGroups } from "./share-exchange.ts"

export const acknowledge = (
  core: Core,
  client: Client,
  packetType: number,
  packetIdentifier: number,
  reasonCode: number
): void => {
  const outbox = client.connection.outbox
  const size = acknowledgementSize(client.version, reasonCode)
  const at = outbox.reserve(size)
  writeAcknowledgement(outbox.slab, at, packetType, packetIdentifier, reasonCode, client.version)
  core.count[Counter.packetsOut + packetType] = (core.count[Counter.packetsOut + packetType] as number) + 1
  core.count[Counter.bytesOut] = (core.count[Counter.bytesOut] as number) + size
}

/** The message lies at `sequence` and is not kept yet: its acknowledgement waits, without a closure. */
export const acknowledgeWhenKept = (
  core: Core,
  client: Client,
  packetType: number,
  packetIdentifier: number,
  sequence: number
): void => {
  core.acknowledgements.push(sequence, client.slot, client.slotGeneration, packetIdentifier, packetType)
}

/** The log keeps everything below `keptBelow`: what waited for that leaves now. */
export const releaseKept = (core: Core, keptBelow: number): void => {
  if (core.acknowledgements.length === 0) return
  core.acknowledgements.release(keptBelow, (slot, generation, packetIdentifier, packetType) => {
    const client = core.clients[slot]
    // The slot may be another client's by now: then nobody is there to be told.
    if (client === undefined || client.slotGeneration !== generation || client.state !== ClientState.connected) return
    if (packetType === PacketType.puback) client.incomingOpen -= 1
    acknowledge(core, client, packetType, packetIdentifier, ReasonCode.success)
  })
}

/** A PUBACK, PUBREC, PUBREL or PUBCOMP from the client, in `client.ackView`. */
export const receiveAcknowledgement = (core: Core, client: Client, packetType: number): void => {
  const session = client.session as Session
  const { packetIdentifier, reasonCode } = client.ackView
  if (packetType === PacketType.puback) receivePuback(core, client, session, packetIdentifier, reasonCode)
  else if (packetType === PacketType.pubrec) receivePubrec(core, client, session, packetIdentifier, reasonCode)
  else if (packetType === PacketType.pubcomp) receivePubcomp(core, client, session, packetIdentifier)
  else receivePubrel(core, client, session, packetIdentifier)
}

const receivePuback = (core: Core, client: Client, session: Session, id: number, reasonCode: number): void => {
  if (session.window.state(id) !== ExchangeState.awaitPuback) return
  if (reasonCode >= 0x80) refused(core, session, id)
  finish(core, client, session, id)
}

const receivePubrec = (core: Core, client: Client, session: Session, id: number, reasonCode: number): void => {
  const state = session.window.state(id)
  if (state === ExchangeState.awaitPubrec && reasonCode >= 0x80) {
    refused(core, session, id) // no PUBREL follows [MQTT-4.3.3-4]
    finish(core, client, session, id)
  } else if (state === ExchangeState.awaitPubrec) {
    session.window.released(id)
    acknowledge(core, client, PacketType.pubrel, id, ReasonCode.success) // [MQTT-4.3.3-4]
  } else if (state === ExchangeState.awaitPubcomp) {
    if (reasonCode >= 0x80) finish(core, client, session, id)
    else acknowledge(core, client, PacketType.pubrel, id, ReasonCode.success)
  } else if (reasonCode < 0x80) {
    acknowledge(core, client, PacketType.pubrel, id, ReasonCode.packetIdentifierNotFound)
  }
}

const receivePubcomp = (core: Core, client: Client, session: Session, id: number): void => {
  if (session.window.state(id) === ExchangeState.awaitPubcomp) finish(core, client, session, id)
}

/** PUBREL [MQTT-4.3.3-11]: the identifier is free for a new message from here on [MQTT-4.3.3-12]. */
const receivePubrel = (core: Core, client: Client, session: Session, id: number): void => {
  const known = session.incoming?.delete(id) === true
  if (known) client.incomingOpen -= 1
  acknowledge(core, client, PacketType.pubcomp, id, known ? ReasonCode.success : ReasonCode.packetIdentifierNotFound)
}

const finish = (core: Core, client: Client, session: Session, id: number): void => {
  session.window.close(id) // [MQTT-3.3.4-9]
  session.retainedInFlight?.delete(id)
  if (session.shared !== undefined) {
    endExchange(core, session, id)
    wakeGroups(core, session) // the window has a place: a shared subscription may have waited for it
  }
  if (client.mustPump) client.pumpWanted = true
}

const refused = (core: Core, session: Session, id: number): void => {
  const sequence = session.window.sequence(id)
  const at = sequence >= 0 ? sequence : undefined
  core.ledger.add(DropReason.negativeAcknowledgement, session.clientIdentifier, "", 1, core.nowMs, at, at)
}
