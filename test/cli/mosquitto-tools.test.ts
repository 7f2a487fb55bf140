/**
 * Our pub and sub beside mosquitto_pub and mosquitto_sub, where their letters overlap: the same words go to
 * both, and what comes out must be the same bytes and the same exit code. Retained messages make it
 * independent of who subscribes first.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { runCommandLine } from "../../src/cli/run.ts"
import { chunks, run, testWorld } from "./recorded-world.ts"
import { hasMosquitto, start, startMosquitto, type TestBroker } from "./tools.ts"

// Skipped without Mosquitto, because its tools are what we compare with.
describe.skipIf(!hasMosquitto)("as the Mosquitto tools", () => {
  let broker: TestBroker
  let at: ReadonlyArray<string> = []
  beforeAll(async () => {
    broker = await startMosquitto()
    at = ["-h", "127.0.0.1", "-p", String(broker.port), "-V", "mqttv5"]
  })
  afterAll(() => broker.stop())

  const theirs = (tool: string, words: ReadonlyArray<string>, input = "") =>
    start(tool, [...at, ...words], input).finished

  const publish = async (topic: string, words: ReadonlyArray<string>) => {
    const published = await run(["pub", ...at, "-t", topic, "-r", "-q", "1", ...words])
    assert.strictEqual(published.code, 0, published.err)
  }

  const same = async (words: ReadonlyArray<string>) => {
    const [ours, mosquitto] = await Promise.all([run(["sub", ...at, ...words]), theirs("mosquitto_sub", words)])
    assert.strictEqual(ours.bytes.toString("latin1"), mosquitto.bytes.toString("latin1"), words.join(" "))
    assert.strictEqual(ours.code, mosquitto.code, words.join(" "))
  }

  it("prints the same with every format letter", async () => {
    const properties = [
      ["content-type", "text/plain"],
      ["response-topic", "answer"],
      ["correlation-data", "c1"],
      ["payload-format-indicator", "1"],
      ["user-property", "k1", "v1"],
      ["user-property", "k2", "v2"]
    ].flatMap((property) => ["-D", "publish", ...property])
    await publish("format/full", ["-m", "hello", ...properties])
    await publish("format/plain", ["-m", "h"])
    const formats = [
      "%t|%10t|%-10t|%3.3t|%20.3t|%.3t|%-20.3t|",
      "%p|%10p|%-10p|%010p|%8.2p",
      "%x|%X",
      "%l|%5l|%05l|%-5l|%-05l|%8.3l",
      "%m|%04m|%q|%r|%3q|%3r",
      "%A|%5A|%05A|%-05A|%C|%12C|%-12C|%012C|%.3C|%D|%F|%3F|%03F|%P|%R|%.2R|%S|%3S|%05S|%012t",
      "%%|\\\\|\\t|\\n|\\a\\e\\0\\r\\v|@@",
      "@Y-@m-@d @Q"
    ]
    for (const topic of ["format/full", "format/plain"]) {
      for (const format of formats) await same(["-t", topic, "-q", "1", "-C", "1", "-F", format])
    }
  })

  it("refuses the same formats", async () => {
    for (const format of ["%z", "%", "x@", "y\\", "z\\q", "%q %5", "%-"]) {
      const mosquitto = await theirs("mosquitto_sub", ["-t", "x", "-F", format])
      const ours = await run(["sub", ...at, "-t", "x", "-F", format])
      assert.deepEqual([mosquitto.code, ours.code], [1, 2], format)
    }
  })

  it("prints the same JSON", async () => {
    await publish("json/object", ["-m", '{"a": [1, 2], "b": "ü\\""}', "-D", "publish", "user-property", "k", "v"])
    await publish("json/text", ["-m", 'q"\\ \t ü'])
    await publish("json/bare", ["-m", "1"])
    for (const [topic, format] of [
      ["json/object", "%j"],
      ["json/object", "%J"],
      ["json/text", "%j"],
      ["json/bare", "%J"]
    ] as const) {
      const words = ["-t", topic, "-q", "1", "-C", "1", "-F", format]
      const [ours, mosquitto] = await Promise.all([run(["sub", ...at, ...words]), theirs("mosquitto_sub", words)])
      const [our, their] = [JSON.parse(ours.out), JSON.parse(mosquitto.out)]
      assert.match(our.tst, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4}$/)
      assert.deepEqual(Object.keys(our), Object.keys(their))
      assert.deepEqual({ ...our, tst: "" }, { ...their, tst: "" })
    }
  })

  it("prints the same plain, verbose and without line ends", async () => {
    await publish("plain/text", ["-m", "hello"])
    const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    writeFileSync(join(folder, "bytes"), Buffer.from(Array.from({ length: 512 }, (_, value) => value % 256)))
    await publish("plain/bytes", ["-f", join(folder, "bytes")])
    rmSync(folder, { recursive: true })
    for (const output of [[], ["-v"], ["-N"], ["-N", "-v"], ["-v", "-F", "%p"], ["-N", "-F", "%p"]]) {
      await same(["-t", "plain/text", "-C", "1", ...output])
      await same(["-t", "plain/bytes", "-C", "1", ...output])
    }
  })

  it("leaves with the same codes on -C, -W, -E and --retained-only", async () => {
    await publish("leave/a", ["-m", "1"])
    await publish("leave/b", ["-m", "2"])
    await same(["-t", "leave/#", "-v", "-C", "2"])
    await same(["-t", "leave/#", "-v", "-W", "1"])
    await same(["-t", "leave/#", "-v", "-T", "leave/a", "-C", "1"])
    await same(["-t", "leave/#", "-v", "-R", "-W", "1"])
    await same(["-t", "silent", "-E"])
  })

  it("publishes the same from a message, a file, standard input and its lines", async () => {
    const input = "one\n\nthree\nfour"
    for (const words of [["-m", input], ["-n"], ["-s"], ["-l"], ["-m", "-5"], ["-m", "{{n}}", "--repeat", "2"]]) {
      const collect = async (publishing: () => Promise<{ readonly code: number | null }>) => {
        const world = testWorld()
        const format = ["-q", "1", "-F", "%t %q %l %x"]
        const listening = runCommandLine(["sub", ...at, "-t", "same", "-t", "end", ...format], world)
        await world.stderr.until(/subscribed to end/)
        assert.strictEqual((await publishing()).code, 0)
        await theirs("mosquitto_pub", ["-t", "end", "-m", "x", "-q", "1"])
        await world.stdout.until(/^end /m)
        world.signal("SIGTERM")
        await listening
        return world.stdout.text.split("\n").filter((line) => line.startsWith("same "))
      }
      const mosquitto = await collect(() => theirs("mosquitto_pub", ["-t", "same", "-q", "1", ...words], input))
      const ours = await collect(() => run(["pub", ...at, "-t", "same", "-q", "1", ...words], { stdin: chunks(input) }))
      assert.deepEqual(ours, mosquitto, words.join(" "))
      assert.isAbove(ours.length, 0)
    }
  })
})
