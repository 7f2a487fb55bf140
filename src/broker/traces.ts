/**
 * Live traces: what happens to messages of a client, a topic filter or an address from now on, step by step.
 *
 *   accepted → matched → logged → committed → queued | sent → acknowledged → completed, or refused, dropped, retained
 *
 * The steps come from message-watch.ts, which exists only while a trace runs (or spans are made): without one nothing
 * here costs anything. What was before the start is the passport's (passport.ts).
 *
 * Invariants
 * - [TRC-1] Bounded: `tracesMax` traces together, each in time, in steps and in bytes; what does not fit is counted.
 * - A trace that ended is kept until another one needs its place.
 * - Numbers of steps begin with 1, have no gaps and are never given again: `after` is a cursor.
 *
 * Shapes are those of the admin API (admin/api/messages.ts), which lies above.
 */
import type { TimerHandle } from "../base/wheel.ts"
import { filterFault, matches } from "../router/topic-filter.ts"
import type { Settings } from "../settings/settings.ts"
import type { Core, Expirable } from "./core.ts"
import { MessageWatch } from "./message-watch.ts"
import { type ShownPayload, showPayload } from "./shown-payload.ts"
import type { StepListener, WatchedStep } from "./watched-step.ts"

export interface TraceLimits {
  readonly tracesMax: number
  readonly stepsMax: number
  readonly secondsMax: number
  /** Text that the steps of one trace may hold. */
  readonly bytesMax: number
  readonly payloadBytesMax: number
}

export interface TraceRequest {
  readonly client?: string | undefined
  /** A topic filter. */
  readonly topic?: string | undefined
  /** With or without the port. */
  readonly address?: string | undefined
  readonly seconds?: number | undefined
  readonly stepsMax?: number | undefined
  readonly withPayload?: boolean | undefined
}

export interface TraceInfo {
  readonly id: string
  readonly client: string | null
  readonly topic: string | null
  readonly address: string | null
  readonly startedAt: string
  readonly endsAt: string
  readonly state: "running" | "ended"
  readonly steps: number
  readonly stepsMax: number
  readonly stepsLeftOut: number
  readonly startedBy: string
}

export interface TraceStep {
  readonly number: number
  readonly at: string
  readonly step: WatchedStep["step"]
  /** The log's sequence; below 0 for a message that is in no log. */
  readonly message: number
  readonly sequence: number | null
  readonly clientIdentifier: string
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly detail: string
  readonly payload: ShownPayload | null
}

/** Why no trace was started. */
export interface TraceRefusal {
  readonly reason: "busy" | "bad-request"
  readonly key: keyof TraceRequest | undefined
  readonly fact: string
  readonly fix: string
}

export const traceLimitsOf = ({ tracing }: Settings): TraceLimits => ({
  tracesMax: tracing.maxTraces,
  stepsMax: tracing.maxSteps,
  secondsMax: tracing.maxSeconds,
  bytesMax: tracing.traceBytesMax,
  payloadBytesMax: tracing.payloadBytesMax
})

const SECONDS_DEFAULT = 60
const STEPS_DEFAULT = 1000
/** Of a step beside its texts. */
const STEP_BYTES = 160

export class Traces {
  readonly #core: Core
  readonly #limits: () => TraceLimits
  readonly #traces = new Map<string, Trace>()
  #lastId = 0

  constructor(core: Core, limits: () => TraceLimits) {
    this.#core = core
    this.#limits = limits
  }

