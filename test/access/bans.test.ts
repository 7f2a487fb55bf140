/**
 * Goal: a ban holds from when it is made until it ends, over a restart too, and for nobody else; flapping bans whoever
 * connects too often and nobody whose connects are refused.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { type Ban, type BanKind, Bans, banValue, flappingBan } from "../../src/access/bans.ts"
import { loadBans, saveBans } from "../../src/access/bans-file.ts"
import { Flapping } from "../../src/access/flapping.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-bans-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const banOf = (kind: BanKind, value: string, untilMs?: number, by = "admin API"): Ban => ({
  kind,
  value: banValue(kind, value) ?? value,
  why: "test",
  by,
  createdAtMs: 1,
  untilMs
})
const bansOf = (...all: ReadonlyArray<Ban>): Bans => {
  const bans = new Bans(() => 1000)
  for (const ban of all) assert.isTrue(bans.add(ban, 0))
  return bans
}

describe("bans", () => {
  it("find by each kind, literally, and by network", () => {
    const bans = bansOf(
      banOf("client", "c1"),
      banOf("user", "u1"),
      banOf("address", "10.0.0.0/8"),
      banOf("address", "::1")
    )
    assert.strictEqual(bans.find("c1", undefined, undefined, 0)?.kind, "client")
    assert.strictEqual(bans.find("x", "u1", undefined, 0)?.kind, "user")
    assert.strictEqual(bans.find("x", "y", "10.1.2.3", 0)?.value, "10.0.0.0/8")
    assert.strictEqual(bans.find("x", "y", "::ffff:10.1.2.3", 0)?.value, "10.0.0.0/8")
    assert.strictEqual(bans.find("x", "y", "::1", 0)?.value, "::1/128")
    assert.isUndefined(bans.find("u1", "c1", "11.0.0.1", 0))
    assert.isUndefined(bans.find("C1", "+", "#", 0))
  })

  it("end, and can be taken back", () => {
    const bans = bansOf(banOf("client", "c1", 100), banOf("address", "10.0.0.1", 100))
    assert.isDefined(bans.find("c1", undefined, undefined, 99))
    assert.isDefined(bans.findAddress("10.0.0.1", 99))
    assert.isUndefined(bans.find("c1", undefined, "10.0.0.1", 100))
    assert.deepStrictEqual(bans.list(100), [])
    bans.add(banOf("client", "c2"), 0)
    assert.isTrue(bans.remove("client", "c2"))
    assert.isFalse(bans.remove("client", "c2"))
    assert.isUndefined(bans.find("c2", undefined, undefined, 0))
  })

  it("are limited in number: a person's never gives way to one of flapping", () => {
    const bans = new Bans(() => 2)
    assert.isTrue(bans.add(banOf("client", "kept"), 0))
    assert.isTrue(bans.add(banOf("client", "f1", 50, flappingBan), 0))
    assert.isFalse(bans.add(banOf("client", "refused"), 0))
    assert.isTrue(bans.add(banOf("client", "f2", 60, flappingBan), 0))
    assert.deepStrictEqual(
      bans.list(0).map(({ value }) => value),
      ["f2", "kept"]
    )
    assert.isTrue(bans.add(banOf("client", "later"), 60))
  })

  it("agree with looking at every ban, whatever is banned and asked", () => {
    const address = fc.ipV4()
    const network = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([ip, prefix]) => `${ip}/${prefix}`)
    const inNetwork = (ip: string, text: string) => {
      const [base = "", prefix = "32"] = text.split("/")
      const bits = (each: string) => each.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)
      const size = 2 ** (32 - Number(prefix))
      return Math.floor(bits(ip) / size) === Math.floor(bits(base) / size)
    }
    fc.assert(
      fc.property(fc.array(network, { maxLength: 8 }), address, (networks, ip) => {
        const bans = bansOf(...networks.map((text) => banOf("address", text)))
        const isBanned = networks.some((text) => inNetwork(ip, text))
        assert.strictEqual(bans.findAddress(ip, 0) !== undefined, isBanned)
      })
    )
  })

  it("values that cannot be one of their kind are refused", () => {
    assert.isUndefined(banValue("address", "10.0.0.0/33"))
    assert.isUndefined(banValue("address", "broker.example"))
    assert.isUndefined(banValue("client", ""))
    assert.strictEqual(banValue("address", "10.0.0.1"), "10.0.0.1/32")
  })
})

describe("the bans file", () => {
  const file = join(folder, "data", "bans.json")
  const load = (bans: Bans) => Effect.runPromise(Effect.result(loadBans(file, bans, 0)))

  it("brings back what was banned, with mode 0600; no file is no ban", async () => {
    assert.strictEqual((await load(new Bans(() => 10)))._tag, "Success")
    const bans = bansOf(banOf("client", 'c"\r\n1', 100), banOf("address", "2001:db8::/32"))
    saveBans(file, bans.list(0))
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    const again = new Bans(() => 10)
    await load(again)
    assert.deepStrictEqual(again.list(0), JSON.parse(JSON.stringify(bans.list(0))))
    assert.isFalse(existsSync(`${file}.new`))
  })

  it("that is damaged refuses the start", async () => {
    for (const text of ["", "{", '{"version":2,"bans":[]}', '{"version":1,"bans":[{"kind":"all","value":"x"}]}']) {
      writeFileSync(file, text)
      const bans = new Bans(() => 10)
      assert.strictEqual((await load(bans))._tag, "Failure", text)
      assert.strictEqual(bans.size, 0)
    }
    saveBans(file, [])
    assert.include(readFileSync(file, "utf8"), '"bans":[]')
    chmodSync(file, 0o600)
  })
})

describe("flapping", () => {
  const limits = { connectsMax: 3, windowMs: 1000 }

  it("is the connect that is one too many within the window, counted anew after it", () => {
    const flapping = new Flapping()
    const at = (nowMs: number) => flapping.connected("c", nowMs, limits)
    assert.deepStrictEqual([at(0), at(1), at(2)], [false, false, true])
    assert.deepStrictEqual([at(3), at(4)], [false, false])
    assert.deepStrictEqual([at(1004), at(1005), at(1006)], [false, false, true])
    assert.isFalse(flapping.connected("other", 1006, limits))
    assert.isFalse(flapping.connected("c", 0, { ...limits, connectsMax: 0 }))
  })

  it("remembers a bounded number of client ids", () => {
    const flapping = new Flapping()
    for (let i = 0; i < 70_000; i++) flapping.connected(`c${i}`, 0, limits)
    assert.isAtMost(flapping.size, 65_536)
    flapping.connected("later", 5000, limits)
    assert.strictEqual(flapping.size, 1)
  })
})
