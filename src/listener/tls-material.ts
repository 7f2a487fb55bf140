/**
 * Key, certificate and authorities of the running listeners: loaded at the start, exchanged while clients stay.
 *
 *   files ──loadTls──► current ──setSecureContext──► every listener that follows
 *                         ▲
 *      reload(): all or nothing; a bad file leaves the current material in force
 *
 * Invariants
 * - One material serves all TLS listeners; a reload reaches all of them or none.
 * - A connection keeps the broker's certificate it was opened with, and whoever comes later meets the new one and is
 *   judged by the new authorities (tickets of the old context open nothing).
 * - The watch acts on a change when two looks in a row saw the same, so files that are being copied are left alone;
 *   what failed is reported once and tried again when a file changes.
 * - Revocation lists and pre-shared keys are part of it: who was revoked or lost its key is refused from the next
 *   handshake on [CRL-1], and who is connected meanwhile is asked about again: whoever listens to onReloaded ends those
 *   of whom doubtOf() says something [CRL-2].
 *
 * Elsewhere: judging files (tls-load.ts), who supervises the watch (app.ts), SIGHUP and the admin API call reload().
 */
import type { SecureContextOptions, TLSSocket } from "node:tls"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { stateOfFile } from "./file-state.ts"
import { type LoadedTls, loadTls, type TlsProblem, type TlsSettings } from "./tls-load.ts"
import { authorityKey, doubtOf, proofOf, type TlsProof, type TlsStanding } from "./tls-proof.ts"
import { PskIdentities, type PskKeys } from "./tls-psk.ts"

export const WATCH_INTERVAL_MS = 2_000

export class TlsMaterialError extends Schema.TaggedError<TlsMaterialError>()("TlsMaterialError", {
  problems: Schema.Array(Schema.Struct({ code: Schema.String, fact: Schema.String, fix: Schema.String }))
}) {
  override get message(): string {
    return this.problems.map(({ code, fact, fix }) => `${code} ${fact} (${fix})`).join("; ")
  }
  /** Documented: "configuration invalid". */
  override readonly [Runtime.errorExitCode] = 3
}

/** A node server that can change its certificate. */
interface Follower {
  setSecureContext(context: SecureContextOptions): void
}

export class TlsMaterial {
  readonly settings: TlsSettings
  /** Of the connections of all listeners. */
  readonly pskIdentities = new PskIdentities()
  /** Told after each reload that has changed what is in force. */
  onReloaded: () => void = () => undefined
  readonly #wallClockMs: () => number
  readonly #followers = new Set<Follower>()
  #loaded: LoadedTls
  #standing: TlsStanding
  #filesState: string

  private constructor(settings: TlsSettings, wallClockMs: () => number, loaded: LoadedTls, filesState: string) {
    this.settings = settings
    this.#wallClockMs = wallClockMs
    this.#loaded = loaded
    this.#standing = standingOf(loaded)
    this.#filesState = filesState
  }

  static readonly open = (
    settings: TlsSettings,
    wallClockMs: () => number = Date.now
  ): Effect.Effect<TlsMaterial, TlsMaterialError> =>
    Effect.suspend(() => {
      const filesState = stateOf(settings)
      const loaded = loadTls(settings, wallClockMs())
      return "context" in loaded
        ? Effect.succeed(new TlsMaterial(settings, wallClockMs, loaded, filesState))
        : Effect.fail(new TlsMaterialError({ problems: loaded }))
    })

  get context(): SecureContextOptions {
    return this.#loaded.context
  }

  /** "" without a certificate. */
  get subject(): string {
    return this.#loaded.certificate?.subject ?? ""
  }

  /** SHA-256 of the broker's own certificate, as "AB:CD:..."; "" without one. */
  get fingerprint(): string {
    return this.#loaded.certificate?.fingerprint256 ?? ""
  }

  get pskKeys(): PskKeys {
    return this.#loaded.pskKeys
  }

  /** When the first certificate of the chain expires; Infinity without one. */
  get expiresAtMs(): number {
    return this.#loaded.expiresAtMs
  }

  /** The state of the files, by their file system's account, when they were last read. */
  get filesState(): string {
    return this.#filesState
  }

  /** The state of the files now. */
  look(): string {
    return stateOf(this.settings)
  }

  /** What is wrong with the files as they are now; nothing changes. */
  judge(): ReadonlyArray<TlsProblem> {
    const loaded = loadTls(this.settings, this.#wallClockMs())
    return "context" in loaded ? [] : loaded
  }

  /** Reads the files again. Answers with what is wrong; nothing = the new material is in force everywhere. */
  reload(): ReadonlyArray<TlsProblem> {
    this.#filesState = this.look()
    const loaded = loadTls(this.settings, this.#wallClockMs())
    if (!("context" in loaded)) return loaded
    this.#loaded = loaded
    this.#standing = standingOf(loaded)
    for (const follower of this.#followers) follower.setSecureContext(loaded.context)
    this.onReloaded()
    return []
  }

  /** What the client of a handshake that is done has proved; undefined = nothing. */
  proofOf(socket: TLSSocket): TlsProof | undefined {
    return proofOf(socket, this.#standing, this.pskIdentities)
  }

  /** Why what was proved does not count any more; undefined = it does. */
  doubtOf(proof: TlsProof): string | undefined {
    return doubtOf(proof, this.#standing) // [CRL-2]
  }

  /** Until the end of the scope, the server serves what is current. */
  followedBy(server: Follower): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => void this.#followers.add(server)),
      () => Effect.sync(() => void this.#followers.delete(server))
    )
  }
}

/** Reloads when files change; runs until it is interrupted. */
export const watchTlsMaterial = (material: TlsMaterial): Effect.Effect<unknown> =>
  Effect.suspend(() => {
    let seen = material.filesState
    return Effect.suspend(() => {
      const state = material.look()
      const isSettled = state === seen
      seen = state
      return isSettled && state !== material.filesState ? reloadAndTell(material) : Effect.void
    }).pipe(Effect.repeat(Schedule.spaced(WATCH_INTERVAL_MS)))
  })

const reloadAndTell = (material: TlsMaterial): Effect.Effect<void> =>
  Effect.suspend(() => {
    const problems = material.reload()
    if (problems.length === 0) {
      const { expiresAtMs, fingerprint } = material
      const expires = Number.isFinite(expiresAtMs) ? new Date(expiresAtMs).toISOString() : "never"
      return Effect.logInfo("TLS certificate changed", { fingerprint, expires })
    }
    return Effect.forEach(
      problems,
      ({ code, fact, fix }) => Effect.logError("TLS files changed and are not used", { code, fact, fix }),
      { discard: true }
    )
  })

const standingOf = ({ authorities, pskKeys, revocations }: LoadedTls): TlsStanding => ({
  authorities,
  authorityKeys: new Set(authorities.map(authorityKey)),
  revocations,
  pskKeys
})

function stateOf({ authorityFile, certificateFile, keyFile, pskFile, revocationFile }: TlsSettings): string {
  return [certificateFile, keyFile, authorityFile, revocationFile, pskFile].map(stateOfFile).join(" ")
}
