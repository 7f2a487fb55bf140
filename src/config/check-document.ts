/**
 * Every problem of a configuration that is no file yet: for the admin API and its editor. It is judged as a file of that
 * text would be on this machine, without its variables; relative paths in it begin at "/".
 */
import * as Effect from "effect/Effect"
import { checkText } from "./load.ts"
import { type ReloadProblem, shownProblem } from "./reload.ts"

const nowhere = { environment: {}, workingDirectory: "/", homeDirectory: "/" }

/** Errors first, then warnings. */
export const checkDocument = (yaml: string): Promise<ReadonlyArray<ReloadProblem>> =>
  Effect.runPromise(
    Effect.match(checkText(yaml, "document", nowhere), {
      onSuccess: ({ warnings }) => warnings.map(shownProblem),
      onFailure: ({ problems, warnings }) => [...problems, ...warnings].map(shownProblem)
    })
  )
