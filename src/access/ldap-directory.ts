/**
 * Connections to the directory: opened with TLS where it is asked for, used by one client at a time, kept for the next.
 *
 * Invariants
 * - Every connection is made by open() and by nothing else. The library would make a new one by itself when one has
 *   ended, after StartTLS in plain text and with the next password in it: here that is an error. [AUTH-LDAP]
 * - With StartTLS nothing but the wish for TLS is said before it; a directory that refuses it gets no password.
 * - A connection on which something failed, or that was interrupted, is never used again.
 *
 * Elsewhere: what is said on them (ldap-provider.ts), how many there are (circuit-breaker.ts).
 */
import { connect, isIP, type Socket } from "node:net"
import { type ConnectionOptions, connect as connectSecure } from "node:tls"
import * as Effect from "effect/Effect"
import type { Client } from "ldapts"

export type Ldap = typeof import("ldapts")

export interface DirectoryOptions {
  readonly url: string
  readonly startTls: boolean
  readonly authorities: string | undefined
  readonly timeoutMs: number
  readonly ldap: Ldap
}

export class Connection {
  readonly client: Client
  /** The entry it is bound as; undefined until the first bind. */
  boundAs: string | undefined
  #socket: Socket | undefined

  constructor({ authorities, ldap, timeoutMs, url }: DirectoryOptions) {
    const once = (make: () => Socket): Socket => {
      if (this.#socket !== undefined) throw new Error("the connection has ended") // [AUTH-LDAP]
      this.#socket = make()
      return this.#socket
    }
    this.client = new ldap.Client({
      url,
      timeout: timeoutMs,
      connectTimeout: timeoutMs,
      createConnection: (port: number, host: string) => once(() => connect({ port, host, noDelay: true })),
      createSecureConnection: (...place: ReadonlyArray<unknown>) => {
        const [port, host] = place
        // With StartTLS the connection is there already, and its options are the only argument.
        if (typeof port !== "number") return connectSecure(port as ConnectionOptions)
        return once(() => connectSecure({ ...tlsOptions(String(host), authorities), port, host: String(host) }))
      }
    } as ConstructorParameters<Ldap["Client"]>[0])
  }

  get isAlive(): boolean {
    return this.#socket !== undefined && !this.#socket.destroyed && this.#socket.readyState === "open"
  }

  destroy(): void {
    this.#socket?.on("error", () => undefined)
    this.#socket?.destroy()
  }
}

export class Directory {
  readonly #options: DirectoryOptions
  readonly #idle: Array<Connection> = []
  #isClosed = false

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  /** Runs it on a connection that nobody else uses meanwhile. */
  use<A>(exchange: (connection: Connection) => Promise<A>): Effect.Effect<A, Error> {
    return Effect.suspend(() => {
      const kept = this.#take()
      if (kept === undefined) return this.#fresh(exchange)
      // That a kept connection ended meanwhile says nothing about the directory; its answers do.
      const { ResultCodeError } = this.#options.ldap
      return Effect.catch(this.#on(kept, exchange), (error) =>
        error instanceof ResultCodeError ? Effect.fail(error) : this.#fresh(exchange)
      )
    })
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  #take(): Connection | undefined {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.isAlive) return kept
      kept.destroy()
    }
    return undefined
  }

  #fresh<A>(exchange: (connection: Connection) => Promise<A>): Effect.Effect<A, Error> {
    return Effect.suspend(() => {
      const connection = new Connection(this.#options)
      return this.#on(connection, async (opened) => {
        if (this.#options.startTls) await startTls(opened.client, this.#options)
        return exchange(opened)
      })
    })
  }

  #on<A>(connection: Connection, exchange: (connection: Connection) => Promise<A>): Effect.Effect<A, Error> {
    const said = Effect.tryPromise({
      try: () => exchange(connection),
      catch: (cause) => (cause instanceof Error ? cause : new Error(String(cause)))
    })
    return Effect.onExit(said, (exit) =>
      Effect.sync(() => {
        if (exit._tag === "Success" && connection.isAlive && !this.#isClosed) this.#idle.push(connection)
        else connection.destroy()
      })
    )
  }
}

async function startTls(client: Client, { authorities, url }: DirectoryOptions): Promise<void> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "")
  await client.startTLS(tlsOptions(host, authorities))
}

/** `host` is what the certificate must be for, also where the connection is there already. */
function tlsOptions(host: string, authorities: string | undefined): ConnectionOptions {
  const name = isIP(host) === 0 ? { servername: host } : {}
  return { host, ...name, minVersion: "TLSv1.2", ...(authorities === undefined ? {} : { ca: authorities }) }
}
