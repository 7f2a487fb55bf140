/**
 * /debug/pprof/...: profiles of the running broker, for a caller with the role admin. Role, place and audit are the
 * listener's business (server.ts), taking them is telemetry/profiler.ts.
 *
 *   /debug/pprof/               what there is, as text
 *   /debug/pprof/profile        CPU, pprof format          ?seconds=1..120 (10)
 *   /debug/pprof/cpuprofile     CPU, for browsers' tools   ?seconds=
 *   /debug/pprof/heap           what is allocated and stays, pprof format   ?seconds=
 *   /debug/pprof/heapsnapshot   the whole heap: stops the broker while it is made
 *
 * 400 for seconds that are none, 404 for another path, 409 while another profile is taken.
 */
import type { ServerResponse } from "node:http"
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { Profiler, SECONDS_DEFAULT, SECONDS_MAX, type Taken } from "../telemetry/profiler.ts"

export const profilingPath = "/debug/pprof"

export const isProfiling = (pathname: string): boolean =>
  pathname === profilingPath || pathname.startsWith(`${profilingPath}/`)

export interface ProfilingText {
  readonly status: number
  readonly text: string
}

type Answer = Taken | { readonly stream: Readable; readonly fileName: string } | ProfilingText

type Take = (profiler: Profiler, seconds: number, signal: AbortSignal) => Promise<Answer | "busy">

/** One row per profile. */
export const profilingRoutes: Readonly<Record<string, { readonly what: string; readonly take: Take }>> = {
  profile: {
    what: "where the time goes, pprof format (?seconds=)",
    take: (profiler, seconds, signal) => profiler.cpu(seconds, "pprof", signal)
  },
  cpuprofile: {
    what: "where the time goes, for the tools of a browser (?seconds=)",
    take: (profiler, seconds, signal) => profiler.cpu(seconds, "cpuprofile", signal)
  },
  heap: {
    what: "what is allocated during that time and stays, pprof format (?seconds=)",
    take: (profiler, seconds, signal) => profiler.heap(seconds, signal)
  },
  heapsnapshot: {
    what: "the whole heap; stops the broker while it is made",
    take: async (profiler) => {
      const stream = await profiler.snapshot()
      return stream === "busy" ? stream : { stream, fileName: "promptmq.heapsnapshot" }
    }
  }
}

const CONFLICT = 409
const profilerOfProcess = new Profiler()

/** Answers the status. Never rejects because the asker went away. */
export async function answerProfiling(
  { pathname, searchParams }: URL,
  response: ServerResponse,
  profiler: Profiler = profilerOfProcess
): Promise<number> {
  const gone = new AbortController()
  response.once("close", () => gone.abort())
  const answer = await take(pathname.slice(profilingPath.length + 1), searchParams, profiler, gone.signal)
  if (response.destroyed) return CONFLICT
  response.setHeader("cache-control", "no-store")
  response.setHeader("x-content-type-options", "nosniff")
  if ("status" in answer) {
    response.writeHead(answer.status, { "content-type": "text/plain; charset=utf-8" })
    response.end(`${answer.text}\n`)
    return answer.status
  }
  response.setHeader("content-disposition", `attachment; filename="${answer.fileName}"`)
  if ("bytes" in answer) {
    response.setHeader("content-type", answer.contentType)
    response.end(answer.bytes)
  } else {
    response.setHeader("content-type", "application/json")
    await pipeline(answer.stream, response).catch(() => answer.stream.destroy())
  }
  return response.statusCode
}

async function take(name: string, query: URLSearchParams, profiler: Profiler, signal: AbortSignal): Promise<Answer> {
  if (name === "") return { status: 200, text: listing() }
  const route = Object.hasOwn(profilingRoutes, name) ? profilingRoutes[name] : undefined
  if (route === undefined) return { status: 404, text: listing() }
  const text = query.get("seconds") ?? String(SECONDS_DEFAULT)
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > SECONDS_MAX)
    return { status: 400, text: `seconds is a whole number from 1 to ${SECONDS_MAX}` }
  const taken = await route.take(profiler, seconds, signal)
  return taken === "busy" ? { status: CONFLICT, text: "another profile is being taken" } : taken
}

const listing = (): string =>
  Object.entries(profilingRoutes)
    .map(([name, { what }]) => `${profilingPath}/${name}  ${what}`)
    .join("\n")
