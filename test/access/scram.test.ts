/**
 * SCRAM-SHA-256 against the vectors of RFC 7677, and against a client of its own (support/scram-client.ts).
 */
import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ConnectRefused, type EnhancedStep } from "../../src/access/access.ts"
import { type FoundUser, makeScram } from "../../src/access/scram.ts"
import { formatScramKeys, makeScramKeys, parseScramKeys } from "../../src/access/scram-keys.ts"
import { request } from "../contract/provider.ts"
import { scramClient } from "../support/scram-client.ts"

const key = randomBytes(32)
const users = new Map<string, FoundUser>([
  [
    "user",
    { provider: "test", keys: makeScramKeys("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"), 4096) }
  ],
  ["a,b=c", { provider: "test", keys: makeScramKeys("ﬁ", randomBytes(16), 4096), groups: ["ops"] }]
])
const methodWith = (nonce: string) =>
  makeScram({ key, randomNonce: () => nonce, find: (username) => users.get(username) })
const method = methodWith("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")

const begin = (text: string, username?: string, of = method) =>
  Effect.runPromise(Effect.result(of.begin(request({ username }), Buffer.from(text))))
const goOn = (step: EnhancedStep, text: string) => {
  assert.isDefined(step.next)
  return Effect.runPromise(Effect.result(step.next?.(Buffer.from(text)) ?? Effect.die("no next")))
}
type Answer = Awaited<ReturnType<typeof begin>>
const good = (answer: Answer): EnhancedStep => {
  if (answer._tag === "Success") return answer.success
  throw answer.failure
}
const why = (answer: Answer): string => {
  assert.strictEqual(answer._tag, "Failure")
  if (answer._tag !== "Failure") return ""
  assert.instanceOf(answer.failure, ConnectRefused)
  assert.strictEqual(answer.failure.reasonCode, 0x87)
  return answer.failure.why
}
const first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
const final =
  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

describe("SCRAM-SHA-256", () => {
  it("the exchange of RFC 7677, byte by byte", async () => {
    const challenged = good(await begin(first))
    const challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert.strictEqual(String(challenged.data), challenge)
    assert.isUndefined(challenged.identity)
    const done = good(await goOn(challenged, final))
    assert.strictEqual(String(done.data), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert.strictEqual(done.identity?.username, "user")
  })

  for (const [username, password, header] of [
    ["user", "pencil", "n,,"],
    ["user", "pencil", "y,,"],
    ["user", "pencil", "n,a=user,"],
    ["a,b=c", "fi", "n,,"]
  ] as const) {
    it(`an independent client: ${username} with ${header}`, async () => {
      const it = scramClient(username, password, header)
      const challenged = good(await begin(it.first, undefined, methodWith("ours")))
      const { expects, text } = it.final(String(challenged.data))
      const done = good(await goOn(challenged, text))
      assert.strictEqual(String(done.data), expects)
      assert.strictEqual(done.identity?.username, username)
      assert.deepEqual(done.identity?.groups, users.get(username)?.groups)
    })
  }

  it("a wrong password, and a user nobody has: the same words, at the same step", async () => {
    const words: Array<string> = []
    for (const username of ["user", "nobody"]) {
      const it = scramClient(username, "wrong")
      const challenged = good(await begin(it.first))
      words.push(why(await goOn(challenged, it.final(String(challenged.data)).text)))
    }
    assert.strictEqual(words[0], words[1])
  })

  it("a user nobody has gets the same salt each time, and one of his own", async () => {
    const saltOf = async (username: string) =>
      /s=([^,]+),i=\d+/.exec(String(good(await begin(`n,,n=${username},r=x`)).data))?.[1]
    assert.strictEqual(await saltOf("nobody"), await saltOf("nobody"))
    assert.notStrictEqual(await saltOf("nobody"), await saltOf("somebody"))
  })

  it("the answer to another challenge is refused", async () => {
    const challenged = good(await begin(first, undefined, methodWith("another-nonce")))
    assert.match(why(await goOn(challenged, final)), /nonce/)
  })

  it("a header that was changed on the way is refused", async () => {
    const it = scramClient("user", "pencil")
    const challenged = good(await begin(it.first.replace("n,,", "y,,")))
    assert.match(why(await goOn(challenged, it.final(String(challenged.data)).text)), /header/)
  })

  it("the user name of CONNECT must be the one that is proved", async () => {
    good(await begin(first, "user"))
    assert.match(why(await begin(first, "admin")), /CONNECT/)
  })

  for (const text of [
    "",
    "n,,",
    "n,,n=,r=x",
    "n,,n=user",
    "n,,n=user,r=",
    "n,,n=us=er,r=x",
    "n,,n=user,r=a b",
    "p=tls-unique,,n=user,r=x",
    "n,a=admin,n=user,r=x",
    "n,,m=x,n=user,r=x",
    `n,,n=user,r=${"x".repeat(300)}`,
    `n,,n=user,r=x,a=${"x".repeat(9000)}`
  ]) {
    it(`refuses the first message ${JSON.stringify(text.slice(0, 40))}`, async () => {
      assert.match(why(await begin(text)), /^SCRAM: /)
    })
  }

  for (const text of [
    "",
    "c=biws",
    final.replace("p=dHz", "p=dHy"),
    final.replace(/p=.*/, "p="),
    final.replace("biws", "eSws")
  ]) {
    it(`refuses the final message ${JSON.stringify(text.slice(-20))}`, async () => {
      why(await goOn(good(await begin(first)), text))
    })
  }

  it("keys as text and back; what is weak or broken is not read", () => {
    const keys = makeScramKeys("pencil", randomBytes(16))
    const text = formatScramKeys(keys)
    assert.deepEqual(parseScramKeys(text), keys)
    for (const broken of [
      text.replace("i=16384", "i=4095"),
      text.slice(0, -4),
      `${text}$`,
      text.replace("256", "512"),
      ""
    ]) {
      assert.isUndefined(parseScramKeys(broken))
    }
  })
})
