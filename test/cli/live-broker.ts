/**
 * A broker for commands that ask one: started by the command line in this process, in a folder of its own, on ports that
 * were free; and the words that lead a command to it.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runCommandLine } from "../../src/cli/run.ts"
import { type Ran, run, testWorld } from "./recorded-world.ts"

export interface LiveBroker {
  readonly folder: string
  readonly port: string
  readonly url: string
  /** Words that lead pub and sub to it, and the commands that ask its admin API. */
  readonly at: ReadonlyArray<string>
  readonly admin: ReadonlyArray<string>
  /** Runs a command that asks its admin API. */
  readonly ask: (...words: ReadonlyArray<string>) => Promise<Ran>
  readonly stop: () => Promise<void>
}

export const startLiveBroker = async (): Promise<LiveBroker> => {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
  const world = testWorld({ workingDirectory: folder })
  const binds = ["--bind", "127.0.0.1:0", "--ws-bind", "", "--admin-bind", "127.0.0.1:0"]
  const code = runCommandLine(["server", ...binds, "--data-dir", folder], world)
  const said = (pattern: RegExp) =>
    Promise.race([world.stderr.until(pattern), code.then(() => Promise.reject(new Error(world.stderr.text)))])
  const port = (await said(/mqtt:\/\/127\.0\.0\.1:(\d+)/))[1] ?? ""
  const url = (await said(/admin +(http:\/\/127\.0\.0\.1:\d+)/))[1] ?? ""
  await said(/recovered|config +/)
  const admin = ["--url", url, "--data-dir", folder]
  return {
    folder,
    port,
    url,
    at: ["-h", "127.0.0.1", "-p", port],
    admin,
    ask: (...words) => run([...words, ...admin]),
    stop: async () => {
      world.signal("SIGTERM")
      await code
      rmSync(folder, { recursive: true })
    }
  }
}
