/**
 * Mutants of the operating commands: a token for strangers, a terminal or a shell that obeys them, a change nobody asked for.
 */
import type { Mutant } from "./mutant.ts"

const tests = ["test/cli/operate.test.ts"]

export const operateMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/cli/api-place.ts",
    find: "return isHere(url)\n",
    replace: "return url !== undefined\n",
    statement: "OPERATE-1",
    tests
  },
  {
    file: "src/cli/operate/columns.ts",
    find: "escaped(column.cell(row))",
    replace: "column.cell(row)",
    statement: "OPERATE-2",
    tests
  },
  {
    file: "src/cli/grammar/completion-script.ts",
    find: 'COMPREPLY+=("$(printf %q "$name")")',
    replace: 'COMPREPLY+=("$name")',
    statement: "OPERATE-3",
    tests: ["test/cli/documents.test.ts"]
  },
  {
    file: "src/cli/retained-rm.ts",
    find: "hasWildcard(filter) && !options.force",
    replace: "hasWildcard(filter) && options.force",
    statement: "OPERATE-4",
    tests
  },
  {
    file: "src/cli/log-level.ts",
    find: "if (level !== undefined && forMs === undefined) {",
    replace: "if (level !== undefined) {",
    statement: "OPERATE-5",
    tests
  }
]
