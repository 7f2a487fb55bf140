/**
 * How the tests run. Four projects, one after the other, so that each gets the room it needs on two cores:
 *
 *   unit       test/<room>, contract suites, tidy: plain and quick, files side by side
 *   behaviour  test/behaviour: a real broker behind a real socket; two files at a time, which wait more than they work
 *   dashboard  test/dashboard: a real broker before a real browser; one file at a time, for the browser takes both cores
 *   torture    test/torture: minutes of load or of nothing; only by `npm run torture`
 *
 * No retries: a test that fails now and then is a wrong test or a found fault.
 */
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const root = fileURLToPath(new URL("..", import.meta.url))
const torture = "test/torture/**/*.test.ts"
const behaviour = "test/behaviour/**/*.test.ts"
const dashboard = "test/dashboard/**/*.test.ts"
/** A limit against hanging, never a measurement. The mutants' runner shortens it: there many tests wait in vain. */
const testTimeout = Number(process.env["PROMPTMQ_TEST_TIMEOUT_MS"] ?? 60_000)

export default defineConfig({
  root,
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [behaviour, dashboard, torture],
          testTimeout,
          hookTimeout: testTimeout
        }
      },
      {
        extends: true,
        test: {
          name: "behaviour",
          include: [behaviour],
          testTimeout,
          hookTimeout: testTimeout,
          sequence: { groupOrder: 1 }
        }
      },
      {
        extends: true,
        test: {
          name: "dashboard",
          include: [dashboard],
          fileParallelism: false,
          testTimeout,
          hookTimeout: testTimeout,
          sequence: { groupOrder: 2 }
        }
      },
      {
        extends: true,
        test: {
          name: "torture",
          include: [torture],
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: testTimeout,
          sequence: { groupOrder: 3 }
        }
      }
    ]
  }
})
