/**
 * Operating commands that go on: --watch of any of them, and top with its keys, against an admin API that the test makes.
 */
import { assert, describe, it } from "@effect/vitest"
import { runCommandLine } from "../../src/cli/run.ts"
import { refused } from "./admin-stub.ts"
import { run, testWorld } from "./recorded-world.ts"
import { stubPlace } from "./stub-place.ts"

const place = stubPlace()
const { at } = place

describe("--watch", () => {
  it("appends where there is no terminal, draws anew on one, ends with 130", async () => {
    for (const isTerminal of [false, true]) {
      const world = testWorld({ isTerminal })
      const code = runCommandLine(["bans", "--watch", "--interval", "0.05", ...at()], world)
      await world.stdout.until(/user:c1[\s\S]*user:c1[\s\S]*user:c1/)
      world.signal("SIGINT")
      assert.strictEqual(await code, 130)
      assert.strictEqual(world.stdout.text.includes("\x1b[H"), isTerminal)
      assert.strictEqual(world.stdout.text.includes("3 bans"), isTerminal)
    }
  })

  it("with --json is a line per item, with the time of its round", async () => {
    const world = testWorld()
    const code = runCommandLine(["bans", "--watch", "--json", "--interval", "0.05", ...at()], world)
    await world.stdout.until(/(.*\n){6}/)
    world.signal("SIGTERM")
    assert.strictEqual(await code, 143)
    const items = world.stdout.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      items.slice(0, 3).map(({ id }) => id),
      ["client:c1", "user:c1", "address:192.0.2.0/24"]
    )
    assert.isTrue(items.every(({ at: time }) => !Number.isNaN(Date.parse(time))))
  })

  it("goes on through a failure, which it tells once", async () => {
    const world = testWorld()
    const code = runCommandLine(["bans", "--watch", "--interval", "0.05", ...at()], world)
    await world.stdout.until(/floods/)
    const answer = place.stub.answers.get("GET /api/v1/bans")
    place.stub.answers.set("GET /api/v1/bans", refused(503, "E1999", "not now"))
    await world.stderr.until(/E1999/)
    const asked = place.stub.asked.length
    await until(() => place.stub.asked.length > asked + 2)
    const before = world.stdout.bytes.length
    place.stub.answers.set("GET /api/v1/bans", answer ?? { body: {} })
    await until(() => world.stdout.bytes.length > before)
    world.signal("SIGINT")
    assert.strictEqual(await code, 130)
    assert.lengthOf(world.stderr.text.match(/E1999/g) ?? [], 2, "once, with its explain-error")
  })
})

/** Checked at each turn of the loop that does something. */
const until = async (isReached: () => boolean): Promise<void> => {
  while (!isReached()) await new Promise((resolve) => setImmediate(resolve))
}

describe("top", () => {
  it("shows head and clients, takes s, r and q, and gives the terminal back", async () => {
    let press: (key: string) => void = () => {}
    const world = Object.assign(testWorld({ isTerminal: true, env: { NO_COLOR: "1" } }), {
      onKey: (handler: (key: string) => void) => {
        press = handler
        return () => {
          press = () => assert.fail("a key after the end")
        }
      }
    })
    const code = runCommandLine(["top", "--interval", "3600", ...at()], world)
    await world.stdout.until(/by behindRecords, 2 of 2[\s\S]*c1 +connected +alice/)
    press("x")
    press("s")
    await world.stdout.until(/by unsentBytes/)
    assert.include(place.stub.asked.at(-1)?.url, "sort=-unsentBytes")
    press("r")
    await world.stdout.until(/rate +now +mean +maximum\S*\n[\s\S]*messages in +1,235\/s +1,235\/s +1,235\/s/)
    press("q")
    assert.strictEqual(await code, 0)
    assert.isTrue(world.stdout.text.startsWith("\x1b[?1049h\x1b[?25l"))
    assert.isTrue(world.stdout.text.endsWith("\x1b[?25h\x1b[?1049l"))
  })

  it("keeps the last picture while nobody answers, and says so", async () => {
    const world = testWorld({ isTerminal: true, env: { NO_COLOR: "1" } })
    const code = runCommandLine(["top", "--interval", "0.05", ...at()], world)
    await world.stdout.until(/c1 +connected/)
    place.stub.answers.set("GET /api/v1/overview", refused(503, "E1999", "not now"))
    await world.stdout.until(/\nnot now|Hnot now\S*\n[\s\S]*c1 +connected/)
    world.signal("SIGINT")
    assert.strictEqual(await code, 130)
    const piped = await run(["top", "--rounds", "1", ...at()])
    assert.deepEqual([piped.code, piped.out], [1, ""])
  })

  it("Ctrl-C is a key there, and ends it with 130", async () => {
    let press: (key: string) => void = () => {}
    const onKey = (handler: (key: string) => void) => {
      press = handler
      return () => {}
    }
    const world = Object.assign(testWorld({ isTerminal: true }), { onKey })
    const code = runCommandLine(["top", "--interval", "3600", ...at()], world)
    await world.stdout.until(/behindRecords/)
    press("\x03")
    assert.strictEqual(await code, 130)
  })

  it("elsewhere appends so many rounds, with --json a line each", async () => {
    const words = ["top", "--rounds", "2", "--interval", "0.05"]
    const { code, out } = await run([...words, "--rates", ...at()])
    assert.strictEqual(code, 0)
    assert.lengthOf(out.match(/\nrate +now/g) ?? [], 2)
    assert.notInclude(out, "\x1b")
    const lines = (await run([...words, "--json", ...at()])).out.trimEnd().split("\n")
    assert.lengthOf(lines, 2)
    assert.strictEqual(JSON.parse(lines[0] ?? "").clients[0].clientIdentifier, "c1")
  })
})
