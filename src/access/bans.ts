/**
 * Who may not come in, and until when: client ids, user names, addresses and networks. Plain: a table in memory;
 * bans-file.ts keeps it over a restart.
 *
 * Invariants
 * - [LIM-8] A ban whose time is over bans nobody, whether or not it was removed already.
 * - One ban per kind and value: a second one replaces the first.
 * - At most `bansMax`: one more that somebody asks for is refused; one that the broker itself makes takes the place of
 *   the one of its own that ends first, never of a person's.
 *
 * Asked once per CONNECT, and per accepted socket for its address.
 */
import { formatNetwork, NetworkSet, parseNetwork } from "../settings/network-set.ts"

export const banKinds = ["client", "user", "address"] as const
export type BanKind = (typeof banKinds)[number]

export interface Ban {
  readonly kind: BanKind
  /** The client id, the user name, or the network with its length: "192.0.2.7/32". */
  readonly value: string
  readonly why: string
  /** Who made it: "grafana (operator)", or "flapping" for the broker itself. */
  readonly by: string
  readonly createdAtMs: number
  /** Wall time of its end; undefined = until somebody removes it. */
  readonly untilMs: number | undefined
}

export const flappingBan = "flapping"
export const banTextLengthMax = 65_535

/** The value as it is compared, or undefined where it cannot be one of its kind. */
export function banValue(kind: BanKind, value: string): string | undefined {
  if (kind !== "address") return value === "" || value.length > banTextLengthMax ? undefined : value
  const network = parseNetwork(value)
  return network === undefined ? undefined : formatNetwork(network)
}

interface Held {
  readonly ban: Ban
  readonly networks: NetworkSet | undefined
}

export class Bans {
  readonly #bansMax: () => number
  readonly #byKind: Readonly<Record<BanKind, Map<string, Held>>> = {
    client: new Map(),
    user: new Map(),
    address: new Map()
  }
  /** All banned networks as one: most addresses are in none of them. */
  #anyNetwork = new NetworkSet([])
  /** Rises with each change: whoever saves compares. */
  changes = 0

  constructor(bansMax: () => number) {
    this.#bansMax = bansMax
  }

  get size(): number {
    return this.#byKind.client.size + this.#byKind.user.size + this.#byKind.address.size
  }

  /** Those in force, the one that ends first at the front. */
  list(nowMs: number): ReadonlyArray<Ban> {
    this.#forgetEnded(nowMs)
    const all = banKinds.flatMap((kind) => [...this.#byKind[kind].values()].map(({ ban }) => ban))
    return all.sort((a, b) => (a.untilMs ?? Number.POSITIVE_INFINITY) - (b.untilMs ?? Number.POSITIVE_INFINITY) || 0)
  }

  /** False when there are too many. `value` is what banValue answered. */
  add(ban: Ban, nowMs: number): boolean {
    const table = this.#byKind[ban.kind]
    if (!table.has(ban.value) && this.size >= this.#bansMax()) {
      this.#forgetEnded(nowMs)
      if (this.size >= this.#bansMax() && !(ban.by === flappingBan && this.#makeRoom())) return false
    }
    table.set(ban.value, { ban, networks: ban.kind === "address" ? new NetworkSet([ban.value]) : undefined })
    this.#changed(ban.kind)
    return true
  }

  /** False when there is none. */
  remove(kind: BanKind, value: string): boolean {
    const isRemoved = this.#byKind[kind].delete(value)
    if (isRemoved) this.#changed(kind)
    return isRemoved
  }

  /** What bans this client, whatever of it. `address` is undefined for peers that have none. */
  find(
    clientIdentifier: string | undefined,
    username: string | undefined,
    address: string | undefined,
    nowMs: number
  ): Ban | undefined {
    if (this.size === 0) return undefined
    const { client, user } = this.#byKind
    const byName =
      inForce(clientIdentifier === undefined ? undefined : client.get(clientIdentifier), nowMs) ??
      inForce(username === undefined ? undefined : user.get(username), nowMs)
    return byName ?? this.findAddress(address, nowMs)
  }

  findAddress(address: string | undefined, nowMs: number): Ban | undefined {
    if (!this.#anyNetwork.has(address)) return undefined
    for (const held of this.#byKind.address.values()) {
      if (held.networks?.has(address) !== true) continue
      const ban = inForce(held, nowMs)
      if (ban !== undefined) return ban
    }
    return undefined
  }

  #forgetEnded(nowMs: number): void {
    for (const kind of banKinds) {
      const table = this.#byKind[kind]
      let isAny = false
      for (const [value, held] of table) {
        if (inForce(held, nowMs) !== undefined) continue
        table.delete(value)
        isAny = true
      }
      if (isAny) this.#changed(kind)
    }
  }

  #makeRoom(): boolean {
    let first: Ban | undefined
    for (const { ban } of this.#byKind.client.values()) {
      if (ban.by !== flappingBan) continue
      if (first === undefined || (ban.untilMs ?? 0) < (first.untilMs ?? 0)) first = ban
    }
    return first !== undefined && this.remove(first.kind, first.value)
  }

  #changed(kind: BanKind): void {
    this.changes += 1
    if (kind === "address") this.#anyNetwork = new NetworkSet(this.#byKind.address.keys())
  }
}

function inForce(held: Held | undefined, nowMs: number): Ban | undefined {
  if (held === undefined) return undefined
  const { untilMs } = held.ban
  return untilMs === undefined || untilMs > nowMs ? held.ban : undefined // [LIM-8]
}
