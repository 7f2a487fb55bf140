/** Topic names and filters: what is legal, what is said about what is not, and who matches whom. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ReasonCode } from "../../src/codec/reason-codes.ts"
import { TopicFault, TopicFaultCode } from "../../src/router/topic-fault.ts"
import {
  filterFault,
  matches,
  parseSharedFilter,
  subscriptionMatches,
  topicFault
} from "../../src/router/topic-filter.ts"

const LEVELS_MAX = 200

describe("topic filters", () => {
  const legal = ["a", "/", "//", "#", "+", "/#", "a/#", "+/+", "a/+/b", "+/a/#", "$SYS/#", "a b", "\u00fc/\u{1f600}/+"]
  const shared = [
    "$share/g/a",
    "$share/g/#",
    "$share/g/+/b",
    "$share/g//",
    "$share/g/$share/h/a",
    "$share",
    "$sharee/+"
  ]
  for (const filter of [...legal, ...shared]) {
    it(`${filter} is legal`, () => assert.isUndefined(filterFault(filter, LEVELS_MAX)))
  }

  const illegal: ReadonlyArray<readonly [filter: string, reasonCode: number, why: string]> = [
    ["", ReasonCode.protocolError, "the filter is empty"],
    ["a/#/b", ReasonCode.topicFilterInvalid, "'#' must be the last level (column 3)"],
    ["#/a", ReasonCode.topicFilterInvalid, "'#' must be the last level (column 1)"],
    ["a#", ReasonCode.topicFilterInvalid, "'#' must fill a whole level (column 2)"],
    ["a/#b", ReasonCode.topicFilterInvalid, "'#' must fill a whole level (column 3)"],
    ["##", ReasonCode.topicFilterInvalid, "'#' must fill a whole level (column 1)"],
    ["a+", ReasonCode.topicFilterInvalid, "'+' must fill a whole level (column 2)"],
    ["+a/b", ReasonCode.topicFilterInvalid, "'+' must fill a whole level (column 1)"],
    ["\u{1f600}/\u00fc+", ReasonCode.topicFilterInvalid, "'+' must fill a whole level (column 4)"],
    ["a/\0", ReasonCode.malformedPacket, "the filter holds the null character (column 3)"],
    ["$share/", ReasonCode.topicFilterInvalid, "the share name is empty (column 8)"],
    ["$share//t", ReasonCode.topicFilterInvalid, "the share name is empty (column 8)"],
    ["$share/g", ReasonCode.topicFilterInvalid, "'/' and a filter must follow the share name (column 9)"],
    ["$share/g/", ReasonCode.topicFilterInvalid, "a filter must follow the share name (column 10)"],
    ["$share/g+/t", ReasonCode.topicFilterInvalid, "'+' cannot be part of a share name (column 9)"],
    ["$share/#/t", ReasonCode.topicFilterInvalid, "'#' cannot be part of a share name (column 8)"],
    ["$share/#", ReasonCode.topicFilterInvalid, "'#' cannot be part of a share name (column 8)"],
    ["$share/g/a/#/b", ReasonCode.topicFilterInvalid, "'#' must be the last level (column 12)"],
    ["$share/g/a+", ReasonCode.topicFilterInvalid, "'+' must fill a whole level (column 11)"]
  ]
  for (const [filter, reasonCode, why] of illegal) {
    it(`${JSON.stringify(filter)} is refused: ${why}`, () => {
      const fault = filterFault(filter, LEVELS_MAX)
      assert.deepStrictEqual(fault, new TopicFault(reasonCode, why))
    })
  }

  it("depth and length have limits, and the share prefix does not count as depth", () => {
    assert.isUndefined(filterFault("a/b/c", 3))
    assert.isUndefined(filterFault("$share/g/a/b/c", 3))
    assert.deepStrictEqual(filterFault("a/b/c/d", 3), new TopicFault(0x8f, "more than 3 levels (column 7)"))
    assert.deepStrictEqual(filterFault("$share/g/a/b", 1), new TopicFault(0x8f, "more than 1 levels (column 12)"))
    assert.isUndefined(filterFault("/".repeat(65_535), 65_536))
    assert.isUndefined(topicFault("/".repeat(65_535), 65_536))
    assert.strictEqual(filterFault("\u00fc".repeat(32_768), LEVELS_MAX)?.reasonCode, 0x8f) // [MQTT-4.7.3-3]
  })

  it("a shared filter is taken apart", () => {
    assert.deepStrictEqual(parseSharedFilter("$share/g/a/+"), { shareName: "g", filter: "a/+" })
    assert.deepStrictEqual(parseSharedFilter("$share/g//"), { shareName: "g", filter: "/" })
    assert.isUndefined(parseSharedFilter("a/$share/g/b"))
    assert.isUndefined(parseSharedFilter("$SHARE/g/b"))
    assert.instanceOf(parseSharedFilter("$share//a"), TopicFault)
  })
})

describe("topic names", () => {
  for (const topic of ["a", "/", "a//b", "$SYS/a", " ", "\u00fc/\u{1f600}"]) {
    it(`${topic} is legal`, () => assert.isUndefined(topicFault(topic, LEVELS_MAX)))
  }
  const illegal: ReadonlyArray<readonly [topic: string, reasonCode: number, why: string]> = [
    ["", ReasonCode.protocolError, "the topic is empty"],
    ["a/+", ReasonCode.topicNameInvalid, "'+' is a wildcard, only filters may hold one (column 3)"],
    ["a#b", ReasonCode.topicNameInvalid, "'#' is a wildcard, only filters may hold one (column 2)"],
    ["\0", ReasonCode.malformedPacket, "the topic holds the null character (column 1)"],
    [`${"/".repeat(LEVELS_MAX)}`, ReasonCode.topicNameInvalid, "more than 200 levels (column 201)"],
    ["a".repeat(65_536), ReasonCode.topicNameInvalid, "the topic is 65536 bytes long, 65535 are allowed"]
  ]
  for (const [topic, reasonCode, why] of illegal) {
    it(`${JSON.stringify(topic.slice(0, 20))} is refused: ${why}`, () => {
      assert.deepStrictEqual(topicFault(topic, LEVELS_MAX), new TopicFault(reasonCode, why))
    })
  }

  it("reason codes are the codec's", () => {
    for (const [name, code] of Object.entries(TopicFaultCode)) {
      assert.strictEqual(code, ReasonCode[name as keyof typeof TopicFaultCode])
    }
  })
})

describe("the reference matcher", () => {
  const table: ReadonlyArray<readonly [filter: string, topic: string, isMatch: boolean]> = [
    ["a/b", "a/b", true],
    ["a/b", "a/b/", false],
    ["a/+", "a/", true],
    ["a/+", "a", false],
    ["a/+", "a/b/c", false],
    ["+", "/a", false],
    ["+/+", "/a", true],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["a/#", "ab", false],
    ["a/+/#", "a", false],
    ["a/+/#", "a/b", true],
    ["#", "/", true],
    ["#", "$SYS/a", false], // [MQTT-4.7.2-1]
    ["+/a", "$SYS/a", false],
    ["$SYS/#", "$SYS/a", true],
    ["$SYS/+", "$SYS/a", true],
    ["a/#", "a/$b", true],
    ["A", "a", false], // [MQTT-4.7.3-4]
    ["/a", "a", false],
    ["a//b", "a/b", false]
  ]
  for (const [filter, topic, isMatch] of table) {
    it(`${filter} ${isMatch ? "matches" : "does not match"} ${topic}`, () => {
      assert.strictEqual(matches(filter, topic), isMatch)
      assert.strictEqual(subscriptionMatches(`$share/g/${filter}`, topic), isMatch)
    })
  }

  it("looks inside one share prefix, not two", () => {
    assert.isTrue(subscriptionMatches("$share/g/$share/h/a", "$share/h/a"))
    assert.isFalse(subscriptionMatches("$share/g/$share/h/a", "a"))
    assert.isFalse(subscriptionMatches("$share/g/#", "$SYS/a"))
    assert.isFalse(subscriptionMatches("$share/g", "$share/g"))
  })

  it("every topic without wildcards matches itself and, outside of $, the hash", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-c$/]{1,8}$/), (topic) => {
        assert.isTrue(matches(topic, topic))
        assert.strictEqual(matches("#", topic), !topic.startsWith("$"))
        assert.isTrue(matches(`${topic}/#`, topic))
        assert.isFalse(matches(topic, `${topic}/a`))
      })
    )
  })
})
