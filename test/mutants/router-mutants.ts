/**
 * Mutants of the router: filters that match too much or too little, syntax that is let through.
 */
import type { Mutant } from "./mutant.ts"

const contract = ["test/router/contract.test.ts"]
const grammar = ["test/router/topic-filter.test.ts"]

export const routerMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/router/subscription-tree.ts",
    find: "let wildcards = !beginsWithDollar(bytes, start, end)",
    replace: "let wildcards = true",
    statement: "MQTT-4.7.2-1",
    tests: contract
  },
  {
    file: "src/router/topic-filter.ts",
    find: 'if (topic.startsWith("$") && (filterLevels[0] === "#" || filterLevels[0] === "+")) return false',
    replace: 'if (topic.startsWith("$") && filterLevels[0] === "#") return false',
    statement: "MQTT-4.7.2-1",
    tests: [...contract, ...grammar]
  },
  {
    file: "src/router/topic-filter.ts",
    find: 'if (shareName === "") return',
    replace: 'if (shareName === "/") return',
    statement: "MQTT-4.8.2-1",
    tests: grammar
  },
  {
    file: "src/router/topic-filter.ts",
    find: "const wildcardAt = shareName.search(/[+#]/)",
    replace: "const wildcardAt = shareName.search(/[#]/)",
    statement: "MQTT-4.8.2-2",
    tests: grammar
  },
  {
    file: "src/router/topic-filter.ts",
    find: "const wildcardAt = topic.search(/[+#]/)",
    replace: "const wildcardAt = topic.search(/[#]/)",
    statement: "MQTT-4.7.0-1",
    tests: grammar
  },
  {
    file: "src/router/topic-filter.ts",
    find: 'if (text === "") return',
    replace: 'if (text === "\\0") return',
    statement: "MQTT-4.7.3-1",
    tests: grammar
  },
  {
    file: "src/router/topic-filter.ts",
    find: "if (nullAt >= 0) {",
    replace: "if (nullAt > 99) {",
    statement: "MQTT-4.7.3-2",
    tests: grammar
  },
  {
    file: "src/router/topic-filter.ts",
    find: "if (!startsLevel || !endsLevel) return",
    replace: "if (!startsLevel && !endsLevel) return",
    statement: "MQTT-4.7.1-2",
    tests: grammar
  },
  {
    file: "src/router/topic-filter.ts",
    find: 'if (character === "#" && at !== filter.length - 1) return',
    replace: 'if (character === "+" && at !== filter.length) return',
    statement: "MQTT-4.7.1-1",
    tests: grammar
  },
  // An entry used again names the topic it had before in the log.
  {
    file: "src/router/topic-entries.ts",
    find: "this.logTopic = -1 // [ENT-1]",
    replace: "this.valid = true // [ENT-1]",
    statement: "ENT-1",
    tests: ["test/router/tree-router.test.ts"]
  },
  // It is used again while its caller still looks at it.
  {
    file: "src/router/topic-entries.ts",
    find: "this.retiredAt = (this.retiredAt + 1) % RETIRED_MIN // [ENT-2]",
    replace: "this.retiredAt = (this.retiredAt + 1) % 2 // [ENT-2]",
    statement: "ENT-2",
    tests: ["test/router/tree-router.test.ts"]
  },
  // A verdict on one topic is taken for one on another.
  {
    file: "src/router/topic-entries.ts",
    find: "this.serial = serial // [ENT-3]",
    replace: "this.serial = this.serial || serial // [ENT-3]",
    statement: "ENT-3",
    tests: ["test/router/tree-router.test.ts"]
  },
  // Who goes live beside another takes the whole filter for himself.
  {
    file: "src/router/filter-record.ts",
    find: "live.length === 1 ? live[0] : undefined // [ONE-1]",
    replace: "live.at(-1) // [ONE-1]",
    statement: "ONE-1",
    tests: ["test/router/contract.test.ts", "test/router/model.test.ts"]
  },
  // A topic that more filters match by now goes to the first of them alone.
  {
    file: "src/router/tree-router.ts",
    find: "entry.only = onlyOf(entry.matched) // [ONE-1]",
    replace: "entry.only ??= onlyOf(entry.matched) // [ONE-1]",
    statement: "ONE-1",
    tests: ["test/router/contract.test.ts", "test/router/model.test.ts"]
  }
]
