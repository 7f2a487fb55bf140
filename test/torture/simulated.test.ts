/**
 * T1, T2, T4 and T6 at release size: the suites that run on every commit, ten times as long. 100,000 power cuts on
 * legal crash images (and more in compaction), 20,000 bit flips, every fault point, histories against the models.
 *
 *   npm run torture -- --tier simulated [--cycles SCALE] [--seed N]
 *
 * Method: vitest as a process, with the sizes as variables (test/fault/random.ts, `sized`).
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import { cyclesWanted, tierWanted } from "./options.ts"

const SCALE = tierWanted === "simulated" ? (cyclesWanted ?? 10) : 10
const HISTORIES = 20_000
const HOURS_MAX_MS = 3 * 3_600_000
const root = fileURLToPath(new URL("../..", import.meta.url))
const folders = ["test/wal", "test/store", "test/broker", "test/contract"]

it(
  `every simulated cut, flip and fault, ${SCALE} times as many as on a commit`,
  async () => {
    const sizes = {
      PROMPTMQ_SCALE: String(SCALE),
      PROMPTMQ_HISTORIES: String(HISTORIES),
      PROMPTMQ_TEST_TIMEOUT_MS: String(HOURS_MAX_MS)
    }
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs")
    const words = [
      vitest,
      "run",
      "--config",
      "test/vitest.config.ts",
      "--project=unit",
      "--reporter=verbose",
      ...folders
    ]
    const child = spawn(process.execPath, words, {
      cwd: root,
      env: { ...withoutVitest(), ...sizes },
      stdio: ["ignore", "inherit", "inherit"]
    })
    const [code] = await once(child, "close")
    assert.strictEqual(code, 0)
  },
  HOURS_MAX_MS
)

/** What this vitest told its workers is not meant for another one. */
function withoutVitest(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|TINYPOOL)/.test(name)))
}
