/**
 * A program that a test starts: its lines as they come, its end, and its death when the test is over.
 *
 *   await using sub = new Child("mosquitto_sub", ["-t", "a"])
 *   await sub.line(/Subscribed/)
 *
 * Waiting is for a line or the end, and bounded; what was said is part of the failure.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const WAIT_MS = 15_000

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Child implements AsyncDisposable {
  /** Both outputs, line by line. */
  readonly lines: Array<string> = []
  readonly process: ChildProcess
  readonly #command: string
  #ending: Ending | undefined
  #wake: () => void = () => undefined

  constructor(command: string, words: ReadonlyArray<string>, input = "") {
    this.#command = [command, ...words].join(" ")
    this.process = spawn(command, words)
    this.process.on("error", (error) => this.lines.push(String(error)))
    this.process.stdin?.on("error", () => undefined)
    this.process.stdin?.end(input)
    for (const output of [this.process.stdout, this.process.stderr]) this.#read(output as NodeJS.ReadableStream)
    this.process.on("close", (code, signal) => {
      this.#ending = { code, signal }
      this.#wake()
    })
  }

  /** The first line that matches, said already or still to come. */
  async line(pattern: RegExp): Promise<string> {
    const found = () => this.lines.find((line) => pattern.test(line))
    await this.#until(() => found() !== undefined || this.#ending !== undefined, `a line like ${pattern}`)
    return found() ?? this.#fail(`ended without a line like ${pattern}`)
  }

  ended(): Promise<Ending> {
    return this.endedWithin(WAIT_MS)
  }

  async endedWithin(waitMs: number): Promise<Ending> {
    await this.#until(() => this.#ending !== undefined, "its end", waitMs)
    return this.#ending as Ending
  }

  /** The end, which must be a success; answers what it said. */
  async succeeded(): Promise<ReadonlyArray<string>> {
    const { code, signal } = await this.ended()
    return code === 0 ? this.lines : this.#fail(`ended with ${code ?? signal}`)
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ending !== undefined) return
    this.process.kill("SIGKILL")
    await this.ended()
  }

  #read(output: NodeJS.ReadableStream): void {
    let rest = ""
    output.setEncoding("utf8")
    output.on("data", (text: string) => {
      const lines = (rest + text).split("\n")
      rest = lines.pop() ?? ""
      this.lines.push(...lines)
      this.#wake()
    })
    output.on("end", () => {
      if (rest !== "") this.lines.push(rest)
    })
  }

  async #until(condition: () => boolean, what: string, waitMs = WAIT_MS): Promise<void> {
    const { promise: tooLate, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(this.#told(`nothing came while waiting for ${what}`))), waitMs)
    try {
      while (!condition()) await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), tooLate])
    } finally {
      clearTimeout(timer)
    }
  }

  #fail(what: string): never {
    throw new Error(this.#told(what))
  }

  #told(what: string): string {
    return `${this.#command}: ${what}\n${this.lines.join("\n")}`
  }
}

/** The command as it is released; `npm test` and `npm run build` make it. */
export const builtCommand = fileURLToPath(new URL("../../dist/main.js", import.meta.url))

/** `promptmq server` as a process of its own, with the port it says that it took. */
export const startProcess = async (words: ReadonlyArray<string>): Promise<{ child: Child; port: number }> => {
  const child = new Child(process.execPath, [builtCommand, "server", ...words])
  const line = await child.line(/mqtt:\/\/.*:\d+$/)
  return { child, port: Number(/:(\d+)$/.exec(line)?.[1]) }
}
