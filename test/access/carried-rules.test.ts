/** Rules that came with credentials: three forms, one meaning; and that no part of one is skipped. */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { carriedRules } from "../../src/access/carried-rules.ts"

const read = (raw: unknown, max = 10) => carriedRules(raw, "claim", max)

describe("carried rules", () => {
  it("the form of other brokers and our own mean the same", () => {
    const ours = read([
      { effect: "allow", actions: ["publish"], topics: ["a/${clientid}/#"], qos: [0, 1], retain: false }
    ])
    const theirs = read([
      { permission: "allow", action: "publish", topic: "a/${clientid}/#", qos: [0, 1], retain: false }
    ])
    assert.deepEqual(theirs, ours)
    assert.strictEqual(Array.isArray(ours) ? ours[0].source : ours, "claim[0]")
  })

  it("lists of filters allow, each for its action", () => {
    assert.deepEqual(read({ pub: ["a", "b"], sub: ["c/#"], all: ["d"] }), [
      { effect: "allow", topics: ["a", "b"], actions: ["publish"], source: "claim[0]" },
      { effect: "allow", topics: ["c/#"], actions: ["subscribe"], source: "claim[1]" },
      { effect: "allow", topics: ["d"], source: "claim[2]" }
    ])
    assert.deepEqual(read({ pub: [], sub: [] }), [])
  })

  it("what is not understood refuses the whole: nothing is skipped, no condition is dropped", () => {
    const good = { permission: "allow", action: "all", topic: "#" }
    const bad = [
      { ...good, permission: "maybe" },
      { ...good, action: "read" },
      { ...good, ipaddr: "10.0.0.1" },
      { ...good, topic: "a/#/b" },
      { ...good, topic: [] },
      { ...good, qos: 3 },
      { ...good, retain: "all" },
      { permission: "allow", action: "all" },
      { ...good, topic: "a${username}" },
      "allow",
      null
    ]
    for (const entry of bad) assert.isString(read([good, entry]), JSON.stringify(entry))
    for (const whole of [null, "#", 7, { pub: "a", others: ["b"] }, { pub: [1] }]) {
      assert.isString(read(whole), JSON.stringify(whole))
    }
  })

  it("more than the limit are none", () => {
    const rules = Array.from({ length: 11 }, () => ({ permission: "deny", topic: "a" }))
    assert.isString(read(rules))
    assert.lengthOf(read(rules, 11), 11)
  })

  it("whatever is written, the answer is a list of rules with topics, or words", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (raw) => {
        const rules = read(raw)
        if (typeof rules !== "string") for (const rule of rules) assert.isDefined(rule.effect)
      })
    )
  })
})
