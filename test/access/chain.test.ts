/**
 * The chain: order, fall-through, anonymous clients, failures; and what is remembered of its answers.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ConnectRequest } from "../../src/access/access.ts"
import { makeChain } from "../../src/access/chain.ts"
import { type Provider, type ProviderAnswer, ProviderFailed, unknown } from "../../src/access/provider.ts"
import { ResultCache, type ResultCacheOptions } from "../../src/access/result-cache.ts"
import { request, withPassword } from "../contract/provider.ts"

type Answer = ProviderAnswer | "fails" | "dies"
const denied: ProviderAnswer = { kind: "denied", why: "no", reasonCode: 0x86 }
const allowedAs = (username: string): ProviderAnswer => ({
  kind: "allowed",
  identity: { clientIdentifier: "client-1", username, provider: "p" }
})

class Fake implements Provider {
  readonly name: string
  asked = 0
  answer: Answer
  constructor(name: string, answer: Answer) {
    this.name = name
    this.answer = answer
  }
  authenticate(): Effect.Effect<ProviderAnswer, ProviderFailed> {
    this.asked += 1
    if (this.answer === "dies") return Effect.die(new Error("broken"))
    if (this.answer !== "fails") return Effect.succeed(this.answer)
    return Effect.fail(new ProviderFailed({ provider: this.name, reasonCode: 0x89, why: "busy" }))
  }
}

let nowMs = 1_000_000
const cacheWith = (options: Partial<ResultCacheOptions> = {}) =>
  new ResultCache({
    entriesMax: 0,
    ttlMs: 1000,
    deniedTtlMs: 100,
    key: Buffer.alloc(32),
    wallClockMs: () => nowMs,
    ...options
  })
const chainOf = (
  answers: ReadonlyArray<Answer>,
  { allowAnonymous = false, cache = cacheWith(), fallThrough = [] as ReadonlyArray<string> } = {}
) => {
  const providers = answers.map((answer, index) => new Fake(`p${index}`, answer))
  return { providers, chain: makeChain({ providers, fallThrough: new Set(fallThrough), allowAnonymous, cache }) }
}
/** The user name that is let in, or the reason code. */
const outcome = (chain: ReturnType<typeof chainOf>["chain"], asked: ConnectRequest) =>
  Effect.runPromise(
    Effect.match(chain.authenticate(asked), {
      onSuccess: ({ username }) => username,
      onFailure: ({ reasonCode }) => reasonCode
    })
  )
const alice = withPassword("alice", "x")

describe("the chain", () => {
  for (const [answers, fallThrough, expected, asked] of [
    [[allowedAs("a")], [], "a", 1],
    [[unknown, allowedAs("b")], [], "b", 2],
    [[allowedAs("a"), allowedAs("b")], [], "a", 1],
    [[denied, allowedAs("b")], [], 0x86, 1],
    [[denied, allowedAs("b")], ["p0"], "b", 2],
    [[denied, unknown], ["p0"], 0x86, 2],
    [[{ kind: "denied", why: "no" }], [], 0x87, 1],
    [[unknown, unknown], [], 0x86, 2],
    [["fails", allowedAs("b")], [], 0x89, 1],
    [["fails", allowedAs("b")], ["p0"], 0x89, 1],
    [["dies", allowedAs("b")], [], 0x88, 1],
    [[denied, "fails"], ["p0"], 0x89, 2]
  ] as ReadonlyArray<[ReadonlyArray<Answer>, ReadonlyArray<string>, string | number, number]>) {
    const words = answers.map((answer) => (typeof answer === "string" ? answer : answer.kind)).join(", ")
    it(`${words}${fallThrough.length > 0 ? `, falling through ${fallThrough}` : ""}: ${expected}`, async () => {
      const { chain, providers } = chainOf(answers, { fallThrough })
      assert.strictEqual(await outcome(chain, alice), expected)
      assert.strictEqual(
        providers.reduce((sum, each) => sum + each.asked, 0),
        asked
      )
    })
  }

  it("who shows nothing comes in only where it is allowed, who shows something unknown never", async () => {
    const closed = chainOf([unknown]).chain
    const open = chainOf([unknown], { allowAnonymous: true }).chain
    assert.strictEqual(await outcome(closed, request()), 0x87)
    assert.strictEqual(await outcome(open, request()), undefined)
    for (const asked of [alice, request({ username: "alice" }), request({ password: Buffer.from("x") })]) {
      assert.strictEqual(await outcome(open, asked), 0x86)
    }
  })

  it("what each provider answered is counted", async () => {
    const { chain, providers } = chainOf([unknown, denied], { fallThrough: ["p1"] })
    await outcome(chain, alice)
    const [, last] = providers
    if (last !== undefined) last.answer = allowedAs("a")
    await outcome(chain, alice)
    if (last !== undefined) last.answer = "dies"
    await outcome(chain, alice)
    assert.deepEqual(chain.tallies, [
      { name: "p0", allowed: 0, denied: 0, unknown: 3, failed: 0 },
      { name: "p1", allowed: 1, denied: 1, unknown: 0, failed: 1 }
    ])
  })

  it("a user name with control characters is asked of nobody", async () => {
    for (const username of ["a\0", "a\r\nb", "\x1b[2J", "a\x7f", "a\x9b"]) {
      const { chain, providers } = chainOf([allowedAs("a")])
      assert.strictEqual(await outcome(chain, withPassword(username, "x")), 0x86)
      assert.strictEqual(providers[0]?.asked, 0)
    }
  })

  it("the identity is of the place the request came from", async () => {
    const { chain } = chainOf([allowedAs("a")], { cache: cacheWith({ entriesMax: 10 }) })
    await Effect.runPromise(chain.authenticate(alice))
    const identity = await Effect.runPromise(chain.authenticate({ ...alice, peer: "127.0.0.1:2" }))
    assert.strictEqual(identity.peer, "127.0.0.1:2")
    assert.strictEqual(identity.listener, "tcp")
  })
})

