/**
 * Chapters 3.15 and 4.12: AUTH and enhanced authentication, with a method that asks one question.
 */
import assert from "node:assert/strict"
import type { Peer } from "../support/peer.ts"
import { type Properties, property, rawSection } from "../support/properties.ts"
import { chapter } from "../support/rules.ts"
import type { Stage } from "../support/stage.ts"
import { enhanced } from "../support/target.ts"
import { authBytes, connectBytes, frame, hex } from "../support/write.ts"

const makeUp = "enhanced"
const { answer, method, question } = enhanced
const CONTINUE = 0x18
const REAUTHENTICATE = 0x19

const data = (text: string, authenticationMethod: string = method): Properties => ({
  authenticationMethod,
  authenticationData: Buffer.from(text)
})

/** CONNECT was sent, and the server has asked its question. */
const asked = async (stage: Stage, name: string, properties: Properties = {}): Promise<Peer> => {
  const peer = await stage.dial(makeUp)
  peer.connect({ clientId: stage.id(name), properties: { ...properties, authenticationMethod: method } })
  const auth = await peer.take("auth")
  assert.deepEqual([auth.code, auth.properties], [CONTINUE, data(question)])
  return peer
}

const admitted = async (stage: Stage, name: string, properties?: Properties): Promise<Peer> => {
  const peer = await asked(stage, name, properties)
  peer.auth(CONTINUE, data(answer))
  const connack = await peer.take("connack")
  assert.equal(connack.code, 0)
  return peer
}

export const auth = chapter("3.15 AUTH", 5, (rule) => {
  rule("MQTT-3.15.1-1", "AUTH with flags is refused", async (stage) => {
    const client = await admitted(stage, "client")
    client.raw(frame(0xf1, authBytes(REAUTHENTICATE, data("")).subarray(2)))
    await client.refused(0x81)
  })

  rule("MQTT-3.15.2-1", "a code that is not the client's is refused", async (stage) => {
    for (const code of [0x00, 0x01, 0x80]) {
      const client = await admitted(stage, "client")
      client.auth(code, data(answer))
      await client.refused(0x82)
    }
  })

  rule("MQTT-3.15.2-1", "the server continues with 0x18 and succeeds with 0x00", async (stage) => {
    const client = await admitted(stage, "client")
    client.auth(REAUTHENTICATE, data(""))
    assert.equal((await client.take("auth")).code, CONTINUE)
    client.auth(CONTINUE, data(answer))
    assert.equal((await client.take("auth")).code, 0x00)
  })

  rule(["MQTT-3.15.2-2", "MQTT-3.15.2-3"], "AUTH is not larger than the client takes", async (stage) => {
    const client = await admitted(stage, "client", { maximumPacketSize: 64 })
    for (const { bytes } of client.history) assert.ok(bytes.length <= 64)
  })
})

export const enhancedAuthentication = chapter("4.12 Enhanced authentication", 5, (rule) => {
  rule("MQTT-4.12.0-1", "a method that the server does not know is refused", async (stage) => {
    const bytes = connectBytes(5, { clientId: stage.id("x"), properties: data("", "no such method") })
    await stage.rejects(bytes, [0x8c, 0x87])
  })

  rule("MQTT-4.12.0-1", "also where another method is known", async (stage) => {
    const bytes = connectBytes(5, { clientId: stage.id("x"), properties: data("", "no such method") })
    await stage.rejects(bytes, [0x8c, 0x87], { makeUp })
  })

  rule("MQTT-4.12.0-2", "the server asks with AUTH 0x18 before CONNACK", async (stage) => {
    const client = await admitted(stage, "client")
    assert.deepEqual(
      client.history.map(({ kind }) => kind),
      ["auth", "connack"]
    )
    await client.quiet()
  })

  rule("MQTT-4.12.0-4", "a wrong answer is refused", async (stage) => {
    const client = await asked(stage, "client")
    client.auth(CONTINUE, data("wrong"))
    await client.rejected([0x87, 0x86])
    const peer = await stage.dial(makeUp)
    peer.raw(connectBytes(5, { clientId: stage.id("x"), properties: data("", method) }), authBytes(CONTINUE, data("")))
    await peer.take("auth")
    await peer.rejected([0x87, 0x86])
  })

  rule("MQTT-4.12.0-5", "AUTH and CONNACK repeat the method", async (stage) => {
    const client = await admitted(stage, "client")
    for (const { properties } of client.history) assert.equal(properties.authenticationMethod, method)
  })

  rule("MQTT-4.12.0-5", "another method in AUTH, or none, is refused", async (stage) => {
    const other = await asked(stage, "other")
    other.auth(CONTINUE, data(answer, "another"))
    await other.rejected(0x82, { tolerated: [0x8c] })
    const none = await asked(stage, "none")
    none.raw(frame(0xf0, hex("18"), rawSection(property("authenticationData", answer))))
    await none.rejected(0x82)
  })

  for (const where of ["plain", makeUp] as const) {
    rule("MQTT-4.12.0-6", `who names no method is asked nothing (${where})`, async (stage) => {
      const client = await stage.join("client", { makeUp: where })
      await client.quiet()
      assert.equal(client.announced.authenticationMethod, undefined)
      assert.deepEqual(
        client.history.map(({ kind }) => kind),
        ["connack", "pingresp", "pingresp"]
      )
    })

    rule("MQTT-4.12.0-7", `AUTH on a connection without a method is refused (${where})`, async (stage) => {
      for (const code of [REAUTHENTICATE, CONTINUE]) {
        await stage.refuses(authBytes(code, data("")), 0x82, { makeUp: where })
      }
    })
  }

  rule(["MQTT-4.12.1-1", "MQTT-3.2.0-2"], "re-authentication ends in AUTH 0x00, not in a CONNACK", async (stage) => {
    const client = await admitted(stage, "client")
    for (const _ of ["once", "again"]) {
      client.auth(REAUTHENTICATE, data(""))
      await client.take("auth")
      client.auth(CONTINUE, data(answer))
      const { code, properties } = await client.take("auth")
      assert.deepEqual([code, properties.authenticationMethod], [0x00, method])
    }
    await client.quiet()
    assert.equal(client.history.filter(({ kind }) => kind === "connack").length, 1)
  })

  rule("MQTT-4.12.1-1", "re-authentication with another method is refused", async (stage) => {
    const client = await admitted(stage, "client")
    client.auth(REAUTHENTICATE, data("", "another"))
    await client.refused(0x82, { tolerated: [0x8c] })
  })

  rule("MQTT-4.12.1-2", "a failed re-authentication ends the connection", async (stage) => {
    const client = await admitted(stage, "client")
    client.auth(REAUTHENTICATE, data(""))
    await client.take("auth")
    client.auth(CONTINUE, data("wrong"))
    await client.refused(0x87)
  })
})
