/**
 * `promptmq bench` against our broker and Mosquitto: what it counts is what was sent, in every shape, version and QoS; what
 * goes wrong ends with the code that says so. How fast it is stands in bench/.
 */
import * as net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { generate, type Packet, parser } from "mqtt-packet"
import { Latency } from "../../src/cli/bench/latency.ts"
import { Pace } from "../../src/cli/bench/pace.ts"
import { type LoadPlan, loadPlan, type Wishes } from "../../src/cli/bench/plan.ts"
import { Tally } from "../../src/cli/bench/tally.ts"
import type { ConnectionSettings } from "../../src/cli/client/connection-settings.ts"
import { runCommandLine } from "../../src/cli/run.ts"
import { run, type TestWorld, testWorld } from "./recorded-world.ts"
import { freePort, hasMosquitto, startMosquitto, startPromptmq, type TestBroker } from "./tools.ts"

interface Result {
  readonly published: number
  readonly acknowledged: number
  readonly delivered: number
  readonly expected?: number
  readonly lost?: number
  readonly repeated?: number
  readonly lostConnections: number
  readonly topics: number
  readonly version: string
  readonly deliveryUs?: { readonly count: number; readonly p50: number; readonly max: number }
  readonly acknowledgementUs?: { readonly count: number }
}

const short = ["--seconds", "0.3", "--warmup", "0.1", "--json", "-h", "127.0.0.1"]

/** As it comes, it drops what a subscriber is more than 1,000 messages behind. */
const patient = ["allow_anonymous true", "max_queued_messages 0"]

async function bench(broker: TestBroker, ...words: ReadonlyArray<string>): Promise<Result> {
  const { code, err, out } = await run(["bench", ...words, ...short, "-p", String(broker.port)])
  assert.deepEqual({ code, err }, { code: 0, err: "" })
  return JSON.parse(out) as Result
}

async function withBroker(
  start: () => Promise<TestBroker>,
  work: (broker: TestBroker) => Promise<void>
): Promise<void> {
  const broker = await start()
  try {
    await work(broker)
  } finally {
    await broker.stop()
  }
}

