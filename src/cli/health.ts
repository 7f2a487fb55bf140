/**
 * `promptmq health`: is the broker well? For HEALTHCHECK of a container image and for monitors. Asks /health, which takes no
 * token, and loads little: it is run every few seconds.
 *
 * Exit codes: 0 every check is well; 1 a check fails or nothing answers. Container engines reserve all others.
 */
import { ApiFault, notReached, refusalOf, tell } from "./api-fault.ts"
import { askHttp } from "./api-http.ts"
import { chooseBroker, placeOptions } from "./api-place.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, UsageFault } from "./grammar/option.ts"
import { paint } from "./world.ts"

const HTTP_UNAVAILABLE = 503
const HEALTH_TIMEOUT_MS = 5000

export const body = commandBody({
  notes: [
    "Exit code 0: every check is well; 1: one fails, or no broker answers. What fails is named. It needs no token."
  ],
  examples: [
    { line: "HEALTHCHECK CMD promptmq health", why: "in a Dockerfile" },
    { line: "promptmq health --json", why: "every check, for a program" }
  ],
  operands: [],
  options: { json: flag("one JSON document, for programs"), ...placeOptions },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const place = await chooseBroker(options, world)
    if (place instanceof UsageFault) return place
    if (typeof place === "number") return exitCodes.failed
    const health = await askHealth(place.url)
    if (health instanceof ApiFault) {
      tell(health, world)
      return exitCodes.failed
    }
    const { checks, status } = health
    if (options.json) world.stdout.write(`${JSON.stringify({ version: 1, status, checks })}\n`)
    else {
      const isWell = status === "ok"
      world.stdout.write(`${paint(world, world.stdout, isWell ? "good" : "error", status)}\n`)
      for (const { fact, name, status: state } of checks) {
        if (state !== "ok") world.stdout.write(`  ${name}: ${fact ?? "no reason told"}\n`)
      }
    }
    return status === "ok" ? exitCodes.done : exitCodes.failed
  }
})

/** As GET /health answers it (HealthCheck in admin/api/system.ts). */
export interface Health {
  readonly status: "ok" | "failing"
  readonly checks: ReadonlyArray<{ readonly name: string; readonly status: string; readonly fact?: string }>
}

export async function askHealth(url: URL): Promise<Health | ApiFault> {
  const answer = await askHttp(url, undefined, { path: "/health", timeoutMs: HEALTH_TIMEOUT_MS })
  if ("unreached" in answer) return notReached(url, answer.unreached)
  // 503 is an answer: the checks that fail are in it.
  const isAnswer = answer.status === 200 || answer.status === HTTP_UNAVAILABLE
  return isAnswer && isHealth(answer.body) ? answer.body : refusalOf(answer)
}

function isHealth(body: unknown): body is Health {
  const { checks, status } = (body ?? {}) as Partial<Health>
  if ((status !== "ok" && status !== "failing") || !Array.isArray(checks)) return false
  return checks.every(({ fact, name }) => typeof name === "string" && ["string", "undefined"].includes(typeof fact))
}
