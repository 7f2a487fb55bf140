/**
 * The log of `promptmq server`: to stdout, or to log.file, which is turned over and opened again.
 *
 * What settings say of it may change while it runs: level, shape, rotation. The file's name may not.
 */
import type { Settings } from "../settings/settings.ts"
import { LogFile } from "../telemetry/log-file.ts"
import { formatEntry, type LogFormat, logFormatFor } from "../telemetry/log-format.ts"
import { Log } from "../telemetry/logging.ts"
import { isColourWanted, type World } from "./world.ts"

export interface ServerLog {
  readonly log: Log
  readonly onChanged: (settings: Settings) => void
  /** The file is opened anew: somebody moved it away. */
  readonly reopen: () => void
  readonly close: () => void
  /** Why the file cannot be written; undefined = it can, or there is none. */
  readonly fault: string | undefined
}

export function serverLog(settings: Settings, world: World): ServerLog {
  let current = settings.log
  const { stdout, wallClockMs } = world
  const isTerminal = current.file === "" && stdout.isTerminal
  const formatOf = (log: Settings["log"]): LogFormat => logFormatFor(log.format, isTerminal)
  const file =
    current.file === ""
      ? undefined
      : new LogFile({
          path: current.file,
          limits: () => ({
            sizeBytesMax: current.rotateSizeBytes,
            ageMs: current.rotateAgeMs,
            keep: current.rotateKeep
          }),
          wallClockMs,
          missing: (count, why) => missingEntry(formatOf(current), count, why, wallClockMs())
        })
  const fault = file?.open()
  const log = new Log({
    level: current.level,
    format: formatOf(current),
    colour: file === undefined && isColourWanted(world, stdout),
    write: file === undefined ? (entry) => stdout.write(entry) : (entry) => file.write(entry),
    wallClockMs
  })
  return {
    log,
    fault,
    onChanged: (next) => {
      current = { ...next.log, file: current.file }
      log.setFormat(formatOf(current))
    },
    reopen: () => file?.reopen(),
    close: () => file?.close()
  }
}

function missingEntry(format: LogFormat, missing: number, why: string, atMs: number): string {
  const message = "entries are missing here: the log's file could not be written"
  return formatEntry(
    format,
    { atMs, level: "error", message, fields: { missing, why }, cause: undefined },
    { colour: false }
  )
}
