/**
 * The store's tools beside a real broker, as its operator uses them: what asks it, what only looks, what has to wait; then
 * kill -9, and a broker on what was backed up meanwhile gives the absent subscriber all that was acknowledged.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { temporaryFolder } from "../store/tools/make-store.ts"
import { run } from "./recorded-world.ts"
import { freePort, promptmq } from "./tools.ts"

const broker = (config: string, words: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const running = promptmq(["server", "-c", config, ...words])
      await running.said(/ready in \d+ ms/)
      return running
    }),
    ({ child, finished }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return finished
      })
  )

describe("the store of a running broker", () => {
  it.live("is asked for stats, compaction and a backup, looked at, and refused to those who would change it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [port, adminPort] = [yield* Effect.promise(freePort), yield* Effect.promise(freePort)]
      const config = join(folder, "broker.yaml")
      writeFileSync(
        config,
        JSON.stringify({
          server: { bind: [`127.0.0.1:${port}`], "ws-bind": [] },
          admin: { bind: `127.0.0.1:${adminPort}` },
          storage: { engine: "wal", "data-dir": join(folder, "data"), "memory-buffer": "8MiB" }
        })
      )
      const at = ["-h", "127.0.0.1", "-p", String(port)]
      const command = (words: ReadonlyArray<string>) => Effect.promise(() => run([...words]))
      const store = (words: ReadonlyArray<string>) => command(["store", ...words, "-c", config])

      const first = yield* broker(config, [])
      yield* command(["sub", ...at, "-i", "absent", "-c", "-q", "1", "-t", "plant/#", "-E"])
      for (let i = 0; i < 5; i++) {
        const { code, err } = yield* command(["pub", ...at, "-q", "1", "-t", `plant/${i}`, "-m", `value ${i}`])
        assert.strictEqual(code, 0, err)
      }

      const stats = yield* store(["stats"])
      assert.strictEqual(stats.code, 0, stats.err)
      assert.match(stats.err, new RegExp(`told by the running broker, pid ${first.child.pid}`))
      assert.match(stats.out, /messages +5 messages of 5 topics\n[\s\S]*promise +immediate, acknowledged when synced/)
      assert.strictEqual(JSON.parse((yield* store(["stats", "--json"])).out).log.records, 5)
      const compacted = yield* store(["compact"])
      assert.deepEqual([compacted.code, compacted.err], [0, ""])
      const looked = yield* store(["verify"])
      assert.match(looked.out, /\ngood: \d+ records, 5 messages\n$/)
      const dumped = yield* store(["dump", "-t", "plant/#"])
      assert.strictEqual(dumped.out.trim().split("\n").length, 5)
      const copy = join(folder, "copy")
      const backed = yield* store(["backup", copy])
      assert.strictEqual(backed.code, 0, backed.err)
      assert.match(backed.out, new RegExp(`up to LSN \\d+, by the running broker \\(pid ${first.child.pid}\\)\n$`))
      const twice = yield* store(["backup", copy])
      assert.strictEqual(twice.code, 1)
      assert.match(twice.err, /the broker refused: .*copy is not empty/)
      const nothing = join(folder, "nothing.jsonl")
      const head = { promptmq: "export", version: 1, storeUuid: null, exportedAt: "2026-11-21T00:00:00Z" }
      const end = { type: "end", messages: 0, sessions: 0, groups: 0 }
      writeFileSync(nothing, `${JSON.stringify(head)}\n${JSON.stringify(end)}\n`)
      const changers = [
        ["repair"],
        ["reindex"],
        ["export"],
        ["import", nothing],
        ["salvage", "--to", join(folder, "to")]
      ]
      for (const words of changers) {
        const refused = yield* store(words)
        assert.strictEqual(refused.code, 8, words[0])
        assert.match(refused.err, new RegExp(`in use by pid ${first.child.pid}, since 20`), words[0])
      }

      writeFileSync(join(folder, "data", "admin-token"), `${"x".repeat(43)}\n`)
      const stranger = yield* store(["stats"])
      assert.strictEqual(stranger.code, 5)
      assert.match(stranger.err, /E5001 {2}the broker refused: /)

      first.child.kill("SIGKILL")
      yield* Effect.promise(() => first.finished)
      const killed = yield* store(["verify"])
      assert.strictEqual(killed.code, 0, killed.out)
      const again = join(folder, "again")
      const restored = yield* command(["store", "restore", copy, "--data-dir", again])
      assert.strictEqual(restored.code, 0, restored.err)
      yield* broker(config, ["--data-dir", again])
      const words = ["-i", "absent", "-c", "-q", "1", "-t", "plant/#", "-v", "-C", "5", "-W", "30"]
      const { code, err, out } = yield* command(["sub", ...at, ...words])
      assert.strictEqual(code, 0, err)
      assert.deepEqual(
        out.trim().split("\n"),
        Array.from({ length: 5 }, (_, i) => `plant/${i} value ${i}`)
      )
    })
  )
})