  /** Without client, topic and address it is about every message. */
  start(request: TraceRequest, startedBy: string): TraceInfo | TraceRefusal {
    const limits = this.#limits()
    const refusal = judge(request, limits, this.#core.limits.topicLevelsMax)
    if (refusal !== undefined) return refusal
    const core = this.#core
    core.tick()
    if (!this.#makeRoom(limits)) {
      const fact = `${limits.tracesMax} traces run already`
      return { reason: "busy", key: undefined, fact, fix: "end one of them, or raise tracing.max-traces" }
    }
    this.#lastId += 1
    const trace = new Trace(core, String(this.#lastId), request, limits, startedBy)
    this.#traces.set(trace.id, trace)
    const watch = watchOf(core)
    const stop: Expirable = { onTimer: () => this.#stop(trace) }
    trace.timer = core.wheel.schedule(stop, core.loopMs + trace.seconds * 1000)
    watch.listen(trace)
    return trace.info()
  }

  /** The latest first. */
  list(): ReadonlyArray<TraceInfo> {
    return [...this.#traces.values()].reverse().map((trace) => trace.info())
  }

  /** At most `limit` of the steps behind the `after`th. Undefined when there is no such trace. */
  steps(
    id: string,
    after = 0,
    limit = STEPS_DEFAULT
  ): { readonly trace: TraceInfo; readonly steps: ReadonlyArray<TraceStep> } | undefined {
    const trace = this.#traces.get(id)
    if (trace === undefined) return undefined
    const from = Math.max(0, Math.floor(after))
    return { trace: trace.info(), steps: trace.shown(from, from + Math.max(0, Math.floor(limit))) }
  }

  /** Ends and forgets it. False when there is none. */
  end(id: string): boolean {
    const trace = this.#traces.get(id)
    if (trace === undefined) return false
    if (trace.timer !== undefined) this.#core.wheel.cancel(trace.timer)
    this.#stop(trace)
    return this.#traces.delete(id)
  }

  #stop(trace: Trace): void {
    if (!trace.isRunning) return
    trace.isRunning = false
    this.#core.watch?.forget(trace)
  }

  /** The oldest that ended gives up its place [TRC-1]. */
  #makeRoom({ tracesMax }: TraceLimits): boolean {
    for (const trace of this.#traces.values()) {
      if (this.#traces.size < tracesMax) return true
      if (!trace.isRunning) this.#traces.delete(trace.id)
    }
    return this.#traces.size < tracesMax
  }
}

/** The core's watch over messages; there is one while somebody listens. */
export const watchOf = (core: Core): MessageWatch => {
  core.watch ??= new MessageWatch(core)
  return core.watch
}

class Trace implements StepListener {
  readonly id: string
  readonly seconds: number
  isRunning = true
  timer: TimerHandle<Expirable> | undefined = undefined
  readonly client: string | undefined
  readonly #request: TraceRequest
  readonly #limits: TraceLimits
  readonly #stepsMax: number
  readonly #startedBy: string
  readonly #startedMs: number
  readonly #steps: Array<KeptStep> = []
  #bytes = 0
  #leftOut = 0

  constructor(core: Core, id: string, request: TraceRequest, limits: TraceLimits, startedBy: string) {
    this.id = id
    this.client = request.client
    this.seconds = request.seconds ?? Math.min(SECONDS_DEFAULT, limits.secondsMax)
    this.#stepsMax = request.stepsMax ?? Math.min(STEPS_DEFAULT, limits.stepsMax)
    this.#request = request
    this.#limits = limits
    this.#startedBy = startedBy
    this.#startedMs = core.nowMs
  }

  wantsTopic(topic: string): boolean {
    return this.#request.topic === undefined || matches(this.#request.topic, topic)
  }

  /** One side of the message has to be the client's; so with the address. */
  wants(step: WatchedStep): boolean {
    const { address, client, topic } = this.#request
    if (topic !== undefined && (step.topic === "" || !matches(topic, step.topic))) return false
    if (client !== undefined && step.clientIdentifier !== client && step.publisher !== client) return false
    return address === undefined || isAt(address, step.address) || isAt(address, step.publisherAddress)
  }

  take(step: WatchedStep): void {
    const payload =
      this.#request.withPayload === true && step.view !== undefined
        ? showPayload(step.view, this.#limits.payloadBytesMax)
        : null
    const textLength = step.topic.length + step.detail.length + step.clientIdentifier.length
    const bytes = STEP_BYTES + 2 * (textLength + (payload?.value.length ?? 0))
    if (this.#steps.length >= this.#stepsMax || this.#bytes + bytes > this.#limits.bytesMax) {
      this.#leftOut += 1 // [TRC-1]
      return
    }
    this.#bytes += bytes
    const { atMs, clientIdentifier, detail, message, qos, step: kind, topic } = step
    this.#steps.push({ atMs, step: kind, message, clientIdentifier, topic, qos, detail, payload })
  }

  info(): TraceInfo {
    const { address, client, topic } = this.#request
    return {
      id: this.id,
      client: client ?? null,
      topic: topic ?? null,
      address: address ?? null,
      startedAt: timeText(this.#startedMs),
      endsAt: timeText(this.#startedMs + this.seconds * 1000),
      state: this.isRunning ? "running" : "ended",
      steps: this.#steps.length,
      stepsMax: this.#stepsMax,
      stepsLeftOut: this.#leftOut,
      startedBy: this.#startedBy
    }
  }

  shown(from: number, until: number): ReadonlyArray<TraceStep> {
    return this.#steps.slice(from, until).map(({ atMs, message, qos, ...kept }, i) => ({
      ...kept,
      number: from + i + 1,
      at: timeText(atMs),
      message: message.number,
      sequence: message.number >= 0 ? message.number : null,
      qos: qos as 0 | 1 | 2
    }))
  }
}

interface KeptStep
  extends Pick<WatchedStep, "atMs" | "step" | "message" | "clientIdentifier" | "topic" | "qos" | "detail"> {
  readonly payload: ShownPayload | null
}

const judge = (request: TraceRequest, limits: TraceLimits, levelsMax: number): TraceRefusal | undefined => {
  const bad = (key: keyof TraceRequest, fact: string, fix: string): TraceRefusal => {
    return { reason: "bad-request", key, fact, fix }
  }
  const { seconds, stepsMax, topic } = request
  if (topic !== undefined) {
    const fault = filterFault(topic, levelsMax)
    if (fault !== undefined) return bad("topic", `no topic filter: ${fault.why}`, "see MQTT's rules for + and #")
  }
  if (seconds !== undefined && !(seconds > 0 && seconds <= limits.secondsMax)) {
    return bad("seconds", `${seconds} is not between 0 and ${limits.secondsMax}`, "the bound is tracing.max-duration")
  }
  if (stepsMax !== undefined && !(Number.isInteger(stepsMax) && stepsMax >= 1 && stepsMax <= limits.stepsMax)) {
    return bad("stepsMax", `${stepsMax} is not between 1 and ${limits.stepsMax}`, "the bound is tracing.max-steps")
  }
  return undefined
}

/** "10.0.0.1" is any port there. */
const isAt = (wanted: string, address: string | undefined): boolean =>
  address !== undefined &&
  (address === wanted ||
    (address.startsWith(wanted) && address[wanted.length] === ":") ||
    address.startsWith(`[${wanted}]:`))

const timeText = (ms: number): string => new Date(ms).toISOString()
