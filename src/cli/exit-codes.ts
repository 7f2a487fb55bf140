/**
 * The exit codes of every command, declared once: the commands return them by name, `--help` and the man
 * page print this table, test/cli/exit-codes.test.ts proves each that this version can end with.
 *
 * Invariants
 * - A number never changes its meaning: scripts test for it.
 * - 27 is mosquitto_sub's own number for a time-out of -W, kept for the scripts that already know it.
 * - 128 + signal number is what a shell reports for a process ended by a signal; we end ourselves with the
 *   same numbers after a tidy DISCONNECT. The broker's graceful stop on the first signal is 0, not these.
 */
export const exitCodes = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  configInvalid: 3,
  unreachable: 4,
  refused: 5,
  notFound: 6,
  dataDamaged: 7,
  alreadyRunning: 8,
  timedOut: 27,
  interrupted: 130,
  terminated: 143
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const exitCodeMeanings: ReadonlyArray<readonly [code: ExitCode, meaning: string]> = [
  [exitCodes.done, "done"],
  [exitCodes.failed, "failed"],
  [exitCodes.wrongUsage, "wrong usage"],
  [exitCodes.configInvalid, "configuration invalid"],
  [exitCodes.unreachable, "cannot reach the broker"],
  [exitCodes.refused, "refused (credentials or access rules)"],
  [exitCodes.notFound, "not found"],
  [exitCodes.dataDamaged, "data damaged"],
  [exitCodes.alreadyRunning, "already running: a port or the data folder is in use"],
  [exitCodes.timedOut, "the time of `sub -W` ran out"],
  [exitCodes.interrupted, "ended by SIGINT (Ctrl-C)"],
  [exitCodes.terminated, "ended by SIGTERM"]
]
