/**
 * What a command may touch of the outside: two output streams, standard input, the environment, signals
 * and a clock. Commands get it as an argument, so tests run them in process with a recorded world.
 *
 * Invariants
 * - Data goes to `stdout`, talk goes to `stderr`.
 * - Colour only on a terminal, and never with NO_COLOR set or TERM=dumb (https://no-color.org).
 * - A reader that goes away (`promptmq sub | head -1`) ends the process quietly with 0: see processWorld.
 *
 * On Linux writes to pipes and terminals are synchronous in Node, so `sub` cannot pile up output in memory
 * faster than its reader takes it.
 */
import { formatProblem, type Problem } from "../config/problem.ts"
import { homeDirectory } from "../settings/home-directory.ts"
import { askHiddenOn } from "./ask-secret.ts"
import type { ExitCode } from "./exit-codes.ts"

export interface Output {
  readonly isTerminal: boolean
  readonly columns: number
  /** Lines of a terminal; undefined elsewhere. */
  readonly rows?: number | undefined
  write(data: string | Uint8Array): void
}

export type StopSignal = "SIGINT" | "SIGTERM"
/** Reload; open the log's file again. */
export type ServiceSignal = "SIGHUP" | "SIGUSR1"

export interface World {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: AsyncIterable<Uint8Array>
  /** Asks the person at the terminal, without echo; undefined where standard input is none. */
  readonly askHidden?: ((prompt: string) => Promise<string | undefined>) | undefined
  /** Calls back for each key pressed at the terminal until the answer is called; undefined where there is none. */
  readonly onKey?: ((handler: (key: string) => void) => () => void) | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly homeDirectory: string
  /** Milliseconds that only ever grow, with fractions. */
  readonly monotonicMs: () => number
  readonly wallClockMs: () => number
  /** Milliseconds since the process began. */
  readonly uptimeMs: () => number
  readonly processId: number
  /** Calls back for each SIGINT and SIGTERM until the answer is called. */
  readonly onStopSignal: (handler: (signal: StopSignal) => void) => () => void
  /** Calls back for each SIGHUP and SIGUSR1 until the answer is called; without a handler the first ends the process. */
  readonly onServiceSignal: (handler: (signal: ServiceSignal) => void) => () => void
  /** Ends the process at once, without waiting for anything. */
  readonly leaveAtOnce: (code: ExitCode) => void
}

export type Style = "error" | "warning" | "good" | "faint" | "strong"

const escapes: Readonly<Record<Style, string>> = {
  error: "\x1b[1;31m",
  warning: "\x1b[1;33m",
  good: "\x1b[32m",
  faint: "\x1b[2m",
  strong: "\x1b[1m"
}

/** `text` in the style, or as it is where colour is not wanted. */
export function paint(world: World, output: Output, style: Style, text: string): string {
  return isColourWanted(world, output) ? `${escapes[style]}${text}\x1b[0m` : text
}

export function isColourWanted(world: World, output: Output): boolean {
  return output.isTerminal && !world.env["NO_COLOR"] && world.env["TERM"] !== "dumb"
}

/** One line of talk on stderr. */
export function say(world: World, text: string): void {
  world.stderr.write(`${text}\n`)
}

/** What went wrong and the way out; `code` is a row of config/error-codes.ts. */
export interface Complaint {
  readonly code: string
  readonly fact: string
  readonly fix: string
}

/** An error in the house's shape: code, fact, fix, link. */
export function complain(world: World, complaint: Complaint): void {
  printProblem(world, { ...complaint, severity: "error", key: undefined, place: undefined })
}

export function warn(world: World, fact: string): void {
  say(world, `${paint(world, world.stderr, "warning", "warning")}  ${fact}`)
}

/** A problem of a configuration, with the line of the file where there is one. */
export function printProblem(world: World, problem: Problem): void {
  const text = formatProblem(problem, { excerpts: true })
  const head = `${problem.severity} ${problem.code}`
  say(world, paint(world, world.stderr, problem.severity, head) + text.slice(head.length))
}

/** The world of this process. */
export function processWorld(): World {
  const leaveOnBrokenPipe = (error: NodeJS.ErrnoException): void => {
    process.exit(error.code === "EPIPE" ? 0 : 1)
  }
  process.stdout.on("error", leaveOnBrokenPipe)
  process.stderr.on("error", leaveOnBrokenPipe)
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    // Touched only by those who read it: opening it costs start-up time and holds the event loop.
    get stdin() {
      return process.stdin
    },
    get askHidden() {
      const { stdin } = process
      if (!stdin.isTTY) return undefined
      return (prompt: string) => askHiddenOn(stdin, (text) => void process.stderr.write(text), prompt)
    },
    get onKey() {
      const { stdin } = process
      return stdin.isTTY ? (handler: (key: string) => void) => keysOf(stdin, handler) : undefined
    },
    env: process.env,
    workingDirectory: process.cwd(),
    homeDirectory: homeDirectory(),
    monotonicMs: () => performance.now(),
    // To the microsecond, which Date.now() does not know.
    wallClockMs: () => performance.timeOrigin + performance.now(),
    uptimeMs: () => performance.now(),
    processId: process.pid,
    onStopSignal: (handler) => {
      process.on("SIGINT", handler)
      process.on("SIGTERM", handler)
      return () => {
        process.off("SIGINT", handler)
        process.off("SIGTERM", handler)
      }
    },
    onServiceSignal: (handler) => {
      process.on("SIGHUP", handler)
      // Node's own meaning of SIGUSR1, the debugger's door, goes with it.
      process.on("SIGUSR1", handler)
      return () => {
        process.off("SIGHUP", handler)
        process.off("SIGUSR1", handler)
      }
    },
    leaveAtOnce: (code) => process.exit(code)
  }
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    isTerminal: stream.isTTY === true,
    // A terminal changes its size while somebody looks.
    get columns() {
      return stream.columns ?? 100
    },
    get rows() {
      return stream.rows
    },
    write: (data) => {
      stream.write(data)
    }
  }
}

/** Keys as they are pressed, Ctrl-C among them: in this mode of the terminal it is no signal. */
function keysOf(stdin: NodeJS.ReadStream, handler: (key: string) => void): () => void {
  const onData = (data: string): void => {
    for (const key of data) handler(key)
  }
  stdin.setRawMode(true)
  stdin.setEncoding("utf8").on("data", onData)
  return () => {
    stdin.off("data", onData)
    stdin.setRawMode(false)
    stdin.pause()
  }
}
