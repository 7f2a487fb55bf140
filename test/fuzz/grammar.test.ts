/**
 * Goal: for every packet, version and field the broker gives the answer that the standard names, whatever else goes on.
 * Method: rounds of scripts (grammar-round.ts) from one seed; round i uses seed + i, so a failed one is repeated with
 * PROMPTMQ_SEED=<its seed> PROMPTMQ_FUZZ_CASES=250. Default 20,000 cases; `npm run torture -- --tier fuzz` a million.
 */
import { describe, it } from "@effect/vitest"
import { fuzz } from "./grammar-run.ts"

const CASES = Number(process.env["PROMPTMQ_FUZZ_CASES"] ?? 20_000)

describe("packets by the grammar, one field of them wrong", () => {
  it("row 13: get the answer that the standard names, and harm nobody", { timeout: 1_800_000 }, () => fuzz(CASES))
})
