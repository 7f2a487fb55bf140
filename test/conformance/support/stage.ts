/**
 * Where one rule plays: its target, its own client identifiers and topics, its connections, which end with it.
 * Rules run side by side against one broker, so nothing here is shared but the broker.
 */

import type { Version } from "./packets.ts"
import { Peer, type Refusal } from "./peer.ts"
import { type Features, type MakeUp, NotOffered, type Target } from "./target.ts"
import type { ConnectFields, Will } from "./write.ts"

/** A wait that long means "never": loopback and one loop turn take milliseconds. */
const WAIT_MS = Number(process.env["PROMPTMQ_CONFORMANCE_WAIT_MS"] ?? 8000)

/** Letters and digits only, different in every run: a broker that runs on may still know the last one's names. */
const run = (Date.now() % 36 ** 6).toString(36)
let stages = 0

export interface JoinFields extends ConnectFields {
  readonly makeUp?: MakeUp
  /** Session Expiry Interval in seconds; with it the session is kept, so Clean Start is 0 unless said otherwise. */
  readonly expiry?: number
}

export class Stage {
  readonly version: Version
  readonly features: Features
  readonly #target: Target
  readonly #name: string
  readonly #peers: Array<Peer> = []
  #refusals = 0

  constructor(target: Target, version: Version) {
    this.#target = target
    this.features = target.features
    this.version = version
    stages += 1
    this.#name = `${run}x${stages}`
  }

  /** A topic, or a filter, of this rule alone. */
  topic(...levels: ReadonlyArray<string>): string {
    return [this.#name, ...levels].join("/")
  }

  /** A client identifier of this rule alone: letters and digits. */
  id(name: string): string {
    return `${this.#name}${name}`
  }

  /** A connection on which nothing was sent. */
  async dial(makeUp: MakeUp = "plain", version: Version = this.version): Promise<Peer> {
    const opening = this.#target.open(makeUp)
    if (opening === undefined) throw new NotOffered(`${this.#target.name} has no make-up "${makeUp}"`)
    const peer = new Peer(await opening, { version, tellsWhy: this.features.tellsWhy, waitMs: WAIT_MS })
    this.#peers.push(peer)
    return peer
  }

  /** A client whose CONNECT was accepted. */
  async join(name: string, { expiry, makeUp = "plain", ...fields }: JoinFields = {}): Promise<Peer> {
    const peer = await this.dial(makeUp)
    const connack = await peer.connected(
      this.connectFields(name, { ...fields, ...(expiry === undefined ? {} : { expiry }) })
    )
    if (connack.code !== 0) throw new Error(`CONNECT was refused with 0x${connack.code.toString(16)}`)
    return peer
  }

  /** A client that comes back to its session: CONNACK must say whether there is one. */
  async resume(name: string, isPresent = true, fields: JoinFields = {}): Promise<Peer> {
    const peer = await this.dial(fields.makeUp)
    const { code, sessionPresent } = await peer.connected(this.connectFields(name, { expiry: 60, ...fields }))
    if (code !== 0) throw new Error(`CONNECT was refused with 0x${code.toString(16)}`)
    if (sessionPresent !== isPresent) throw new Error(`Session Present is ${sessionPresent}, expected ${isPresent}`)
    return peer
  }

  connectFields(name: string, { expiry, ...fields }: JoinFields = {}): ConnectFields {
    const clientId = fields.clientId ?? this.id(name)
    if (expiry === undefined) return { ...fields, clientId }
    const properties = { sessionExpiryInterval: expiry, ...fields.properties }
    return { clean: false, ...fields, clientId, properties }
  }

  /** A connected client sends these bytes; the server must end that connection. */
  async refuses(
    bytes: Buffer,
    code: number | ReadonlyArray<number>,
    refusal: Refusal & JoinFields = {}
  ): Promise<void> {
    const { mayBeSilent, tolerated, ...fields } = refusal
    this.#refusals += 1
    const peer = await this.join(`r${this.#refusals}`, fields)
    peer.raw(bytes)
    await peer.refused(code, refusalOf(tolerated, mayBeSilent))
  }

  /** These bytes in place of CONNECT must be refused. */
  async rejects(
    bytes: Buffer,
    code: number | ReadonlyArray<number>,
    { makeUp, ...refusal }: Refusal & { readonly makeUp?: MakeUp } = {}
  ): Promise<void> {
    const peer = await this.dial(makeUp)
    peer.raw(bytes)
    await peer.rejected(code, refusal)
  }

  /** A client with this will, whose connection breaks at once: a message that comes when its will is due. */
  async fuse(name: string, will: Will, fields: JoinFields = {}): Promise<void> {
    const peer = await this.join(name, { ...fields, will })
    await peer.lost()
  }

  /** Time that passes because the statement is about time; never to wait for something to happen. */
  pass(milliseconds: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds))
  }

  /** Nothing that came on any connection was against the standard. */
  verify(): void {
    for (const peer of this.#peers) peer.verify()
  }

  leave(): void {
    for (const peer of this.#peers) peer.wire.destroy()
  }
}

const refusalOf = (tolerated: Refusal["tolerated"], mayBeSilent: Refusal["mayBeSilent"]): Refusal => ({
  ...(tolerated === undefined ? {} : { tolerated }),
  ...(mayBeSilent === undefined ? {} : { mayBeSilent })
})
