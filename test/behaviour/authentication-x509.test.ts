/**
 * Goal: with mutual TLS a certificate is the client's name, on TLS and on WebSocket alike; one that says two things, a
 * revoked one and none are nobody (security.md, row 31).
 * Method: a whole broker; certificates and a revocation list made by openssl; MQTT.js over mqtts:// and wss://.
 */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { connect, connectAsync, type IClientOptions } from "mqtt"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { Certificates, hasOpenssl, type Pair, secureServer } from "../listener/certificates.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("certificates of clients", () => {
  const files = new Certificates()
  let authority: Pair
  let own: Pair
  let sensor: Pair
  let broker: WholeBroker

  const settings = (auth: SettingsInput["auth"], server: SettingsInput["server"] = {}): SettingsInput => ({
    server: secureServer(own, {
      "tls-ca": authority.certificate,
      "tls-crl": files.path("current.crl"),
      "tls-client-auth": "request",
      ...server
    }),
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
  const urlOf = (way: Way, of: WholeBroker): string =>
    way === "wss" ? `wss://127.0.0.1:${of.portOf("wss")}/mqtt` : `mqtts://127.0.0.1:${of.portOf("tls")}`

  /** MQTT 5 reason code, or "closed" where the connection ends before one. */
  const attempt = async (way: Way, pair: Pair | undefined, more: IClientOptions = {}, of = broker) => {
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
    const client = connect(urlOf(way, of), options)
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

  /** Stays; answers with the reason code of the DISCONNECT that ends it, or "closed". */
  const stay = async (
    way: Way,
    pair: Pair,
    clientId: string,
    of: WholeBroker
  ): Promise<{ ended: Promise<unknown> }> => {
    const pem = { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }
    const tls = { ca: readFileSync(authority.certificate), ...pem }
    const options = { protocolVersion: 5, reconnectPeriod: 0, clientId, ...tls, wsOptions: tls } as const
    const client = await connectAsync(urlOf(way, of), options)
    const { promise, resolve } = Promise.withResolvers<unknown>()
    client.on("disconnect", ({ reasonCode }) => resolve(reasonCode))
    client.on("close", () => resolve("closed"))
    return { ended: promise.finally(() => client.endAsync(true)) }
  }
  const connected = (of: WholeBroker) => [...of.core.sessions.values()].filter((each) => each.connection !== undefined)

  it("[attack: staying in with a certificate that was revoked] those who are connected are told 0x87, others stay", async () => {
    const list = files.path("staying.crl")
    copyFileSync(files.revocations("nobody.crl", authority), list)
    const good = files.make("sensor-8", { by: authority })
    await using own = await startWhole(settings({}, { "tls-crl": list }))
    const leaving = await Promise.all(ways.map((way) => stay(way, sensor, `leaves-${way}`, own)))
    await stay("mqtts", good, "stays", own)
    assert.deepEqual(own.running.tls?.reload(), [])
    assert.lengthOf(connected(own), 3, "the same list again ends nobody")
    copyFileSync(files.revocations("sensor-7.crl", authority, [sensor]), list)
    assert.deepEqual(own.running.tls?.reload(), [])
    assert.deepEqual(await Promise.all(leaving.map(({ ended }) => ended)), [0x87, 0x87])
    assert.deepEqual(
      connected(own).map(({ clientIdentifier }) => clientIdentifier),
      ["stays"]
    )
    for (const way of ways) assert.strictEqual(await attempt(way, sensor, {}, own), "closed")
  })

  it("[attack: staying in by an authority that was revoked or put out] its clients leave, however the list spells its name", async () => {
    const list = files.path("chain.crl")
    const trusted = files.path("trusted.pem")
    const root = files.make("root", { isAuthority: true, subject: "/C=SE/O=Root  Ours" })
    const between = files.make("between", { isAuthority: true, by: root, subject: "/O=Between" })
    const device = files.make("device", { by: between })
    const chain = files.write(
      "device-chain.pem",
      `${readFileSync(device.certificate)}${readFileSync(between.certificate)}`
    )
    const pair = { certificate: chain, key: device.key }
    const lists = (name: string, revoked: ReadonlyArray<Pair>) => {
      const others = [files.revocations("ours.crl", authority), files.revocations("between.crl", between)]
      return [...others, files.revocations(name, root, revoked)].map((each) => readFileSync(each, "utf8")).join("")
    }
    const trust = (...pairs: ReadonlyArray<Pair>) =>
      files.write("trusted.pem", pairs.map(({ certificate }) => readFileSync(certificate, "utf8")).join(""))
    trust(authority, root)
    writeFileSync(list, lists("chain-0.crl", []))
    await using own = await startWhole(settings({}, { "tls-ca": trusted, "tls-crl": list }))
    const first = await stay("mqtts", pair, "one", own)
    await stay("mqtts", sensor, "other", own)
    writeFileSync(list, lists("chain-1.crl", [between]))
    assert.deepEqual(own.running.tls?.reload(), [])
    assert.strictEqual(await first.ended, 0x87)
    writeFileSync(list, lists("chain-2.crl", []))
    assert.deepEqual(own.running.tls?.reload(), [])
    const second = await stay("wss", pair, "two", own)
    trust(authority)
    assert.deepEqual(own.running.tls?.reload(), [])
    assert.strictEqual(await second.ended, 0x87)
    assert.lengthOf(connected(own), 1, "who is of another authority stays")
  })

  it("a certificate that was revoked while the broker runs is turned away on both", async () => {
    copyFileSync(files.revocations("later.crl", authority, [sensor]), files.path("current.crl"))
    assert.deepEqual(broker.running.tls?.reload(), [])
    for (const way of ways) assert.strictEqual(await attempt(way, sensor), "closed")
  })
})