describe("promptmq bench", () => {
  for (const version of ["31", "311", "5"]) {
    for (const qos of ["0", "1", "2"]) {
      it(`pairs get each message once, MQTT ${version}, QoS ${qos}`, () =>
        withBroker(startPromptmq, async (broker) => {
          const result = await bench(broker, "pair", "--clients", "3", "-q", qos, "-V", version)
          assert.isAbove(result.published, 0)
          assert.strictEqual(result.delivered, result.published)
          assert.deepEqual([result.expected, result.lost, result.repeated], [result.published, 0, 0])
          assert.strictEqual(result.acknowledged, qos === "0" ? 0 : result.published)
          assert.isAbove(result.deliveryUs?.count ?? 0, 0)
          assert.isAtMost(result.deliveryUs?.count ?? 0, result.delivered)
        }))
    }
  }

  // Skipped without Mosquitto, because it is the other broker.
  it.skipIf(!hasMosquitto)("loads another broker", () =>
    withBroker(
      () => startMosquitto(patient),
      async (broker) => {
        const result = await bench(broker, "pair", "--clients", "2", "-q", "1", "-M", "20")
        assert.deepEqual([result.delivered, result.lost, result.repeated], [result.published, 0, 0])
      }
    )
  )

  it("fan-out: every subscriber gets every message, on one topic and round many", () =>
    withBroker(startPromptmq, async (broker) => {
      for (const topics of [[], ["--topics", "50"]]) {
        const result = await bench(
          broker,
          "fan-out",
          "--clients",
          "5",
          "--publishers",
          "2",
          "--window",
          "50",
          ...topics
        )
        assert.strictEqual(result.delivered, result.published * 5)
        assert.deepEqual([result.lost, result.repeated], [0, 0])
      }
    }))

  it("pair with --topics: a publisher's topics reach its subscriber and nobody else", () =>
    withBroker(startPromptmq, async (broker) => {
      const result = await bench(broker, "pair", "--clients", "3", "--topics", "10")
      // As many for each pair.
      assert.strictEqual(result.topics, 12)
      assert.deepEqual([result.delivered, result.lost], [result.published, 0])
    }))

  it("pub in one place and sub in another find each other", () =>
    withBroker(startPromptmq, async (broker) => {
      const listening = run(["bench", "sub", ...short, "-p", String(broker.port), "--seconds", "2"])
      const sent = await bench(broker, "pub", "--clients", "2", "-q", "1", "--rate", "500", "--seconds", "1")
      assert.strictEqual(sent.acknowledged, sent.published)
      assert.isAbove(sent.acknowledgementUs?.count ?? 0, 0)
      const { code, out } = await listening
      assert.strictEqual(code, 0)
      const heard = JSON.parse(out) as Result
      assert.isAbove(heard.delivered, 0)
      assert.isAtMost(heard.delivered, sent.published)
      assert.isAbove(heard.deliveryUs?.count ?? 0, 0)
    }))

  it("an open loop offers its rate and no more", () =>
    withBroker(startPromptmq, async (broker) => {
      const result = await bench(broker, "pair", "--clients", "4", "--rate", "1000", "--seconds", "0.5")
      // 0.1 s before and 0.5 s measured, and what the timers are late.
      assert.isAtMost(result.published, 1000 * 5)
      assert.isAbove(result.published, 0)
      assert.strictEqual(result.delivered, result.published)
    }))

  it("a count ends it, to the message", () =>
    withBroker(startPromptmq, async (broker) => {
      const where = ["--json", "-h", "127.0.0.1", "-p", String(broker.port)]
      const { code, out } = await run(["bench", "pair", "--clients", "3", "-q", "1", "--count", "1000", ...where])
      const result = JSON.parse(out) as Result
      assert.deepEqual([code, result.published, result.delivered, result.acknowledged], [0, 1000, 1000, 1000])
    }))

  it("payloads larger than a read chunk arrive whole", () =>
    withBroker(startPromptmq, async (broker) => {
      const result = await bench(broker, "pair", "--size", "300000", "--window", "3")
      assert.deepEqual([result.delivered, result.lost, result.repeated], [result.published, 0, 0])
      assert.strictEqual(result.deliveryUs === undefined, false)
    }))

  it("says it in words, with rates, losses and a histogram", () =>
    withBroker(startPromptmq, async (broker) => {
      const words = ["bench", "pair", "--seconds", "0.3", "--warmup", "0", "-h", "127.0.0.1", "-p", String(broker.port)]
      const { code, err, out } = await run(words)
      assert.deepEqual({ code, err }, { code: 0, err: "" })
      for (const part of [/^pair: 1 publishers, 1 subscribers, QoS 0, 64 bytes, MQTT 5/, /delivered {6}[\d,]+\/s/]) {
        assert.match(out, part)
      }
      assert.match(out, /lost {11}0, repeated or out of order 0/)
      assert.match(out, /delivered after {2}p50 .* p99 .* max /)
      assert.match(out, /This client used \d+ % of a core/)
    }))

  it("ends tidily and with the figures so far on Ctrl-C", () =>
    withBroker(startPromptmq, async (broker) => {
      const world: TestWorld = testWorld()
      const words = ["bench", "pair", "--seconds", "600", "--warmup", "0", "--json", "-h", "127.0.0.1"]
      const ended = runCommandLine([...words, "-p", String(broker.port)], world)
      const other = await bench(broker, "pub", "--clients", "1")
      assert.isAbove(other.published, 0)
      world.signal("SIGINT")
      assert.strictEqual(await ended, 130)
      const result = JSON.parse(world.stdout.text) as Result & { readonly isInterrupted: boolean }
      assert.isTrue(result.isInterrupted)
      assert.deepEqual([result.delivered, result.lost], [result.published, 0])
    }))

  it("4 without a broker, and when it goes away during the run", async () => {
    const none = await run(["bench", "pair", "-h", "127.0.0.1", "-p", String(await freePort())])
    assert.strictEqual(none.code, 4)
    assert.match(none.err, /^error E4001 {2}cannot reach the broker at .*: connection refused/)
    const broker = await startPromptmq()
    const running = run([
      "bench",
      "pair",
      "--seconds",
      "60",
      "--warmup",
      "0",
      "-h",
      "127.0.0.1",
      "-p",
      String(broker.port)
    ])
    // It is connected when another of its kind, begun later, is through.
    await bench(broker, "pair")
    await broker.stop()
    const { code, err } = await running
    assert.strictEqual(code, 4)
    assert.match(err, /^error E4001 {2}the broker ended \d+ connections before the run was over/)
  })

  // Skipped without Mosquitto, because it is the one that says no.
  it.skipIf(!hasMosquitto)("5 when the broker does not want us", () =>
    withBroker(
      () => startMosquitto(["allow_anonymous false"]),
      async (broker) => {
        const { code, err } = await run(["bench", "pair", ...short, "-p", String(broker.port)])
        assert.strictEqual(code, 5)
        assert.match(err, /^error E5001 .*not authorized/)
      }
    )
  )

  it("2 for what cannot be meant", async () => {
    const wrong: ReadonlyArray<readonly [words: ReadonlyArray<string>, said: RegExp]> = [
      [["bench", "everything"], /everything/],
      [["bench", "pair", "--publishers", "2"], /--publishers is for fan-out/],
      [["bench", "sub", "--rate", "5"], /sub publishes nothing/],
      [["bench", "pair", "--size", "19"], /--size is "19", it takes a whole number from 20/],
      [["bench", "pub", "-t", "a/#"], /-t a\/#/],
      [["bench", "sub", "-t", "a/#/b"], /-t a\/#\/b/]
    ]
    for (const [words, said] of wrong) {
      const { code, err } = await run(words)
      assert.strictEqual(code, 2, words.join(" "))
      assert.match(err, said)
    }
  })
})

describe("what a broker did wrong", () => {
  it("is counted: one lost, one repeated, one refused", async () => {
    const broker = await startFaulty()
    try {
      const words = [
        "bench",
        "pair",
        "-q",
        "1",
        "--count",
        "200",
        "--json",
        "-h",
        "127.0.0.1",
        "-p",
        String(broker.port)
      ]
      const { code, err, out } = await run(words)
      const result = JSON.parse(out) as Result & { readonly refused: number }
      // Of 200 two do not come, the second of them refused, and one comes twice.
      const { acknowledged, delivered, lost, published, refused, repeated } = result
      assert.deepEqual({ acknowledged, delivered, lost, published, refused, repeated }, faultyCounts)
      assert.strictEqual(code, 5)
      assert.match(err, /^error E5001 {2}1 messages were refused: 0x87 not authorized/)
    } finally {
      await broker.stop()
    }
  })

  // Skipped without Mosquitto, because it announces a Receive Maximum this small and cuts those who exceed it.
  it.skipIf(!hasMosquitto)("is not provoked: no more unacknowledged messages than it takes", () =>
    withBroker(
      () => startMosquitto([...patient, "max_inflight_messages 3"]),
      async (broker) => {
        const result = await bench(broker, "pair", "-q", "2", "-M", "100", "-V", "5")
        assert.deepEqual([result.lost, result.repeated, result.lostConnections], [0, 0, 0])
      }
    )
  )
})

const faultyCounts = { acknowledged: 199, delivered: 199, lost: 2, published: 200, refused: 1, repeated: 1 }

/** A broker for one pair at QoS 1: loses message 3, delivers message 5 twice, refuses message 7. */
async function startFaulty(): Promise<TestBroker> {
  let subscriber: net.Socket | undefined
  let count = 0
  const answer = (socket: net.Socket, packet: Packet): void => {
    const send = (answered: Packet, to: net.Socket | undefined = socket) =>
      to?.write(generate(answered, { protocolVersion: 5 }))
    if (packet.cmd === "connect") send({ cmd: "connack", reasonCode: 0, sessionPresent: false })
    if (packet.cmd === "subscribe") {
      subscriber = socket
      send({ cmd: "suback", messageId: packet.messageId ?? 1, granted: [1] })
    }
    if (packet.cmd !== "publish") return
    count++
    const reasonCode = count === 7 ? 0x87 : 0
    send({ cmd: "puback", messageId: packet.messageId ?? 1, reasonCode })
    const times = count === 3 || count === 7 ? 0 : count === 5 ? 2 : 1
    for (let time = 0; time < times; time++) send({ ...packet, messageId: 1 + (count % 60_000) }, subscriber)
  }
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    const reader = parser({ protocolVersion: 5 })
    reader.on("packet", (packet: Packet) => answer(socket, packet))
    socket.on("data", (chunk: Buffer) => reader.parse(chunk))
    socket.on("error", () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

describe("pace", () => {
  const settings = { protocolVersion: 5, urlTopic: undefined } as ConnectionSettings
  const planOf = (wishes: Partial<Wishes>): LoadPlan => {
    const none = {
      clients: 2,
      publishers: undefined,
      topic: undefined,
      topics: undefined,
      qos: undefined,
      retain: false
    }
    const rest = { sizeBytes: undefined, ratePerSecond: undefined, windowMax: undefined, inFlightMax: undefined }
    const time = { count: undefined, seconds: undefined, warmupSeconds: undefined }
    return loadPlan({ shape: "pair", ...none, ...rest, ...time, ...wishes }, settings, 1) as LoadPlan
  }

  it("what comes late is stamped with when it was due, what is in time with now", () => {
    let nowMs = 1_000_000
    const pace = new Pace(
      planOf({ ratePerSecond: 1000 }),
      new Tally(),
      () => nowMs,
      () => nowMs
    )
    pace.open()
    nowMs += 3
    pace.tick()
    // Due at 0, 1, 2 and 3 ms, in turn by the two publishers.
    const dueTo = (publisher: number) => [0, 1, 2].filter((sequence) => pace.maySend(publisher, sequence))
    assert.deepEqual(
      [dueTo(0), dueTo(1)],
      [
        [0, 1],
        [0, 1]
      ]
    )
    assert.strictEqual(pace.sentUs(1, 0, pace.nowUs()), 1_000_003_000)
    // The broker did not take anything for a second.
    nowMs += 1000
    assert.strictEqual(pace.sentUs(1, 0, pace.nowUs()), 1_000_001_000)
    assert.strictEqual(pace.sentUs(0, 4, pace.nowUs()), 1_000_008_000)
  })

  it("a window shuts, opens with deliveries, and does not stay shut for what was lost", () => {
    let nowMs = 0
    const tally = new Tally()
    const pace = new Pace(
      planOf({ shape: "fan-out", clients: 3, windowMax: 2 }),
      tally,
      () => nowMs,
      () => nowMs
    )
    pace.open()
    tally.published = 2
    assert.isFalse(pace.maySend(0, 2))
    assert.isFalse(pace.hasRoomAgain())
    tally.delivered = 3
    assert.isTrue(pace.hasRoomAgain())
    assert.isTrue(pace.maySend(0, 2))
    tally.published = 3
    assert.isFalse(pace.hasRoomAgain())
    nowMs += 501
    assert.isTrue(pace.hasRoomAgain())
    tally.published = 5
    assert.isFalse(pace.maySend(0, 5))
  })
})

describe("latencies", () => {
  it("quantiles are at most 3.2 % above the truth, the maximum is exact", () => {
    const latency = new Latency()
    for (let us = 1; us <= 100_000; us++) latency.record(us)
    for (const q of [0.001, 0.5, 0.9, 0.99, 0.999]) {
      const truth = q * 100_000
      assert.isAtLeast(latency.quantileUs(q), truth)
      assert.isAtMost(latency.quantileUs(q), truth * 1.032 + 1)
    }
    assert.strictEqual(latency.quantileUs(1), 100_000)
    assert.strictEqual(latency.maxUs, 100_000)
    const rows = latency.powers()
    assert.strictEqual(
      rows.reduce((sum, { count }) => sum + count, 0),
      100_000
    )
    assert.deepEqual(rows[0], { boundUs: 32, count: 31 })
    assert.deepEqual(rows.at(-1), { boundUs: 131_072, count: 100_000 - 65_535 })
  })

  it("what does not fit counts at the ends", () => {
    const latency = new Latency()
    for (const us of [-5, 0, 2 ** 40, Number.NaN]) latency.record(us)
    assert.strictEqual(latency.count, 4)
    assert.strictEqual(latency.maxUs, 0xffff_ffff)
    assert.strictEqual(latency.quantileUs(0.5), 0)
  })
})
