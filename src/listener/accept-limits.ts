/**
 * How many sockets may be open, and how fast they may come, before anybody has said who it is: in total and per
 * address. One for all listeners of a broker. Judged when a socket is accepted, so before TLS costs anything.
 *
 *   admit(address) ──▶ undefined            let in; release(address) when the socket is closed
 *                  └─▶ "address-rate" ...   turned away: the socket is closed without a word
 *
 * Invariants
 * - [LIM-1] An address has no more sockets open, and gets none faster, than the policy says; others notice nothing.
 * - Every enter() has its leave(), every admit() that let in its release().
 * - An address is one IPv4 address or one IPv6 network of 64 bits: that is what one host can have all of.
 * - Memory is bounded: an address without open sockets whose bucket is full again is forgotten, and above
 *   ADDRESSES_MAX one of those without open sockets.
 * - Who is exempt is counted in total only.
 * - Times come in as an argument and are monotonic.
 *
 * Elsewhere: what the client is told once it can be told anything (broker/connect.ts), bans (access/bans.ts).
 */
import { plainAddress } from "../settings/network-set.ts"

export type AcceptRefusal = "total" | "address-connections" | "address-rate" | "banned" | "busy"

export interface AcceptPolicy {
  /** Sockets of all listeners. */
  readonly socketsMax: number
  /** 0 = no limit, here and below. */
  readonly perAddressMax: number
  readonly ratePerSecond: number
  readonly burst: number
  readonly isExempt: (address: string) => boolean
  readonly isBanned: (address: string) => boolean
  /** The event loop is so late that a handshake more makes it worse for everybody. */
  readonly isOverloaded: () => boolean
}

/** Memory, not policy: addresses are the strangers' choice, and quiet ones are forgotten first. */
const ADDRESSES_MAX = 65_536
/** Entries looked at for one to forget when a new address comes. */
const LOOKED_AT = 8
/** A banned address is let in so often, to be told why (0x8A); everything above costs it a closed socket. */
const BANNED_PER_SECOND = 1
const BANNED_BURST = 5

class Bucket {
  open = 0
  tokens: number
  atMs: number
  constructor(tokens: number, atMs: number) {
    this.tokens = tokens
    this.atMs = atMs
  }
}

export class AcceptLimits {
  readonly #policy: () => AcceptPolicy
  readonly #nowMs: () => number
  readonly #byAddress = new Map<string, Bucket>()
  #hand = this.#byAddress.entries()
  #open = 0

  constructor(policy: () => AcceptPolicy, nowMs: () => number) {
    this.#policy = policy
    this.#nowMs = nowMs
  }

  get open(): number {
    return this.#open
  }

  get addresses(): number {
    return this.#byAddress.size
  }

  /** A socket was accepted, by whomever. */
  enter(): AcceptRefusal | undefined {
    const policy = this.#policy()
    if (this.#open >= policy.socketsMax) return "total"
    if (policy.isOverloaded()) return "busy"
    this.#open += 1
    return undefined
  }

  leave(): void {
    this.#open -= 1
  }

  /** It comes from there. */
  admit(address: string): AcceptRefusal | undefined {
    const policy = this.#policy()
    if (policy.isExempt(address)) return undefined
    const isBanned = policy.isBanned(address)
    const rate = isBanned ? BANNED_PER_SECOND : policy.ratePerSecond
    const burst = isBanned ? BANNED_BURST : policy.burst
    const bucket = this.#bucketOf(addressKey(address), burst)
    // [LIM-1]
    if (policy.perAddressMax > 0 && bucket.open >= policy.perAddressMax) return "address-connections"
    if (rate > 0) {
      this.#fill(bucket, rate, burst)
      if (bucket.tokens < 1) return isBanned ? "banned" : "address-rate"
      bucket.tokens -= 1
    }
    bucket.open += 1
    return undefined
  }

  release(address: string): void {
    const bucket = this.#byAddress.get(addressKey(address))
    // Nothing is counted for those who were exempt when they came.
    if (bucket !== undefined && bucket.open > 0) bucket.open -= 1
  }

  #bucketOf(key: string, burst: number): Bucket {
    const known = this.#byAddress.get(key)
    if (known !== undefined) return known
    this.#forget()
    const bucket = new Bucket(burst, this.#nowMs())
    this.#byAddress.set(key, bucket)
    return bucket
  }

  #fill(bucket: Bucket, rate: number, burst: number): void {
    const nowMs = this.#nowMs()
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * rate) / 1000)
    bucket.atMs = nowMs
  }

  /** Goes on where the last look ended: a walk from the beginning would pass over everything that was forgotten. */
  #forget(): void {
    const { burst, ratePerSecond } = this.#policy()
    const lookedMax = this.#byAddress.size
    for (let looked = 0; looked < lookedMax; looked++) {
      const isCrowded = this.#byAddress.size >= ADDRESSES_MAX
      if (looked >= LOOKED_AT && !isCrowded) return
      let next = this.#hand.next()
      if (next.done === true) {
        this.#hand = this.#byAddress.entries()
        next = this.#hand.next()
        if (next.done === true) return
      }
      const [key, bucket] = next.value
      if (bucket.open > 0) continue
      this.#fill(bucket, ratePerSecond, burst)
      if (isCrowded || ratePerSecond === 0 || bucket.tokens >= burst) this.#byAddress.delete(key)
    }
  }
}

/** "2001:db8:1:2:..." of any host in that network; an IPv4 address as it is. */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address
  const plain = plainAddress(address).toLowerCase()
  if (!plain.includes(":")) return plain
  const [head = "", tail] = plain.split("::")
  const front = head === "" ? [] : head.split(":")
  const back = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  const groups = [...front, ...Array.from({ length: zeros }, () => "0"), ...back]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")
}
