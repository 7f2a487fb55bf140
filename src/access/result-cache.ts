/**
 * What the chain answered lately, so that a client that comes back costs no slow hash and no question to others.
 *
 * Invariants
 * - The key is an HMAC-SHA-256 of everything a provider may have looked at, under a key of this process: what is in
 *   memory opens no door and cannot be compared with a list of known passwords.
 * - At most `entriesMax` entries; the oldest goes first. An answer lives `ttlMs` (`deniedTtlMs` for a refusal), an
 *   identity never beyond its own expiry.
 * - Nothing is kept that was asked before the last clear(): what was being decided then may rest on the old file [CCH-1].
 * - Not kept: answers without a proof of identity in the request, and those that say "later" (busy, unavailable).
 *
 * Plain; the time comes in.
 */
import { createHmac } from "node:crypto"
import type { ConnectRequest } from "./access.ts"
import type { ProviderAnswer } from "./provider.ts"

export interface ResultCacheOptions {
  readonly entriesMax: number
  /** 0 keeps nothing. */
  readonly ttlMs: number
  readonly deniedTtlMs: number
  /** Random, of this process. */
  readonly key: Uint8Array
  readonly wallClockMs: () => number
}

interface Entry {
  readonly answer: ProviderAnswer
  readonly endsAtMs: number
}

/** The client did nothing wrong, or may be right in a moment. */
const passingCodes: ReadonlySet<number> = new Set([0x83, 0x88, 0x89, 0x97])

export class ResultCache {
  readonly #options: ResultCacheOptions
  /** In the order of their making: the oldest is first. */
  readonly #entries = new Map<string, Entry>()
  #epoch = 0

  constructor(options: ResultCacheOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** Rises with every clear(); what was asked in an older one is not kept. */
  get epoch(): number {
    return this.#epoch
  }

  get(request: ConnectRequest): ProviderAnswer | undefined {
    if (this.#entries.size === 0) return undefined
    const key = this.#keyOf(request)
    const entry = this.#entries.get(key)
    if (entry === undefined || this.#options.wallClockMs() < entry.endsAtMs) return entry?.answer
    this.#entries.delete(key)
    return undefined
  }

  set(request: ConnectRequest, answer: ProviderAnswer, epoch: number): void {
    if (epoch !== this.#epoch || !hasProof(request) || !isLasting(answer)) return // [CCH-1]
    const nowMs = this.#options.wallClockMs()
    const endsAtMs = Math.min(nowMs + this.#ttlMs(answer), expiryOf(answer))
    if (endsAtMs <= nowMs) return
    const key = this.#keyOf(request)
    this.#entries.delete(key)
    while (this.#entries.size >= this.#options.entriesMax) {
      const oldest = this.#entries.keys().next()
      if (oldest.done === true) return
      this.#entries.delete(oldest.value)
    }
    this.#entries.set(key, { answer, endsAtMs })
  }

  clear(): void {
    this.#epoch += 1
    this.#entries.clear()
  }

  #ttlMs(answer: ProviderAnswer): number {
    return answer.kind === "allowed" ? this.#options.ttlMs : this.#options.deniedTtlMs
  }

  /** Every part with its length in front, so that no two requests give the same bytes. */
  #keyOf(request: ConnectRequest): string {
    const { certificate, clientIdentifier, listener, password, peer, pskIdentity, username } = request
    const hmac = createHmac("sha256", this.#options.key)
    // Without the port: it is another one with each connection.
    for (const part of [
      clientIdentifier,
      username,
      password,
      listener,
      addressOf(peer),
      shownNames(certificate),
      pskIdentity
    ]) {
      if (part === undefined) {
        hmac.update("-;")
        continue
      }
      hmac.update(`${typeof part === "string" ? Buffer.byteLength(part) : part.length};`)
      hmac.update(part)
    }
    return hmac.digest("base64")
  }
}

/** All of it: a certificate that a proxy tells of has names only, and no fingerprint. */
const shownNames = (certificate: ConnectRequest["certificate"]): string | undefined =>
  certificate === undefined ? undefined : JSON.stringify(certificate) // [CACHE-CERT]

const hasProof = ({ certificate, password, pskIdentity }: ConnectRequest): boolean =>
  password !== undefined || certificate !== undefined || pskIdentity !== undefined

const isLasting = (answer: ProviderAnswer): boolean =>
  answer.kind !== "unknown" && !(answer.kind === "denied" && passingCodes.has(answer.reasonCode ?? 0))

const expiryOf = (answer: ProviderAnswer): number =>
  (answer.kind === "allowed" ? answer.identity.expiresAtMs : undefined) ?? Number.POSITIVE_INFINITY

const addressOf = (peer: string): string => {
  const colon = peer.lastIndexOf(":")
  return colon === -1 ? peer : peer.slice(0, colon)
}
