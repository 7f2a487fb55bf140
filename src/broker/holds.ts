/**
 * Bytes that wait for a promise of the log, but for PUBACK and PUBREC (those have a ring of their own,
 * acknowledgement-ring.ts): which clients' outboxes hold something, and until which ticket.
 *
 *   CONNACK      until SESSION is kept         PUBCOMP    until Q2REL is kept
 *   SUBACK       until SUB is kept             PUBREL     until Q2OUT-REC is kept
 *   UNSUBACK     until its end is kept         PUBLISH 2  until Q2OUT is kept, and so the message
 *
 * All of a persistent session, where the store is durable; the bytes themselves lie in the outbox (listener/outbox.ts).
 *
 *   record ─► ticket ─► holdUntilKept(client, ticket) ─► the packet into the outbox ─► ... onKept ─► it leaves
 *
 * The promises, cited where they are kept (tests: test/broker/promises.test.ts, test/listener/held-bytes.test.ts)
 *   KEEP-1   PUBACK and PUBREC leave when the message, or its packet identifier, is kept as its topic asks
 *   KEEP-2   the rest leaves when its record is kept, and not before
 *   KEEP-3   a step that could not be saved is not told
 *   KEEP-4   what is behind held bytes stays behind them; what was before them is not delayed
 *
 * Invariants
 * - An outbox lets go only of what its own tickets allow: an entry of this ring is a reminder to look, so one too many
 *   changes nothing, and a connection that is gone is nobody else's.
 * - Entries are in the order of their tickets, so releasing up to a ticket is popping from the front. A ticket older
 *   than the last one takes that one's place in the line: it looks later than it might, never earlier.
 * - Bounded by what clients may have open: at most one entry per packet that waits.
 */
import { Hold, type Outbox } from "../listener/outbox.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

const LENGTH_FIRST = 64

/** What the client is sent from here on leaves when `ticket` is kept [KEEP-2]. 0 = nothing needs to be waited for. */
export const holdUntilKept = (core: Core, client: Client, ticket: number): void => {
  if (ticket > core.log.kept) core.holds.add(client.connection.outbox, ticket)
}

export class Holds {
  length = 0
  #tickets = new Float64Array(LENGTH_FIRST)
  /** As long as #tickets. */
  #outboxes: Array<Outbox | undefined> = new Array(LENGTH_FIRST).fill(undefined)
  #head = 0

  add(outbox: Outbox, ticket: number): void {
    const held = outbox.hold(ticket)
    if (held === Hold.behind) return
    const last = this.length === 0 ? -1 : (this.#head + this.length - 1) % this.#outboxes.length
    if (held === Hold.raised && this.#outboxes[last] === outbox) {
      this.#tickets[last] = Math.max(ticket, this.#tickets[last] as number)
      return
    }
    const before = last < 0 ? 0 : (this.#tickets[last] as number)
    if (this.length === this.#outboxes.length) this.#grow()
    const at = (this.#head + this.length) % this.#outboxes.length
    this.#tickets[at] = Math.max(ticket, before)
    this.#outboxes[at] = outbox
    this.length += 1
  }

  /** Every ticket up to `kept` is kept [KEEP-2]. */
  release(kept: number): void {
    while (this.length > 0 && (this.#tickets[this.#head] as number) <= kept) {
      const outbox = this.#outboxes[this.#head] as Outbox
      this.#outboxes[this.#head] = undefined
      this.#head = (this.#head + 1) % this.#outboxes.length
      this.length -= 1
      outbox.release(kept)
    }
  }

  #grow(): void {
    const before = this.#outboxes.length
    const tickets = new Float64Array(before * 2)
    const outboxes: Array<Outbox | undefined> = new Array(before * 2).fill(undefined)
    for (let i = 0; i < this.length; i++) {
      const from = (this.#head + i) % before
      tickets[i] = this.#tickets[from] as number
      outboxes[i] = this.#outboxes[from]
    }
    this.#tickets = tickets
    this.#outboxes = outboxes
    this.#head = 0
  }
}
