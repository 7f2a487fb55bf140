/**
 * Goal: devices with a pre-shared key come in as the key's identity, beside clients with certificates and passwords.
 * Method: a whole broker; mosquitto_pub --psk and mosquitto_sub as processes; rules that name the identity.
 */
import { chmodSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { until } from "../contract/transport.ts"
import { Certificates, hasOpenssl, secureServer } from "../listener/certificates.ts"
import { Child } from "../support/child.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const key = "00112233445566778899aabbccddeeff"

// Skipped where there is no openssl command, because the broker's certificate is made with it.
describe.skipIf(!hasOpenssl)("pre-shared keys", () => {
  const files = new Certificates()
  let broker: WholeBroker
  let certificate: string

  beforeAll(async () => {
    const authority = files.authority("authority")
    certificate = authority.certificate
    const own = files.server("own", authority)
    const keys = files.write("keys", `sensor-7:${key}\nsensor-8:${key.slice(0, -2)}00\n`)
    chmodSync(keys, 0o600)
    broker = await startWhole({
      server: secureServer(own, { "wss-bind": "" }),
      auth: { chain: ["psk"], psk: { file: keys, hint: "hint" } },
      log: { level: "trace" }
    })
  })
  afterAll(async () => {
    await broker.stop()
    files.remove()
  })

  const port = () => `${broker.portOf("tls")}`
  const place = () => ["-h", "127.0.0.1", "-p", port(), "-V", "mqttv5", "-q", "1", "-t", "a", "-m", "x"]
  const pub = async (...more: ReadonlyArray<string>) => {
    await using child = new Child("mosquitto_pub", [...place(), ...more])
    return (await child.ended()).code
  }

  for (const version of ["tlsv1.2", "tlsv1.3"]) {
    it(`${version}: who has the key comes in, without user name and password`, async () => {
      const way = ["--tls-version", version]
      assert.strictEqual(await pub("--psk", key, "--psk-identity", "sensor-7", ...way), 0)
      assert.notStrictEqual(await pub("--psk", key, "--psk-identity", "sensor-8", ...way), 0)
      assert.notStrictEqual(await pub("--psk", key, "--psk-identity", "sensor-9", ...way), 0)
    })
  }

  it("is known by its identity; nobody without one is, over TLS or in plain text", async () => {
    const sub = ["-h", "127.0.0.1", "-p", port(), "-i", "psk-client", "-q", "1", "-t", "b", "-E"]
    await using child = new Child("mosquitto_sub", [...sub, "--psk", key, "--psk-identity", "sensor-7"])
    await child.succeeded()
    assert.notStrictEqual(await pub("--cafile", certificate), 0)
    assert.notStrictEqual(await pub("--cafile", certificate, "-u", "sensor-7", "-P", key), 0)
    const plain = await broker.dial()
    const shown = { username: "sensor-7", password: Buffer.from(key) }
    assert.strictEqual((await plain.connect("c", shown)).reasonCode, 0x86)
  })

  it("[attack: staying in with a key that was taken away] its client leaves when the file is read again, others stay", async () => {
    const connected = () =>
      [...broker.core.sessions.values()].flatMap((each) =>
        each.connection === undefined ? [] : [each.clientIdentifier]
      )
    const sub = (id: string) => ["-h", "127.0.0.1", "-p", port(), "-i", id, "-t", "c"]
    const key8 = `${key.slice(0, -2)}00`
    await using staying = new Child("mosquitto_sub", [...sub("stays"), "--psk", key8, "--psk-identity", "sensor-8"])
    await using leaving = new Child("mosquitto_sub", [...sub("leaves"), "--psk", key, "--psk-identity", "sensor-7"])
    await until(() => connected().length === 2)
    files.write("keys", `sensor-7:${key.slice(0, -2)}99\nsensor-8:${key8}\n`)
    assert.deepEqual(broker.running.tls?.reload(), [])
    assert.deepEqual(connected(), ["stays"])
    for (const child of [leaving, staying]) child.kill("SIGTERM")
    files.write("keys", `sensor-7:${key}\nsensor-8:${key8}\n`)
    assert.deepEqual(broker.running.tls?.reload(), [])
  })

  it("no key is in the log", () => {
    assert.notInclude(broker.log.join("\n").toLowerCase(), key.slice(0, 16))
  })
})
