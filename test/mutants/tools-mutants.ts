/**
 * Mutants of the store's tools, noticed by the tests of the commands (test/cli/store-*.test.ts) and by property tests.
 */
import type { Mutant } from "./mutant.ts"

const by = (name: string): ReadonlyArray<string> => [`test/cli/store-${name}.test.ts`]

export const toolsMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/store/tools/damaged-topics.ts",
    find: "if (good > 0) {",
    replace: "if (good < 0) {",
    statement: "TOOL-1",
    tests: by("verify")
  },
  {
    file: "src/store/tools/empty-folder.ts",
    find: "if (others.length === 0) return // [TOOL-2]",
    replace: "return // [TOOL-2]",
    statement: "TOOL-2",
    tests: by("backup")
  },
  {
    file: "src/store/tools/restore.ts",
    find: "if (found?.sizeBytes === file.sizeBytes && found.crc32 === file.crc32) return // [TOOL-3]",
    replace: "if (found?.sizeBytes === file.sizeBytes) return // [TOOL-3]",
    statement: "TOOL-3",
    tests: by("backup")
  },
  {
    file: "src/store/tools/repair.ts",
    find: "if (isDamaged) yield* copyAside",
    replace: "if (!isDamaged) yield* copyAside",
    statement: "TOOL-4",
    tests: by("repair")
  },
  {
    file: "src/store/tools/state-records.ts",
    find: "for (const each of gotAlready) yield* finished(",
    replace: "for (const each of gotAlready.slice(1)) yield* finished(",
    statement: "TOOL-5",
    tests: ["test/store/tools/state-records.test.ts"]
  },
  {
    file: "src/store/tools/export-store.ts",
    find: "if (newest !== undefined) flags[messages.rowOf(newest.sequence)] = 1 // [TOOL-5]",
    replace: "if (newest === undefined) flags[row] = 1 // [TOOL-5]",
    statement: "TOOL-5",
    tests: by("export")
  },
  {
    file: "src/store/tools/import-store.ts",
    find: "const split = intervals.flatMap((interval) => interrupted(interval, from, to)) // [TOOL-5]",
    replace: "const split = intervals // [TOOL-5]",
    statement: "TOOL-5",
    tests: by("export")
  },
  {
    file: "src/store/tools/import-check.ts",
    find: "const isWhole = found.join() === [messages, sessions, groups].join() // [TOOL-6]",
    replace: "const isWhole = found.length === [messages, sessions, groups].length // [TOOL-6]",
    statement: "TOOL-6",
    tests: by("export")
  },
  {
    file: "src/store/tools/compact-store.ts",
    find: "held: heldMessages(recovered) // [TOOL-7]",
    replace: "held: [] // [TOOL-7]",
    statement: "TOOL-7",
    tests: by("compact")
  }
]
