/**
 * Hostile input at release size: what `npm test` does 20,000 times, a million times.
 *
 *   npm run torture -- --tier fuzz [--cycles 1000000] [--seed N]
 */
import { describe, it } from "@effect/vitest"
import { invalidConnects } from "../attacks/invalid-connects.ts"
import { fuzz } from "../fuzz/grammar-run.ts"
import { cyclesWanted } from "./options.ts"

const CASES = cyclesWanted ?? 1_000_000
const HOURS_MAX_MS = 6 * 3_600_000

describe("hostile input", () => {
  it(
    `${CASES} scripts by the grammar, one field wrong: the answer that the standard names`,
    () => fuzz(CASES),
    HOURS_MAX_MS
  )

  it(`${CASES} invalid CONNECTs: the heap stays as it was`, () => invalidConnects(CASES), HOURS_MAX_MS)
})
