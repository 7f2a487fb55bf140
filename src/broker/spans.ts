/**
 * OpenTelemetry spans of messages: one for each published message that is chosen, a child for each of its deliveries.
 *
 *   mqtt receive     from its arrival until it is handed out, or kept; the log's commit is an event of it
 *     mqtt deliver   from when it waits for the receiver, or is sent, until it is acknowledged, dropped, or at QoS 0 sent
 *
 * The publisher's `traceparent` is the parent, and receivers that speak MQTT 5 are given the broker's own span in its
 * place, also where the publisher gave none or speaks 3.x. The log keeps the message as it goes out, so a delivery after
 * days, or after a restart, is still a child of its publish.
 *
 * Invariants
 * - [SPN-1] What is not chosen goes through byte for byte, its own traceparent too. A trace that is marked unsampled is
 *   never chosen; who publishes cannot raise the share above tracing.sample-ratio but by choosing trace ids.
 * - [SPN-2] A traceparent that is none, or is there twice, is replaced and so is its tracestate: nobody's trace is
 *   continued by accident.
 * - At most OPEN_MAX deliveries are open, for OPEN_MS; the oldest end where another one begins.
 *
 * Elsewhere: the steps (message-watch.ts), the SDK (telemetry/span-export.ts).
 */
import { buildPublish, encodePublishProperties } from "../codec/build-publish.ts"
import type { Properties, UserProperty } from "../codec/codec.ts"
import { PublishView } from "../codec/publish-view.ts"
import { publishProperties, viewTrusted } from "../codec/read-publish.ts"
import type { TopicEntry } from "../router/router.ts"
import { matches } from "../router/topic-filter.ts"
import type { Session } from "../session/session.ts"
import type { MadeSpan, SpanMaker } from "../telemetry/span-export.ts"
import {
  chosenTraceId,
  formatTraceparent,
  isChosen,
  parseTraceparent,
  TRACEPARENT,
  TRACESTATE,
  type TraceContext
} from "../telemetry/traceparent.ts"
import type { Core } from "./core.ts"
import type { WatchedStep } from "./watched-step.ts"

export interface SpanOptions {
  readonly sampleRatio: number
  /** Topic filters; none = all topics. */
  readonly topics: ReadonlyArray<string>
}

/** Spans that wait for their end; tracing.sample-ratio is what an operator turns. */
const OPEN_MAX = 10_000
const OPEN_MS = 600_000
const TOPICS_REMEMBERED_MAX = 10_000

/** The spans of one message. */
export class MessageSpans {
  readonly context: TraceContext
  /** Undefined where the message came out of the log, and its own span ended before. */
  readonly span: MadeSpan | undefined
  readonly deliveries = new Map<string, MadeSpan>()
  /** Clients whose delivery has ended. */
  readonly over = new Set<string>()
  isWaiting = false
  isRouted = false
  isEnded = false
  failure: string | undefined = undefined

  constructor(context: TraceContext, span: MadeSpan | undefined) {
    this.context = context
    this.span = span
  }
}

export class Spans {
  readonly #core: Core
  readonly #maker: SpanMaker
  readonly #options: SpanOptions
  readonly #random: () => number
  /** By TopicEntry.serial. */
  readonly #wanted = new Map<number, boolean>()
  readonly #open = new Map<MadeSpan, { readonly of: MessageSpans; readonly client: string; readonly atMs: number }>()
  readonly #spanned = new PublishView()
  /** Messages without a trace of their own that go by before the next one is chosen. */
  #untilNext: number

  constructor(core: Core, maker: SpanMaker, options: SpanOptions, random: () => number = Math.random) {
    this.#core = core
    this.#maker = maker
    this.#options = options
    this.#random = random
    this.#untilNext = this.#gap()
  }

