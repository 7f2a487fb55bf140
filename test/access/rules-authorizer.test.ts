/**
 * Goal: the compiled rules answer as the rules read, whoever asks and however the asker is called.
 * Method: random rules and hostile identities against the model (naive-rules.ts); then what the words promise, one by one.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Identity, Verdict } from "../../src/access/access.ts"
import type { Question } from "../../src/access/authorizer.ts"
import { addressOf } from "../../src/access/compile-rules.ts"
import { decodeRules } from "../../src/access/decode-rule.ts"
import { type Rule, ruleActions } from "../../src/access/rule.ts"
import { RulesAuthorizer, ruleWords } from "../../src/access/rules-authorizer.ts"
import { matches } from "../../src/router/topic-filter.ts"
import { covers, naiveDecision } from "./naive-rules.ts"

const names = ["a", "b", "#", "+", "a/b", "$SYS", "", ".*", "a-z", "${clientid}", "../x", "ä"]
const levels = fc.constantFrom("a", "b", "", "$SYS", "+", "${clientid}", "${username}", ".*", "ä")
const plainLevels = fc.constantFrom("a", "b", "", "$SYS", ".*", "a-z", "ä", "${clientid}")

const pathOf = (level: fc.Arbitrary<string>, mayEndWide: boolean): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([path, isWide]) => (isWide && mayEndWide ? [...path.slice(1), "#"] : path).join("/"))
    .map((path) => (path === "" ? "a" : path))

const some = <A>(values: ReadonlyArray<A>) =>
  fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined, freq: 2 })

const ruleTopic = fc.oneof(
  { weight: 6, arbitrary: pathOf(levels, true) },
  { weight: 1, arbitrary: pathOf(plainLevels, true).map((text) => `eq ${text}`) }
)

const rule: fc.Arbitrary<Rule> = fc
  .record({
    effect: fc.constantFrom("allow" as const, "deny" as const),
    users: some(names),
    clientIdentifiers: some(names),
    groups: some(["g", "h"]),
    addresses: some(["10.0.0.0/8", "10.1.2.3", "192.0.0.0/16"]),
    listeners: some(["tcp", "tls"]),
    actions: some(ruleActions),
    qos: some([0, 1, 2] as const),
    retain: fc.option(fc.boolean(), { nil: undefined, freq: 2 }),
    topics: fc.option(fc.array(ruleTopic, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 8 })
  })
  .map((written) => ({ ...written, source: "test" }))

const identity: fc.Arbitrary<Identity> = fc.record({
  clientIdentifier: fc.constantFrom(...names),
  username: fc.constantFrom(undefined, ...names),
  groups: fc.constantFrom(undefined, [], ["g"], ["h", "g"]),
  listener: fc.constantFrom("tcp", "tls"),
  peer: fc.constantFrom("10.1.2.3:4", "10.9.9.9:1", "192.0.7.1:2", "unix:/run/x"),
  isPartial: fc.constantFrom(undefined, true),
  rules: fc.option(fc.array(rule, { maxLength: 2 }), { nil: undefined, freq: 2 })
})

const question: fc.Arbitrary<Question> = fc
  .record({
    action: fc.constantFrom(...ruleActions, "read" as const),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    name: pathOf(plainLevels, false),
    filter: pathOf(fc.oneof(plainLevels, fc.constant("+")), true)
  })
  .map(({ action, filter, name, qos, retain }) => ({
    action,
    qos,
    retain: action === "retained" ? true : retain,
    topic: action === "subscribe" ? filter : name
  }))

const ask = (authorizer: RulesAuthorizer, who: Identity, { action, qos, retain, topic }: Question): number => {
  switch (action) {
    case "read":
      return authorizer.readVerdict(who, topic, qos, retain)
    case "subscribe":
      return authorizer.subscribeVerdict(who, topic, qos)
    default:
      return authorizer.publishVerdict(who, topic, qos, retain, action === "will")
  }
}

const rulesOf = (written: ReadonlyArray<object>): ReadonlyArray<Rule> => {
  const { faults, rules } = decodeRules(written, (index) => `rule ${index}`)
  assert.deepEqual(faults, [])
  return rules
}

const authorizerOf = (...written: ReadonlyArray<object>) =>
  new RulesAuthorizer({ rules: rulesOf(written), noMatch: "deny" })

const who = (clientIdentifier: string, more: Partial<Identity> = {}): Identity => ({
  clientIdentifier,
  username: undefined,
  ...more
})

describe("rules", () => {
  it("compiled answer as the model does", () => {
    const cases = fc.record({
      rules: fc.array(rule, { maxLength: 12 }),
      noMatch: fc.constantFrom("deny" as const, "allow" as const),
      asked: fc.array(fc.tuple(identity, question), { minLength: 1, maxLength: 20 })
    })
    fc.assert(
      fc.property(cases, ({ asked, noMatch, rules }) => {
        const authorizer = new RulesAuthorizer({ rules, noMatch })
        for (const [known, one] of asked) {
          const deciding = naiveDecision([...(known.rules ?? []), ...rules], known, one)
          const isAllowed = (deciding?.effect ?? noMatch) === "allow" || (authorizer.allowsEverything && !known.rules)
          const told = authorizer.explain(known, one)
          const isAsked = !authorizer.allowsEverything || known.rules !== undefined
          const isRight =
            ask(authorizer, known, one) === (isAllowed ? Verdict.allow : Verdict.deny) &&
            told.allowed === isAllowed &&
            (!isAsked || told.rule === deciding)
          if (!isRight) assert.fail(JSON.stringify({ rules, known, one, told, deciding }))
        }
      }),
      { numRuns: 800 }
    )
  })

  it("give one class one verdict, unless they say that it is personal; and no class outlives them", () => {
    const cases = fc.record({
      rules: fc.array(rule, { maxLength: 6 }),
      known: fc.array(identity, { minLength: 2, maxLength: 8 }),
      asked: fc.array(question, { minLength: 1, maxLength: 10 })
    })
    let shared = 0
    fc.assert(
      fc.property(cases, ({ asked, known, rules }) => {
        const authorizer = new RulesAuthorizer({ rules, noMatch: "deny" })
        const classes = known.map((each) => authorizer.classOf(each))
        for (const one of asked) {
          const verdicts = new Map<number, number>()
          for (const [at, each] of known.entries()) {
            const verdict = ask(authorizer, each, one)
            if (authorizer.isPersonal) continue
            const before = verdicts.get(classes[at] as number)
            if (before !== undefined) shared += 1
            if ((before ?? verdict) !== verdict) assert.fail(JSON.stringify({ rules, known, one }))
            verdicts.set(classes[at] as number, verdict)
          }
        }
        authorizer.replace({ rules, noMatch: "deny" })
        assert.isAbove(authorizer.firstClass, Math.max(...classes))
        for (const each of known) assert.isAtLeast(authorizer.classOf(each), authorizer.firstClass)
      }),
      { numRuns: 800 }
    )
    assert.isAbove(shared, 500)
  })

  it("answer alike when there are so many that they are kept as bits", () => {
    const others = Array.from(
      { length: 300 },
      (_, i): Rule => ({ effect: "deny", users: [`u${i}`], topics: ["#"], source: "" })
    )
    const cases = fc.record({
      rules: fc.array(rule, { maxLength: 6 }),
      places: fc.array(fc.nat(300), { minLength: 6, maxLength: 6 }),
      asked: fc.array(fc.tuple(identity, question), { minLength: 1, maxLength: 10 })
    })
    fc.assert(
      fc.property(cases, ({ asked, places, rules }) => {
        const mixed = [...others]
        for (const [i, each] of rules.entries()) mixed.splice(places[i] as number, 0, each)
        const authorizer = new RulesAuthorizer({ rules: mixed, noMatch: "deny" })
        for (const [known, one] of asked) {
          const deciding = naiveDecision([...(known.rules ?? []), ...mixed], known, one)
          assert.strictEqual(authorizer.explain(known, one).rule, deciding)
        }
      }),
      { numRuns: 150 }
    )
  })

  it("cover a filter only when they match every topic that it matches", () => {
    const cases = fc.tuple(pathOf(levels, true), pathOf(fc.oneof(plainLevels, fc.constant("+")), true), identity)
    fc.assert(
      fc.property(cases, fc.array(pathOf(plainLevels, false), { maxLength: 30 }), ([wide, filter, known], topics) => {
        const authorizer = new RulesAuthorizer({
          rules: [{ effect: "allow", topics: [wide], source: "" }],
          noMatch: "deny"
        })
        const plain = { ...known, rules: undefined }
        if (authorizer.subscribeVerdict(plain, filter, 0) !== Verdict.allow) return
        for (const topic of topics) {
          if (matches(filter, topic)) assert.isTrue(covers(wide, topic, plain), `${wide} ${filter} ${topic}`)
        }
      }),
      { numRuns: 800 }
    )
  })

  it("deny what none of them speaks of, also when there are none", () => {
    const empty = new RulesAuthorizer({ rules: [], noMatch: "deny" })
    assert.isFalse(empty.allowsEverything)
    assert.strictEqual(empty.publishVerdict(who("c"), "t", 0, false, false), Verdict.deny)
    const open = new RulesAuthorizer({ rules: undefined, noMatch: "deny" })
    assert.isTrue(open.allowsEverything)
    assert.strictEqual(open.publishVerdict(who("c"), "t", 0, false, false), Verdict.allow)
    const own = who("c", { rules: rulesOf([{ effect: "allow", topics: ["mine"] }]) })
    assert.strictEqual(open.publishVerdict(own, "mine", 0, false, false), Verdict.allow)
    assert.strictEqual(open.publishVerdict(own, "yours", 0, false, false), Verdict.deny)
  })

  it("row 21: names with wildcards widen no placeholder", () => {
    const authorizer = authorizerOf({ effect: "allow", topics: ["${clientid}/#", "u/${username}"] })
    for (const name of ["#", "+", "a/b", "", "$SYS"]) {
      const hostile = who(name, { username: name })
      for (const topic of ["x/y", "a/b/c", "a/b", "u/x", "u/a/b", "u/", "/x", "$SYS/x", "#", "+", "+/#", "#/#"]) {
        assert.strictEqual(authorizer.subscribeVerdict(hostile, topic, 0), Verdict.deny, `${name} ${topic}`)
        assert.strictEqual(authorizer.readVerdict(hostile, topic, 0, false), Verdict.deny, `${name} ${topic}`)
      }
    }
    for (const name of [".*", "a-z", ".."]) {
      assert.strictEqual(authorizer.publishVerdict(who(name), `${name}/x`, 0, false, false), Verdict.allow)
      assert.strictEqual(authorizer.publishVerdict(who(name), "b/x", 0, false, false), Verdict.deny)
    }
  })

  it("let a wide subscription pass a narrow denial, and deny its messages", () => {
    const authorizer = authorizerOf({ effect: "deny", topics: ["s/#"] }, { effect: "allow", topics: ["#"] })
    assert.strictEqual(authorizer.subscribeVerdict(who("c"), "#", 0), Verdict.allow)
    assert.strictEqual(authorizer.subscribeVerdict(who("c"), "+/x", 0), Verdict.allow)
    assert.strictEqual(authorizer.subscribeVerdict(who("c"), "s/+", 0), Verdict.deny)
    assert.strictEqual(authorizer.subscribeVerdict(who("c"), "s", 0), Verdict.deny)
    assert.strictEqual(authorizer.readVerdict(who("c"), "s/x", 0, false), Verdict.deny)
    assert.strictEqual(authorizer.readVerdict(who("c"), "t/x", 0, false), Verdict.allow)
    assert.strictEqual(authorizer.subscribeVerdict(who("c"), "$SYS/#", 0), Verdict.deny)
  })

  it("ask nothing of a superuser, and of a partly known one only what is known", () => {
    const authorizer = authorizerOf(
      { effect: "deny", groups: ["bad"], topics: ["secret"] },
      { effect: "allow", groups: ["good"], topics: ["team"] },
      { effect: "allow", topics: ["secret", "open"] }
    )
    assert.strictEqual(authorizer.publishVerdict(who("c", { isSuperuser: true }), "no", 2, true, true), Verdict.allow)
    const partial = who("c", { isPartial: true })
    assert.strictEqual(authorizer.publishVerdict(partial, "secret", 0, false, true), Verdict.deny)
    assert.strictEqual(authorizer.publishVerdict(partial, "team", 0, false, true), Verdict.deny)
    assert.strictEqual(authorizer.publishVerdict(partial, "open", 0, false, true), Verdict.allow)
  })

  it("see the client's address in every form in which it comes", () => {
    const addresses = ["10.0.0.0/8", "2001:db8::/32"]
    const authorizer = authorizerOf({ effect: "allow", addresses })
    const verdict = (peer: string) => authorizer.publishVerdict(who("c", { peer }), "t", 0, false, false)
    for (const peer of ["10.1.2.3:4", "10.1.2.3", "[::ffff:10.1.2.3]:4", "[2001:db8::1]:9", "2001:db8:0::5"]) {
      assert.strictEqual(verdict(peer), Verdict.allow, peer)
    }
    for (const peer of ["11.1.2.3:4", "[2001:db9::1]:9", "unix:/run/10.0.0.1", "unknown", "", "10.1.2.3.evil:1"]) {
      assert.strictEqual(verdict(peer), Verdict.deny, peer)
    }
    assert.strictEqual(addressOf("[fe80::1%eth0]:1"), "fe80::1")
  })

  it("are exchanged as a whole, and what was known of an identity with them", () => {
    const authorizer = authorizerOf({ effect: "allow", topics: ["a"] })
    const known = who("c")
    assert.strictEqual(authorizer.publishVerdict(known, "a", 0, false, false), Verdict.allow)
    const { generation } = authorizer
    authorizer.replace({ rules: rulesOf([{ effect: "deny", topics: ["a"] }, { effect: "allow" }]), noMatch: "deny" })
    assert.isAbove(authorizer.generation, generation)
    assert.strictEqual(authorizer.publishVerdict(known, "a", 0, false, false), Verdict.deny)
    assert.strictEqual(authorizer.publishVerdict(known, "b", 0, false, false), Verdict.allow)
  })

  it("are told in words", () => {
    const [told] = rulesOf([
      { effect: "deny", actions: "publish", topics: ["a/#"], users: ["", "bob"], qos: 2, retain: true }
    ])
    assert.strictEqual(ruleWords(told as Rule), "deny publish on a/# for users (none), bob at QoS 2 retained")
  })
})
