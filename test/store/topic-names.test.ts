/**
 * Any legal topic name is a topic of its own, through a restart too: names that would be one file name elsewhere, that
 * differ in case or Unicode form, that look like numbers or paths, and the longest one there is.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LogRecord } from "../../src/store/ports.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { until } from "../wal/workload.ts"
import { openStoreManually, publishTo, storeOptions } from "./store-world.ts"

const names = [
  "a/b",
  "a_b",
  "a:b",
  "a\\b",
  "a//b",
  "/a/b",
  "a/b/",
  "A/B",
  "a b",
  "../a/b",
  "..",
  "/",
  "con",
  "0",
  "-1",
  "__proto__",
  "é",
  "e\u0301",
  "日本/東京",
  "🚀",
  "x".repeat(65_535),
  `${"x".repeat(65_534)}y`
]

it.effect("every name keeps its own messages, before and after a restart", () =>
  Effect.gen(function* () {
    const fs = new MemoryFs()
    const options = storeOptions(fs, { segmentBytes: 262_144 })
    const first = yield* openStoreManually(options)
    for (const [i, topic] of names.entries()) {
      for (const payload of [`${i} first`, `${i} second`])
        assert.isAtLeast(publishTo(first.store.log, { topic, payload }), 0)
    }
    yield* until(() => first.store.log.durable === first.store.log.ticket)
    judge(first.store.log)
    yield* first.close
    const second = yield* openStoreManually(options)
    judge(second.store.log)
    yield* second.close
  })
)

function judge(log: Parameters<typeof publishTo>[0]): void {
  const record = new LogRecord()
  const ids = new Set<number>()
  for (const [i, topic] of names.entries()) {
    const id = log.topicId(topic)
    assert.isAtLeast(id, 0)
    assert.strictEqual(log.topicName(id), topic)
    assert.strictEqual(log.countOfTopic(id), 2)
    ids.add(id)
    const found: Array<string> = []
    for (let at = log.nextOfTopic(id, 0); at >= 0; at = log.nextOfTopic(id, at + 1)) {
      assert.isTrue(log.read(at, record))
      found.push(
        record.buffer.toString("utf8", record.end - `${i} first`.length - (found.length > 0 ? 1 : 0), record.end)
      )
    }
    assert.deepEqual(found, [`${i} first`, `${i} second`])
  }
  assert.strictEqual(ids.size, names.length)
}
