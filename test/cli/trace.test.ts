/**
 * Goal: `promptmq trace` and `promptmq drops` tell where a message went, on a real broker, to people and to programs.
 * Method: the commands in this process against a broker's admin API; what is published happens between "trace ... until"
 * and the end of the command.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { runCommandLine } from "../../src/cli/run.ts"
import { type LiveBroker, startLiveBroker } from "./live-broker.ts"
import { type Ran, run, testWorld } from "./recorded-world.ts"

let broker: LiveBroker

beforeAll(async () => {
  broker = await startLiveBroker()
})
afterAll(() => broker.stop())

const ask = (...words: ReadonlyArray<string>): Promise<Ran> => broker.ask(...words)
const leave = async (id: string, filter: string): Promise<void> => {
  const words = ["-i", id, "-c", "-x", "3600", "-q", "1", "-t", filter, "-E"]
  assert.strictEqual((await run(["sub", ...broker.at, ...words])).code, 0)
}
const publish = async (topic: string, message: string): Promise<void> => {
  const { code, err } = await run(["pub", ...broker.at, "-i", "publisher", "-q", "1", "-t", topic, "-m", message])
  assert.strictEqual(code, 0, err)
}
/** A trace that runs; the answer ends it with Ctrl-C once its output has what is expected. */
const tracing = async (...words: ReadonlyArray<string>) => {
  const world = testWorld()
  const code = runCommandLine(["trace", ...words, ...broker.admin], world)
  if (!words.includes("--json")) await world.stderr.until(/trace \d+ until /)
  const until = async (pattern: RegExp) => {
    await world.stdout.until(pattern)
    world.signal("SIGINT")
    return { out: world.stdout.text, err: world.stderr.text, code: await code }
  }
  return { until, code, world }
}

describe("promptmq trace", () => {
  it("topic: tells the steps of a message to a session that is away", async () => {
    await leave("away", "plant/#")
    const trace = await tracing("topic", "plant/#", "--payload")
    await publish("plant/1", "valve\u001b[2J open")
    const { code, out } = await trace.until(/queued/)
    assert.strictEqual(code, 130)
    assert.match(out, /accepted +publisher +plant\/1 +QoS 1 +\d+ bytes/)
    assert.match(out, /logged +publisher/)
    assert.match(out, /committed +publisher/)
    assert.match(out, /queued +away +plant\/1 +QoS 1 +until it is back/)
    assert.include(out, "valve")
    assert.notInclude(out, "\u001b", "what strangers sent moves no cursor")
    assert.notMatch((await ask("trace", "topic", "a/#/b")).err, /trace \d+/)
  })

  it("message: tells the passport of what it was shown", async () => {
    await leave("away2", "line/+")
    const trace = await tracing("client", "away2", "--json")
    // Without a line that says so, the first step is what tells that the trace runs.
    let out = ""
    for (let i = 0; !out.includes("queued"); i++) {
      await publish("line/1", `${i}`)
      out = trace.world.stdout.text
    }
    trace.world.signal("SIGINT")
    await trace.code
    const step = JSON.parse(out.split("\n")[0] ?? "")
    assert.deepInclude(step, { step: "queued", clientIdentifier: "away2", topic: "line/1", qos: 1 })
    const passport = await ask("trace", "message", String(step.sequence))
    assert.strictEqual(passport.code, 0, passport.err)
    assert.match(passport.out, /topic +line\/1/)
    assert.match(passport.out, /matched +1 receiver/)
    assert.match(passport.out, /away2 .* waiting/)
    const { deliveries, version } = JSON.parse((await ask("trace", "message", String(step.sequence), "--json")).out)
    assert.strictEqual(version, 1)
    assert.deepInclude(deliveries[0], { clientIdentifier: "away2", state: "waiting" })
  })

  it("ends by itself, says when nothing happened, and leaves no trace behind", async () => {
    const { code, err, out } = await ask("trace", "client", "nobody", "--seconds", "1")
    assert.strictEqual(code, 0)
    assert.strictEqual(out, "")
    assert.match(err, /nothing happened/)
  })

  it("says what it does not take, with the exit code that belongs to it", async () => {
    assert.strictEqual((await ask("trace", "message", "999999999")).code, 6)
    assert.strictEqual((await ask("trace", "message", "first")).code, 2)
    assert.strictEqual((await ask("trace", "topic", "a/#/b")).code, 2)
    assert.strictEqual((await ask("trace", "weather", "x")).code, 2)
    assert.strictEqual((await ask("trace", "client", "c", "--steps", "900000")).code, 2)
  })
})

describe("promptmq drops", () => {
  it("tells sums with what to change, and rows", async () => {
    await publish("nobody/wants/it", "x")
    const { code, out } = await ask("drops")
    assert.strictEqual(code, 0)
    assert.match(out, /no-subscriber +\d+ +Nothing is wrong in the broker/)
    assert.match(out, /no-subscriber +- +nobody\/wants\/it +1/)
    const { rows, totals } = JSON.parse((await ask("drops", "--topic", "nobody/wants/it", "--json")).out)
    assert.lengthOf(rows, 1)
    assert.isAtLeast(totals.length, 1)
    assert.notInclude((await ask("drops", "--client", "away")).out, "nobody/wants/it")
    assert.strictEqual((await ask("drops", "--reason", "bad-luck")).code, 2)
  })
})
