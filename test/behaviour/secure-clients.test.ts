/**
 * Goal: clients that are not ours reach the broker by TLS, by WebSocket over TLS and by unix socket, beside the plain
 * listener; with certificates of clients demanded, only they do. Key and certificate that do not belong together
 * keep the broker from starting.
 * Method: mosquitto_pub and mosquitto_sub as processes, MQTT.js over mqtts:// and wss://, one broker.
 */
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { connectAsync, type IClientOptions } from "mqtt"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { Certificates, hasOpenssl, type Pair, secureServer } from "../listener/certificates.ts"
import { Child } from "../support/child.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("clients over TLS and unix sockets", () => {
  const files = new Certificates()
  let authority: Pair
  let own: Pair
  let client: Pair
  let broker: WholeBroker

  const start = (more: SettingsInput["server"] = {}) => startWhole({ server: secureServer(own, more) })

  beforeAll(async () => {
    authority = files.authority("authority")
    own = files.server("own", authority)
    client = files.make("client", { by: authority })
    broker = await start({ "unix-bind": files.path("mqtt.sock") })
  })
  afterAll(async () => {
    await broker.stop()
    files.remove()
  })

  /** What mosquitto_sub prints of one message that mosquitto_pub sends by the same way in. */
  const roundTrip = async (way: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
    // stdbuf, because into a pipe it speaks only at its end.
    await using sub = new Child("stdbuf", ["-oL", "mosquitto_sub", ...way, "-d", "-q", "1", "-t", "a", "-C", "1"])
    await sub.line(/^Subscribed/)
    await using pub = new Child("mosquitto_pub", [...way, "-q", "1", "-t", "a", "-m", "hello"])
    await pub.succeeded()
    return (await sub.succeeded()).filter((line) => line === "hello")
  }
  const overTls = (of = broker) => ["-h", "localhost", "-p", `${of.portOf("tls")}`, "--cafile", authority.certificate]

  it("mosquitto_pub and mosquitto_sub by TLS 1.2, by TLS 1.3 and by unix socket", async () => {
    assert.deepEqual(await roundTrip(overTls()), ["hello"])
    assert.deepEqual(await roundTrip([...overTls(), "--tls-version", "tlsv1.2"]), ["hello"])
    assert.deepEqual(await roundTrip(["--unix", files.path("mqtt.sock")]), ["hello"])
  })

  it("mosquitto_pub that trusts another authority turns away", async () => {
    const place = ["-h", "localhost", "-p", `${broker.portOf("tls")}`, "-q", "1", "-t", "a", "-m", "x"]
    await using pub = new Child("mosquitto_pub", [...place, "--cafile", files.authority("foreign").certificate])
    await pub.line(/A TLS error occurred/)
    assert.notStrictEqual((await pub.ended()).code, 0)
  })

  for (const protocolVersion of [4, 5] as const) {
    for (const [way, url] of [
      ["mqtts", () => `mqtts://127.0.0.1:${broker.portOf("tls")}`],
      ["wss", () => `wss://127.0.0.1:${broker.portOf("wss")}/mqtt`]
    ] as const) {
      it(`MQTT.js, version ${protocolVersion}, ${way}: every QoS, and a megabyte`, async () => {
        const ca = readFileSync(authority.certificate)
        const options: IClientOptions = { protocolVersion, reconnectPeriod: 0, ca }
        const both = await connectAsync(url(), way === "wss" ? { ...options, wsOptions: { ca } } : options)
        await both.subscribeAsync("secure/#", { qos: 2 })
        const came: Array<string> = []
        const all = new Promise<void>((resolve) => {
          both.on("message", (topic, payload, { qos }) => {
            came.push(`${topic} ${qos} ${payload.length}`)
            if (came.length === 4) resolve()
          })
        })
        for (const qos of [0, 1, 2] as const) await both.publishAsync(`secure/${qos}`, "x", { qos })
        await both.publishAsync("secure/large", Buffer.alloc(1_048_576), { qos: 1 })
        await all
        assert.deepEqual(came, ["secure/0 0 1", "secure/1 1 1", "secure/2 2 1", "secure/large 1 1048576"])
        await both.endAsync()
      })
    }
  }

  it("where certificates of clients are demanded, only who shows one comes in; plain text stays as it was", async () => {
    await using strict = await start({ "tls-client-auth": "require", "tls-ca": authority.certificate })
    const shown = ["--cert", client.certificate, "--key", client.key]
    assert.deepEqual(await roundTrip([...overTls(strict), ...shown]), ["hello"])
    await using refused = new Child("mosquitto_pub", [...overTls(strict), "-q", "1", "-t", "a", "-m", "x"])
    assert.notStrictEqual((await refused.ended()).code, 0)
    assert.deepEqual(await roundTrip(["-h", "127.0.0.1", "-p", `${strict.portOf("tcp")}`]), ["hello"])
  })

  it("a certificate that was exchanged is met by the next client, and the first one is still there", async () => {
    const first = await connectAsync(`mqtts://127.0.0.1:${broker.portOf("tls")}`, {
      ca: readFileSync(authority.certificate),
      reconnectPeriod: 0
    })
    const other = files.authority("other-authority")
    const renewed = files.server("renewed", other)
    for (const name of ["certificate", "key"] as const)
      files.write(own[name].split("/").at(-1) ?? "", readFileSync(renewed[name]))
    assert.deepEqual(broker.running.tls?.reload(), [])
    const next = await connectAsync(`mqtts://127.0.0.1:${broker.portOf("tls")}`, {
      ca: readFileSync(other.certificate),
      reconnectPeriod: 0
    })
    const came = new Promise<string>((resolve) => first.on("message", (_, payload) => resolve(String(payload))))
    await first.subscribeAsync("kept")
    await next.publishAsync("kept", "still here")
    assert.strictEqual(await came, "still here")
    await Promise.all([first.endAsync(), next.endAsync()])
  })

  it("a key of another certificate keeps the broker from starting, plain listeners included", async () => {
    const stranger = files.server("stranger", authority)
    const error = await start({ "tls-key": stranger.key, "tls-cert": client.certificate }).then(
      () => undefined,
      (reason: Error) => reason
    )
    assert.include(String(error?.message), "E3503")
    for (const file of [client.certificate, stranger.key]) assert.include(String(error?.message), file)
  })
})
