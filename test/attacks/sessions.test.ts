/**
 * Goal: sessions and client identifiers are nobody's lever (docs: security, rows 9, 15, 30 and 35).
 * Method: storms over real sockets, ten thousand sessions in memory under a clock of the test's, and a store on disk that
 * is opened twice.
 */
import * as crypto from "node:crypto"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { derive, formatPasswordHash, newRecipe } from "../../src/access/password-hash.ts"
import * as packets from "../broker/client-packets.ts"
import { until } from "../contract/transport.ts"
import { Random } from "../fault/random.ts"
import { FuzzWorld, SESSION_EXPIRY_SECONDS_MAX } from "../fuzz/fuzz-world.ts"
import { grammarLimits } from "../fuzz/grammar-round.ts"
import { judgeRest } from "../fuzz/hostile-case.ts"
import { startWhole } from "../support/whole-broker.ts"
import { heapBytes } from "./invalid-connects.ts"
import { isServed, Stranger } from "./strangers.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-attacks-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("sessions", () => {
  it("row 9: a storm of one client identifier that subscribes, unsubscribes and publishes leaves one session, whole", async () => {
    await using broker = await startWhole()
    const random = new Random(9)
    const strangers: Array<Stranger> = []
    const jitter = () => {
      const filter = random.pick(["s/#", "s/+", "$share/g/s/#"])
      const publish = packets.publish({ topic: "s/t", payload: "x", qos: random.below(3), packetIdentifier: 7 })
      return random.pick([
        packets.subscribe(1, { filter, qos: random.below(3) }),
        packets.unsubscribe(2, filter),
        publish
      ])
    }
    const storm = async () => {
      for (let i = 0; i < 40; i++) {
        const stranger = await Stranger.to(broker.portOf("tcp"))
        strangers.push(stranger)
        const connect = packets.connect({
          clientIdentifier: "storm",
          cleanStart: random.chance(0.3),
          sessionExpirySeconds: random.pick([0, 60]),
          will: random.chance(0.3) ? { topic: "s/will", payload: "gone", delaySeconds: random.below(2) } : undefined
        })
        stranger.send(connect, jitter(), jitter(), jitter())
        if (random.chance(0.3)) stranger.socket.destroy()
      }
    }
    await Promise.all(Array.from({ length: 10 }, storm))
    const last = await broker.join("storm", { clean: true })
    await until(() => strangers.every(({ isClosed }) => isClosed) && broker.core.connections === 1)
    assert.deepEqual([...broker.core.sessions.keys()], ["storm"])
    assert.strictEqual(broker.core.groups.size, 0)
    assert.strictEqual(broker.core.router.statistics().filters, 0)
    await last.subscribe("s/t", 2)
    await last.publish("s/t", "still", { qos: 2 })
    assert.strictEqual(String((await last.message()).payload), "still")
    await last.leave()
    await isServed(broker)
  })

  it("row 15: 10,000 sessions with queues expire, and their memory comes back", () => {
    const world = new FuzzWorld(new Random(15), grammarLimits)
    const wave = () => {
      const peers = Array.from({ length: 10_000 }, (_, i) => {
        const peer = world.connect(() => undefined)
        const clientIdentifier = `session-${i}`
        peer.send(packets.connect({ clientIdentifier, sessionExpirySeconds: SESSION_EXPIRY_SECONDS_MAX }))
        peer.send(packets.subscribe(1, { filter: `q/${i % 100}/#`, qos: 2 }))
        world.run()
        return peer
      })
      for (const peer of peers) peer.cut()
      const publisher = world.connect(() => undefined)
      publisher.send(packets.connect({ clientIdentifier: "publisher" }))
      for (let i = 0; i < 1000; i++)
        publisher.send(
          packets.publish({ topic: `q/${i % 100}/t`, payload: Buffer.alloc(500), qos: 1, packetIdentifier: 1 + i })
        )
      world.run()
      publisher.cut()
      assert.strictEqual(world.core.sessions.size, 10_000)
      for (let seconds = 0; seconds <= 2 * SESSION_EXPIRY_SECONDS_MAX; seconds += 10) {
        world.advance(10_000)
        world.run()
      }
      judgeRest(world)
    }
    // The first one makes tables grow, which do not shrink.
    wave()
    const before = heapBytes()
    wave()
    assert.isBelow(heapBytes() - before, 3_000_000)
  })

  it("row 30: a user name without a password is not let in, in no version", async () => {
    const recipe = newRecipe("scrypt", crypto.randomBytes(16))
    const hash = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from("wonderland"), recipe) })
    const file = join(folder, "passwords")
    writeFileSync(file, `alice:${hash}\n`, { mode: 0o600 })
    await using broker = await startWhole({ auth: { chain: ["password-file"], "password-file": file } })
    for (const version of [3, 4, 5] as const) {
      for (const password of [undefined, Buffer.alloc(0), Buffer.from("wrong")]) {
        const client = await broker.dial(version)
        const shown = password === undefined ? {} : { password }
        const { reasonCode, returnCode } = await client.connect("c", { username: "alice", ...shown })
        assert.include([0x86, 0x87, 4, 5], reasonCode ?? returnCode)
        await client.closed()
      }
    }
    const client = await broker.join("c", { username: "alice", password: Buffer.from("wonderland") })
    await client.leave()
  })

  it("row 35: client identifiers are no paths and no patterns: each has its own session on the disk", async () => {
    const place = join(folder, "identifiers")
    const settings = {
      storage: { engine: "wal" as const, "data-dir": join(place, "data") },
      mqtt: { "max-client-id-len": 2000 }
    }
    const names = [
      ...["../x", "..", "/etc/passwd", "a/b", "a\\b", "%2e%2e", "#", "+", ".*", "a-z", "admin", "\u0430dmin", "ａdmin"],
      ...["é", "e\u0301", "x", "X", "x ", " x", "\u0001", "\u200bx", "constructor", "__proto__", "l".repeat(1000)]
    ]
    for (const isSecond of [false, true]) {
      await using broker = await startWhole(settings)
      for (const [i, name] of names.entries()) {
        const client = await broker.dial()
        const connack = await client.connect(name, { clean: false, properties: { sessionExpiryInterval: 600 } })
        assert.strictEqual(connack.reasonCode, 0, name)
        assert.strictEqual(connack.sessionPresent, isSecond, name)
        if (!isSecond) await client.subscribe(`own/${i}`, 1)
        else assert.strictEqual(String((await client.message()).payload), name)
        await client.vanish()
      }
      if (isSecond) continue
      const publisher = await broker.join("publisher")
      for (const [i, name] of names.entries()) await publisher.publish(`own/${i}`, name, { qos: 1 })
      await publisher.leave()
      const nul = await broker.dial()
      nul.sendFrame(`10 "MQTT" 05 02 0000 {} "x\\x00"`)
      assert.strictEqual((await nul.take("connack")).reasonCode, 0x81)
    }
    assert.deepEqual(readdirSync(place), ["data"])
    assert.deepEqual(
      readdirSync(join(place, "data"), { recursive: true }).filter((name) =>
        /passwd|admin|__proto__|etc/.test(String(name))
      ),
      []
    )
  })
})
