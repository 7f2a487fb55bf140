/**
 * Goal: before a reload somebody is told who would lose what, and nothing that is not lost.
 * Method: two lists of rules and made-up clients; every loss is one that both authorizers confirm.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Identity } from "../../src/access/access.ts"
import { decodeRules } from "../../src/access/decode-rule.ts"
import { RulesAuthorizer } from "../../src/access/rules-authorizer.ts"
import { type LiveClient, LOSSES_MAX, rulesEffect } from "../../src/access/rules-effect.ts"

const rulesOf = (...written: ReadonlyArray<object>) =>
  new RulesAuthorizer({ rules: decodeRules(written, (i) => `new.yaml:${i + 1}`).rules, noMatch: "deny" })
const open = new RulesAuthorizer({ rules: undefined, noMatch: "deny" })
const who = (name: string, more: Partial<Identity> = {}): Identity => ({
  clientIdentifier: name,
  username: name,
  ...more
})
const client = (identity: Identity, more: Partial<LiveClient> = {}): LiveClient => ({
  identity,
  subscriptions: [],
  published: [],
  received: [],
  ...more
})

describe("the effect of other rules", () => {
  it("names clients, topics and the deciding line", () => {
    const after = rulesOf({ effect: "deny", topics: "plant/1" }, { effect: "allow" })
    const clients = ["a", "b", "c"].map((name) => client(who(name), { published: ["plant/1", "plant/2"] }))
    const effect = rulesEffect(open, after, [...clients, client(who("d"), { published: ["plant/2"] })])
    assert.strictEqual(effect.summary, "3 clients lose access to 1 topic")
    assert.deepEqual(effect.losses[0], {
      clientIdentifier: "a",
      username: "a",
      action: "publish",
      topic: "plant/1",
      because: "new.yaml:1 denies it"
    })
  })

  it("sees a wide subscription lose a narrow topic, and one that is covered no more", () => {
    const after = rulesOf({ effect: "deny", topics: "s/#" }, { effect: "allow", topics: ["#"] })
    const subscriptions = [
      { filter: "#", qos: 1 },
      { filter: "s/+", qos: 1 }
    ]
    const { losses, summary } = rulesEffect(open, after, [client(who("a"), { subscriptions, received: ["s/x", "t"] })])
    assert.deepEqual(
      losses.map(({ action, topic }) => `${action} ${topic}`),
      ["subscribe s/+", "read s/x"]
    )
    assert.strictEqual(summary, "1 client loses access to 2 topics")
  })

  it("counts no superuser, nothing that was denied before, and an identity's own rules", () => {
    const nothing = rulesOf()
    const own = decodeRules([{ effect: "allow", topics: "own" }], () => "token").rules
    const clients = [
      client(who("root", { isSuperuser: true }), { published: ["x"] }),
      client(who("guest", { rules: own }), { published: ["own", "other"] })
    ]
    const effect = rulesEffect(open, nothing, clients)
    assert.deepEqual([effect.lossCount, effect.summary], [0, "no connected client loses anything"])
  })

  it("tells the first losses and counts all", () => {
    const published = Array.from({ length: LOSSES_MAX + 5 }, (_, i) => `t/${i}`)
    const effect = rulesEffect(open, rulesOf(), [client(who("a"), { published })])
    assert.deepEqual([effect.losses.length, effect.lossCount], [LOSSES_MAX, LOSSES_MAX + 5])
  })
})
