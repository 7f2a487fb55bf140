/**
 * Colour and progress are for terminals; NO_COLOR and TERM=dumb win; data never carries either.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { run } from "./recorded-world.ts"
import { startPromptmq, type TestBroker } from "./tools.ts"

const colourStart = "\u001b["

describe("colour", () => {
  it("only on a terminal that wants it", async () => {
    assert.include((await run(["pbu"], { isTerminal: true })).err, `${colourStart}1;31merror E2001`)
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
      assert.notInclude((await run(["pbu"], { isTerminal: true, env })).err, colourStart)
    }
    assert.notInclude((await run(["pbu"])).err, colourStart)
  })

  it("never in what programs read", async () => {
    for (const words of [["--version"], ["config", "show", "--json"], ["explain-error"], ["man"]]) {
      assert.notInclude((await run(words, { isTerminal: true })).out, colourStart)
    }
  })
})

describe("progress of a series", () => {
  let broker: TestBroker
  beforeAll(async () => {
    broker = await startPromptmq()
  })
  afterAll(() => broker.stop())

  it("only on a terminal", async () => {
    const words = ["pub", "-h", "127.0.0.1", "-p", String(broker.port), "-t", "a", "-m", "x", "-q", "1"]
    // A clock on which every look takes 100 ms: the series lasts long enough to report.
    let nowMs = 0
    const monotonicMs = (): number => {
      nowMs += 100
      return nowMs
    }
    const series = [...words, "--count", "20"]
    assert.match((await run(series, { isTerminal: true, monotonicMs })).err, /\r\d+ of 20/)
    assert.notInclude((await run(series, { monotonicMs })).err, "\r")
  })
})
