/**
 * What the run time is doing: lag of the event loop, pauses of the garbage collector, memory, processor time, and the
 * rate of messages. For metrics, and the lag for /livez.
 *
 *   lag      the run time's own timer (monitorEventLoopDelay); a window of SAMPLE_MS is kept and replaced by the next
 *   pauses   told by the run time per collection
 *   memory, processor, open files   asked when somebody reads
 *
 * Costs a timer of 20 ms in native code and one of SAMPLE_MS here; neither keeps the process alive.
 */
import { readdirSync, readFileSync } from "node:fs"
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from "node:perf_hooks"
import { getHeapStatistics } from "node:v8"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { counterFamily, type Family, gaugeFamily } from "../metrics/family.ts"
import type { Meter } from "../metrics/meter.ts"
import { type LeakReport, LeakWatch, LOOK_MS } from "./leak-watch.ts"

export const SAMPLE_MS = 5000
const RESOLUTION_MS = 20
type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>
const collections: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weak-callbacks"
}

interface Lag {
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export class RuntimeFigures {
  readonly #messages: () => number
  readonly #delay: IntervalHistogram
  readonly #collectorSeconds = new Map(Object.values(collections).map((kind) => [kind, 0]))
  #lag: Lag = { meanMs: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 }
  #utilization = performance.eventLoopUtilization()
  #busyRatio = 0
  #lastMessages: number
  #lastSampleMs = performance.now()
  messagesPerSecond = 0

  /** `messages`: how many went in and out since the start. Until the scope ends. */
  static readonly open = (
    messages: () => number,
    meter: Meter | undefined,
    onLeak: (report: LeakReport) => void = () => {}
  ): Effect.Effect<RuntimeFigures, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
        const figures = new RuntimeFigures(messages, delay)
        const leaks = new LeakWatch(onLeak)
        const look = setInterval(() => leaks.look(), LOOK_MS)
        look.unref()
        delay.enable()
        const observer = new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            if (figures.#collected(entry, meter) === "major") leaks.collected(getHeapStatistics().used_heap_size)
          }
        })
        if (meter !== undefined) observer.observe({ entryTypes: ["gc"] })
        const timer = setInterval(() => figures.sample(performance.now()), SAMPLE_MS)
        timer.unref()
        return { figures, delay, observer, timer, look }
      }),
      ({ delay, look, observer, timer }) =>
        Effect.sync(() => {
          clearInterval(look)
          clearInterval(timer)
          observer.disconnect()
          delay.disable()
        })
    ).pipe(Effect.map(({ figures }) => figures))

  private constructor(messages: () => number, delay: IntervalHistogram) {
    this.#messages = messages
    this.#delay = delay
    this.#lastMessages = messages()
  }

  /** Ends the window: what it held is what is told until the next one ends. */
  sample(nowMs: number): void {
    this.#lag = this.#current()
    this.#delay.reset()
    const utilization = performance.eventLoopUtilization()
    this.#busyRatio = performance.eventLoopUtilization(utilization, this.#utilization).utilization
    this.#utilization = utilization
    const messages = this.#messages()
    const seconds = Math.max(0.001, (nowMs - this.#lastSampleMs) / 1000)
    this.messagesPerSecond = (messages - this.#lastMessages) / seconds
    this.#lastMessages = messages
    this.#lastSampleMs = nowMs
  }

  /** The longest the loop was late, now or in the last window. */
  get lagMaxMs(): number {
    return Math.max(this.#lag.maxMs, this.#current().maxMs)
  }

  /** In the last window, nearly at its worst; in the first one so far. */
  get lagP99Ms(): number {
    return this.#lag.maxMs === 0 ? this.#current().p99Ms : this.#lag.p99Ms
  }

  get residentBytes(): number {
    return process.memoryUsage.rss()
  }

  get activeResources(): number {
    return process.getActiveResourcesInfo().length
  }

  families(): ReadonlyArray<Family> {
    const lag = this.#lag.maxMs === 0 ? this.#current() : this.#lag
    const lagOf = (name: string, help: string, milliseconds: number): Family =>
      gaugeFamily(`nodejs_eventloop_lag_${name}`, help, milliseconds / 1000)
    return [
      lagOf("seconds", "Mean lag of the event loop in the last seconds.", lag.meanMs),
      lagOf("p50_seconds", "Half of the time the event loop was less late than this.", lag.p50Ms),
      lagOf("p99_seconds", "Nearly always the event loop was less late than this.", lag.p99Ms),
      lagOf("max_seconds", "The longest lag of the event loop in the last seconds.", lag.maxMs),
      gaugeFamily(
        "nodejs_eventloop_utilization_ratio",
        "Share of the time in which the loop was busy.",
        this.#busyRatio
      ),
      {
        name: "nodejs_gc_seconds_total",
        type: "counter",
        help: "Time in the garbage collector, by kind of collection.",
        values: [...this.#collectorSeconds].map(([kind, value]) => ({ labels: { kind }, value }))
      },
      gaugeFamily(
        "nodejs_active_resources",
        "Sockets, timers, reads and writes that keep the run time busy.",
        this.activeResources
      ),
      gaugeFamily("nodejs_version_info", "Version of the run time.", 1, { version: process.version }),
      ...memoryFamilies(),
      ...processFamilies()
    ]
  }

  /** Node gives how long a timer of RESOLUTION_MS really took. */
  #current(): Lag {
    const late = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1_000_000 - RESOLUTION_MS) : 0
    const delay = this.#delay
    if (delay.count === 0) return { meanMs: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 }
    return {
      meanMs: late(delay.mean),
      p50Ms: late(delay.percentile(50)),
      p99Ms: late(delay.percentile(99)),
      maxMs: late(delay.max)
    }
  }

  /** Answers the kind of collection. */
  #collected(
    entry: { readonly duration: number; readonly detail?: unknown },
    meter: Meter | undefined
  ): string | undefined {
    const seconds = entry.duration / 1000
    meter?.of("gc").observe(seconds)
    const kind = collections[(entry.detail as { readonly kind?: number } | undefined)?.kind ?? -1]
    if (kind !== undefined) this.#collectorSeconds.set(kind, (this.#collectorSeconds.get(kind) ?? 0) + seconds)
    return kind
  }
}

const memoryFamilies = (): ReadonlyArray<Family> => {
  const { arrayBuffers, external, heapTotal, heapUsed, rss } = process.memoryUsage()
  return [
    gaugeFamily("process_resident_memory_bytes", "Memory of the process that is in use.", rss),
    gaugeFamily("nodejs_heap_size_total_bytes", "Heap taken from the system.", heapTotal),
    gaugeFamily("nodejs_heap_size_used_bytes", "Heap in use.", heapUsed),
    gaugeFamily("nodejs_external_memory_bytes", "Memory outside of the heap that objects hold.", external),
    gaugeFamily("nodejs_array_buffers_bytes", "Memory of buffers; part of the external memory.", arrayBuffers)
  ]
}

const processFamilies = (): ReadonlyArray<Family> => {
  const { system, user } = process.cpuUsage()
  return [
    counterFamily("process_cpu_user_seconds_total", "Processor time of the process itself.", user / 1e6),
    counterFamily("process_cpu_system_seconds_total", "Processor time the system spent for it.", system / 1e6),
    counterFamily("process_cpu_seconds_total", "Processor time, both together.", (user + system) / 1e6),
    gaugeFamily("process_start_time_seconds", "When the process started.", startedAtSeconds),
    ...fileFamilies()
  ]
}

const startedAtSeconds = Math.round(performance.timeOrigin) / 1000

/** Linux tells them in /proc; elsewhere they are left out. */
const fileFamilies = (): ReadonlyArray<Family> => {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]
    const open = readdirSync("/proc/self/fd").length - 1
    return [
      gaugeFamily("process_open_fds", "Open files and sockets.", open),
      ...(limit === undefined
        ? []
        : [gaugeFamily("process_max_fds", "Most files and sockets that may be open.", Number(limit))])
    ]
  } catch {
    return []
  }
}
