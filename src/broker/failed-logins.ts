/**
 * Logins that failed: what the log, the client and the security page are told of each.
 *
 *   log      client identifier, user name, address, listener and why; never what was shown as a password
 *   client   the reason code and the same few words for all causes: nobody learns whether a user exists
 *   page     the last RECENT_MAX
 *
 * Invariants
 * - The log cannot be filled: per address LINES_PER_WINDOW lines in WINDOW_MS, for all together TOTAL_PER_WINDOW; what
 *   was left out is told as a number in the next line of that address.
 * - Memory is bounded: ADDRESSES_MAX addresses, the oldest go first.
 */
import type { ConnectRequest } from "../access/access.ts"
import { ReasonCode } from "../codec/reason-codes.ts"
import { refuseQuietly } from "./accept.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

const WINDOW_MS = 60_000
const LINES_PER_WINDOW = 3
const TOTAL_PER_WINDOW = 300
/** Memory, not policy: addresses are the strangers' choice. */
const ADDRESSES_MAX = 4096
const RECENT_MAX = 100

export interface FailedLogin {
  readonly atMs: number
  readonly clientIdentifier: string
  readonly username: string | undefined
  readonly peer: string
  readonly listener: string
  readonly reasonCode: number
  readonly why: string
}

interface Window {
  beganMs: number
  lines: number
  leftOut: number
}

export class FailedLogins {
  /** Oldest first. */
  readonly recent: Array<FailedLogin> = []
  readonly #windows = new Map<string, Window>()
  readonly #all: Window = { beganMs: 0, lines: 0, leftOut: 0 }

  /** Addresses that are remembered. */
  get addresses(): number {
    return this.#windows.size
  }

  /** How many lines were left out before this one, or undefined when this one is left out. */
  add(login: FailedLogin): number | undefined {
    this.recent.push(login)
    if (this.recent.length > RECENT_MAX) this.recent.shift()
    const window = this.#windowOf(addressOf(login.peer), login.atMs)
    const mayTell = isOpen(this.#all, login.atMs, TOTAL_PER_WINDOW) && isOpen(window, login.atMs, LINES_PER_WINDOW)
    if (!mayTell) {
      window.leftOut += 1
      return undefined
    }
    this.#all.lines += 1
    window.lines += 1
    const { leftOut } = window
    window.leftOut = 0
    return leftOut
  }

  #windowOf(address: string, nowMs: number): Window {
    let window = this.#windows.get(address)
    if (window !== undefined) return window
    if (this.#windows.size >= ADDRESSES_MAX) this.#windows.delete(this.#windows.keys().next().value as string)
    window = { beganMs: nowMs, lines: 0, leftOut: 0 }
    this.#windows.set(address, window)
    return window
  }
}

/** CONNACK with the reason, and the end of the connection. */
export const refuseLogin = (
  core: Core,
  client: Client,
  request: ConnectRequest,
  reasonCode: number,
  why: string
): void => {
  tellFailedLogin(core, request, reasonCode, why)
  refuseQuietly(core, client, reasonCode, wordsFor(reasonCode), why)
}

export const tellFailedLogin = (core: Core, request: ConnectRequest, reasonCode: number, why: string): void => {
  const { clientIdentifier, listener, peer } = request
  const username = shownName(request.username)
  const leftOut = core.failedLogins.add({
    atMs: core.nowMs,
    clientIdentifier,
    username,
    peer,
    listener,
    reasonCode,
    why
  })
  if (leftOut === undefined) return
  core.options.report({
    level: "info",
    what: leftOut === 0 ? "login refused" : `login refused, and ${leftOut} more from there that are not told`,
    clientIdentifier,
    username,
    peer,
    listener,
    why
  })
}

/** With auth.jwt.token-from: username the name is a token, and may be a good one: that is a secret. */
const shownName = (username: string | undefined): string | undefined =>
  username !== undefined && /^eyJ[\w-]*\.[\w-]*\./.test(username) ? "(a token)" : username

/** What a stranger may know. */
export const wordsFor = (reasonCode: number): string => {
  switch (reasonCode) {
    case ReasonCode.badUserNameOrPassword:
      return "bad user name or password"
    case ReasonCode.serverBusy:
      return "the server is busy, try again later"
    case ReasonCode.serverUnavailable:
      return "who you are cannot be found out now"
    case ReasonCode.banned:
      return "banned"
    default:
      return "not authorized"
  }
}

const isOpen = (window: Window, nowMs: number, linesMax: number): boolean => {
  if (nowMs - window.beganMs >= WINDOW_MS) {
    window.beganMs = nowMs
    window.lines = 0
  }
  return window.lines < linesMax
}

/** Without the port. */
const addressOf = (peer: string): string => {
  const colon = peer.lastIndexOf(":")
  return colon === -1 ? peer : peer.slice(0, colon)
}
