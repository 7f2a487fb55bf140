/**
 * What `npm run torture` was asked for: .ci/test.mjs hands its options on as variables.
 *
 *   npm run torture -- [--tier kill|ext4|simulated|fuzz] [--cycles N] [--mode MODE] [--seed N]
 */
import { type Mode, modes } from "../../src/cli/torture/modes.ts"

const environment = process.env

export const tierWanted = environment["PROMPTMQ_TORTURE_TIER"]
export const cyclesWanted = numberOf("PROMPTMQ_TORTURE_CYCLES")
export const modesWanted: ReadonlyArray<Mode> = modes.filter(
  (mode) => mode === (environment["PROMPTMQ_TORTURE_MODE"] ?? mode)
)

function numberOf(name: string): number | undefined {
  const text = environment[name]
  return text === undefined || text === "" ? undefined : Number(text)
}
