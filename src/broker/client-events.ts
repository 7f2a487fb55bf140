/**
 * What happened to each client: connected, disconnected and why, taken over, refused, expired, kicked, banned, messages
 * dropped from its queue, its user's quota nearly or wholly used up. Of clients that are away too: that is when people ask.
 *
 * Invariants
 * - [EVT-1] At most EVENTS_PER_CLIENT of one client and `max` of all; the client nothing happened to for the longest time
 *   is forgotten first. At 0 nothing is kept.
 * - [EVT-2] Who was never let in cannot push out what happened to anybody who was: refusals of clients that are not known
 *   are kept apart, at most a twentieth of all; those under the name of a known one are at most half of its own.
 * - The same event again, right after itself, is counted and not kept twice: a flood fills nothing.
 */
export type ClientEventKind =
  | "connected"
  | "disconnected"
  | "taken-over"
  | "refused"
  | "expired"
  | "kicked"
  | "banned"
  | "queue-dropped"
  | "quota-near"
  | "quota-exceeded"

/** As the admin API shows it (ClientEvent in admin/api/clients.ts). */
export interface ClientEvent {
  readonly at: string
  readonly what: ClientEventKind
  readonly address: string | null
  readonly reasonCode: number | null
  readonly detail: string
}

interface KeptEvent {
  atMs: number
  readonly what: ClientEventKind
  readonly address: string | undefined
  readonly reasonCode: number | undefined
  readonly detail: string
  count: number
}

const EVENTS_PER_CLIENT = 20
const REFUSALS_PER_CLIENT = 10
const STRANGERS_SHARE = 20
/** Repeats of these are told as a number. */
const counted = new Set<ClientEventKind>(["queue-dropped", "quota-exceeded", "refused"])

export class ClientEvents {
  readonly #max: () => number
  readonly #known = new Histories()
  readonly #strangers = new Histories()

  /** `max` is asked with every event: it may change. */
  constructor(max: () => number) {
    this.#max = max
  }

  /** Events kept of all clients. */
  get size(): number {
    return this.#known.size + this.#strangers.size
  }

  add(
    clientIdentifier: string,
    what: ClientEventKind,
    atMs: number,
    address: string | undefined,
    reasonCode: number | undefined,
    detail: string,
    count = 1
  ): void {
    const max = this.#max()
    const strangersMax = Math.floor(max / STRANGERS_SHARE)
    const isStranger = what === "refused" && !this.#known.has(clientIdentifier)
    const histories = isStranger ? this.#strangers : this.#known // [EVT-2]
    if (!isStranger && what === "connected") this.#known.take(clientIdentifier, this.#strangers)
    histories.add(clientIdentifier, { atMs, what, address, reasonCode, detail, count })
    this.#strangers.shrink(strangersMax)
    this.#known.shrink(max - strangersMax) // [EVT-1]
  }

  /** Oldest first. */
  of(clientIdentifier: string): ReadonlyArray<ClientEvent> {
    const events = this.#known.of(clientIdentifier) ?? this.#strangers.of(clientIdentifier) ?? []
    return events.map(({ address, atMs, count, detail, reasonCode, what }) => ({
      at: new Date(atMs).toISOString(),
      what,
      address: address ?? null,
      reasonCode: reasonCode ?? null,
      detail:
        what === "queue-dropped" ? `${count} messages: ${detail}` : count > 1 ? `${detail}, ${count} times` : detail
    }))
  }
}

/** In the order in which something happened last. */
class Histories {
  readonly #events = new Map<string, Array<KeptEvent>>()
  size = 0

  has(clientIdentifier: string): boolean {
    return this.#events.has(clientIdentifier)
  }

  of(clientIdentifier: string): ReadonlyArray<KeptEvent> | undefined {
    return this.#events.get(clientIdentifier)
  }

  add(clientIdentifier: string, event: KeptEvent): void {
    const events = this.#events.get(clientIdentifier)
    if (events === undefined) {
      // A list of one has memory for one; push() on an empty one would take it for 17.
      this.#events.set(clientIdentifier, [event])
      this.size += 1
      return
    }
    this.#events.delete(clientIdentifier)
    this.#events.set(clientIdentifier, events)
    const last = events.at(-1)
    if (last !== undefined && counted.has(event.what) && last.what === event.what && last.detail === event.detail) {
      last.count += event.count
      last.atMs = event.atMs
      return
    }
    events.push(event)
    this.size += 1
    const refusals = event.what === "refused" ? events.filter(({ what }) => what === "refused") : []
    if (refusals.length > REFUSALS_PER_CLIENT)
      events.splice(events.indexOf(refusals[0] as KeptEvent), 1) // [EVT-2]
    else if (events.length > EVENTS_PER_CLIENT)
      events.shift() // [EVT-1]
    else return
    this.size -= 1
  }

  /** It has been let in: what was kept of it elsewhere is its own. */
  take(clientIdentifier: string, from: Histories): void {
    const events = from.#events.get(clientIdentifier)
    if (events === undefined || this.#events.has(clientIdentifier)) return
    from.#events.delete(clientIdentifier)
    from.size -= events.length
    this.#events.set(clientIdentifier, events)
    this.size += events.length
  }

  shrink(max: number): void {
    if (this.size <= max) return
    for (const [clientIdentifier, events] of this.#events) {
      if (this.size <= max) return
      this.#events.delete(clientIdentifier)
      this.size -= events.length
    }
  }
}
