/**
 * The one way loading fails: every problem at once, exit code 3.
 *
 * The markers are Effect's: the process ends with 3 and the run time prints nothing of its own; the command
 * prints `problems` in the shape of problem.ts.
 */
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"
import type { Problem } from "./problem.ts"
import { formatProblems } from "./problem.ts"

export const configInvalidExitCode = 3

export class ConfigInvalid extends Data.TaggedError("ConfigInvalid")<{
  /** Errors only, in the order of the file, then variables, then flags. At least one. */
  readonly problems: ReadonlyArray<Problem>
  readonly warnings: ReadonlyArray<Problem>
}> {
  readonly exitCode = configInvalidExitCode
  override readonly [Runtime.errorExitCode] = configInvalidExitCode
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return formatProblems(this.problems)
  }
}
