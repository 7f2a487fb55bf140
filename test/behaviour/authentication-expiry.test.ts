/**
 * Goal: credentials that end, end the connection: 0x87 in 5.0, a plain end in 3.x; a re-authentication with others takes
 * their place. What is anybody's business who may connect is swapped for one whose identities end soon.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Access, type AccessDecisions, type Identity } from "../../src/access/access.ts"
import type { Client } from "../../src/broker/client.ts"
import { environments } from "../support/environments.ts"

const [tcp] = environments

/** Everybody is admitted, as who the function says. */
const accessAs = (identityOf: (isAgain: boolean) => Partial<Identity>): Layer.Layer<never> => {
  const asked = new Set<string>()
  const identity = (clientIdentifier: string): Identity => {
    const isAgain = asked.has(clientIdentifier)
    asked.add(clientIdentifier)
    return { clientIdentifier, username: "u", ...identityOf(isAgain) }
  }
  const decisions: AccessDecisions = {
    generation: 1,
    allowsEverything: true,
    admitsEverybody: false,
    authenticate: ({ clientIdentifier }) => Effect.succeed(identity(clientIdentifier)),
    methods: new Map([
      [
        "m",
        { name: "m", begin: ({ clientIdentifier }) => Effect.sync(() => ({ identity: identity(clientIdentifier) })) }
      ]
    ]),
    publishVerdict: () => 1,
    decidePublish: () => Effect.succeed(true),
    subscribeVerdict: () => 1,
    decideSubscribe: () => Effect.succeed(true),
    readVerdict: () => 1
  }
  return Layer.succeed(Access, decisions) as unknown as Layer.Layer<never>
}
const start = (identityOf: (isAgain: boolean) => Partial<Identity>) => {
  if (tcp === undefined) throw new Error("there is no environment")
  return tcp.start({}, [accessAs(identityOf)])
}

describe("credentials that end", () => {
  for (const version of [3, 4, 5] as const) {
    it(`version ${version}: the connection ends with them, and the will is published`, async () => {
      await using broker = await start(() => ({ expiresAtMs: Date.now() + 300 }))
      const client = await broker.dial(version)
      const will = { topic: "will", payload: Buffer.from("gone"), qos: 0 as const, retain: true }
      await client.connect("c", { will })
      await client.refused(0x87)
      const later = await broker.join("later", { version: 5 })
      await later.subscribe("will")
      assert.strictEqual(String((await later.message()).payload), "gone")
    })
  }

  it("credentials that ended before CONNECT end it at once", async () => {
    await using broker = await start(() => ({ expiresAtMs: Date.now() - 1 }))
    const client = await broker.dial(5)
    await client.connect("c")
    await client.refused(0x87)
  })

  it("new credentials take the place of old ones", async () => {
    await using broker = await start((isAgain) => (isAgain ? {} : { expiresAtMs: Date.now() + 1_000_000 }))
    const client = await broker.dial(5)
    await client.connect("c", { properties: { authenticationMethod: "m" } })
    const inside = broker.core.sessions.get("c")?.connection as Client
    assert.isDefined(inside.identityTimer)
    client.send({ cmd: "auth", reasonCode: 0x19, properties: { authenticationMethod: "m" } })
    assert.strictEqual((await client.take("auth")).reasonCode, 0)
    assert.isUndefined(inside.identityTimer)
  })

  it("a connection that has ended has no timer left", async () => {
    await using broker = await start(() => ({ expiresAtMs: Date.now() + 1_000_000 }))
    const before = broker.core.wheel.size
    const client = await broker.dial(5)
    await client.connect("c")
    await client.leave()
    assert.strictEqual(broker.core.wheel.size, before)
  })
})
