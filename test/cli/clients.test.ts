/**
 * pub, sub and ping over a real socket, against Mosquitto and against our own broker: the same scenarios.
 * Where the order of things matters the test waits for what a command says, never for time to pass.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { runCommandLine } from "../../src/cli/run.ts"
import { chunks, run, testWorld } from "./recorded-world.ts"
import { hasMosquitto, promptmq, startMosquitto, startPromptmq, type TestBroker } from "./tools.ts"

const brokers = [
  { name: "mosquitto", start: () => startMosquitto(), isMissing: !hasMosquitto },
  { name: "promptmq", start: () => startPromptmq(), isMissing: false }
]

for (const { name, start, isMissing } of brokers) {
  // Skipped without Mosquitto, because the scenarios need its broker.
  describe.skipIf(isMissing)(`with ${name}`, () => {
    let broker: TestBroker
    let at: ReadonlyArray<string> = []
    beforeAll(async () => {
      broker = await start()
      at = ["-h", "127.0.0.1", "-p", String(broker.port)]
    })
    afterAll(() => broker.stop())

    const subscribed = async (words: ReadonlyArray<string>) => {
      const world = testWorld()
      const code = runCommandLine(["sub", ...at, ...words], world)
      await world.stderr.until(/subscribed/)
      return { world, code }
    }

    for (const version of ["mqttv31", "mqttv311", "mqttv5"]) {
      it(`carries every byte with ${version}`, async () => {
        const payload = Buffer.from(Array.from({ length: 256 }, (_, value) => value))
        const { world, code } = await subscribed(["-V", version, "-t", "bytes/#", "-C", "3", "-N", "-q", "2"])
        for (const qos of ["0", "1", "2"]) {
          const words = ["pub", ...at, "-V", version, "-t", "bytes/all", "-q", qos, "-s"]
          const published = await run(words, { stdin: chunks(payload.subarray(0, 100), payload.subarray(100)) })
          assert.deepEqual({ code: published.code, err: published.err }, { code: 0, err: "" })
        }
        assert.strictEqual(await code, 0)
        assert.deepEqual(world.stdout.bytes, Buffer.concat([payload, payload, payload]))
      })
    }

    it("prints topics with -v and (null) for an empty payload", async () => {
      const { world, code } = await subscribed(["-t", "v/#", "-v", "-C", "2"])
      await run(["pub", ...at, "-t", "v/one", "-m", "1", "-q", "1"])
      await run(["pub", ...at, "-t", "v/two", "-n", "-q", "1"])
      assert.strictEqual(await code, 0)
      assert.strictEqual(world.stdout.text, "v/one 1\nv/two (null)\n")
    })

    it("publishes each line of standard input", async () => {
      const { world, code } = await subscribed(["-t", "lines", "-v", "-C", "4"])
      const published = await run(["pub", ...at, "-t", "lines", "-l", "-q", "1"], {
        stdin: chunks("one\n\ntw", "o\nthree")
      })
      assert.strictEqual(published.code, 0)
      assert.strictEqual(await code, 0)
      assert.strictEqual(world.stdout.text, "lines one\nlines (null)\nlines two\nlines three\n")
    })

    it("sends a numbered series in order and sums it up on stderr", async () => {
      const { world, code } = await subscribed(["-t", "series/+", "-v", "-C", "100"])
      const published = await run(["pub", ...at, "-t", "series/{{n}}", "-m", "m{{n}}", "--count", "100", "-q", "1"])
      assert.strictEqual(published.code, 0)
      assert.match(published.err, /^100 messages in .* per second; acknowledged within .* ms/)
      assert.strictEqual(published.out, "")
      await code
      const wanted = Array.from({ length: 100 }, (_, index) => `series/${index + 1} m${index + 1}\n`)
      assert.strictEqual(world.stdout.text, wanted.join(""))
    })

    it("has never more than -M messages under way", async () => {
      const words = ["-t", "window", "-m", "x", "-q", "1", "--count", "20", "-M", "3", "-d"]
      const { err } = await run(["pub", ...at, ...words])
      let underWay = 0
      let most = 0
      for (const [line] of err.matchAll(/^(sent {6}PUBLISH|received {2}PUBACK)/gm)) {
        underWay += line.startsWith("sent") ? 1 : -1
        most = Math.max(most, underWay)
      }
      assert.deepEqual([underWay, most], [0, 3])
    })

    it("leaves {{n}} alone without --count", async () => {
      const { world, code } = await subscribed(["-t", "plain", "-C", "2"])
      await run(["pub", ...at, "-t", "plain", "-m", "{{n}}", "--repeat", "2", "-q", "1"])
      await code
      assert.strictEqual(world.stdout.text, "{{n}}\n{{n}}\n")
    })

    it("says of a series at QoS 0 why there is no latency", async () => {
      const { err } = await run(["pub", ...at, "-t", "series", "-m", "x", "--count", "10"])
      assert.match(err, /^10 messages in .* per second; QoS 0 is not acknowledged, -q 1 tells how long that takes\n$/)
    })

    // Skipped with Mosquitto, because only our own broker tells that.
    it.skipIf(name !== "promptmq")("says with -d what is kept, and for how many", async () => {
      const { world, code } = await subscribed(["-t", "told/#", "-C", "4", "-q", "2"])
      const direct = await run(["pub", ...at, "-t", "told/a", "-m", "x", "-q", "1", "-d"])
      assert.match(direct.err, /PUBACK \d+ success: 1 receiver\n/)
      assert.match(direct.err, /told\/a: acked in [\d.]+ ms: 1 receiver\n/)
      assert.strictEqual((await run(["sub", ...at, "-t", "told/a", "-i", "away", "-c", "-E", "-q", "1"])).code, 0)
      for (const qos of ["1", "2"]) {
        const kept = await run(["pub", ...at, "-t", "told/a", "-m", "x", "-q", qos, "-d"])
        assert.match(kept.err, /told\/a: acked in [\d.]+ ms: durable, 2 receivers\n/)
      }
      const plain = ["-V", "311", "-t", "told/a", "-m", "x", "-q", "1", "-d"]
      assert.match((await run(["pub", ...at, ...plain])).err, /told\/a: acked in [\d.]+ ms\n/)
      assert.strictEqual(await code, 0)
      assert.strictEqual(world.stdout.text, "x\nx\nx\nx\n")
    })

    it("says with -d that nobody listened (reason 0x10)", async () => {
      const published = await run(["pub", ...at, "-t", "nobody/here", "-m", "x", "-q", "1", "-d"])
      assert.strictEqual(published.code, 0)
      assert.match(published.err, /nobody\/here: acked in [\d.]+ ms, reason 0x10 no matching subscribers/)
    })

    it("filters with -T, skips retained with -R, takes only retained with --retained-only", async () => {
      for (const topic of ["kept/1", "kept/2"]) await run(["pub", ...at, "-t", topic, "-m", "old", "-r", "-q", "1"])
      const only = await subscribed(["-t", "kept/#", "-v", "--retained-only", "-T", "kept/2"])
      const skipping = await subscribed(["-t", "kept/#", "-v", "-R", "-C", "1"])
      await run(["pub", ...at, "-t", "kept/3", "-m", "new", "-q", "1"])
      assert.deepEqual([await only.code, await skipping.code], [0, 0])
      assert.strictEqual(only.world.stdout.text, "kept/1 old\n")
      assert.strictEqual(skipping.world.stdout.text, "kept/3 new\n")
    })

    it("clears retained messages with --remove-retained", async () => {
      await run(["pub", ...at, "-t", "clear/1", "-m", "old", "-r", "-q", "1"])
      const clearing = await run(["sub", ...at, "-t", "clear/#", "-v", "--remove-retained", "-C", "2"])
      assert.strictEqual(clearing.out, "clear/1 old\nclear/1 (null)\n")
      await run(["pub", ...at, "-t", "clear/2", "-m", "still", "-r", "-q", "1"])
      const left = await run(["sub", ...at, "-t", "clear/#", "-v", "-C", "1"])
      assert.strictEqual(left.out, "clear/2 still\n")
    })

    it("keeps a session with -c and takes exactly as many messages as -C says", async () => {
      const session = [...at, "-i", "cli-session", "-c", "-t", "session"]
      assert.strictEqual((await run(["sub", ...session, "-E"])).code, 0)
      for (const text of ["1", "2", "3"]) await run(["pub", ...at, "-t", "session", "-m", text, "-q", "1"])
      assert.strictEqual((await run(["sub", ...session, "-C", "1"])).out, "1\n")
      assert.strictEqual((await run(["sub", ...session, "-C", "2"])).out, "2\n3\n")
    })

    it("unsubscribes with -U", async () => {
      const session = [...at, "-i", "cli-unsubscribe", "-c"]
      await run(["sub", ...session, "-t", "gone", "-E"])
      const left = await run(["sub", ...session, "-U", "gone", "-t", "stays", "-E"])
      assert.strictEqual(left.code, 0)
      await run(["pub", ...at, "-t", "gone", "-m", "no", "-q", "1"])
      await run(["pub", ...at, "-t", "stays", "-m", "yes", "-q", "1"])
      assert.strictEqual((await run(["sub", ...session, "-t", "stays", "-C", "1"])).out, "yes\n")
    })

    it("carries MQTT 5 properties both ways", async () => {
      const { world, code } = await subscribed([
        "-t",
        "props",
        "-C",
        "1",
        "-F",
        "%C|%R|%D|%F|%P|%S|%E",
        "-D",
        "subscribe",
        "subscription-identifier",
        "7"
      ])
      const properties = [
        ["content-type", "text/plain"],
        ["response-topic", "answer/here"],
        ["correlation-data", "c1"],
        ["payload-format-indicator", "1"],
        ["message-expiry-interval", "3600"],
        ["user-property", "k", "v1"],
        ["user-property", "k", "v2"]
      ].flatMap((property) => ["-D", "publish", ...property])
      const published = await run(["pub", ...at, "-t", "props", "-m", "x", "-q", "1", ...properties])
      assert.strictEqual(published.code, 0)
      await code
      assert.match(world.stdout.text, /^text\/plain\|answer\/here\|c1\|1\|k:v1 k:v2\|7\|(3600|3599)\n$/)
    })

    it("delivers the will of a client that is lost", async () => {
      const watching = await subscribed(["-t", "wills/#", "-v", "-C", "1"])
      const words = ["-i", "cli-lost", "-t", "x", "--will-topic", "wills/lost", "--will-payload", "bye"]
      const lost = promptmq(["sub", ...at, ...words])
      await lost.said(/subscribed/)
      lost.child.kill("SIGKILL")
      assert.strictEqual(await watching.code, 0)
      assert.strictEqual(watching.world.stdout.text, "wills/lost bye\n")
    })

    // Skipped with Mosquitto, because 2.0.11 closes the connection without a DISCONNECT that would say why.
    it.skipIf(name === "mosquitto")("does not fight for a session that another client took over", async () => {
      const first = await subscribed(["-i", "cli-taken", "-t", "x"])
      const second = await subscribed(["-i", "cli-taken", "-t", "x"])
      assert.strictEqual(await first.code, 1)
      assert.match(first.world.stderr.text, /0x8e session taken over[\s\S]*-i/)
      second.world.signal("SIGTERM")
      assert.strictEqual(await second.code, 143)
    })

    it("answers ping", async () => {
      const answered = await run(["ping", ...at, "--count", "2", "--interval", "0"])
      assert.strictEqual(answered.code, 0)
      assert.match(answered.out, /accepted the connection.*\n.*answered ping 1.*\n.*answered ping 2, [\d.]+ ms\n$/)
      assert.strictEqual((await run(["ping", ...at, "--quiet", "--count", "1"])).out, "")
    })

    it("takes everything from a URL", async () => {
      const url = `mqtt://127.0.0.1:${broker.port}/url/topic`
      await run(["pub", "-L", url, "-m", "from url", "-r", "-q", "1"])
      assert.strictEqual((await run(["sub", "-L", url, "-C", "1"])).out, "from url\n")
    })

    it("ends with 27 when -W runs out, with 130 and 143 on signals", async () => {
      const timedOut = await run(["sub", ...at, "-t", "silence", "-W", "1"])
      assert.deepEqual([timedOut.code, timedOut.out], [27, ""])
      for (const [signal, exitCode] of [
        ["SIGINT", 130],
        ["SIGTERM", 143]
      ] as const) {
        const { world, code } = await subscribed(["-t", "silence"])
        world.signal(signal)
        assert.strictEqual(await code, exitCode)
      }
    })
  })
}

describe("sub and a broker that restarts", () => {
  it("comes back by itself and subscribes again", async () => {
    const first = await startPromptmq()
    const at = ["-h", "127.0.0.1", "-p", String(first.port)]
    const world = testWorld()
    const code = runCommandLine(["sub", ...at, "-t", "again", "-C", "1"], world)
    await world.stderr.until(/subscribed/)
    await first.stop()
    await world.stderr.until(/lost 127\.0\.0\.1:\d+, trying again every second/)
    const second = await startPromptmq(first.port)
    await world.stderr.until(/connected to 127\.0\.0\.1:\d+ again/)
    // Retained, so that it does not matter whether the subscription or the message is there first.
    await run(["pub", ...at, "-t", "again", "-m", "back", "-r", "-q", "1"])
    assert.strictEqual(await code, 0)
    assert.strictEqual(world.stdout.text, "back\n")
    await second.stop()
  })
})
