/**
 * Mutants of the plan (src/app.ts) and of what it opens the store with: what settings and a failing disk mean to clients.
 */
import type { Mutant } from "./mutant.ts"

export const planMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/app.ts",
    find: "for (const client of core.clients) client?.connection.destroy() // [PLAN-1]",
    replace: "// [PLAN-1]",
    statement: "PLAN-1",
    tests: ["test/behaviour/store-failure.test.ts"]
  },
  {
    file: "src/app.ts",
    find: "store.log.setTopicPolicies(topicPoliciesOf(next)) // [PLAN-2]",
    replace: "// [PLAN-2]",
    statement: "PLAN-2",
    tests: ["test/behaviour/live-storage-settings.test.ts"]
  },
  {
    file: "src/app.ts",
    find: "Effect.runSync(store.log.setPolicy(logPolicyOf(next))) // [PLAN-2]",
    replace: "// [PLAN-2]",
    statement: "PLAN-2",
    tests: ["test/behaviour/live-storage-settings.test.ts"]
  },
  {
    file: "src/config/store-options.ts",
    find: 'if (wal.forceFsync) return { sync: { mode: "immediate" }, acknowledge: "durable" }',
    replace: 'if (wal.forceFsync) return { sync: { mode: "immediate" }, acknowledge: "written" }',
    statement: "PLAN-3",
    tests: ["test/config/store-options.test.ts"]
  },
  {
    file: "src/config/store-options.ts",
    find: "storage.wal.forceFsync ? { acknowledge: undefined } : {}",
    replace: "storage.wal.forceFsync ? {} : {}",
    statement: "PLAN-3",
    tests: ["test/config/store-options.test.ts"]
  },
  {
    file: "src/store/verify-again.ts",
    find: "if (unknown === undefined) continue // [VER-1]",
    replace: "if (unknown !== undefined) continue // [VER-1]",
    statement: "VER-1",
    tests: ["test/store/verify-again.test.ts"]
  }
]
