/**
 * The way out: what authentication asks of others over HTTP goes through here, and can go nowhere else.
 *
 * Invariants
 * - One address, from the settings, for the life of an Egress; nothing a client sends is part of a URL or a header.
 * - The address is judged after its name was resolved, at each connection: a name that leads to another place tomorrow
 *   (or for the second question) leads nowhere. Link-local networks, where clouds keep credentials, are closed unless
 *   a network in `allowed` opens them. [EGRESS-2]
 * - Plain http goes to loopback only, unless the operator wrote otherwise. Redirects are not followed. [EGRESS-1]
 * - An answer above responseBytesMax ends the connection; nothing is inflated.
 * - What goes wrong is told without query and without headers, which may hold secrets.
 *
 * Elsewhere: time, number of questions, the breaker (circuit-breaker.ts).
 */
import { lookup as resolve } from "node:dns"
import { Agent, type ClientRequest, type IncomingMessage, request as requestPlain } from "node:http"
import { request as requestSecure, Agent as SecureAgent } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { NetworkSet } from "../settings/network-set.ts"

export interface EgressOptions {
  readonly url: string
  /** Hosts ("id.example.com", "*.example.com", "host:8443") and networks; empty = the host of the URL. */
  readonly allowed: ReadonlyArray<string>
  readonly mayBePlain: boolean
  /** PEM; undefined = the authorities of node. */
  readonly authorities?: string | undefined
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  readonly connectionsMax: number
  readonly responseBytesMax: number
}

export interface EgressAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

export class EgressFailed extends Schema.TaggedError<EgressFailed>()("EgressFailed", { why: Schema.String }) {
  override get message(): string {
    return this.why
  }
}

const LOOPBACK = new NetworkSet(["127.0.0.0/8", "::1/128"])
/** Where no service of an operator lives, but metadata with credentials may. */
const CLOSED = new NetworkSet([
  "0.0.0.0/8",
  "169.254.0.0/16",
  "100.100.100.200/32",
  "224.0.0.0/4",
  "255.255.255.255/32",
  "::/128",
  "fe80::/10",
  "fd00:ec2::254/128",
  "ff00::/8"
])

export class Egress {
  readonly #options: EgressOptions
  readonly #url: URL
  readonly #agent: Agent
  readonly #networks: NetworkSet
  #isClosed = false

  /** Undefined where the settings themselves forbid the address: see egressFault. */
  constructor(options: EgressOptions) {
    this.#options = options
    this.#url = new URL(options.url)
    this.#networks = new NetworkSet(options.allowed)
    const { authorities, certificate, connectionsMax, key } = options
    const shared = { keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax }
    const lookup = this.#lookup
    this.#agent =
      this.#url.protocol === "https:"
        ? new SecureAgent({ ...shared, lookup, ca: authorities, cert: certificate, key, minVersion: "TLSv1.2" })
        : new Agent({ ...shared, lookup })
  }

  post(body: Buffer, headers: Readonly<Record<string, string>>): Effect.Effect<EgressAnswer, EgressFailed> {
    return this.#ask("POST", { "content-type": "application/json", ...headers }, body)
  }

  get(): Effect.Effect<EgressAnswer, EgressFailed> {
    return this.#ask("GET", {}, undefined)
  }

  close(): void {
    this.#isClosed = true
    this.#agent.destroy()
  }

  #ask(
    method: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer | undefined
  ): Effect.Effect<EgressAnswer, EgressFailed> {
    return Effect.callback<EgressAnswer, EgressFailed>((resume) => {
      let current: ClientRequest | undefined
      const attempt = (mayRepeat: boolean): void => {
        current = this.#send(method, headers, body, {
          answered: (answer) => resume(Effect.succeed(answer)),
          failed: (why, wasDropped) => {
            // A kept connection that the other side ended meanwhile says nothing about the other side.
            if (wasDropped && mayRepeat && !this.#isClosed) attempt(false)
            else resume(Effect.fail(new EgressFailed({ why: `${this.#url.host}: ${why}` })))
          }
        })
      }
      attempt(true)
      return Effect.sync(() => current?.destroy())
    })
  }

  #send(
    method: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer | undefined,
    outcome: Outcome
  ): ClientRequest {
    const length = body === undefined ? {} : { "content-length": String(body.length) }
    const all = { accept: "application/json", "accept-encoding": "identity", ...headers, ...length }
    const start = this.#url.protocol === "https:" ? requestSecure : requestPlain
    const request = start(this.#url, { method, headers: all, agent: this.#agent })
    let ended = false
    const once = (act: () => void): void => {
      if (ended) return
      ended = true
      act()
    }
    const failed = (why: string, wasDropped = false): void => once(() => outcome.failed(why, wasDropped))
    request.on("error", (error: NodeJS.ErrnoException) =>
      failed(whyOf(error), request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE"))
    )
    request.on("response", (response) =>
      read(response, this.#options.responseBytesMax, failed, (answer) => once(() => outcome.answered(answer)))
    )
    request.end(body)
    return request
  }

  readonly #lookup: LookupFunction = (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, "")
      const open = found.filter(({ address }) => this.#fault(address) === undefined)
      const [first] = open
      if (first === undefined) {
        const why = this.#fault(found[0]?.address ?? "") ?? "has no address"
        return callback(Object.assign(new Error(`${found[0]?.address ?? host}: ${why}`), { code: "EACCES" }), "")
      }
      if (options.all === true) callback(null, open)
      else callback(null, first.address, first.family)
    })
  }

  #fault(address: string): string | undefined {
    return addressFault(address, this.#options, this.#networks)
  }
}

