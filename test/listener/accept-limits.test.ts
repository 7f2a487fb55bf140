/**
 * Goal: one address cannot take what belongs to all, whatever it does; nobody else notices; memory stays bounded.
 * Method: the clock is the test's; a model with exact arithmetic for the rate.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { AcceptLimits, type AcceptPolicy, addressKey } from "../../src/listener/accept-limits.ts"
import { hostOf } from "../../src/listener/address.ts"
import { forwardedFor } from "../../src/listener/forwarded-for.ts"
import { NetworkSet, parseNetwork } from "../../src/settings/network-set.ts"

const open: AcceptPolicy = {
  socketsMax: 1_000_000,
  perAddressMax: 0,
  ratePerSecond: 0,
  burst: 1,
  isExempt: () => false,
  isBanned: () => false,
  isOverloaded: () => false
}

const make = (policy: Partial<AcceptPolicy>) => {
  let nowMs = 0
  const limits = new AcceptLimits(
    () => ({ ...open, ...policy }),
    () => nowMs
  )
  return { limits, pass: (ms: number) => (nowMs += ms) }
}

describe("limits on sockets", () => {
  it("the rate of an address holds over any time, and others have their own", () => {
    const arrivals = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 300 }), host: fc.integer({ min: 1, max: 3 }) }))
    fc.assert(
      fc.property(arrivals, (all) => {
        const { limits, pass } = make({ ratePerSecond: 10, burst: 5 })
        const admitted = new Map<number, number>()
        let nowMs = 0
        for (const { host, ms } of all) {
          nowMs += ms
          pass(ms)
          const isIn = limits.admit(`192.0.2.${host}`) === undefined
          if (isIn) limits.release(`192.0.2.${host}`)
          admitted.set(host, (admitted.get(host) ?? 0) + (isIn ? 1 : 0))
          assert.isAtMost(admitted.get(host) ?? 0, 5 + nowMs / 100 + 1e-6)
        }
      })
    )
  })

  it("who is exempt is limited in total only", () => {
    const { limits } = make({ ratePerSecond: 1, burst: 1, perAddressMax: 1, socketsMax: 3, isExempt: () => true })
    for (let i = 0; i < 3; i++) {
      assert.isUndefined(limits.enter())
      assert.isUndefined(limits.admit("127.0.0.1"))
    }
    assert.strictEqual(limits.enter(), "total")
    limits.leave()
    assert.isUndefined(limits.enter())
  })

  it("a banned address comes in now and then, to be told", () => {
    const { limits, pass } = make({ ratePerSecond: 1000, burst: 1000, isBanned: () => true })
    const tries = () =>
      Array.from({ length: 20 }, () => limits.admit("192.0.2.1")).filter((each) => each === undefined).length
    assert.strictEqual(tries(), 5)
    pass(1000)
    assert.strictEqual(tries(), 1)
    assert.strictEqual(limits.admit("192.0.2.1"), "banned")
  })

  it("all addresses of an IPv6 network of 64 bits are one; of IPv4 each is its own", () => {
    assert.strictEqual(addressKey("2001:db8:0:1::5"), addressKey("2001:0db8:0:1:ffff::"))
    assert.notStrictEqual(addressKey("2001:db8:0:1::5"), addressKey("2001:db8:0:2::5"))
    assert.strictEqual(addressKey("::ffff:192.0.2.1"), "192.0.2.1")
    assert.strictEqual(addressKey("::1"), "0:0:0:0")
    assert.strictEqual(addressKey("fe80::1%eth0"), addressKey("fe80::2%eth1"))
  })

  it("addresses that left are forgotten: a storm from everywhere holds no memory", () => {
    const { limits, pass } = make({ ratePerSecond: 10, burst: 2 })
    for (let i = 0; i < 100_000; i++) {
      const address = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
      assert.isUndefined(limits.admit(address))
      limits.release(address)
    }
    assert.isAtMost(limits.addresses, 65_536)
    pass(10_000)
    for (let i = 0; i < 20_000; i++) limits.admit(`11.0.${(i >> 8) & 255}.${i & 255}`)
    assert.isAtMost(limits.addresses, 20_000)
  })
})

describe("networks", () => {
  it("are what CIDR says, and nothing else", () => {
    const set = new NetworkSet(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])
    for (const address of ["10.255.0.1", "192.0.2.7", "2001:db8:ffff::1", "::ffff:10.1.1.1"])
      assert.isTrue(set.has(address), address)
    for (const address of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "", "localhost", undefined])
      assert.isFalse(set.has(address))
    for (const text of ["10.0.0.0/33", "10.0.0", "::1/129", "a.example", "10.0.0.0/", "10.0.0.0/8/8", ""]) {
      assert.isUndefined(parseNetwork(text), text)
    }
  })

  it("the host of a peer is its address without the port", () => {
    assert.strictEqual(hostOf("127.0.0.1:1883"), "127.0.0.1")
    assert.strictEqual(hostOf("[2001:db8::1]:1"), "2001:db8::1")
    assert.isUndefined(hostOf("unix:/run/mqtt.sock"))
    assert.isUndefined(hostOf("memory:client"))
  })
})

describe("X-Forwarded-For", () => {
  const trusted = new NetworkSet(["10.0.0.0/8"])
  for (const [header, client] of [
    [undefined, undefined],
    ["192.0.2.1", "192.0.2.1"],
    ["1.1.1.1, 192.0.2.1, 10.0.0.2", "192.0.2.1"],
    ["10.0.0.1, 10.0.0.2", "10.0.0.1"],
    ["192.0.2.1:443", "192.0.2.1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["unknown", "malformed"],
    ["192.0.2.1,", "malformed"],
    ["192.0.2.1\r\nx", "malformed"],
    [Array.from({ length: 40 }, () => "10.0.0.1").join(","), "malformed"]
  ] as const) {
    it(`${JSON.stringify(header)?.slice(0, 40)} names ${client}`, () => {
      assert.strictEqual(forwardedFor(header, trusted), client)
    })
  }
})
