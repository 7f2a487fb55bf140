/**
 * OpenTelemetry: spans, made by its SDK and sent by OTLP over HTTP. Imported only where tracing.enabled is true: loading
 * the SDK takes longer than starting the broker.
 *
 * Invariants
 * - [OTL-1] A collector that is away costs nothing but the queue: spans wait up to tracing.max-queued-spans, then they
 *   are dropped; it is one warning, and one line when it answers again.
 * - [OTL-2] The end hands over what waits for at most SHUTDOWN_MS.
 * - What the collector is sent along (tracing.headers) is in no line of the log.
 *
 * Elsewhere: which messages get spans and what is in them (broker/spans.ts).
 */

import * as OtelTracer from "@effect/opentelemetry/OtelTracer"
import * as Resource from "@effect/opentelemetry/Resource"
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace
} from "@opentelemetry/api"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http"
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter
} from "@opentelemetry/sdk-trace-base"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Settings } from "../settings/settings.ts"
import type { Log } from "./logging.ts"
import type { TraceContext } from "./traceparent.ts"

/** [OTL-2] */
const SHUTDOWN_MS = 3000
const BATCH_MAX = 512
const BATCH_DELAY_MS = 1000
const SAMPLED = 1

export interface MadeSpan {
  readonly context: TraceContext
  readonly event: (name: string, atMs: number, attributes?: SpanAttributes) => void
  readonly set: (attributes: SpanAttributes) => void
  /** `failure` in words, where it failed. */
  readonly end: (atMs: number, failure?: string) => void
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

export interface SpanMaker {
  /** Child of `parent`, or the first of the trace `parent` names. */
  readonly start: (
    name: string,
    kind: "receive" | "deliver",
    atMs: number,
    parent: TraceContext | { readonly traceId: string },
    attributes: SpanAttributes
  ) => MadeSpan
}

export const openSpanExport = (
  tracing: Settings["tracing"],
  version: string,
  log: Log
): Effect.Effect<SpanMaker, never, Scope.Scope> =>
  Effect.gen(function* () {
    const ids = new GivenIds()
    const exporter = new ToldExporter(
      new OTLPTraceExporter({
        url: tracing.endpoint,
        headers: headersOf(tracing.headers),
        timeoutMillis: tracing.exportTimeoutMs
      }),
      tracing.endpoint,
      log
    )
    const processor = new BatchSpanProcessor(exporter, {
      maxQueueSize: tracing.maxQueuedSpans,
      maxExportBatchSize: Math.min(BATCH_MAX, tracing.maxQueuedSpans),
      scheduledDelayMillis: BATCH_DELAY_MS,
      exportTimeoutMillis: tracing.exportTimeoutMs
    })
    const resource = Resource.layer({ serviceName: tracing.serviceName, serviceVersion: version })
    const provider = providerLayer(processor, ids)
    const context = yield* Layer.build(
      OtelTracer.layerTracer.pipe(Layer.provide(provider), Layer.provideMerge(resource))
    )
    const tracer = yield* Effect.provide(OtelTracer.OtelTracer, context)
    return {
      start: (name, kind, atMs, parent, attributes) => {
        ids.traceId = parent.traceId
        const spanKind = kind === "receive" ? SpanKind.SERVER : SpanKind.PRODUCER
        const options = { kind: spanKind, startTime: new Date(atMs), attributes: attributes as Attributes }
        return madeSpan(tracer.startSpan(name, options, contextOf(parent)))
      }
    }
  })

/** The SDK's own provider: that of its package for Node adds what installs itself for the whole process, which nobody wants here. */
const providerLayer = (processor: BatchSpanProcessor, ids: GivenIds) =>
  Layer.effect(
    OtelTracer.OtelTracerProvider,
    Effect.gen(function* () {
      const resource = yield* Resource.Resource
      return yield* Effect.acquireRelease(
        Effect.sync(() => new BasicTracerProvider({ resource, idGenerator: ids, spanProcessors: [processor] })),
        (provider) =>
          Effect.promise(() => provider.forceFlush().finally(() => provider.shutdown())).pipe(
            Effect.ignore,
            Effect.interruptible,
            Effect.timeoutOption(SHUTDOWN_MS) // [OTL-2]
          )
      )
    })
  )

const contextOf = (parent: TraceContext | { readonly traceId: string }): Context => {
  if (!("spanId" in parent)) return ROOT_CONTEXT
  const { spanId, traceId } = parent
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: SAMPLED, isRemote: true })
}

const madeSpan = (span: Span): MadeSpan => {
  const { spanId, traceId } = span.spanContext()
  return {
    context: { traceId, spanId, isSampled: true },
    event: (name, atMs, attributes) => void span.addEvent(name, attributes as Attributes | undefined, new Date(atMs)),
    set: (attributes) => void span.setAttributes(attributes as Attributes),
    end: (atMs, failure) => {
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
      span.end(new Date(atMs))
    }
  }
}

/** "a=b,c=d" */
const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(",")
      .filter((each) => each !== "")
      .map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)])
  )

/** The trace id of a first span is the one that was chosen. */
class GivenIds {
  traceId = ""

  generateTraceId(): string {
    return this.traceId
  }

  generateSpanId(): string {
    let id = ""
    for (let i = 0; i < 4; i++)
      id += Math.floor(Math.random() * 0x1_0000)
        .toString(16)
        .padStart(4, "0")
    return /^0+$/.test(id) ? "0000000000000001" : id
  }
}

/** Says once that the collector is away, and once that it is back [OTL-1]. */
class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter
  readonly #endpoint: string
  readonly #log: Log
  #lost = 0
  #isAway = false

  constructor(exporter: SpanExporter, endpoint: string, log: Log) {
    this.#exporter = exporter
    const { origin, pathname } = new URL(endpoint)
    this.#endpoint = `${origin}${pathname}`
    this.#log = log
  }

  export(spans: ReadonlyArray<ReadableSpan>, done: Parameters<SpanExporter["export"]>[1]): void {
    this.#exporter.export([...spans], ({ code, error }) => {
      if (code === 0) this.#succeeded()
      else this.#failed(spans.length, error)
      // It is told here; the SDK would tell it again, each time.
      done({ code: 0 })
    })
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve()
  }

  #failed(spans: number, error: Error | undefined): void {
    this.#lost += spans
    if (this.#isAway) return // [OTL-1]
    this.#isAway = true
    const why = error?.message ?? "no reason was given"
    this.#log.write("warn", "the collector takes no spans: they are lost until it does", {
      endpoint: this.#endpoint,
      why
    })
  }

  #succeeded(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#log.write("info", "the collector takes spans again", { endpoint: this.#endpoint, lost: this.#lost })
    this.#lost = 0
  }
}
