/**
 * What PUBACK and PUBREC tell a publisher that asks for it: for how many the message is, and what is kept of it, as
 * Reason String. `promptmq pub -d` asks; a session without the wish costs one test of a field.
 *
 *   CONNECT   User Property "promptmq-receipts", whatever its value
 *   PUBACK    Reason String "durable, 1 receiver"
 *
 *   type, length, Packet Identifier (2), 00, Property Length, 1F, length (2), text      all lengths below 128
 *
 * Invariants
 * - [RCP-1] Only of a message that was taken, and only with the acknowledgement that was due anyway: it is never later, and
 *   "durable" is said by what the log has synced at that moment [KEEP-1].
 * - [RCP-2] Nothing to clients that want no problem information [MQTT-3.1.2-29], nor beyond their Maximum Packet Size
 *   [MQTT-3.4.2-2] [MQTT-3.5.2-2].
 * - Bounded: one note per acknowledgement that is due, so Receive Maximum bounds them; who is counted by COUNTED_MAX.
 */
import { assert } from "../base/assert.ts"
import type { ConnectPacket } from "../codec/codec.ts"
import { writeTwoBytes } from "../codec/integers.ts"
import { PropertyId } from "../codec/properties.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { Counter } from "../metrics/counters.ts"
import type { TopicEntry } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { ShareGroup } from "../session/share-group.ts"
import type { Subscription } from "../session/subscription.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

export const receiptsWish = "promptmq-receipts"

const COUNTED_MAX = 1000
const HEADER_BYTES = 9
const TEXT_BYTES_MAX = 118

interface Receipt {
  readonly ticket: number
  readonly receivers: number
}

/** By packet identifier: what the acknowledgement will tell. */
export type Receipts = Map<number, Receipt>

export const receiptsOf = ({ properties, version }: ConnectPacket): Receipts | undefined => {
  const isWished = version === 5 && properties.requestProblemInformation !== 0
  return isWished && properties.userProperties?.some(([name]) => name === receiptsWish) === true ? new Map() : undefined
}

/** Where the message was taken; `ticket` is 0 where nothing had to be kept. */
export const noteReceipt = (
  core: Core,
  receipts: Receipts,
  packetIdentifier: number,
  entry: TopicEntry<Session>,
  { reasonCode, ticket }: { readonly reasonCode: number; readonly ticket: number }
): void => {
  if (reasonCode === ReasonCode.success) receipts.set(packetIdentifier, { ticket, receivers: receiversOf(core, entry) })
}

/** Sessions, those that are away too; a group of a shared subscription is one. */
const receiversOf = (core: Core, { matched }: TopicEntry<Session>): number => {
  const found = new Set<Session | ShareGroup>()
  for (const filter of matched) {
    for (const each of filter.live) {
      const { group, subscriber } = each as Subscription
      if (found.add(group ?? subscriber).size >= COUNTED_MAX) return COUNTED_MAX
    }
    if (filter.logReaders === 0) continue
    for (const { group, subscriber } of core.logReadersOf(filter)) {
      if (found.add(group ?? subscriber).size >= COUNTED_MAX) return COUNTED_MAX
    }
  }
  return found.size
}

/** False: it has no receipt, or no room for one. */
export const acknowledgeWithReceipt = (
  core: Core,
  client: Client,
  packetType: number,
  packetIdentifier: number
): boolean => {
  const receipt = client.receipts?.get(packetIdentifier)
  if (receipt === undefined) return false
  client.receipts?.delete(packetIdentifier)
  const text = textOf(core, receipt)
  const textBytes = text.length
  assert(textBytes <= TEXT_BYTES_MAX, "a receipt's lengths take one byte each")
  const size = HEADER_BYTES + textBytes
  if (size > client.maximumPacketSizeBytes) return false // [RCP-2] [MQTT-3.4.2-2] [MQTT-3.5.2-2]
  const { outbox } = client.connection
  const at = outbox.reserve(size)
  const { slab } = outbox
  slab[at] = packetType << 4
  slab[at + 1] = size - 2
  writeTwoBytes(slab, at + 2, packetIdentifier)
  slab[at + 4] = 0
  slab[at + 5] = size - 6
  slab[at + 6] = PropertyId.reasonString
  writeTwoBytes(slab, at + 7, textBytes)
  slab.write(text, at + HEADER_BYTES, "latin1")
  core.count[Counter.packetsOut + packetType] = (core.count[Counter.packetsOut + packetType] as number) + 1
  core.count[Counter.bytesOut] = (core.count[Counter.bytesOut] as number) + size
  return true
}

const textOf = ({ isDurable, log }: Core, { receivers, ticket }: Receipt): string => {
  // [RCP-1]
  const kept = ticket === 0 ? "" : !isDurable ? "in memory, " : ticket <= log.durable ? "durable, " : "not synced yet, "
  const atLeast = receivers >= COUNTED_MAX ? "at least " : ""
  return `${kept}${atLeast}${receivers} ${receivers === 1 ? "receiver" : "receivers"}`
}
