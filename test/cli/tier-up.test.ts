/** Who gives way to whom where the process has one core: seen from outside, in a process that is pinned to one. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const file = join(import.meta.dirname, "../../src/cli/tier-up.ts")
const script = `
  import { readdirSync, readFileSync } from "node:fs"
  import { getPriority } from "node:os"
  import { yieldToMessages } from ${JSON.stringify(file)}
  yieldToMessages()
  const threads = readdirSync("/proc/self/task").map((id) => ({
    isWorker: readFileSync("/proc/self/task/" + id + "/comm", "utf8").includes("V8Worker"),
    nice: getPriority(Number(id))
  }))
  const of = (isWorker) => threads.filter((thread) => thread.isWorker === isWorker).map(({ nice }) => nice)
  console.log(JSON.stringify({ own: getPriority(), workers: of(true), others: of(false) }))
`
const isLinux = process.platform === "linux"

const threadsOn = (cores: string) => {
  const words = ["-c", cores, process.execPath, "--input-type=module", "-e", script]
  const { status, stderr, stdout } = spawnSync("taskset", words, { encoding: "utf8" })
  assert.strictEqual(status, 0, stderr)
  const { others, own, workers } = JSON.parse(stdout) as Record<"workers" | "others", Array<number>> & { own: number }
  assert.isAbove(workers.length, 0, "V8's threads have another name")
  return { workers: new Set(workers.map((nice) => nice - own)), others: new Set(others.map((nice) => nice - own)) }
}

// Skipped elsewhere, because only Linux ranks threads one by one.
describe.skipIf(!isLinux)("V8's threads (Linux)", () => {
  it("on one core they give way to the thread of the messages, and nobody else does", () => {
    assert.deepEqual(threadsOn("0"), { workers: new Set([10]), others: new Set([0]) })
  })

  it("with more than one core they are left as they are", (context) => {
    if (spawnSync("taskset", ["-c", "0,1", "true"]).status !== 0) return context.skip("needs a machine with two cores")
    assert.deepEqual(threadsOn("0,1"), { workers: new Set([0]), others: new Set([0]) })
  })
})
