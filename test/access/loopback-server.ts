/** An HTTP server on loopback that answers as a test says, and remembers what it was asked. */
import { once } from "node:events"
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http"
import { createServer as createSecureServer, type ServerOptions } from "node:https"
import type { AddressInfo } from "node:net"

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Answer = (asked: Asked, response: ServerResponse) => void

export class LoopbackServer implements AsyncDisposable {
  readonly asked: Array<Asked> = []
  answer: Answer
  readonly #server: Server
  readonly #scheme: string

  static async start(answer: Answer, tls?: ServerOptions): Promise<LoopbackServer> {
    const server = tls === undefined ? createServer() : createSecureServer(tls)
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    return new LoopbackServer(server, answer, tls === undefined ? "http" : "https")
  }

  private constructor(server: Server, answer: Answer, scheme: string) {
    this.#server = server
    this.#scheme = scheme
    this.answer = answer
    server.on("request", (request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, method = "", url = "" } = request
        const asked = { method, url, headers, body: Buffer.concat(chunks).toString() }
        this.asked.push(asked)
        this.answer(asked, response)
      })
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  url(path = "/"): string {
    return `${this.#scheme}://127.0.0.1:${this.port}${path}`
  }

  /** Kept connections end, new ones are refused. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, "close")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

export const json =
  (value: unknown, status = 200): Answer =>
  (_asked, response) => {
    response.writeHead(status, { "content-type": "application/json" })
    response.end(JSON.stringify(value))
  }