describe("results that are remembered", () => {
  const remembering = (answer: Answer, options: Partial<ResultCacheOptions> = {}) => {
    const cache = cacheWith({ entriesMax: 3, ...options })
    return { cache, ...chainOf([answer], { cache }) }
  }
  const askedTwice = async (answer: Answer, again: ConnectRequest, laterMs = 0) => {
    const { chain, providers } = remembering(answer)
    await outcome(chain, alice)
    nowMs += laterMs
    await outcome(chain, again)
    return providers[0]?.asked
  }

  it("the same credentials are not asked again while their time lasts", async () => {
    assert.strictEqual(await askedTwice(allowedAs("a"), alice, 999), 1)
    assert.strictEqual(await askedTwice(allowedAs("a"), alice, 1000), 2)
    assert.strictEqual(await askedTwice(denied, alice, 99), 1)
    assert.strictEqual(await askedTwice(denied, alice, 100), 2)
  })

  it("whatever differs is asked", async () => {
    const others: ReadonlyArray<Partial<ConnectRequest>> = [
      { username: "alicia" },
      { password: Buffer.from("y") },
      { password: undefined },
      { clientIdentifier: "client-2" },
      { listener: "tls" },
      { peer: "127.0.0.2:50000" },
      { pskIdentity: "p" },
      // The same bytes, cut in another place.
      { username: "alicex", password: Buffer.alloc(0) }
    ]
    for (const other of others) assert.strictEqual(await askedTwice(allowedAs("a"), { ...alice, ...other }), 2)
    assert.strictEqual(await askedTwice(allowedAs("a"), { ...alice, peer: "127.0.0.1:9" }), 1)
  })

  it("failures, and denials that say later, are not remembered", async () => {
    for (const answer of [
      "fails",
      "dies",
      { kind: "denied", why: "busy", reasonCode: 0x89 }
    ] as ReadonlyArray<Answer>) {
      assert.strictEqual(await askedTwice(answer, alice), 2)
    }
  })

  it("not beyond the end of the credentials", async () => {
    const { chain, providers } = remembering({
      kind: "allowed",
      identity: { clientIdentifier: "c", username: "a", expiresAtMs: nowMs + 10 }
    })
    await outcome(chain, alice)
    nowMs += 10
    await outcome(chain, alice)
    assert.strictEqual(providers[0]?.asked, 2)
  })

  it("at most so many, the oldest goes; no password is in memory", async () => {
    const { cache, chain, providers } = remembering(allowedAs("a"))
    for (const name of ["a", "b", "c", "d"]) await outcome(chain, withPassword(name, "hunter2"))
    assert.strictEqual(cache.size, 3)
    await outcome(chain, withPassword("d", "hunter2"))
    assert.strictEqual(providers[0]?.asked, 4)
    await outcome(chain, withPassword("a", "hunter2"))
    assert.strictEqual(providers[0]?.asked, 5)
  })

  it("a change makes everything be asked again, also what was being asked", async () => {
    const { cache, chain, providers } = remembering(allowedAs("a"))
    await outcome(chain, alice)
    cache.clear()
    await outcome(chain, alice)
    assert.strictEqual(providers[0]?.asked, 2)
    const before = cache.epoch
    cache.clear()
    cache.set(alice, allowedAs("old"), before)
    assert.isUndefined(cache.get(alice))
  })

  it("0 entries remember nothing", async () => {
    const { cache, chain } = remembering(allowedAs("a"), { entriesMax: 0 })
    await outcome(chain, alice)
    assert.strictEqual(cache.size, 0)
  })
})