  wantsTopicOf(entry: TopicEntry<Session>): boolean {
    const { topics } = this.#options
    if (topics.length === 0) return true
    const known = this.#wanted.get(entry.serial)
    if (known !== undefined) return known
    const topic = entry.bytes.toString("utf8")
    const isWanted = topics.some((filter) => matches(filter, topic))
    if (this.#wanted.size >= TOPICS_REMEMBERED_MAX) this.#wanted.clear()
    this.#wanted.set(entry.serial, isWanted)
    return isWanted
  }

  /** Is one of a run of frames without properties to be chosen? If not, they have gone by. */
  isAnyChosen(entry: TopicEntry<Session>, frames: number): boolean {
    if (!this.wantsTopicOf(entry)) return false
    if (this.#untilNext < frames) return true
    this.#untilNext -= frames
    return false
  }

  /** Undefined where the message is not chosen. Else `spannedView` is the message as it goes on. */
  begin(entry: TopicEntry<Session>, view: PublishView, publisher: string): MessageSpans | undefined {
    if (!this.wantsTopicOf(entry)) return undefined
    const hasProperties = view.propertiesEnd > view.propertiesStart
    const properties = hasProperties ? publishProperties(view) : undefined
    const parent = hasProperties ? traceOf(properties?.userProperties) : undefined
    if (parent === undefined ? !this.#isNextChosen() : !isTaken(parent, this.#options.sampleRatio)) return undefined // [SPN-1]
    const from = parent ?? { traceId: chosenTraceId(this.#options.sampleRatio, this.#random) }
    const span = this.#maker.start("mqtt receive", "receive", this.#core.nowMs, from, {
      "messaging.system": "mqtt",
      "messaging.operation.type": "receive",
      "messaging.destination.name": entry.bytes.toString("utf8"),
      "messaging.client.id": publisher,
      "messaging.message.body.size": view.frameEnd - view.payloadStart,
      "promptmq.qos": view.qos,
      "promptmq.retain": view.retain
    })
    this.#carry(entry, view, properties ?? {}, span.context, parent !== undefined)
    return new MessageSpans(span.context, span)
  }

  /** What begin() made of the message; until the next one. */
  get spannedView(): PublishView {
    return this.#spanned
  }

  /** A message out of the log: was it chosen when it came? */
  found(view: PublishView): MessageSpans | undefined {
    if (!view.isVersion5 || view.propertiesEnd === view.propertiesStart) return undefined
    const parent = traceOf(publishProperties(view).userProperties)
    if (parent === undefined || !isTaken(parent, this.#options.sampleRatio)) return undefined
    return new MessageSpans(parent, undefined)
  }

  take({ atMs, clientIdentifier, detail, message, packetIdentifier, qos, reasonCode, step, topic }: WatchedStep): void {
    const spans = message.span as MessageSpans
    switch (step) {
      case "logged":
        spans.isWaiting = true
        spans.span?.set({ "promptmq.sequence": message.number })
        break
      case "committed":
        spans.isWaiting = false
        spans.span?.event("storage commit", atMs)
        this.#endReceived(spans, atMs)
        break
      case "refused":
        spans.failure = detail
        break
      case "matched":
      case "retained":
        spans.span?.event(step, atMs, { detail })
        break
      case "queued":
        // Whose delivery of a shared subscription it will be is not known yet.
        if (clientIdentifier.startsWith("$share/")) spans.span?.event("queued", atMs, { detail: clientIdentifier })
        else this.#delivery(spans, clientIdentifier, topic, qos, atMs).event("queued", atMs, { detail })
        break
      case "sent":
        this.#sent(spans, clientIdentifier, topic, qos, packetIdentifier, atMs)
        break
      case "acknowledged":
        spans.deliveries.get(clientIdentifier)?.event("acknowledged", atMs, { detail })
        if (reasonCode >= 0x80) this.#endDelivery(spans, clientIdentifier, atMs, detail)
        else if (qos === 1) this.#endDelivery(spans, clientIdentifier, atMs)
        break
      case "completed":
        this.#endDelivery(spans, clientIdentifier, atMs)
        break
      case "dropped":
        if (clientIdentifier === "") spans.span?.event("dropped", atMs, { detail })
        else if (!spans.over.has(clientIdentifier)) {
          this.#delivery(spans, clientIdentifier, topic, qos, atMs)
          this.#endDelivery(spans, clientIdentifier, atMs, detail)
        }
        break
      case "accepted":
        break
    }
  }

  /** It is handed out; where it still waits for the log, its span ends with the commit. */
  routed(spans: MessageSpans, atMs: number): void {
    spans.isRouted = true
    this.#endReceived(spans, atMs)
  }

  /** What is open ends: the broker stops. */
  close(): void {
    for (const span of this.#open.keys()) span.end(this.#core.nowMs, "the broker stopped")
    this.#open.clear()
  }

  #endReceived(spans: MessageSpans, atMs: number): void {
    if (!spans.isRouted || spans.isWaiting || spans.isEnded) return
    spans.isEnded = true
    spans.span?.end(atMs, spans.failure)
  }

  #sent(
    spans: MessageSpans,
    clientIdentifier: string,
    topic: string,
    qos: number,
    packetIdentifier: number,
    atMs: number
  ): void {
    const delivery = this.#delivery(spans, clientIdentifier, topic, qos, atMs)
    delivery.event("sent", atMs, packetIdentifier === 0 ? {} : { packetIdentifier })
    if (qos === 0) this.#endDelivery(spans, clientIdentifier, atMs)
  }

  #delivery(spans: MessageSpans, client: string, topic: string, qos: number, atMs: number): MadeSpan {
    const known = spans.deliveries.get(client)
    if (known !== undefined) return known
    this.#endOldest(atMs)
    const span = this.#maker.start("mqtt deliver", "deliver", atMs, spans.context, {
      "messaging.system": "mqtt",
      "messaging.operation.type": "send",
      "messaging.destination.name": topic,
      "messaging.client.id": client,
      "promptmq.qos": qos
    })
    spans.deliveries.set(client, span)
    this.#open.set(span, { of: spans, client, atMs })
    return span
  }

  #endDelivery(spans: MessageSpans, client: string, atMs: number, failure?: string): void {
    const span = spans.deliveries.get(client)
    if (span === undefined) return
    spans.deliveries.delete(client)
    spans.over.add(client)
    this.#open.delete(span)
    span.end(atMs, failure)
  }

