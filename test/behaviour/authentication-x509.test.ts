/**
 * Goal: with mutual TLS a certificate is the client's name, on TLS and on WebSocket alike; one that says two things, a
 * revoked one and none are nobody (security.md, row 31).
 * Method: a whole broker; certificates and a revocation list made by openssl; MQTT.js over mqtts:// and wss://.
 */
import { copyFileSync, readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { connect, type IClientOptions } from "mqtt"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { Certificates, hasOpenssl, type Pair } from "../listener/certificates.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("certificates of clients", () => {
  const files = new Certificates()
  let authority: Pair
  let own: Pair
  let sensor: Pair
  let broker: WholeBroker

  const settings = (auth: SettingsInput["auth"], server: SettingsInput["server"] = {}): SettingsInput => ({
    server: {
      tls: true,
      "tls-bind": "127.0.0.1:0",
      "wss-bind": "127.0.0.1:0",
      "tls-cert": own.certificate,
      "tls-key": own.key,
      "tls-ca": authority.certificate,
      "tls-crl": files.path("current.crl"),
      "tls-client-auth": "request",
      ...server
    },
    auth: { chain: ["x509"], ...auth }
  })

  beforeAll(async () => {
    authority = files.authority("authority")
    own = files.server("own", authority)
    sensor = files.make("sensor-7", { by: authority, alternativeNames: "DNS:seven.example" })
    copyFileSync(files.revocations("empty.crl", authority), files.path("current.crl"))
    broker = await startWhole(settings({ x509: { "client-id": "san-dns" } }))
  })
  afterAll(async () => {
    await broker.stop()
    files.remove()
  })

  const ways = ["mqtts", "wss"] as const
  type Way = (typeof ways)[number]

  /** MQTT 5 reason code, or "closed" where the connection ends before one. */
  const attempt = async (way: Way, pair: Pair | undefined, more: IClientOptions = {}, of = broker) => {
    const port = of.running.listeners.find(({ name }) => name === (way === "wss" ? "wss" : "tls"))?.port
    const pem = pair === undefined ? {} : { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }
    const tls = { ca: readFileSync(authority.certificate), ...pem }
    const options = {
      protocolVersion: 5,
      reconnectPeriod: 0,
      clientId: "wished",
      ...tls,
      wsOptions: tls,
      ...more
    } as const
    const client = connect(`${way}://127.0.0.1:${port}${way === "wss" ? "/mqtt" : ""}`, options)
    const { promise, resolve } = Promise.withResolvers<string | number>()
    client.on("connect", () => {
      const known = [...of.core.clients].flatMap((each) => (each?.identity === undefined ? [] : [each.identity]))
      resolve(known.map(({ clientIdentifier, username }) => `${username} ${clientIdentifier}`).join())
    })
    // The first word counts: a refusal of CONNECT is an error with its code, and a close after that.
    client.on("error", (error) => resolve("code" in error && typeof error.code === "number" ? error.code : "closed"))
    client.on("close", () => resolve("closed"))
    const seen = await promise
    await client.endAsync(true)
    return seen
  }

  for (const way of ways) {
    it(`${way}: the certificate names user and client, whatever CONNECT says`, async () => {
      assert.strictEqual(await attempt(way, sensor), "sensor-7 seven.example")
      assert.strictEqual(await attempt(way, sensor, { username: "admin", password: "x" }), "sensor-7 seven.example")
    })

    it(`[row 31] ${way}: two common names, parts of several values, and no certificate are nobody`, async () => {
      const san = "DNS:x.example"
      const twice = files.make("twice", { by: authority, subject: "/CN=alice/CN=admin", alternativeNames: san })
      const mixed = files.make("mixed", { by: authority, subject: "/O=Ours/CN=alice+OU=x", alternativeNames: san })
      const nameless = files.make("nameless", { by: authority, subject: "/O=Ours", alternativeNames: san })
      for (const pair of [twice, mixed, nameless]) assert.strictEqual(await attempt(way, pair), 0x87)
      assert.strictEqual(await attempt(way, undefined), 0x87)
      assert.strictEqual(await attempt(way, undefined, { username: "sensor-7", password: "" }), 0x86)
    })

    it(`${way}: one that somebody else signed does not come as far as CONNECT; required, none does not either`, async () => {
      const foreign = files.make("foreign", { by: files.authority("stranger"), subject: "/CN=sensor-7" })
      assert.strictEqual(await attempt(way, foreign), "closed")
      await using strict = await startWhole(settings({}, { "tls-client-auth": "require" }))
      assert.strictEqual(await attempt(way, undefined, {}, strict), "closed")
      assert.strictEqual(await attempt(way, sensor, {}, strict), "sensor-7 wished")
    })
  }

  it("a certificate that was revoked while the broker runs is turned away on both", async () => {
    copyFileSync(files.revocations("later.crl", authority, [sensor]), files.path("current.crl"))
    assert.deepEqual(broker.running.tls?.reload(), [])
    for (const way of ways) assert.strictEqual(await attempt(way, sensor), "closed")
  })
})