interface Outcome {
  readonly answered: (answer: EgressAnswer) => void
  readonly failed: (why: string, wasDropped: boolean) => void
}

/** What is wrong with the address as it is written; asked once, before there is an Egress. */
export function egressFault(options: Pick<EgressOptions, "url" | "allowed" | "mayBePlain">): string | undefined {
  const { allowed, mayBePlain, url } = options
  if (!URL.canParse(url)) return `${url} is no address`
  const { host, hostname, protocol } = new URL(url)
  if (protocol !== "https:" && protocol !== "http:") return `${protocol}// is neither https nor http`
  const hosts = allowed.filter(isHost)
  if (hosts.length > 0 && !hosts.some((pattern) => matchesHost(pattern, hostname, host))) {
    return `the host ${host} is not among the allowed ones`
  }
  const address = hostname.replace(/^\[|\]$/g, "")
  if (isIP(address) !== 0) {
    const fault = addressFault(address, { mayBePlain, url }, new NetworkSet(allowed))
    return fault === undefined ? undefined : `${address} ${fault}`
  }
  if (protocol === "http:" && !mayBePlain && hostname !== "localhost") return `http://${host} would be plain text`
  return undefined
}

function addressFault(
  address: string,
  { mayBePlain, url }: Pick<EgressOptions, "url" | "mayBePlain">,
  networks: NetworkSet
): string | undefined {
  if (!networks.isEmpty && !networks.has(address)) return "is in none of the allowed networks"
  // [EGRESS-2]
  if (networks.isEmpty && CLOSED.has(address)) return "is in a network that is closed unless it is allowed by name"
  if (url.startsWith("http:") && !mayBePlain && !LOOPBACK.has(address)) return "would be plain text beyond loopback"
  return undefined
}

const isHost = (entry: string): boolean => new NetworkSet([entry]).isEmpty

function matchesHost(pattern: string, hostname: string, host: string): boolean {
  const wanted = pattern.toLowerCase()
  // "*.example.com" is every name below example.com, not example.com itself.
  if (wanted.startsWith("*.")) return hostname.endsWith(wanted.slice(1)) && hostname.length > wanted.length - 1
  return wanted === hostname || wanted === host
}

function read(
  response: IncomingMessage,
  bytesMax: number,
  failed: (why: string) => void,
  answered: (answer: EgressAnswer) => void
): void {
  const { statusCode: status = 0, headers } = response
  const chunks: Array<Buffer> = []
  let bytes = 0
  const refuse = (why: string): void => {
    failed(why)
    response.destroy()
  }
  const fault = faultOf(status, headers["content-encoding"])
  if (fault !== undefined) {
    refuse(fault)
    return
  }
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bytesMax) refuse(`the answer is longer than ${bytesMax} bytes`)
    else chunks.push(chunk)
  })
  response.on("error", (error) => failed(whyOf(error)))
  response.on("close", () => failed("the answer ended early"))
  response.on("end", () => {
    answered({ status, contentType: headers["content-type"] ?? "", body: Buffer.concat(chunks) })
  })
}

function faultOf(status: number, encoding: string | undefined): string | undefined {
  if (status >= 300 && status < 400) return `answered ${status}: redirects are not followed` // [EGRESS-1]
  return (encoding ?? "identity") === "identity" ? undefined : "answered in a compressed form"
}

/** Words of the system; several attempts at one name come as one error without any. */
function whyOf(error: NodeJS.ErrnoException): string {
  if (error instanceof AggregateError) return error.errors.map(({ message }: Error) => message).join(", ")
  return error.message === "" ? (error.code ?? "unknown failure") : error.message
}
