/**
 * What became of a request that no handler answered: refused by a schema before it came to one, or failed where nothing
 * may fail.
 *
 * What was refused is told to whoever asks; why it failed to the log alone.
 */
import type { FailureEntry } from "./api/shared.ts"

export type Caught = { readonly refused: ReadonlyArray<FailureEntry> } | { readonly failed: string }
