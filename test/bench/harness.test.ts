/**
 * What the benches compute from what they measured: medians, verdicts, profiles, charts. A wrong figure here would be
 * believed, so these are tested like the broker.
 */
import { assert, describe, it } from "@effect/vitest"
import { type CpuProfile, selfTimes } from "../../bench/harness/cpu-profile.ts"
import { markdownTable, short, spreadOf } from "../../bench/harness/figures.ts"
import { deliveryFaults, type LoadReport } from "../../bench/harness/generator.ts"
import { measureInTurns, medianOf } from "../../bench/harness/in-turns.ts"
import { inOwnNetwork, networkWords } from "../../bench/harness/own-network.ts"
import { bottleneck, type Figure, judge, scenarios } from "../../bench/harness/scenarios.ts"
import { barChart, compact, lineChart, niceAbove } from "../../bench/harness/svg-chart.ts"

describe("figures", () => {
  it("the median of an even number is between the two in the middle, the input stays as it is", () => {
    const values = [5, 1, 4, 2]
    assert.deepEqual(spreadOf(values), { median: 3, low: 1, high: 5 })
    assert.deepEqual(values, [5, 1, 4, 2])
    assert.deepEqual(spreadOf([7]), { median: 7, low: 7, high: 7 })
    assert.isNaN(spreadOf([]).median)
  })

  it("numbers are short and readable", () => {
    assert.deepEqual([2_590_000, 203_456, 100, 12, 0.184].map(short), ["2.59 M", "203 k", "100", "12", "0.18"])
    assert.deepEqual([1_000_000, 20_000, 130, 4.25, 0].map(compact), ["1M", "20K", "130", "4.25", "0"])
    assert.deepEqual([0, 0.7, 1, 13, 26, 99].map(niceAbove), [1, 1, 1, 20, 50, 100])
  })

  it("tables are Markdown", () => {
    assert.strictEqual(markdownTable(["a", "b"], [["x", "1"]]), "| a | b |\n| --- | --: |\n| x | 1 |\n")
  })
})

describe("the network of a bench", () => {
  it("is the machine's own where that is wanted, and is told with the figures", () => {
    process.env["BENCH_NETWORK"] = "machine"
    try {
      assert.deepEqual(inOwnNetwork("node", ["bench.ts"]), ["node", ["bench.ts"]])
      assert.match(networkWords(), /^TCP \w+$/)
    } finally {
      delete process.env["BENCH_NETWORK"]
    }
  })

  it("is left as it is by whoever sends without pacing, and by whoever may not have another", () => {
    const [command, words] = inOwnNetwork("node", ["bench.ts"])
    if (command === "node") assert.deepEqual(words, ["bench.ts"])
    else assert.deepEqual([command, ...words.slice(-3)], ["unshare", "sh", "node", "bench.ts"])
  })
})

describe("verdicts", () => {
  const figure = (better: Figure["better"], minimum: Figure["minimum"]): Figure => {
    return { name: "f", unit: " KiB", of: () => 0, better, minimum, aim: "" }
  }

  it("a promise that is reached exactly is kept", () => {
    const times = figure("more", { kind: "ratio", bound: 8 })
    assert.deepEqual(judge(times, 1, 8), { isMet: true, promise: "≥ 8 ×" })
    assert.isFalse(judge(times, 1e9, 7.99).isMet)
    const latency = figure("less", { kind: "ratio", bound: 1.1 })
    assert.deepEqual([judge(latency, 1, 1.1).isMet, judge(latency, 1, 1.11).isMet], [true, false])
    const memory = figure("less", { kind: "absolute", bound: 12 })
    assert.deepEqual(judge(memory, 12, 17), { isMet: true, promise: "≤ 12 KiB" })
    assert.isFalse(judge(memory, 12.1, 0.1).isMet)
  })

  it("a figure that is missing keeps no promise; a peer that is missing breaks none", () => {
    assert.isFalse(judge(figure("more", { kind: "ratio", bound: 8 }), 1, Number.NaN).isMet)
    assert.isTrue(judge(figure("more", { kind: "ratio", bound: 8 }), 1, undefined).isMet)
    assert.isFalse(judge(figure("less", { kind: "absolute", bound: 12 }), Number.NaN, undefined).isMet)
  })

  it("the rows are those that are promised, each once", () => {
    const names = scenarios.map(({ name }) => name)
    assert.deepEqual(names, ["A", "B", "C", "D", "E", "E2", "F", "G", "H0", "H1", "I", "J", "K"])
    const bounds = scenarios.flatMap(({ figures }) => figures.map(({ minimum }) => minimum.bound))
    assert.deepEqual(bounds, [8, 8, 20, 6, 3, 1.5, 2, 6, 1, 1.1, 1.5, 1.1, 1.5, 12, 12_000, 5, 1])
  })

  it("whoever has no time left is the bottleneck", () => {
    assert.strictEqual(bottleneck({ broker: 99, generator: 40 }), "broker")
    assert.match(bottleneck({ broker: 60, generator: 97 }), /^generator/)
    assert.match(bottleneck({ broker: 50, generator: 50 }), /^neither/)
    assert.match(bottleneck({ broker: 20, generator: 100 }, true), /^none/)
  })

  it("anything wrong with a delivery is a fault", () => {
    const report = { lost: 1, excess: 0, duplicated: 2, out_of_order: 3, errors: 0 } as unknown as LoadReport
    assert.deepEqual(deliveryFaults(report, false), ["1 lost", "2 duplicated", "3 out_of_order"])
    assert.deepEqual(deliveryFaults(report, true), ["2 duplicated", "3 out_of_order"])
  })
})

