/**
 * Who a presented token belongs to.
 *
 *   the admin's token     admin.token-file, read at the start          admin
 *   further tokens        admin.tokens-file, read again on change      their role
 *   session tokens        exchanged for the one-time code of the link  admin, for admin.session-time, in memory only
 *
 * Invariants
 * - A presented token is compared by its digest with every digest there is, each in constant time and none left out.
 * - [ADM-2] A login code is good once and for admin.login-link-time. What is left of a used one is nothing.
 * - [ADM-3] A tokens file that cannot be used any more takes its tokens along: whoever took a line out must be sure of it.
 */
import { randomBytes, timingSafeEqual } from "node:crypto"
import { stateOfFile } from "../listener/file-state.ts"
import type { Caller, Role } from "./api/shared.ts"
import { digestOf, newToken, readTokens, type TokenRow } from "./tokens-file.ts"

type CallerShape = Omit<Caller["Service"], "address">

export interface CallersOptions {
  /** The admin's token. */
  readonly token: string
  readonly tokensFile: string
  readonly wallClockMs: () => number
  /** How long the login link is good, and who came by it logged in. */
  readonly loginLinkTimeMs: number
  readonly sessionTimeMs: () => number
  /** The tokens file was read again, or cannot be. */
  readonly tell: (level: "info" | "error", fact: string) => void
}

export interface LoggedIn {
  readonly token: string
  readonly role: Role
  readonly expiresAtMs: number
}

const CODE_BYTES = 24
/** One login code is good once per start, so more than one session at a time is already rare. */
const SESSIONS_MAX = 64
/** How often the file is looked at, at most. */
const LOOK_MS = 1000

interface SessionToken extends TokenRow {
  readonly expiresAtMs: number
}

export class Callers {
  /** For the link printed at the start. */
  readonly loginCode: string = randomBytes(CODE_BYTES).toString("base64url")
  readonly #options: CallersOptions
  readonly #admin: TokenRow
  #code: { readonly digest: Buffer; readonly untilMs: number } | undefined
  #rows: ReadonlyArray<TokenRow> = []
  #sessions: Array<SessionToken> = []
  #sessionNumber = 0
  #fileState = ""
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(options: CallersOptions) {
    this.#options = options
    this.#admin = { name: "admin", role: "admin", digest: digestOf(options.token) }
    this.#code = { digest: digestOf(this.loginCode), untilMs: options.wallClockMs() + options.loginLinkTimeMs }
    this.#look(options.wallClockMs())
  }

  /** `authorization` is the header as it came. */
  callerOf(authorization: string | undefined): CallerShape | undefined {
    const presented = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1]
    if (presented === undefined) return undefined
    const nowMs = this.#options.wallClockMs()
    this.#look(nowMs)
    this.#sessions = this.#sessions.filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    const digest = digestOf(presented)
    let found: TokenRow | undefined
    for (const row of [this.#admin, ...this.#rows, ...this.#sessions]) {
      if (timingSafeEqual(row.digest, digest)) found ??= row
    }
    return found && { name: found.name, role: found.role }
  }

  /** Undefined when the code is not the one, was used, or is too old. */
  logIn(code: string): LoggedIn | undefined {
    const nowMs = this.#options.wallClockMs()
    const known = this.#code
    if (known === undefined || !timingSafeEqual(known.digest, digestOf(code))) return undefined
    this.#code = undefined // [ADM-2]
    if (nowMs >= known.untilMs) return undefined // [ADM-2]
    const token = newToken()
    const expiresAtMs = nowMs + this.#options.sessionTimeMs()
    this.#sessionNumber += 1
    if (this.#sessions.length >= SESSIONS_MAX) this.#sessions.shift()
    this.#sessions.push({
      name: `login-${this.#sessionNumber}`,
      role: "admin",
      digest: digestOf(token),
      expiresAtMs
    })
    return { token, role: "admin", expiresAtMs }
  }

  #look(nowMs: number): void {
    if (nowMs - this.#lookedMs < LOOK_MS && nowMs >= this.#lookedMs) return
    this.#lookedMs = nowMs
    const { tell, tokensFile } = this.#options
    const state = stateOfFile(tokensFile)
    if (state === this.#fileState) return
    const isFirst = this.#fileState === ""
    this.#fileState = state
    const rows = readTokens(tokensFile)
    const isBad = typeof rows === "string"
    this.#rows = isBad ? [] : rows // [ADM-3]
    if (isBad) tell("error", `admin.tokens-file ${tokensFile} cannot be used, so its tokens count for nothing: ${rows}`)
    else if (!isFirst) tell("info", `admin.tokens-file was read again: ${rows.length} tokens`)
  }
}
