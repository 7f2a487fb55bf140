/**
 * What compaction decides, from measures alone; and how long it waits, from bytes alone.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Measure } from "../../src/store/compaction-need.ts"
import { type PlanInput, plan } from "../../src/store/compaction-plan.ts"
import { TokenBucket } from "../../src/store/token-bucket.ts"

const MIB = 1_048_576
const NOW_MS = 1_765_000_000_000

/** Files of 16 MiB, one behind the other, with that share of them alive; `more` by index. */
function input(
  shares: ReadonlyArray<number>,
  more: Partial<PlanInput> = {},
  control: ReadonlyArray<number> = []
): PlanInput {
  const measures = shares.map((share, index): Measure => {
    const file = {
      id: index + 1,
      gen: 0,
      path: `${index + 1}`,
      firstLsn: index * 100 + 1,
      lastLsn: index * 100 + 100,
      sizeBytes: 16 * MIB,
      firstSequence: index * 100,
      endSequence: index * 100 + 100,
      lastControlLsn: control[index] ?? 0,
      newestMs: NOW_MS - (shares.length - index) * 60_000
    }
    return { file, liveBytes: Math.floor(share * (16 * MIB - 4096)), liveMessages: share === 0 ? 0 : 1 }
  })
  return {
    measures,
    totalBytes: (shares.length + 0.5) * 16 * MIB,
    maxWalSizeBytes: 1000 * MIB,
    maxMessageAgeMs: 7_200_000,
    segmentBytes: 16 * MIB,
    isSpaceShort: false,
    nowMs: NOW_MS,
    coveredLsn: 0,
    fixed: new Set(),
    ...more
  }
}

const names = (copy: ReadonlyArray<ReadonlyArray<{ readonly path: string }>>) =>
  copy.map((run) => run.map(({ path }) => path).join("+"))

describe("plan", () => {
  it("P1: what is dead is dropped, whatever else holds", () => {
    const { copy, drop } = plan(input([0, 1, 0, 0.9, 0]))
    assert.deepEqual(
      drop.map(({ path }) => path),
      ["1", "3", "5"]
    )
    assert.deepEqual(copy, [])
  })

  it("P3: what is half garbage or more is copied, the most gain first; neighbours go together while they fit", () => {
    assert.deepEqual(names(plan(input([0.45, 1, 0.3, 0.3, 0.3, 0.6])).copy), ["1", "3+4+5"])
    assert.deepEqual(names(plan(input([0.3, 0, 0.3])).copy), ["1+3"])
  })

  it("P2: when it is too large the best go until it fits, and no more", () => {
    const shares = [0.89, 0.85, 0.7, 0.6, 0.95]
    assert.deepEqual(plan(input(shares)).copy, [])
    assert.deepEqual(names(plan(input(shares, { maxWalSizeBytes: 80 * MIB })).copy), ["3", "4"])
    const all = plan(input(shares, { maxWalSizeBytes: 1 }))
    assert.deepEqual(names(all.copy).sort(), ["1", "2", "3", "4"])
    assert.isAbove(all.bytesAfter, 70 * MIB)
  })

  it("P0: when space is short everything that gains, by gain alone", () => {
    assert.deepEqual(names(plan(input([0.89, 0.7, 0.95, 0.8], { isSpaceShort: true })).copy), ["2", "4", "1"])
  })

  it("P4: what is older than history may be", () => {
    assert.deepEqual(names(plan(input([0.8, 0.8, 1, 0.8], { maxMessageAgeMs: 150_000 })).copy), ["1", "2"])
  })

  it("control records that no snapshot holds keep their file; it is said how far one would have to reach", () => {
    const blocked = plan(input([0, 0.2, 1, 0.2], {}, [50, 150, 250, 0]))
    assert.deepEqual(blocked.drop, [])
    assert.deepEqual(names(blocked.copy), ["4"])
    assert.strictEqual(blocked.blockedLsn, 150)
    const covered = plan(input([0, 0.2, 1, 0.2], { coveredLsn: 150 }, [50, 150, 250, 0]))
    assert.deepEqual(
      covered.drop.map(({ path }) => path),
      ["1"]
    )
    assert.deepEqual(names(covered.copy).sort(), ["2", "4"])
    assert.strictEqual(covered.blockedLsn, 0)
  })

  it("a file that cannot be read stays, and nothing is joined across it", () => {
    const { blockedLsn, copy, drop } = plan(input([0.2, 0, 0.2], { fixed: new Set(["2"]) }))
    assert.deepEqual(drop, [])
    assert.deepEqual(names(copy).sort(), ["1", "3"])
    assert.strictEqual(blockedLsn, 0)
  })
})

describe("token bucket", () => {
  it("lets a burst through, then the rate; a debt is waited for", () => {
    const bucket = new TokenBucket(1000, 0)
    assert.strictEqual(bucket.take(1000, 1000, 0), 0)
    assert.strictEqual(bucket.take(500, 1000, 0), 500)
    assert.strictEqual(bucket.take(500, 1000, 500), 500)
    assert.strictEqual(bucket.take(100, 1000, 60_000), 0, "at rest it fills up")
    assert.strictEqual(bucket.take(1000, 2000, 60_000), 50, "but not beyond the burst, and the rate may change")
  })
})