describe("brokers in turns", () => {
  const reportOf = (p50: number, p99: number) => ({ p50_us: p50, p99_us: p99 }) as LoadReport

  it("are settled first; each round has a slice of each, and who goes first alternates", async () => {
    const told: Array<string> = []
    const run = (name: string, flags: ReadonlyArray<string>) => {
      told.push(`${name} ${flags[0]}`)
      return Promise.resolve(reportOf(told.length, 0))
    }
    const rounds = await measureInTurns({ names: ["a", "b"], settle: ["settle"], load: ["load"], run })
    assert.deepEqual(told.slice(0, 6), ["a settle", "b settle", "a load", "b load", "b load", "a load"])
    assert.strictEqual(told.length, 2 + 2 * rounds.length)
    assert.deepEqual(
      rounds.slice(0, 2).map(({ a, b }) => [a?.p50_us, b?.p50_us]),
      [
        [3, 4],
        [6, 5]
      ]
    )
  })

  it("one spoiled slice moves no median", () => {
    assert.deepEqual(medianOf([reportOf(50, 300), reportOf(54, 30_000), reportOf(52, 200)]), reportOf(52, 300))
  })
})

describe("profiles", () => {
  it("a sample counts for the function on top until the next one; idle counts for nobody", () => {
    const frame = (functionName: string, url: string, lineNumber: number) => ({ functionName, url, lineNumber })
    const profile: CpuProfile = {
      nodes: [
        { id: 1, callFrame: frame("(root)", "", -1) },
        { id: 2, callFrame: frame("emit", "file:///x/dist/main.js", 9) },
        { id: 3, callFrame: frame("(idle)", "", -1) },
        // The same function under another caller.
        { id: 4, callFrame: frame("emit", "file:///x/dist/main.js", 9) },
        { id: 5, callFrame: frame("", "node:net", 4) }
      ],
      samples: [2, 3, 4, 5],
      timeDeltas: [100, 1000, 7000, 2000, 500]
    }
    const { rows, totalMs } = selfTimes({ ...profile, samples: [...profile.samples, 1] })
    assert.deepEqual(rows, [
      { name: "emit", place: "main.js:10", ms: 3 },
      { name: "(anonymous)", place: "node:net:5", ms: 0.5 }
    ])
    assert.strictEqual(totalMs, 3.5)
  })
})

describe("charts", () => {
  const line = {
    title: "Cost <of> a message",
    xLabel: "topics",
    yLabel: "µs",
    series: [
      { name: "PromptMQ", points: [[10, 0.4] as const, [1000, 0.6] as const, [100_000, 0.8] as const] },
      { name: "A & B", points: [[10, 4] as const, [100_000, 5] as const] }
    ],
    limit: { y: 6, label: "promised" }
  }
  const bars = {
    title: "Times",
    unit: "×",
    bars: [
      { label: "A", value: 9, low: 8, high: 12, mark: 8 },
      { label: "B", value: 0 }
    ]
  }

  /** The attribute of every element that has it. */
  const numbers = (svg: string, name: string) =>
    [...svg.matchAll(new RegExp(` ${name}="([^"]*)"`, "g"))].map(([, value]) => Number(value))

  it("are well-formed, whatever the words", () => {
    for (const svg of [lineChart(line), barChart(bars)]) {
      const open: Array<string> = []
      for (const [, end, name = "", self] of svg.matchAll(/<(\/)?([a-z]+)[^>]*?(\/)?>/g)) {
        if (end !== undefined) assert.strictEqual(open.pop(), name)
        else if (self === undefined) open.push(name)
      }
      assert.deepEqual(open, [])
      assert.notMatch(svg, /NaN|undefined|Infinity|& /)
    }
    assert.include(lineChart(line), "Cost &lt;of&gt; a message")
    assert.include(lineChart(line), "A &amp; B")
  })

  it("have a dark side, a title and words for those who do not see them", () => {
    for (const svg of [lineChart(line), barChart(bars)]) {
      assert.include(svg, "@media (prefers-color-scheme: dark)")
      assert.match(svg, /<title>[^<]+<\/title>\n<desc>[^<]+<\/desc>/)
    }
    assert.include(lineChart(line), "PromptMQ: 0.4 at 10, 0.6 at 1000, 0.8 at 100K")
  })

  it("more is higher and longer, equal factors are equally far apart", () => {
    const svg = lineChart(line)
    const [x1 = 0, x2 = 0, x3 = 0] = numbers(svg, "cx")
    assert.closeTo(x2 - x1, x3 - x2, 0.2)
    const [y1 = 0, y2 = 0, y3 = 0] = numbers(svg, "cy")
    assert.isAbove(y1, y2)
    assert.closeTo(y1 - y2, y2 - y3, 0.2)
    const [, long = 0, none = 1] = numbers(barChart(bars), "width").filter((_, index) => index !== 1)
    assert.isAbove(long, 0)
    assert.strictEqual(none, 0)
  })

  it("stay inside their frame, one point or none", () => {
    const one = lineChart({ ...line, series: [{ name: "x", points: [[10, 1]] }] })
    for (const svg of [one, lineChart(line)]) {
      for (const x of numbers(svg, "cx")) assert.isTrue(x >= 0 && x <= 760)
      for (const y of numbers(svg, "cy")) assert.isTrue(y >= 0 && y <= 400)
    }
    assert.notMatch(barChart({ title: "none", unit: "", bars: [] }), /NaN|Infinity/)
    assert.notMatch(lineChart({ ...line, series: [] }), /NaN/)
  })
})
