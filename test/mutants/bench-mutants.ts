/**
 * Mutants of `promptmq bench`: a load generator that breaks the protocol, or counts in the broker's favour, is worse than none.
 */
import type { Mutant } from "./mutant.ts"

const tests = ["test/cli/bench.test.ts"]

export const benchMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/cli/bench/load-publisher.ts",
    find: "const taken = Math.min(this.#plan.inFlightMax, receiveMaximumOf(connack, this.isVersion5)) // [MQTT-3.3.4-7]",
    replace: "const taken = Math.min(this.#plan.inFlightMax, receiveMaximumOf(connack, false)) // [MQTT-3.3.4-7]",
    statement: "MQTT-3.3.4-7",
    tests
  },
  {
    file: "src/cli/bench/pace.ts",
    find: "return nowUs - dueUs < punctualUs ? nowUs : dueUs // [BENCH-1]",
    replace: "return nowUs // [BENCH-1]",
    statement: "BENCH-1",
    tests
  },
  {
    file: "src/cli/bench/load-subscriber.ts",
    find: "((sequence - expected) | 0) < 0 // [BENCH-2]",
    replace: "((sequence - expected) | 0) > 0",
    statement: "BENCH-2",
    tests
  }
]