  #endOldest(atMs: number): void {
    for (const delivery of this.#open.values()) {
      if (this.#open.size < OPEN_MAX && atMs - delivery.atMs < OPEN_MS) return
      this.#endDelivery(delivery.of, delivery.client, atMs, "not acknowledged: it is not followed any more")
    }
  }

  /** The message with the broker's own span in its properties [SPN-2]. */
  #carry(
    entry: TopicEntry<Session>,
    view: PublishView,
    properties: Properties,
    context: TraceContext,
    isContinued: boolean
  ): void {
    const others: Array<UserProperty> = []
    let at = -1
    for (const property of properties.userProperties ?? []) {
      const [name] = property
      if (name === TRACEPARENT && at < 0) at = others.length
      if (name === TRACEPARENT || (name === TRACESTATE && !isContinued)) continue
      others.push(property)
    } // [SPN-2]
    others.splice(at < 0 ? others.length : at, 0, [TRACEPARENT, formatTraceparent(context)])
    const bytes = encodePublishProperties({ ...properties, userProperties: others })
    const payload = view.buffer.subarray(view.payloadStart, view.frameEnd)
    const frame = buildPublish(5, entry.bytes.toString("utf8"), payload, view.qos, view.retain, bytes)
    const { packetIdentifier } = view
    viewTrusted(this.#spanned, frame, 0, frame.length, true)
    this.#spanned.packetIdentifier = packetIdentifier
  }

  #isNextChosen(): boolean {
    if (this.#untilNext > 0) {
      this.#untilNext -= 1
      return false
    }
    this.#untilNext = this.#gap()
    return true
  }

  /** How many go by until the next one: as if each were drawn by itself, at one draw per message that is chosen. */
  #gap(): number {
    const { sampleRatio } = this.#options
    if (sampleRatio >= 1) return 0
    if (sampleRatio <= 0) return Number.POSITIVE_INFINITY
    return Math.floor(Math.log(1 - this.#random()) / Math.log(1 - sampleRatio))
  }
}

/** [SPN-1] */
const isTaken = ({ isSampled, traceId }: TraceContext, ratio: number): boolean => isSampled && isChosen(traceId, ratio)

/** Of the user properties; one that is there twice says nothing. */
const traceOf = (userProperties: ReadonlyArray<UserProperty> | undefined): TraceContext | undefined => {
  let found: string | undefined
  for (const [name, value] of userProperties ?? []) {
    if (name !== TRACEPARENT) continue
    if (found !== undefined) return undefined // [SPN-2]
    found = value
  }
  return found === undefined ? undefined : parseTraceparent(found)
}
