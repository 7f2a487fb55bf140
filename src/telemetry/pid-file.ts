/**
 * The file that holds the process id while the broker runs (server.pid-file).
 *
 * Invariants
 * - [PIDFILE-1] A file that names another process that runs, and is one of ours as far as the system tells, ends the
 *   start: two brokers do not share a pid file. One that names nobody, or a number that now belongs to another program, is
 *   stale and is written over.
 * - It is written aside and renamed into place: a reader never sees half a number.
 * - [PIDFILE-2] At the end it is removed, but only while it names this process.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

export class PidFileError extends Schema.TaggedError<PidFileError>()("PidFileError", {
  file: Schema.String,
  /** The process that has it, where that is the reason. */
  holder: Schema.UndefinedOr(Schema.Number),
  cause: Schema.Defect()
}) {
  override get message(): string {
    if (this.holder !== undefined) return `server.pid-file ${this.file} belongs to process ${this.holder}, which runs`
    return `server.pid-file ${this.file} cannot be written: ${this.cause instanceof Error ? this.cause.message : "?"}`
  }
  override get [Runtime.errorExitCode](): number {
    return this.holder === undefined ? 1 : 8
  }
}

/** The file names this process until the scope ends. */
export const holdPidFile = (file: string): Effect.Effect<void, PidFileError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const holder = runningHolder(file)
      if (holder !== undefined) return Effect.fail(new PidFileError({ file, holder, cause: undefined })) // [PIDFILE-1]
      return Effect.try({
        try: () => {
          const aside = `${file}.${process.pid}`
          // Whatever lies there, a link of somebody's included, is taken away and not written through.
          rmSync(aside, { force: true })
          writeFileSync(aside, `${process.pid}\n`, { mode: 0o644, flag: "wx" })
          renameSync(aside, file)
        },
        catch: (cause) => new PidFileError({ file, holder: undefined, cause })
      })
    }),
    () =>
      Effect.sync(() => {
        try {
          if (readPid(file) === process.pid) rmSync(file) // [PIDFILE-2]
        } catch {
          // Somebody took it away already.
        }
      })
  )

/** The process a pid file names, if it runs and is one of ours; undefined = there is none, or it is stale. */
export const runningHolder = (file: string): number | undefined => {
  const pid = readPid(file)
  return pid !== undefined && pid !== process.pid && isRunning(pid) && isOurs(pid) ? pid : undefined
}

const readPid = (file: string): number | undefined => {
  try {
    const text = readFileSync(file, "utf8").trim()
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined
  } catch {
    return undefined
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // It runs, under another user.
    return (cause as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Numbers are used again, after a restart of the machine above all. Where the system does not tell, we believe the file. */
const isOurs = (pid: number): boolean => {
  try {
    return /promptmq|node/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"))
  } catch {
    return true
  }
}
