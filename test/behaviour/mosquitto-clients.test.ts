/**
 * Goal: Mosquitto's own clients work with the broker, in 3.1, 3.1.1 and 5.
 * Method: mosquitto_sub and mosquitto_pub as processes against one broker; what they print is what counts.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Child } from "../support/child.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

let broker: WholeBroker
beforeAll(async () => {
  broker = await startWhole()
})
afterAll(() => broker.stop())

const address = () => ["-h", "127.0.0.1", "-p", `${broker.portOf("tcp")}`]
const shown = (line: string) => !line.startsWith("Client ") && !line.startsWith("Subscribed ")

/** Subscribes, and answers when the subscription holds. stdbuf, because into a pipe it speaks only at its end. */
const subscribed = async (words: ReadonlyArray<string>): Promise<Child> => {
  const child = new Child("stdbuf", ["-oL", "mosquitto_sub", ...address(), "-d", "-F", "%t %q %r %p", ...words])
  await child.line(/^Subscribed/)
  return child
}

const publish = async (words: ReadonlyArray<string>, input = ""): Promise<void> => {
  await using child = new Child("mosquitto_pub", [...address(), ...words], input)
  await child.succeeded()
}

describe("mosquitto_sub and mosquitto_pub", () => {
  for (const version of ["31", "311", "5"]) {
    for (const qos of ["0", "1", "2"]) {
      it(`version ${version}, QoS ${qos}`, async () => {
        await using sub = await subscribed(["-V", version, "-q", qos, "-t", "room/+/temperature", "-C", "3"])
        const lines = Array.from({ length: 3 }, (_, i) => `message ${i}`)
        await publish(["-V", version, "-q", qos, "-t", "room/1/temperature", "-l"], `${lines.join("\n")}\n`)
        const expected = lines.map((line) => `room/1/temperature ${qos} 0 ${line}`)
        assert.deepEqual((await sub.succeeded()).filter(shown), expected)
      })
    }
  }

  it("of different versions talk to each other", async () => {
    await using five = await subscribed(["-V", "5", "-q", "2", "-t", "mixed", "-C", "2"])
    await using three = await subscribed(["-V", "311", "-q", "1", "-t", "mixed", "-C", "2"])
    await publish(["-V", "311", "-q", "2", "-t", "mixed", "-m", "from 3.1.1"])
    await publish(["-V", "5", "-q", "2", "-t", "mixed", "-m", "from 5", "-D", "publish", "user-property", "a", "b"])
    assert.deepEqual((await five.succeeded()).filter(shown), ["mixed 2 0 from 3.1.1", "mixed 2 0 from 5"])
    assert.deepEqual((await three.succeeded()).filter(shown), ["mixed 1 0 from 3.1.1", "mixed 1 0 from 5"])
  })

  it("retained messages: set, seen, cleared", async () => {
    await publish(["-t", "retained", "-m", "kept", "-r", "-q", "1"])
    await using sub = await subscribed(["-t", "retained", "-q", "1", "-C", "1"])
    assert.deepEqual((await sub.succeeded()).filter(shown), ["retained 1 1 kept"])
    await publish(["-t", "retained", "-r", "-n"])
    assert.strictEqual(broker.core.retained.count, 0)
  })

  for (const version of ["311", "5"]) {
    it(`a session waits for its client (version ${version})`, async () => {
      const session = ["-V", version, "-c", "-i", `waiting-${version}`, "-q", "1", "-t", `queue/${version}`]
      const expiry = version === "5" ? ["-x", "600"] : []
      await using first = await subscribed([...session, ...expiry, "-E"])
      await first.succeeded()
      await publish(["-t", `queue/${version}`, "-q", "1", "-l"], "one\ntwo\nthree\n")
      await using second = new Child("mosquitto_sub", [...address(), ...session, ...expiry, "-C", "3"])
      assert.deepEqual(await second.succeeded(), ["one", "two", "three"])
    })
  }

  it("a will is published when its client is killed", async () => {
    await using watcher = await subscribed(["-t", "wills", "-C", "1"])
    await using dying = await subscribed(["-t", "x", "--will-topic", "wills", "--will-payload", "killed"])
    dying.kill("SIGKILL")
    assert.deepEqual((await watcher.succeeded()).filter(shown), ["wills 0 0 killed"])
  })

  it("a megabyte arrives as it was sent", async () => {
    const payload = "0123456789abcdef".repeat(65_536)
    await using sub = await subscribed(["-t", "large", "-q", "2", "-C", "1"])
    await publish(["-t", "large", "-q", "2", "-s"], payload)
    assert.isTrue((await sub.succeeded()).includes(`large 2 0 ${payload}`))
  })

  it("request and response with mosquitto_rr", async () => {
    const responder = await broker.join("responder")
    await responder.subscribe("request", 1)
    const question = ["-V", "5", "-q", "1", "-t", "request", "-e", "response", "-m", "question"]
    await using requester = new Child("mosquitto_rr", [...address(), ...question])
    const { payload, properties } = await responder.message()
    assert.strictEqual(String(payload), "question")
    const correlationData = properties?.correlationData
    const answer = correlationData === undefined ? {} : { properties: { correlationData } }
    await responder.publish(properties?.responseTopic ?? "", "answer", { qos: 1, ...answer })
    assert.deepEqual(await requester.succeeded(), ["answer"])
  })
})
