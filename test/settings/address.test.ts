/**
 * Addresses: forms that are read, forms that are refused, and which of them only this machine can reach.
 */
import { assert, describe, it } from "@effect/vitest"
import { formatAddress, isLoopback, parseAddress } from "../../src/settings/address.ts"

const readable: ReadonlyArray<readonly [text: string, host: string, port: number, loopback: boolean]> = [
  ["127.0.0.1:1883", "127.0.0.1", 1883, true],
  ["127.8.9.1:1883", "127.8.9.1", 1883, true],
  ["[::1]:1883", "::1", 1883, true],
  ["[0:0:0:0:0:0:0:1]:1", "0:0:0:0:0:0:0:1", 1, true],
  ["[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, true],
  ["localhost:0", "localhost", 0, true],
  ["broker.localhost:1", "broker.localhost", 1, true],
  [":1883", "", 1883, false],
  ["*:1883", "", 1883, false],
  ["0.0.0.0:1883", "0.0.0.0", 1883, false],
  ["[::]:1883", "::", 1883, false],
  ["10.0.0.1:65535", "10.0.0.1", 65_535, false],
  ["[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1, false],
  ["Broker.Example:7946", "broker.example", 7946, false],
  ["localhost.example:1", "localhost.example", 1, false],
  ["128.0.0.1:1", "128.0.0.1", 1, false]
]

const unreadable = [
  "",
  "1883",
  "127.0.0.1",
  "127.0.0.1:",
  "127.0.0.1:65536",
  "127.0.0.1:-1",
  "127.0.0.1:abc",
  "::1:1883",
  "[::1]",
  "[127.0.0.1]:1",
  "[zz]:1",
  "127.0.0.999:1",
  "a b:1",
  "-a:1",
  "mqtt://localhost:1883",
  "1.2.3:4"
]

describe("addresses", () => {
  for (const [text, host, port, loopback] of readable) {
    it(`reads ${text}`, () => {
      const address = parseAddress(text)
      assert.deepStrictEqual(address, { host, port })
      assert.strictEqual(isLoopback({ host, port }), loopback)
      assert.deepStrictEqual(parseAddress(formatAddress({ host, port })), address)
    })
  }
  for (const text of unreadable) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.isUndefined(parseAddress(text)))
  }
})
