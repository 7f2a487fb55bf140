/**
 * Profiles of the running process, taken by the engine's own inspector in this process: no port is opened.
 *
 * Invariants
 * - [PROFILE-1] One at a time: a second asker hears "busy". Each takes at most SECONDS_MAX.
 * - An asker who goes away ends its profile; whatever happens, sampling is switched off behind it.
 * - A heap snapshot stops the process while it is made, about a second per 100 MB of heap, and needs as much memory again;
 *   it is asked for by name and by nobody in passing.
 *
 * The inspector and the pprof library are loaded with the first profile.
 */
import type { Readable } from "node:stream"
import type { CpuProfile, HeapProfile } from "./pprof.ts"

export const SECONDS_MAX = 120
export const SECONDS_DEFAULT = 10
const CPU_SAMPLE_MICROSECONDS = 1000
const HEAP_SAMPLE_BYTES = 65_536

/** The part of inspector.Session that is used. */
interface Inspector {
  post(method: string, params?: object): Promise<object>
}

export interface Taken {
  readonly bytes: Buffer
  readonly contentType: string
  readonly fileName: string
}

export class Profiler {
  readonly #wallClockMs: () => number
  #isBusy = false

  constructor(wallClockMs: () => number = Date.now) {
    this.#wallClockMs = wallClockMs
  }

  /** Where the time goes during the next seconds. */
  cpu(seconds: number, format: "pprof" | "cpuprofile", signal: AbortSignal): Promise<Taken | "busy"> {
    return this.#alone(async (inspector) => {
      await inspector.post("Profiler.enable")
      await inspector.post("Profiler.setSamplingInterval", { interval: CPU_SAMPLE_MICROSECONDS })
      await inspector.post("Profiler.start")
      await passed(seconds, signal)
      const { profile } = (await inspector.post("Profiler.stop")) as { readonly profile: CpuProfile }
      await inspector.post("Profiler.disable")
      if (format === "cpuprofile") {
        const bytes = Buffer.from(JSON.stringify(profile))
        return { bytes, contentType: "application/json", fileName: "promptmq.cpuprofile" }
      }
      const { cpuPprof } = await import("./pprof.ts")
      return pprofFile(await cpuPprof(profile, this.#wallClockMs()), "cpu")
    })
  }

  /** What is allocated during the next seconds and still alive then. */
  heap(seconds: number, signal: AbortSignal): Promise<Taken | "busy"> {
    return this.#alone(async (inspector) => {
      await inspector.post("HeapProfiler.startSampling", { samplingInterval: HEAP_SAMPLE_BYTES })
      await passed(seconds, signal)
      const { profile } = (await inspector.post("HeapProfiler.stopSampling")) as { readonly profile: HeapProfile }
      const { heapPprof } = await import("./pprof.ts")
      return pprofFile(await heapPprof(profile, HEAP_SAMPLE_BYTES, this.#wallClockMs()), "heap")
    })
  }

  /** The whole heap, for the memory tab of a browser's tools. The caller reads it to its end or destroys it. */
  async snapshot(): Promise<Readable | "busy"> {
    if (this.#isBusy) return "busy"
    this.#isBusy = true
    try {
      const { getHeapSnapshot } = await import("node:v8")
      const stream = getHeapSnapshot()
      stream.once("close", () => {
        this.#isBusy = false
      })
      return stream
    } catch (cause) {
      this.#isBusy = false
      throw cause
    }
  }

  /** [PROFILE-1] */
  async #alone(work: (inspector: Inspector) => Promise<Taken>): Promise<Taken | "busy"> {
    if (this.#isBusy) return "busy"
    this.#isBusy = true
    try {
      const { Session } = await import("node:inspector/promises")
      const session = new Session()
      session.connect()
      try {
        return await work(session as unknown as Inspector)
      } finally {
        // What was switched on in a session ends with it.
        session.disconnect()
      }
    } finally {
      this.#isBusy = false
    }
  }
}

const pprofFile = (bytes: Buffer, kind: string): Taken => ({
  bytes,
  contentType: "application/octet-stream",
  fileName: `promptmq-${kind}.pb.gz`
})

/** Until the time is over or the asker is gone. */
function passed(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener("abort", done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(seconds, SECONDS_MAX) * 1000)
    signal.addEventListener("abort", done)
    if (signal.aborted) done()
  })
}
