/**
 * Goal: every metric name of the original's source and documents is told; older ones while metrics.legacy-names is on, and
 * each with the value of the family it is another name of.
 * Method: one scrape of a whole broker on disk after some traffic; the checks are made from metric-names.ts.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { legacyNames } from "../../src/metrics/legacy-names.ts"
import { type Scrape, scrape } from "../support/scrape.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"
import { type MetricRow, metricRows } from "./metric-names.ts"
import { duplicates } from "./row.ts"

const root = mkdtempSync(join(tmpdir(), "promptmq-parity-"))
const start = (name: string, isLegacy: boolean): Promise<WholeBroker> =>
  startWhole({
    admin: { enabled: true, bind: "127.0.0.1:0", "token-file": join(root, `${name}-token`) },
    metrics: { "legacy-names": isLegacy, topics: ["a/#"], "sys-interval": "0s" },
    storage: { engine: "wal", "data-dir": join(root, name) }
  })

/** All of it, for sums over labels: "name{a" is every series that begins like that. */
const sumOf = ({ series }: Scrape, beginning: string): number => {
  let sum = 0
  for (const [name, value] of series) {
    if (name === beginning || name.startsWith(beginning.includes("{") ? beginning : `${beginning}{`)) sum += value
  }
  return sum
}

const boundsOf = ({ series }: Scrape, name: string): ReadonlyArray<number> =>
  [...series.keys()]
    .filter((each) => each.startsWith(`${name}_bucket{`))
    .map((each) => Number(/le="([^"]+)"/.exec(each)?.[1]))
    .filter(Number.isFinite)
    .sort((a, b) => a - b)

describe("metric names", () => {
  let broker: WholeBroker
  let told: Scrape
  let modern: Scrape

  beforeAll(async () => {
    broker = await start("both", true)
    const forever = { clean: false, properties: { sessionExpiryInterval: 3600 } }
    const reader = await broker.join("reader", forever)
    await reader.subscribe("a/#", 2)
    const writer = await broker.join("writer")
    for (const qos of [0, 1, 2] as const) {
      for (let i = 0; i <= qos; i++) await writer.publish(`a/${qos}`, "x".repeat(100), { qos })
    }
    await writer.publish("kept", "x", { qos: 1, retain: true })
    await reader.payloads(6)
    await (await broker.join("passing")).leave()
    await writer.quiet()
    told = await scrape(broker)
    await using without = await start("modern", false)
    modern = await scrape(without)
  })

  afterAll(async () => {
    await broker.stop()
    rmSync(root, { recursive: true, force: true })
  })

  it("are each listed once, and no older name is told that the list does not know", () => {
    assert.isEmpty(duplicates(metricRows.map(({ name }) => name)))
    const aliases = metricRows.filter(({ here }) => here.as === "alias").map(({ name }) => `promptmq_${name}`)
    assert.sameMembers([...legacyNames], aliases)
  })

  const check = ({ bounds, differs, here, labels = [], name, type }: MetricRow): void => {
    const family = `promptmq_${name}`
    assert.match(told.text, new RegExp(`^# HELP ${family} \\S`, "m"))
    assert.include(told.text, `# TYPE ${family} ${type}\n`)
    for (const label of labels) {
      assert.isTrue(
        [...told.series.keys()].some((each) => each.startsWith(`${family}{`) && each.includes(label)),
        label
      )
    }
    if (here.as === "same") {
      assert.include(modern.text, `# TYPE ${family} ${type}\n`, "without older names")
    }
    if (here.as === "alias") {
      assert.notInclude(modern.text, `${family} `, "metrics.legacy-names: false")
      assert.isTrue([...told.series.keys()].some((each) => each.startsWith(here.of)) || type === "histogram", here.of)
      if (differs === undefined) assert.strictEqual(told.sum(family), sumOf(told, here.of), here.of)
    }
    const found = boundsOf(told, family)
    if (bounds !== undefined && found.length > 0) {
      assert.isAtMost(found[0] ?? 0, bounds[0])
      assert.isAtLeast(found.at(-1) ?? 0, bounds[1])
    }
    if (type === "histogram" && name !== "gc_duration_seconds") {
      assert.isAbove(sumOf(told, `${family}_count`), 0, "something has moved it")
    }
  }

  for (const row of metricRows) {
    it(`promptmq_${row.name} (${row.from}): ${row.here.as === "alias" ? `another name of ${row.here.of}` : "the same"}`, () =>
      check(row))
  }

  it("count what they say", () => {
    const value = (name: string): number => told.sum(`promptmq_${name}`)
    assert.deepEqual(
      ["qos0", "qos1", "qos2"].map((qos) => value(`${qos}_messages_total`)),
      [1, 3, 3]
    )
    assert.deepEqual([value("messages_published_total"), value("messages_retained_total")], [7, 1])
    assert.deepEqual([value("active_connections"), value("connections_current")], [2, 2])
    assert.strictEqual(value("disconnections_total"), 1)
  })
})
