/**
 * One client's connection as the broker sees it: registers of the protocol that end with the connection.
 * What outlives it is in session/session.ts. No behaviour here: one file per verb has that.
 *
 * Invariants
 * - `session` is set exactly while `state` is connected; then session.connection is this client.
 * - `epoch` is the session's epoch at CONNECT: when the two differ the client was taken over and is a ghost
 *   whose packets count for nothing.
 */
import type { AccessDecisions, Identity } from "../access/access.ts"
import { AckView, type ProtocolVersion } from "../codec/codec.ts"
import { PublishView } from "../codec/publish-view.ts"
import type { Connection } from "../listener/connection.ts"
import {
  type ReplayCursor,
  type Session,
  type SessionConnection,
  SessionMode,
  type SessionWill
} from "../session/session.ts"
import type { LogReader } from "../store/log-reader.ts"
import type { VerdictTable } from "./permissions.ts"
import type { RateBucket } from "./rate-bucket.ts"
import type { Receipts } from "./receipts.ts"
import type { UserQuota } from "./user-quotas.ts"

export const ClientState = {
  /** Nothing but CONNECT is legal [MQTT-3.1.0-1]. */
  awaitConnect: 0,
  /** CONNECT was read, its Effect runs. */
  connecting: 1,
  connected: 2,
  /** Being closed, or closed: nothing it still sends counts. */
  closed: 3
} as const

/** How a connection ended; decides about the will and what the log says. */
export type CloseCause =
  | "client"
  | "client-with-will"
  | "lost"
  | "keep-alive"
  | "taken-over"
  | "protocol-error"
  | "server"
  | "banned"
  | "refused"

const NOTHING: ReadonlyArray<number> = []

export class Client implements SessionConnection {
  readonly connection: Connection
  /** Index among the open connections, with its generation: how acknowledgements that wait find their way back. */
  readonly slot: number
  readonly slotGeneration: number
  /** Who decides what this connection may do. */
  readonly access: AccessDecisions
  state: number = ClientState.awaitConnect
  version: ProtocolVersion = 4
  isVersion5 = false
  /** Enhanced authentication: the exchange under way, and its method for later ones; broker/enhanced.ts knows the kind. */
  exchange: unknown = undefined
  /** Set by setIdentity() only: verdicts are of one identity. */
  identity: Identity | undefined = undefined
  /** The generation of the rules in which none concerns it, or -1; and the one that `verdicts` are of. See permissions.ts. */
  freeGeneration = -1
  verdictGeneration = -1
  verdicts: VerdictTable | undefined = undefined
  /** Of the same generation: the class of connections whose verdicts it shares, 0 = none. */
  rightsClass = 0
  session: Session | undefined = undefined
  /** As CONNECT says it; "" where it says none. */
  claimedIdentifier = ""
  epoch = 0
  connectedAtMs = 0
  /** Loop time of the last chunk from the client; keep-alive looks at it when its timer fires. */
  lastReceivedMs = 0
  keepAliveMs = 0
  /** Clean Start (in 3.x Clean Session) of its CONNECT, for those who look. */
  cleanStart = false
  /** Loop time at which a packet began that is not complete yet, or -1. */
  partialSinceMs = -1
  /** Unsent bytes and finished writes at the last look, and the loop time since when the client has taken nothing. */
  unsentBytes = 0
  writesDone = 0
  unsentSinceMs = 0
  timer: unknown = undefined
  /** While CONNECT is being judged: called when the connection ends before that is done. */
  abandonLogin: (() => void) | undefined = undefined
  /** When its credentials end; see identity-expiry.ts. */
  identityTimer: unknown = undefined
  /** Largest packet the client takes [MQTT-3.1.2-24]. */
  maximumPacketSizeBytes = Number.POSITIVE_INFINITY
  requestProblemInformation = true
  /** It wants to be told more with its acknowledgements: receipts.ts. */
  receipts: Receipts | undefined = undefined
  /** Topic names by alias, as the client set them; gone with the connection [MQTT-3.3.2-7]. */
  aliases: Array<Buffer> | undefined = undefined
  /** Aliases this connection may be sent, and those it was sent; undefined when it wants none [MQTT-3.1.2-27]. */
  topicAliasMaximum = 0
  outgoingAliases: Map<string, number> | undefined = undefined
  /** PUBLISH packets at QoS > 0 the client has sent and we have not completed [MQTT-3.3.4-7]. */
  incomingOpen = 0
  will: SessionWill | undefined = undefined
  closeCause: CloseCause = "lost"
  /** Where a slow or resumed session reads. Made when first needed. */
  reader: LogReader | undefined = undefined
  /** The same for history, and whose turn it is when both have something. */
  replayReader: LogReader | undefined = undefined
  replayed: ReplayCursor | undefined = undefined
  isReplayNext = true
  /** Packet identifiers whose PUBLISH or PUBREL must be repeated after a resume, in order. */
  resend: ReadonlyArray<number> = NOTHING
  /** The log position being read from the disk for it, or -1. */
  loading = -1
  loadingReplay = -1
  /** Messages it may publish before it waits again; see slow-down.ts. */
  publishesLeft = 0
  /** What it may publish, and be sent, per second; undefined = no limit. See throttle.ts. */
  publishing: RateBucket | undefined = undefined
  delivering: RateBucket | undefined = undefined
  /** What its user may publish today; undefined = no limit. See user-quotas.ts. */
  quota: UserQuota | undefined = undefined
  /** In the list of clients that have something to send once the loop comes round. */
  pumpQueued = false
  /** An exchange ended in the chunk being read: pump when the chunk is done. */
  pumpWanted = false
  /** Has something to send that waits for room: repeats, retained messages, history, what waits in memory, or the log. */
  get mustPump(): boolean {
    const { session } = this
    if (session === undefined) return false
    if (this.resend.length > 0 || session.mode === SessionMode.catchingUp) return true
    if (session.waiting !== undefined && session.waiting.count > 0) return true
    return session.retainedCursors.length > 0 || session.replayCursors.length > 0
  }
  /** The topic and verdict an access Effect answered last, for the packet that waits for it. */
  askedTopic: string | undefined = undefined
  askedVerdict = 0
  #publishView: PublishView | undefined = undefined
  #ackView: AckView | undefined = undefined
  /** Made for the first PUBLISH: most connections of a large broker send none. */
  get publishView(): PublishView {
    this.#publishView ??= new PublishView()
    return this.#publishView
  }
  get ackView(): AckView {
    this.#ackView ??= new AckView()
    return this.#ackView
  }

  constructor(connection: Connection, slot: number, slotGeneration: number, access: AccessDecisions) {
    this.connection = connection
    this.slot = slot
    this.slotGeneration = slotGeneration
    this.access = access
  }
}

/** The session's connection; the broker knows its kind. */
export const clientOf = (session: Session): Client | undefined => session.connection as Client | undefined
