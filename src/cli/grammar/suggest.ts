/**
 * "Did you mean" as the `fix` of an error line. The measure of nearness is the settings' own
 * (settings/nearest.ts), so a mistyped key and a mistyped flag are treated alike.
 */
import { nearest } from "../../settings/nearest.ts"

export function didYouMean(typed: string, known: Iterable<string>): string | undefined {
  const word = nearest(typed, known)
  return word === undefined ? undefined : `did you mean "${word}"?`
}
