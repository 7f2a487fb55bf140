/**
 * From settings to the log's policy, and the sentence at the start: the table of sync mode, acknowledgement and what a
 * power cut may take.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { logPolicyOf, lossOf, promiseOf, topicPoliciesOf } from "../../src/config/store-options.ts"
import { load } from "./loading.ts"

const immediate = { mode: "immediate" }
const never = "all that came since the log's last file began"

describe("the log's policy", () => {
  for (const [lines, sync, acknowledge, powerCut] of [
    [[], immediate, "durable", undefined],
    [["sync-mode: immediate", "acknowledge: written"], immediate, "written", "what came during the last sync"],
    [["sync-mode: batch", "batch-sync-size: 7"], { mode: "batch", records: 7, waitMs: 5 }, "durable", undefined],
    [
      ["sync-mode: batch", "batch-sync-size: 7", "acknowledge: written"],
      { mode: "batch", records: 7, waitMs: 5 },
      "written",
      "the last 7 messages or 5ms, and what came during one sync"
    ],
    [
      ["sync-mode: periodic", "sync-interval: 2s"],
      { mode: "periodic", intervalMs: 2000 },
      "written",
      "the last 2s, and what came during one sync"
    ],
    [
      ["sync-mode: periodic", "sync-interval: 2s", "acknowledge: durable"],
      { mode: "periodic", intervalMs: 2000 },
      "durable",
      undefined
    ],
    [["no-sync: true"], { mode: "never" }, "written", never],
    [["no-sync: true", "sync-mode: batch"], { mode: "never" }, "written", never],
    [["no-sync: true", "force-fsync: true", "acknowledge: written"], immediate, "durable", undefined],
    [["sync-mode: periodic", "force-fsync: true"], immediate, "durable", undefined]
  ] as const) {
    it.effect(`${lines.join(", ") || "by default"}: ${sync.mode}, ${acknowledge}, loses ${powerCut ?? "nothing"}`, () =>
      Effect.gen(function* () {
        const wal = lines.length === 0 ? "" : `  wal:\n${lines.map((line) => `    ${line}\n`).join("")}`
        const { settings } = yield* load({ file: `storage:\n  engine: wal\n${wal}` })
        assert.deepStrictEqual(logPolicyOf(settings) as unknown, { sync, acknowledge })
        assert.deepStrictEqual(lossOf(settings), { crash: undefined, powerCut })
      })
    )
  }
})

describe("policies of topics", () => {
  it.effect("are as written; force-fsync leaves none that asks for less", () =>
    Effect.gen(function* () {
      const file = (more: string) =>
        `storage:\n  engine: wal\n${more}topics:\n  policies: [{ filter: a, acknowledge: written, max-messages: 5 }]\n`
      const asWritten = topicPoliciesOf((yield* load({ file: file("") })).settings)
      assert.deepStrictEqual([asWritten[0]?.acknowledge, asWritten[0]?.maxMessages], ["written", 5])
      const forced = topicPoliciesOf((yield* load({ file: file("  wal: { force-fsync: true }\n") })).settings)
      assert.deepStrictEqual([forced[0]?.acknowledge, forced[0]?.maxMessages], [undefined, 5])
    })
  )

  it.effect("keeps no history longer than any history is kept", () =>
    Effect.gen(function* () {
      const file =
        "storage:\n  compaction: { max-message-age: 3h }\ntopics:\n  policies: [{ filter: a, replay: 1h }, { filter: b, replay: 7d }, { filter: c }]\n"
      const policies = topicPoliciesOf((yield* load({ file })).settings)
      assert.deepStrictEqual(
        policies.map(({ replayMs }) => replayMs),
        [3_600_000, 10_800_000, undefined]
      )
    })
  )
})

describe("the promise", () => {
  for (const [name, file, sentence] of [
    ["memory", "storage:\n  engine: memory\n", /^state is in memory: .* end with the process$/],
    [
      "immediate",
      "storage:\n  engine: wal\n",
      /^immediate, acknowledged when synced: a crash loses nothing acknowledged, nor does a power cut$/
    ],
    [
      "periodic",
      "storage:\n  engine: wal\n  wal: { sync-mode: periodic }\n",
      /^periodic, every 100ms, acknowledged when written: a crash loses nothing acknowledged, a power cut loses at most the last 100ms, and/
    ],
    [
      "a weaker topic",
      "storage:\n  engine: wal\ntopics:\n  policies: [{ filter: a, acknowledge: written }]\n",
      /nor does a power cut; 1 topic policy acknowledges what is written$/
    ],
    [
      "weaker topics, overruled",
      "storage:\n  engine: wal\n  wal: { force-fsync: true }\ntopics:\n  policies: [{ filter: a, acknowledge: written }]\n",
      /nor does a power cut$/
    ]
  ] as const) {
    it.effect(name, () =>
      Effect.gen(function* () {
        assert.match(promiseOf((yield* load({ file })).settings), sentence)
      })
    )
  }

  it.effect("memory loses everything, and says so", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({ file: "storage:\n  engine: memory\n" })
      assert.deepStrictEqual(lossOf(settings), { crash: "everything", powerCut: "everything" })
    })
  )
})
