/**
 * `store compact` on a stopped store: what a session waits for, holds, or what is retained is there afterwards, the rest
 * is gone from the disk; and a start finds all of it.
 */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { encodeCursor, encodeSession, encodeSubscription } from "../../src/store/control-records.ts"
import { RecordType } from "../../src/wal/record.ts"
import { appendControl, appendMessage, temporaryFolder, writeStore } from "../store/tools/make-store.ts"
import { run } from "./recorded-world.ts"

const command = (words: ReadonlyArray<string>) => Effect.promise(() => run(["store", ...words]))

/** 300 messages on two topics; a session waits for plant/a from 280 on and holds 10; retained are 20 and 290. */
const someStore = (folder: string) =>
  writeStore(folder, (log) =>
    Effect.gen(function* () {
      const identity = { clientIdentifier: "m", number: 1, epoch: 1, expiryIntervalSeconds: 9000, disconnectedAtMs: 5 }
      appendControl(log, RecordType.session, 1, encodeSession({ ...identity, username: undefined, will: undefined }))
      const options = { qos: 1, noLocal: false, retainAsPublished: false, subscriptionIdentifier: 0 }
      const intervals = [{ ...options, from: 0, to: Number.POSITIVE_INFINITY }]
      appendControl(log, RecordType.subscribe, 1, encodeSubscription("plant/a", { intervals, retainedBelow: -1 }))
      for (let i = 0; i < 300; i++) {
        const topic = i === 20 ? "plant/c" : `plant/${"ab"[i % 2]}`
        appendMessage(log, i, topic, `value-${i}-${"x".repeat(200)}`, { retain: i === 20 || i === 290 })
        if (i % 10 === 9) yield* log.force
      }
      const held = { packetIdentifier: 1, state: 1, sequence: 10, kind: "ordinary" as const, filter: "" }
      const saved = encodeCursor({ cursor: 280, open: [held], incoming: [], retained: [] })
      appendControl(log, RecordType.cursor, 1, saved)
    })
  )

const sequencesOf = (folder: string) =>
  Effect.map(
    command(["dump", "--kind", "message", "--payload", "none", "--data-dir", folder]),
    ({ code, err, out }) => {
      assert.strictEqual(code, 0, err)
      return out
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line).sequence)
    }
  )

describe("store compact", () => {
  it.live("keeps what somebody waits for, and nothing but the last file's rest besides", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* someStore(folder)
      const before = JSON.parse((yield* command(["stats", "--json", "--data-dir", folder])).out)
      const { code, err, out } = yield* command(["compact", "--json", "--data-dir", folder])
      assert.strictEqual(code, 0, err)
      const report = JSON.parse(out)
      assert.isBelow(report.bytesAfter, report.bytesBefore / 3)
      assert.isAbove(report.filesDropped, 0)
      assert.isFalse(report.isBlocked)

      const waited = [10, 20, 280, 282, 284, 286, 288, 290, 292, 294, 296, 298]
      const kept = yield* sequencesOf(folder)
      assert.deepEqual(
        waited.filter((sequence) => !kept.includes(sequence)),
        []
      )
      assert.isBelow(kept.length, 60)
      const verified = yield* command(["verify", "--data-dir", folder])
      assert.strictEqual(verified.code, 0, verified.out)
      const after = JSON.parse((yield* command(["stats", "--json", "--data-dir", folder])).out)
      assert.strictEqual(before.liveMessages, waited.length)
      assert.deepEqual(
        [after.liveMessages, after.sessions],
        [before.liveMessages, before.sessions.map(behindLess(after))]
      )
      assert.match(readdirSync(join(folder, "log")).join(), /\d{20}\.1\.wal/)

      const again = yield* command(["compact", "--data-dir", folder])
      assert.strictEqual(again.code, 0, again.err)
      // And everything else works on what is left.
      assert.strictEqual((yield* command(["salvage", "--to", join(folder, "salvaged"), "--data-dir", folder])).code, 0)
      assert.deepEqual(yield* sequencesOf(join(folder, "salvaged")), yield* sequencesOf(folder))
      assert.strictEqual((yield* command(["repair", "--data-dir", folder])).out, "nothing to repair\n")
    })
  )
})

/** What is behind is counted in messages that are there: it may be fewer now, but not of the session's own. */
const behindLess =
  (after: { readonly sessions: ReadonlyArray<{ readonly clientIdentifier: string; readonly behind: number }> }) =>
  (session: { readonly clientIdentifier: string; readonly behind: number }) => {
    const now = after.sessions.find(({ clientIdentifier }) => clientIdentifier === session.clientIdentifier)
    assert.isAtMost(now?.behind ?? Number.POSITIVE_INFINITY, session.behind)
    return { ...session, behind: now?.behind }
  }
