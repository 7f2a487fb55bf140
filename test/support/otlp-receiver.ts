/**
 * A collector as far as a test needs one: takes OTLP/HTTP in JSON, decodes it, and hands out what came.
 */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"

export interface ReceivedSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: ReadonlyArray<string>
  readonly failure: string | undefined
  readonly startNanos: bigint
  readonly endNanos: bigint
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

export class OtlpReceiver implements AsyncDisposable {
  readonly spans: Array<ReceivedSpan> = []
  readonly headers: Array<Readonly<Record<string, unknown>>> = []
  readonly resources: Array<Readonly<Record<string, unknown>>> = []
  requests = 0
  /** What it answers. */
  status = 200
  readonly #server: Server
  #wake: () => void = () => undefined

  static async open(port = 0): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver()
    await new Promise<void>((resolve) => receiver.#server.listen(port, "127.0.0.1", resolve))
    return receiver
  }

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        this.requests += 1
        this.headers.push(request.headers)
        if (this.status === 200) this.#take(JSON.parse(Buffer.concat(chunks).toString("utf8")))
        response.writeHead(this.status, { "content-type": "application/json" }).end("{}")
        this.#wake()
      })
    })
  }

  /** Keeps no process alive. */
  unref(): void {
    this.#server.unref()
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`
  }

  /** Waits until the spans that came are enough. */
  async until(isEnough: (spans: ReadonlyArray<ReceivedSpan>) => boolean): Promise<ReadonlyArray<ReceivedSpan>> {
    while (!isEnough(this.spans)) await this.#next()
    return this.spans
  }

  async untilRequests(count: number): Promise<void> {
    while (this.requests < count) await this.#next()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #take(body: unknown): void {
    // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
    for (const { resource, scopeSpans } of (body as any).resourceSpans) {
      this.resources.push(valuesOf(resource.attributes))
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          this.spans.push({
            name: span.name,
            kind: span.kind,
            traceId: span.traceId,
            spanId: span.spanId,
            parentSpanId: span.parentSpanId || undefined,
            attributes: valuesOf(span.attributes),
            events: (span.events ?? []).map(({ name }: { readonly name: string }) => name),
            failure: span.status?.code === 2 ? span.status.message : undefined,
            startNanos: BigInt(span.startTimeUnixNano),
            endNanos: BigInt(span.endTimeUnixNano)
          })
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

const valuesOf = (attributes: ReadonlyArray<Attribute> = []): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
