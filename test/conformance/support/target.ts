/**
 * What the suite runs against: one broker, or several that differ in their settings. Nothing says whose it is.
 *
 * A rule that needs a make-up which a target does not have is "not offered" there: neither passed nor failed.
 */
import type { Wire } from "../../support/wire.ts"

/**
 *   plain       nothing switched off, nobody has to say who he is
 *   websocket   the plain broker through a WebSocket
 *   qos0, qos1  the highest QoS is 0 or 1
 *   no-retain   retained messages are switched off
 *   no-wildcard filters with wildcards are refused
 *   no-alias    no topic alias is accepted
 *   narrow      packets of at most `narrow.packetBytes` bytes, Receive Maximum and Topic Alias Maximum are small
 *   guarded     a password is asked for, and some topics are forbidden (`guarded`)
 *   enhanced    the authentication method `challenge` is known (`enhanced`)
 */
export type MakeUp =
  | "plain"
  | "websocket"
  | "qos0"
  | "qos1"
  | "no-retain"
  | "no-wildcard"
  | "no-alias"
  | "narrow"
  | "guarded"
  | "enhanced"

/** What the make-ups have in common, whoever starts them. */
export const narrow = { packetBytes: 2000, receiveMaximum: 5, topicAliasMaximum: 3, clientIdLength: 64 } as const
/** A topic or filter with the level `forbidden` behind the test's own prefix is denied; the rest is allowed. */
export const guarded = { username: "alice", password: "correct horse", forbidden: "forbidden" } as const
/** The server challenges once with `question`; `answer` is right, everything else is wrong. */
export const enhanced = { method: "challenge", question: "who", answer: "me" } as const

export interface Features {
  /** Says why it closes, always, with the code that the catalogue names first. */
  readonly tellsWhy: boolean
  /** Says it in words as well, where the client has room: Reason String in CONNACK and DISCONNECT. */
  readonly givesReasons: boolean
  /** What it offers to those who ask for it. */
  readonly responseInformation: string | undefined
  /** Sends topic aliases to clients that take them. */
  readonly sendsAliases: boolean
  /** Refuses single filters by rule, in the make-up `guarded`. */
  readonly deniesFilters: boolean
  /** One copy where subscriptions of one client overlap. */
  readonly mergesOverlaps: boolean
  /** Bytes of a client identifier in the make-up "narrow"; undefined = no limit of its own. */
  readonly longestClientId: number | undefined
}

/** What one may expect of any broker. */
export const unknownFeatures: Features = {
  tellsWhy: false,
  givesReasons: false,
  responseInformation: undefined,
  sendsAliases: false,
  deniesFilters: false,
  mergesOverlaps: false,
  longestClientId: undefined
}

export interface Target {
  readonly name: string
  readonly features: Features
  /** A byte stream to the broker in this make-up; undefined where there is none. */
  readonly open: (makeUp: MakeUp) => Promise<Wire> | undefined
  readonly stop: () => Promise<void>
}

/** Thrown by a rule that the target cannot be asked. */
export class NotOffered extends Error {
  override readonly name = "NotOffered"
}
