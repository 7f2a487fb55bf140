/**
 * One life of a broker under test: a process of its own, so that SIGKILL is the real thing.
 *
 * The program is given as a command line; where it listens it says itself. Its output is kept, bounded, for the
 * verdict. Nothing here throws: a broker that ends before it listens is an answer.
 */
import { type ChildProcess, spawn } from "node:child_process"

export interface BrokerProgram {
  readonly command: string
  readonly words: ReadonlyArray<string>
  readonly folder: string
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const outputLinesMax = 200
const listeningLine = /mqtt:\/\/[^\s]*:(\d+)/

export class BrokerProcess {
  readonly output: Array<string> = []
  /** The port, once it listens; undefined when it ended first. */
  readonly listening: Promise<number | undefined>
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  #isKilled = false

  constructor({ command, folder, words }: BrokerProgram) {
    this.#child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"], cwd: folder, env: surroundings(folder) })
    const { promise: listening, resolve: listens } = Promise.withResolvers<number | undefined>()
    const { promise: ended, resolve: ends } = Promise.withResolvers<Ending>()
    this.listening = listening
    this.ended = ended
    const hear = (line: string): void => {
      this.output.push(line)
      if (this.output.length > outputLinesMax) this.output.shift()
      const port = listeningLine.exec(line)?.[1]
      if (port !== undefined) listens(Number(port))
    }
    for (const stream of [this.#child.stdout, this.#child.stderr]) if (stream !== null) readLines(stream, hear)
    const leaveNoneBehind = (): void => void this.#child.kill("SIGKILL")
    process.once("exit", leaveNoneBehind)
    this.#child.on("error", (error) => {
      hear(String(error))
      ends({ code: null, signal: null })
      listens(undefined)
    })
    this.#child.on("close", (code, signal) => {
      process.off("exit", leaveNoneBehind)
      ends({ code, signal })
      listens(undefined)
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Whether its end was ours. */
  get isKilled(): boolean {
    return this.#isKilled
  }

  kill(signal: NodeJS.Signals): void {
    if (signal === "SIGKILL") this.#isKilled = true
    this.#child.kill(signal)
  }
}

/** Variables and files of this machine's user are settings for other brokers. */
function surroundings(folder: string): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("PROMPTMQ_"))
  return { ...Object.fromEntries(others), HOME: folder }
}

function readLines(stream: NodeJS.ReadableStream, hear: (line: string) => void): void {
  let rest = ""
  stream.setEncoding("utf8")
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) hear(line)
  })
}
