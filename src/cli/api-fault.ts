/**
 * What went wrong when a broker was asked: a list of problems in the house's shape (code, key, fact, fix) and the exit code
 * that belongs to them.
 *
 * Exit codes: 4 nothing answers; 5 the token is missing, wrong or of too low a role; 6 no such client, topic, ban; 2 a value
 * that the broker does not take; 1 the rest.
 */
import { failures } from "../admin/failures.ts"
import type { ApiAnswer } from "./api-http.ts"
import { type ExitCode, exitCodeMeanings, exitCodes } from "./exit-codes.ts"
import { printProblem, type World } from "./world.ts"

/** What went wrong, for the person who asked. */
export class ApiFault {
  readonly exitCode: ExitCode
  /** At least one. */
  readonly problems: ReadonlyArray<ApiProblem>
  constructor(exitCode: ExitCode, problems: ReadonlyArray<ApiProblem>) {
    this.exitCode = exitCode
    this.problems = problems
  }
}

interface ApiProblem {
  readonly code: string
  readonly key?: string
  readonly place?: string
  readonly fact: string
  readonly fix: string
}

/** Says on stderr what a fault is about; its exit code. */
export function tell(fault: ApiFault, world: World): ExitCode {
  for (const { code, fact, fix, key, place } of fault.problems) {
    const file = place === undefined ? undefined : { file: place }
    printProblem(world, { code, severity: "error", key, place: file, fact, fix })
  }
  return fault.exitCode
}

export function notReached(url: URL, code: string): ApiFault {
  const fact = `cannot reach a broker's admin API at ${url.origin}: ${reasons[code] ?? code}`
  const fix = "promptmq starts one; one that runs is named by its own configuration (-c, --data-dir) or by --url"
  return new ApiFault(exitCodes.unreachable, [{ code: "E4001", fact, fix }])
}

/** A fault of the broker's own words. */
export function refusalOf({ body, status }: ApiAnswer): ApiFault {
  const { errors } = (body ?? {}) as { readonly errors?: unknown }
  const told = Array.isArray(errors) ? errors.filter(isProblem) : []
  const exitCode = exitCodeOf(status, told[0]?.code)
  if (told.length > 0) return new ApiFault(exitCode, told.map(asCommands))
  const fix = "is --url the admin API of a broker of this version? its log says more"
  return new ApiFault(exitCode, [{ code: `E${exitCode}001`, fact: `the answer is status ${status}`, fix }])
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was lost",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name cannot be resolved",
  EHOSTUNREACH: "no route to it",
  ENETUNREACH: "no route to it",
  ETIMEDOUT: "no answer in time",
  EMSGSIZE: "the answer is larger than 64 MiB",
  HPE_INVALID_CONSTANT: "what answers there does not speak HTTP"
}

function exitCodeOf(status: number, code: string | undefined): ExitCode {
  if (status === 401 || status === 403) return exitCodes.refused
  const digit = Number(code?.[1])
  if (exitCodeMeanings.some(([known]) => known === digit) && digit !== exitCodes.done) return digit as ExitCode
  return status === 404 ? exitCodes.notFound : exitCodes.failed
}

function isProblem(value: unknown): value is ApiProblem {
  const { code, fact, fix, key, place } = (value ?? {}) as Partial<Record<keyof ApiProblem, unknown>>
  const isOptional = (each: unknown): boolean => each === undefined || typeof each === "string"
  return [code, fact, fix].every((each) => typeof each === "string") && [key, place].every(isOptional)
}

/** The API speaks of its paths and headers; who typed a command is told the command. */
function asCommands(problem: ApiProblem): ApiProblem {
  if (problem.code === WRONG_TOKEN) return { ...problem, fix: WRONG_TOKEN_FIX }
  const fix = problem.fix.replaceAll(/GET \/api\/v1\/([a-z]+)(?![a-z/])/g, (path, list: string) =>
    Object.hasOwn(commandsOfLists, list) ? `promptmq ${commandsOfLists[list]}` : path
  )
  return { ...problem, fix }
}

const WRONG_TOKEN = failures.unauthorized.code
/** The token came from the folder of a configuration: most often another broker's. */
const WRONG_TOKEN_FIX =
  "name the broker as it was started (-c, --data-dir), or a file with one of its tokens: --token-file"

const commandsOfLists: Readonly<Record<string, string>> = {
  clients: "clients",
  subscriptions: "subs",
  shared: "queues",
  topics: "topics",
  retained: "retained ls",
  bans: "bans",
  drops: "drops",
  settings: "config show"
}
