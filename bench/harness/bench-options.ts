/**
 * The options of the benches that go along an axis or through parts: growth, beside, payloads. Each names its parts.
 */
import { parseArgs } from "node:util"
import type { Report } from "./report.ts"

export interface BenchOptions {
  /** Parts of the bench by their names; undefined = all. */
  readonly isWanted: (part: string) => boolean
  readonly repetitions: number
  /** As the generators take them. */
  readonly seconds: string
  /** --topics, where the bench has it. */
  readonly topics: number
  readonly chart: (report: Report, name: string, svg: () => string) => void
}

/** --only a,b --repetitions 3 --seconds 2 --topics 1000000 --no-charts */
export function benchOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      repetitions: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      topics: { type: "string", default: "1000000" },
      "no-charts": { type: "boolean", default: false }
    }
  })
  const only = values.only?.split(",")
  return {
    isWanted: (part) => only === undefined || only.includes(part),
    repetitions: Number(values.repetitions),
    seconds: values.seconds,
    topics: Number(values.topics),
    chart: (report, name, svg) => {
      if (!values["no-charts"]) report.chart(name, svg())
    }
  }
}
