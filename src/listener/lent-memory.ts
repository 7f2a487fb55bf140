/**
 * Memory that bytes of clients pass through and do not stay in: what one read brings, and the beginning of a packet
 * until its rest comes. It is used again at once, where memory of its own for each read would have to be collected:
 * the reads of one process take turns, so one buffer does for all plain sockets.
 *
 *   0 ................ IN_FRONT_BYTES ................ end
 *     a packet's beginning      what one read brought
 *
 * Invariants
 * - LENT-1: whoever is handed a range of lent memory has it until the call returns, and copies what is to stay. `lent` says
 *   which buffer that is; outboxes, the only ones to keep a range, look there.
 * - LENT-2: memory is used again when nobody is being shown it, and not before.
 * - What the network takes at once is never copied. The second outbox that has to keep some of the same range makes a copy
 *   that all further ones share: a fan-out of a large message is copied twice, not once for each receiver.
 * - A packet's beginning takes at most twice the bytes that arrived (or PACKET_BYTES_MIN), never what was announced.
 *
 * Elsewhere: the reading (shared-read.ts), packets that lie across two reads (connection.ts), slabs (slab-pool.ts).
 */

/** What one read brings at most. Half as much costs 16 KiB messages, QoS 0, 1:1 a fifth of their rate; twice as much brings nothing. */
export const READ_BYTES = 131_072
/** Room for the beginning of a packet in front of what is read. */
export const IN_FRONT_BYTES = 65_536

/** Sizes of memory for beginnings: powers of two. Larger ones are not used again, and so are the receiver's to keep. */
const PACKET_BYTES_MIN = 256
/**
 * A message of 1 MiB and what MQTT adds. New memory for each costs more than the message: QoS 0, 1:1, with this and without a
 * copy in broker/emit.ts 1 MiB 0.5 → 1.9, 128 KiB 0.4 → 1.4 times Mosquitto.
 */
const PACKET_BYTES_MAX = 2_097_152
/** Of each size, where that is no more than FREE_BYTES_MAX, but two in any case; of all sizes together 14 MiB. */
const FREE_PACKETS_MAX = 16
const FREE_BYTES_MAX = 2_097_152

/** What is handed to a receiver now and is used again afterwards. */
class Lent {
  buffer: Buffer | undefined = undefined
  #start = -1
  #end = -1
  #copy: Buffer | undefined = undefined

  /** From here on `buffer` is handed out; undefined = what is handed out may be kept. Answers what was before. */
  begin(buffer: Buffer | undefined): Buffer | undefined {
    const before = this.buffer
    this.buffer = buffer
    this.#start = -1
    this.#copy = undefined
    return before
  }

  /** A copy of the range that may be kept, where somebody took the same one before; else undefined, and it is noted. */
  copyForAll(start: number, end: number): Buffer | undefined {
    if (start !== this.#start || end !== this.#end) {
      this.#start = start
      this.#end = end
      this.#copy = undefined
      return undefined
    }
    if (this.#copy === undefined) {
      this.#copy = Buffer.allocUnsafeSlow(end - start)
      this.buffer?.copy(this.#copy, 0, start, end)
    }
    return this.#copy
  }
}

export const lent = new Lent()

const free = new Map<number, Array<Buffer>>()
for (let bytes = PACKET_BYTES_MIN; bytes <= PACKET_BYTES_MAX; bytes *= 2) free.set(bytes, [])

/** Memory for the beginning of a packet, at least `bytes`; above the sizes there are, `capacityBytes`. */
export function takePacketMemory(bytes: number, capacityBytes: number): Buffer {
  if (bytes > PACKET_BYTES_MAX) return Buffer.allocUnsafeSlow(capacityBytes)
  let size = PACKET_BYTES_MIN
  while (size < bytes) size *= 2
  return free.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size)
}

/** It is written to again from now on. */
export function givePacketMemory(memory: Buffer): void {
  const same = free.get(memory.length)
  if (same === undefined) return
  const most = Math.max(2, Math.min(FREE_PACKETS_MAX, FREE_BYTES_MAX / memory.length))
  if (same.length < most) same.push(memory)
}

/** Whether givePacketMemory() will use it again, so that nobody may keep a part of it. */
export const isUsedAgain = (memory: Buffer): boolean => memory.length <= PACKET_BYTES_MAX
