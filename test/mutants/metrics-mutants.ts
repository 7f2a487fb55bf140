/**
 * Mutants of metrics, health and $SYS: figures that are told twice, labels without an end, answers that tell too much.
 */
import type { Mutant } from "./mutant.ts"

export const metricsMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/broker/receive.ts",
    find: "core.count[Counter.packetsIn + 3] = (core.count[Counter.packetsIn + 3] as number) - frames",
    replace: "core.count[Counter.packetsIn + 3] = (core.count[Counter.packetsIn + 3] as number)",
    statement: "MET-1",
    tests: ["test/behaviour/metrics-access.test.ts"]
  },
  {
    file: "src/metrics/topic-series.ts",
    find: "this.names.length >= this.messages.length) return 0",
    replace: "this.names.length > this.messages.length) return 0",
    statement: "MET-2",
    tests: ["test/metrics/topic-series.test.ts"]
  },
  {
    file: "src/wal/appender-meter.ts",
    find: "this.#coveredBytes = this.lagBytes // [MET-3]",
    replace: "this.#coveredBytes = 0",
    statement: "MET-3",
    tests: ["test/wal/appender-meter.test.ts"]
  },
  {
    file: "src/store/sys-retained.ts",
    find: "return text.charCodeAt(0) === DOLLAR ? this.own : this.#inner",
    replace: "return this.#inner",
    statement: "SYS-1",
    tests: ["test/behaviour/sys-topics.test.ts"]
  },
  {
    file: "src/admin/health-state.ts",
    find: "isRecovered = false",
    replace: "isRecovered = true",
    statement: "HLT-1",
    tests: ["test/behaviour/health-probes.test.ts"]
  },
  {
    file: "src/admin/probes.ts",
    find: 'return isTrusted ? { name, status: "failing", fact } : { name, status: "failing" }',
    replace: 'return { name, status: "failing", fact }',
    statement: "HLT-2",
    tests: ["test/behaviour/health-probes.test.ts"]
  }
]
