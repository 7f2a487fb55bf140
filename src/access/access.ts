/**
 * The access port: who may connect, and what may they do?
 *
 * Authentication is an Effect: it may hash, ask a directory, wait. A question on the publish path is
 * answered at once where the answer is known (`allow`, `deny`) and with `ask` where it is not: then the
 * connection stops scanning, the Effect decides, and the same packet is looked at again with the verdict.
 *
 * Fails closed: a provider that dies is a refusal, never an admission (broker/connect.ts turns every
 * failure and defect into one).
 *
 * Swaps: `allowAll` (only by explicit setting, or on loopback while nothing is configured) and `denyAll`.
 * The chain of providers and the rules come into this folder as further layers.
 *
 * Nobody asks the program the broker is embedded in: accessOf gives its in-process connections allow-all.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { PeerCertificate } from "../listener/peer-certificate.ts"
import type { Transport } from "../listener/transport.ts"
import type { RuleList } from "./rule.ts"

export const Verdict = { deny: 0, allow: 1, ask: 2 } as const

/** Who a connection turned out to be. What a provider leaves out it does not know. */
export interface Identity {
  readonly clientIdentifier: string
  readonly username: string | undefined
  /** Groups of the directory, roles of a token: what rules may name. */
  readonly groups?: ReadonlyArray<string> | undefined
  /** Rules that came with the credentials (a token's claims, an answer over HTTP); asked before the rules file. */
  readonly rules?: RuleList | undefined
  /** Wall time at which the credentials end: the connection is closed then with 0x87. */
  readonly expiresAtMs?: number | undefined
  /**
   * Would its provider still let it in with what it showed? Asked when the provider says that something changed. Absent:
   * nobody can tell without asking the client again.
   */
  readonly isStillGood?: (() => boolean) | undefined
  /** No rule is asked for a superuser. */
  readonly isSuperuser?: boolean | undefined
  /** Name of the provider that vouches for it, e.g. "password-file"; "anonymous" for nobody. */
  readonly provider?: string | undefined
  /** From the request, for rules that look at them. */
  readonly peer?: string | undefined
  readonly listener?: string | undefined
  /**
   * Only client identifier and username are known: a session's after a restart. What a rule asks of the rest is then
   * answered to the client's disadvantage.
   */
  readonly isPartial?: boolean | undefined
}

export interface ConnectRequest {
  readonly clientIdentifier: string
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  readonly peer: string
  readonly listener: string
  /** What the peer proved with a certificate that verified; absent = none was shown. */
  readonly certificate?: PeerCertificate | undefined
  /** Identity of the pre-shared key that the TLS handshake was made with. */
  readonly pskIdentity?: string | undefined
}

/** `reasonCode` is the CONNACK reason code of MQTT 5.0, e.g. 0x86 or 0x87. The text is for the log only. */
export class ConnectRefused extends Schema.TaggedError<ConnectRefused>()("ConnectRefused", {
  reasonCode: Schema.Number,
  why: Schema.String
}) {
  override get message(): string {
    return this.why
  }
}

/**
 * A method of enhanced authentication (MQTT 5.0, 4.12): a dialogue of data that the broker carries in AUTH
 * packets without looking at it. `begin` answers CONNECT, and each later re-authentication.
 */
export interface EnhancedMethod {
  readonly name: string
  begin(request: ConnectRequest, data: Buffer | undefined): Effect.Effect<EnhancedStep, ConnectRefused>
}

/** With `identity` the client is who it says, and `data` is the last word; without, `next` takes its answer to `data`. */
export interface EnhancedStep {
  readonly data?: Uint8Array | undefined
  readonly identity?: Identity | undefined
  readonly next?: ((data: Buffer | undefined) => Effect.Effect<EnhancedStep, ConnectRefused>) | undefined
}

/**
 * Identities to whom the same rules apply, so that one verdict serves all of them, unless it hangs on a name.
 */
export interface RightsClasses {
  /** Number of the identity's class, above 0. */
  classOf(identity: Identity): number
  /** Numbers below it are of rules that are gone. */
  readonly firstClass: number
  /** Would the verdict given last differ for others of the class? */
  readonly isPersonal: boolean
}

/**
 * What may a client do? Composed of who it is (the chain of providers) and the rules (authorizer.ts). All verdicts are
 * of `Verdict`; the broker keeps them by topic and generation, per class or connection (broker/permissions.ts).
 */
export interface AccessDecisions {
  /** Rises when rules change; every cached verdict of an older generation is void. */
  readonly generation: number
  /**
   * True when no question is ever answered but with allow: no rules, nobody is asked. An identity with rules of its own
   * is asked for all that, and a superuser never. Says nothing about who may connect.
   */
  readonly allowsEverything: boolean
  /** True when `authenticate` would let everybody in as what they call themselves: then it is not asked. */
  readonly admitsEverybody: boolean
  /** Absent: verdicts are of one identity each. */
  readonly classes?: RightsClasses | undefined
  authenticate(request: ConnectRequest): Effect.Effect<Identity, ConnectRefused>
  /** Enhanced authentication methods by name. */
  readonly methods: ReadonlyMap<string, EnhancedMethod>
  /** `isWill`: it is left as a will at CONNECT, or published as one now. */
  publishVerdict(identity: Identity, topic: string, qos: number, retain: boolean, isWill: boolean): number
  decidePublish(
    identity: Identity,
    topic: string,
    qos: number,
    retain: boolean,
    isWill: boolean
  ): Effect.Effect<boolean>
  /** `filter` without $share and $replay. */
  subscribeVerdict(identity: Identity, filter: string, qos: number): number
  decideSubscribe(identity: Identity, filter: string, qos: number): Effect.Effect<boolean>
  /** May this message be handed to the client? Asked of everything that is, so never `ask`. */
  readVerdict(identity: Identity, topic: string, qos: number, isRetained: boolean): number
}

export class Access extends Context.Service<Access, AccessDecisions>()("promptmq/access/Access") {
  static readonly layerAllowAll = Layer.succeed(Access, everyone(true))
  static readonly layerDenyAll = Layer.succeed(Access, everyone(false))
}

/** Name of the listener through which the host, the program around an embedded broker, connects to it. */
export const hostListener = "embedded"

const host = everyone(true)

/**
 * Whose decisions count for a connection. The host holds the broker's memory, so asking it for a password protects
 * nothing. Nobody else gets through here: a transport of kind "memory" is made by code in this process only, and
 * names of listeners that open sockets do not matter.
 */
export const accessOf = ({ kind, listener }: Transport, configured: AccessDecisions): AccessDecisions =>
  kind === "memory" && listener === hostListener ? host : configured

const NOT_AUTHORIZED = 0x87

function everyone(allowed: boolean): AccessDecisions {
  const verdict = allowed ? Verdict.allow : Verdict.deny
  return {
    generation: 0,
    allowsEverything: allowed,
    admitsEverybody: allowed,
    authenticate: ({ clientIdentifier, username }) =>
      allowed
        ? Effect.succeed({ clientIdentifier, username })
        : Effect.fail(new ConnectRefused({ reasonCode: NOT_AUTHORIZED, why: "nobody is allowed to connect" })),
    methods: new Map(),
    publishVerdict: () => verdict,
    decidePublish: () => Effect.succeed(allowed),
    subscribeVerdict: () => verdict,
    decideSubscribe: () => Effect.succeed(allowed),
    readVerdict: () => verdict
  }
}
