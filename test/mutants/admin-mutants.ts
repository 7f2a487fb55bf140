/**
 * Mutants of the admin API: who may do what, codes and tokens, streams, the dashboard's files, what is done to clients.
 */
import type { Mutant } from "./mutant.ts"

const row = (
  statement: string,
  file: string,
  find: string,
  replace: string,
  ...tests: ReadonlyArray<string>
): Mutant => ({
  file,
  find,
  replace,
  statement,
  tests
})

export const adminMutants: ReadonlyArray<Mutant> = [
  row(
    "ADM-1",
    "src/admin/http-app.ts",
    "roles.indexOf(caller.role) < roles.indexOf(needed)",
    "roles.indexOf(caller.role) < roles.indexOf(needed) - 1",
    "test/admin/roles.test.ts"
  ),
  row("ADM-2", "src/admin/callers.ts", "this.#code = undefined // [ADM-2]", "// [ADM-2]", "test/admin/callers.test.ts"),
  row(
    "ADM-2",
    "src/admin/callers.ts",
    "if (nowMs >= known.untilMs) return undefined",
    "",
    "test/admin/callers.test.ts"
  ),
  row(
    "ADM-3",
    "src/admin/callers.ts",
    "this.#rows = isBad ? [] : rows",
    "if (!isBad) this.#rows = rows",
    "test/admin/callers.test.ts"
  ),
  row(
    "ADM-3",
    "src/admin/tokens-file.ts",
    "(mode & 0o022) !== 0",
    "(mode & 0o222) === 0",
    "test/admin/callers.test.ts"
  ),
  row(
    "ADM-4",
    "src/admin/server.ts",
    'if (house.attempts.isBlocked(address, nowMs)) return "blocked"',
    "",
    "test/admin/callers.test.ts"
  ),
  row(
    "ADM-5",
    "src/admin/server.ts",
    'method !== "GET" && found.role !== undefined && found.role !== "viewer"',
    "false as boolean",
    "test/admin/clients.test.ts"
  ),
  row(
    "ADM-6",
    "src/admin/event-streams.ts",
    "if (this.#isFull) this.#snapshot = text",
    "if (this.#isFull) this.#events.push(text)",
    "test/admin/event-streams.test.ts"
  ),
  row(
    "ADM-6",
    "src/admin/event-streams.ts",
    "if (this.#toldThisSecond >= EVENTS_PER_SECOND) {",
    "if (this.#toldThisSecond < 0) {",
    "test/admin/event-streams.test.ts"
  ),
  row(
    "ADM-7",
    "src/admin/event-streams.ts",
    "if (stream.isGood()) stream.snapshot(text)",
    "if (stream.isGood() || true) stream.snapshot(text)",
    "test/admin/event-streams.test.ts"
  ),
  row(
    "ADM-8",
    "src/admin/static-files.ts",
    "if (!isPage(path)) return missing // [ADM-8]",
    "if (!isPage(path)) return fileAnswer(page as StaticFile, acceptEncoding)",
    "test/admin/static-files.test.ts"
  ),
  row(
    "ADM-9",
    "src/broker/inspect/client-actions.ts",
    'endSession(core, session, "cleaned")',
    "{}",
    "test/admin/clients.test.ts"
  )
]
