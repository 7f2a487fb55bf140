/**
 * A world for commands under test: what they write is recorded, signals are sent by the test, nothing of
 * this process is touched. `run` is a whole command line in process, with its exit code and both outputs.
 */
import { fileURLToPath } from "node:url"
import type { ExitCode } from "../../src/cli/exit-codes.ts"
import { runCommandLine } from "../../src/cli/run.ts"
import type { Output, ServiceSignal, StopSignal, World } from "../../src/cli/world.ts"

export const repository = fileURLToPath(new URL("../..", import.meta.url))

export class Recorded implements Output {
  readonly isTerminal: boolean
  readonly columns = 100
  #chunks: Array<Buffer> = []
  #waiting: Array<() => void> = []

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal
  }

  write(data: string | Uint8Array): void {
    this.#chunks.push(Buffer.from(data as Uint8Array))
    for (const check of this.#waiting) check()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString("utf8")
  }

  /** Resolves with what the pattern matched, as soon as it is there. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      const check = (): void => {
        const match = pattern.exec(this.text)
        if (match !== null) resolve(match)
      }
      this.#waiting.push(check)
      check()
    })
  }
}

export interface TestWorld extends World {
  readonly stdout: Recorded
  readonly stderr: Recorded
  readonly left: Array<ExitCode>
  readonly signal: (signal: StopSignal) => void
  readonly serviceSignal: (signal: ServiceSignal) => void
}

/** Each world is a process of its own: client identifiers are made from its number. */
let worlds = 4711

export interface WorldOptions {
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly askHidden?: World["askHidden"]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly workingDirectory?: string
  readonly isTerminal?: boolean
  readonly monotonicMs?: () => number
}

export function testWorld(options: WorldOptions = {}): TestWorld {
  const handlers = new Set<(signal: StopSignal) => void>()
  const serviceHandlers = new Set<(signal: ServiceSignal) => void>()
  const left: Array<ExitCode> = []
  return {
    stdout: new Recorded(options.isTerminal),
    stderr: new Recorded(options.isTerminal),
    stdin: options.stdin ?? chunks(),
    askHidden: options.askHidden,
    env: options.env ?? {},
    workingDirectory: options.workingDirectory ?? repository,
    homeDirectory: options.workingDirectory ?? repository,
    monotonicMs: options.monotonicMs ?? (() => performance.now()),
    wallClockMs: () => performance.timeOrigin + performance.now(),
    uptimeMs: () => performance.now(),
    processId: ++worlds,
    onStopSignal: (handler) => {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    onServiceSignal: (handler) => {
      serviceHandlers.add(handler)
      return () => serviceHandlers.delete(handler)
    },
    serviceSignal: (signal) => {
      for (const handler of [...serviceHandlers]) handler(signal)
    },
    leaveAtOnce: (code) => {
      left.push(code)
    },
    left,
    signal: (signal) => {
      for (const handler of [...handlers]) handler(signal)
    }
  }
}

export interface Ran {
  readonly code: ExitCode
  readonly out: string
  readonly bytes: Buffer
  readonly err: string
}

export async function run(words: ReadonlyArray<string>, options: WorldOptions = {}): Promise<Ran> {
  const world = testWorld(options)
  const code = await runCommandLine(words, world)
  return { code, out: world.stdout.text, bytes: world.stdout.bytes, err: world.stderr.text }
}

export async function* chunks(...parts: ReadonlyArray<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part as Uint8Array)
}
