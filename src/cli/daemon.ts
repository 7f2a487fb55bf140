/**
 * Detaching from the terminal: `promptmq server --daemon`.
 *
 *   parent ──starts itself again, in a session of its own──▶ child: the broker
 *      │  waits                                                │ recovers, opens its listeners
 *      │◀──────────── "ready", or its exit code ───────────────┤
 *      └ shows what the child said, ends with 0 or that code   └ goes on; nobody's terminal
 *
 * Invariants
 * - [DAEMON-1] The parent ends with 0 only when the broker is ready: recovered, listeners open, pid file written. When it
 *   fails before, the parent shows its message and ends with its exit code.
 * - The child's stderr is a file without a name: it never breaks as a pipe to the parent would, and what a crash during the
 *   start says is shown as well. Standard input and output are closed.
 * - A parent that is told to stop while it waits stops the child.
 */
import { spawn } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync } from "node:fs"
import { constants, tmpdir } from "node:os"
import { join } from "node:path"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { complain, say, type World } from "./world.ts"

/** Set for the child only, and taken away by it: not one of ours by its prefix, or the loader would judge it. */
const childMark = "_DETACHED_BROKER"
const ready = "ready"

/** Called once, first of all: whether this process is the detached one. */
export function isDetachedChild(): boolean {
  const isChild = process.env[childMark] === String(process.ppid) && process.send !== undefined
  delete process.env[childMark]
  return isChild
}

/** In the child: the parent may go. */
export function tellParent(): void {
  process.send?.(ready, () => process.disconnect?.())
}

/** In the parent: the same command line again, detached. The answer is this process's exit code. */
export async function detach(world: World): Promise<ExitCode> {
  const output = unnamedFile()
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ["ignore", "ignore", output.descriptor, "ipc"],
    cwd: world.workingDirectory,
    env: { ...process.env, [childMark]: String(process.pid) }
  })
  const release = world.onStopSignal(() => void child.kill("SIGTERM"))
  try {
    const ended = await new Promise<Ended>((resolve) => {
      child.once("message", (message) => message === ready && resolve({ isReady: true }))
      child.once("error", (error) => resolve({ isReady: false, code: exitCodes.failed, why: error.message }))
      child.once("exit", (code, signal) =>
        resolve({ isReady: false, code: code ?? signalCode(signal), why: undefined })
      )
    })
    world.stderr.write(output.text())
    if (ended.isReady) {
      say(world, `detached: it runs as process ${child.pid}`)
      child.unref()
      if (child.connected) child.disconnect()
      return exitCodes.done
    }
    if (ended.why !== undefined) {
      complain(world, { code: "E1001", fact: `cannot detach: ${ended.why}`, fix: "run it in the foreground" })
    }
    return ended.code as ExitCode // [DAEMON-1]
  } finally {
    release()
    output.close()
  }
}

type Ended =
  | { readonly isReady: true }
  | { readonly isReady: false; readonly code: number; readonly why: string | undefined }

const signalCode = (signal: NodeJS.Signals | null): number => 128 + (signal === null ? 0 : constants.signals[signal])

/** Open, and gone from its folder: nobody else can open it, and it ends with its last reader. */
function unnamedFile() {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-detach-"))
  const path = join(folder, "stderr")
  const descriptor = openSync(path, "w", 0o600)
  const reader = openSync(path, "r")
  rmSync(path)
  rmdirSync(folder)
  return {
    descriptor,
    text: () => readFileSync(reader, "utf8"),
    close: () => {
      closeSync(descriptor)
      closeSync(reader)
    }
  }
}
