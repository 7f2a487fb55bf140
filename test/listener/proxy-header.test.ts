/**
 * Goal: a PROXY header is taken exactly as the specification says, or refused; never half of one.
 * Method: headers built byte by byte; every prefix of a good one asks for more; damage of each kind; random bytes.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { crc32c, HEADER_BYTES_MAX, readProxyHeader } from "../../src/listener/proxy-header.ts"
import { proxyV2, tlsTlv, tlv } from "./proxy-wire.ts"

const line = (text: string) => Buffer.from(text, "latin1")

describe("PROXY version 1", () => {
  it("names the client", () => {
    const header = line("PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n")
    const rest = Buffer.from([0x10, 0x00])
    assert.deepStrictEqual(readProxyHeader(Buffer.concat([header, rest])), {
      bytes: header.length,
      source: { host: "192.0.2.7", port: 56_324 }
    })
    const six = readProxyHeader(line("PROXY TCP6 2001:db8::7 ::1 1 65535\r\n"))
    assert.deepStrictEqual(typeof six === "object" ? six.source : six, { host: "2001:db8::7", port: 1 })
  })

  it("UNKNOWN leaves the address to the socket", () => {
    assert.deepStrictEqual(readProxyHeader(line("PROXY UNKNOWN\r\n")), { bytes: 15 })
    assert.deepStrictEqual(readProxyHeader(line("PROXY UNKNOWN a b c\r\n")), { bytes: 21 })
  })

  it("every prefix asks for more", () => {
    const header = line("PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n")
    for (let length = 1; length < header.length; length++) {
      assert.isUndefined(readProxyHeader(header.subarray(0, length)), `${length} bytes`)
    }
  })

  for (const text of [
    "PROXY TCP4 192.0.2.7 198.51.100.1 056 1883\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 65536 1883\r\n",
    "PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n",
    "PROXY TCP4 192.0.2.999 198.51.100.1 1 2\r\n",
    "PROXY TCP4 192.0.2.7  198.51.100.1 1 2\r\n",
    "PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
    "PROXY TCP4 192.0.2.7\n 198.51.100.1 1 2\r\n",
    `PROXY TCP6 ${"1".repeat(120)}`,
    "GET / HTTP/1.1\r\n",
    "\x10\x0c\x00\x04MQTT"
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.isString(readProxyHeader(line(text)))
    })
  }
})

describe("PROXY version 2", () => {
  it("names the client, and what the proxy has verified", () => {
    const header = proxyV2("192.0.2.7", 56_324, [tlv(0x05, Buffer.from("id")), tlsTlv("sensor-7")])
    assert.deepStrictEqual(readProxyHeader(header), {
      bytes: header.length,
      source: { host: "192.0.2.7", port: 56_324 },
      commonName: "sensor-7"
    })
    const six = readProxyHeader(proxyV2("2001:db8:0:0:0:0:0:7", 1, []))
    assert.deepStrictEqual(typeof six === "object" ? six.source : six, { host: "2001:db8::7", port: 1 })
  })

  it("LOCAL leaves the address to the socket", () => {
    const header = proxyV2("192.0.2.7", 1, [])
    header[12] = 0x20
    assert.deepStrictEqual(readProxyHeader(header), { bytes: header.length })
  })

  it("a certificate that the proxy did not verify, or that was not shown, names nobody", () => {
    for (const value of [
      tlsTlv("admin", { verify: 1 }),
      tlsTlv("admin", { client: 1 }),
      tlsTlv("admin", { client: 0 })
    ]) {
      const header = readProxyHeader(proxyV2("192.0.2.7", 1, [value]))
      assert.isObject(header)
      assert.notProperty(header, "commonName")
    }
  })

  it("every prefix asks for more", () => {
    const header = proxyV2("192.0.2.7", 56_324, [tlsTlv("sensor-7")])
    for (let length = 1; length < header.length; length++) {
      assert.isUndefined(readProxyHeader(header.subarray(0, length)), `${length} bytes`)
    }
  })

  it("row 32: truncated TLVs, control characters in a name, and two names are refused", () => {
    for (const name of ["a\r\nb", "a\nb", "a\u0000", "\u001b[31m", "a\u007f"]) {
      assert.isString(readProxyHeader(proxyV2("192.0.2.7", 1, [tlsTlv(name)])), JSON.stringify(name))
    }
    const cut = proxyV2("192.0.2.7", 1, [Buffer.from([0x20, 0x00, 0x09, 1, 0])])
    assert.isString(readProxyHeader(cut))
    assert.isString(readProxyHeader(proxyV2("192.0.2.7", 1, [Buffer.from([0x04])])))
    const innerCut = tlv(0x20, Buffer.from([7, 0, 0, 0, 0, 0x22, 0, 9, 0x61]))
    assert.isString(readProxyHeader(proxyV2("192.0.2.7", 1, [innerCut])))
    const name = tlv(0x22, Buffer.from("a"))
    const twice = tlv(0x20, Buffer.concat([Buffer.from([7, 0, 0, 0, 0]), name, name]))
    assert.isString(readProxyHeader(proxyV2("192.0.2.7", 1, [twice])))
    assert.isString(readProxyHeader(proxyV2("192.0.2.7", 1, [tlv(0x20, Buffer.from([1, 0]))])))
  })

  it("a checksum has to be right where there is one", () => {
    const header = proxyV2("192.0.2.7", 1, [tlv(0x03, Buffer.alloc(4))])
    const at = header.length - 4
    assert.isString(readProxyHeader(header))
    header.writeUInt32BE(crc32c(header), at)
    assert.isObject(readProxyHeader(header))
    header[20] = 99
    assert.isString(readProxyHeader(header))
    assert.strictEqual(crc32c(Buffer.from("123456789")), 0xe3069283)
  })

  it("unknown versions, commands, families and lengths are refused", () => {
    const damaged = (change: (header: Buffer) => void) => {
      const header = proxyV2("192.0.2.7", 1, [])
      change(header)
      return readProxyHeader(header)
    }
    assert.isString(damaged((header) => (header[12] = 0x11)))
    assert.isString(damaged((header) => (header[12] = 0x22)))
    assert.isString(damaged((header) => (header[13] = 0x41)))
    assert.isString(damaged((header) => (header[13] = 0x12)))
    assert.isString(damaged((header) => header.writeUInt16BE(11, 14)))
    assert.isString(damaged((header) => header.writeUInt16BE(HEADER_BYTES_MAX, 14)))
  })

  it("answers any bytes behind the signature, and reads nothing beyond the header", () => {
    const start = proxyV2("192.0.2.7", 1, []).subarray(0, 12)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
        const header = readProxyHeader(Buffer.concat([start, tail]))
        if (typeof header === "object") assert.isAtMost(header.bytes, 12 + tail.length)
      }),
      { numRuns: 2000 }
    )
  })
})
