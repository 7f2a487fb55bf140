/**
 * How the broker is, for supervisors: short answers that need no token and say nothing secret.
 *
 *   /health  /healthz   every check           JSON; "OK" as text where the asker wants that
 *   /livez              checks of "live"      text; JSON where the asker wants that
 *   /readyz             checks of "ready"     "
 *   /startupz           checks of "started"   "
 *
 * 200 = all well, 503 = at least one check fails. `?verbose` names every check, as Kubernetes does, and to those who are
 * trusted (they come over loopback, or with the token) what is wrong. A check that throws is a check that fails.
 */
import type { HealthCheck as CheckResult } from "./api/system.ts"

export type Probe = "live" | "ready" | "started"

/** The answer as JSON; its checks have the shape of the API's. */
interface Health {
  readonly status: "ok" | "failing"
  readonly checks: ReadonlyArray<typeof CheckResult.Type>
}

export interface HealthCheck {
  readonly name: string
  /** What is wrong, in a sentence that strangers may read; undefined when all is well. Cheap: asked without a token. */
  readonly check: () => string | undefined
  /** Whose answer depends on it. Default: "ready". */
  readonly probes?: ReadonlyArray<Probe>
}

export interface ProbeAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export interface Asker {
  readonly accept: string
  /** May be told what is wrong. */
  readonly isTrusted: boolean
}

const paths: Readonly<Record<string, Probe | "all">> = {
  "/health": "all",
  "/healthz": "all",
  "/livez": "live",
  "/readyz": "ready",
  "/startupz": "started"
}

export const isProbe = (path: string): boolean => Object.hasOwn(paths, path)

/** `path` is one of those isProbe() knows. */
export const answerProbe = (
  checks: ReadonlyArray<HealthCheck>,
  path: string,
  query: URLSearchParams,
  { accept, isTrusted }: Asker
): ProbeAnswer => {
  const probe = paths[path] ?? "all"
  const asked = checks.filter(({ probes = ["ready"] }) => probe === "all" || probes.includes(probe))
  const health = judge(asked, isTrusted)
  const status = health.status === "ok" ? 200 : 503
  const isJson = probe === "all" ? !/text\/plain/i.test(accept) : /application\/json/i.test(accept)
  if (isJson) return { status, contentType: "application/json; charset=utf-8", text: `${JSON.stringify(health)}\n` }
  const text = query.has("verbose") ? verbose(health, path) : shortWord(health, probe)
  return { status, contentType: "text/plain; charset=utf-8", text }
}

const judge = (checks: ReadonlyArray<HealthCheck>, isTrusted: boolean): Health => {
  const results = checks.map(({ check, name }): Health["checks"][number] => {
    const fact = outcome(check)
    if (fact === undefined) return { name, status: "ok" }
    return isTrusted ? { name, status: "failing", fact } : { name, status: "failing" } // [HLT-2]
  })
  return { status: results.every(({ status }) => status === "ok") ? "ok" : "failing", checks: results }
}

const outcome = (check: () => string | undefined): string | undefined => {
  try {
    return check()
  } catch {
    return "the check itself failed"
  }
}

/** The seed's /health says OK. */
const shortWord = ({ status }: Health, probe: Probe | "all"): string => {
  if (status === "failing") return "failing\n"
  return probe === "all" ? "OK\n" : "ok\n"
}

const verbose = ({ checks, status }: Health, path: string): string => {
  const lines = checks.map((check) =>
    check.status === "ok"
      ? `[+]${check.name} ok`
      : `[-]${check.name} failed${check.fact === undefined ? "" : `: ${check.fact}`}`
  )
  return [...lines, `${path.slice(1)} check ${status === "ok" ? "passed" : "failed"}`, ""].join("\n")
}
