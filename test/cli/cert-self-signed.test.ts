/**
 * Goal: from nothing to TLS with one command: what it writes is a chain that OpenSSL and Node accept for the hosts named
 * and for nothing else, keys are for their owner only, and nothing is written over.
 * Method: the files are judged by node:crypto, by a TLS handshake, and by openssl where it is there; DER against its rules.
 */
import { spawnSync } from "node:child_process"
import { createPrivateKey, X509Certificate } from "node:crypto"
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, createServer } from "node:tls"
import { afterAll, assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import * as der from "../../src/cli/certificate/der.ts"
import { run, testWorld } from "./recorded-world.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-cert-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inFolder = () => testWorld({ workingDirectory: folder })
const made = async (name: string, ...words: ReadonlyArray<string>) => {
  const ran = await run(["cert", "self-signed", "--out", name, ...words], inFolder())
  const read = (file: string) => readFileSync(join(folder, name, file), "utf8")
  return { ...ran, read, path: (file: string) => join(folder, name, file) }
}

describe("promptmq cert self-signed", () => {
  // Skipped without root, because nobody else may give files away.
  it.skipIf(process.getuid?.() !== 0)("as root gives all but the authority's key to the folder's owner", async () => {
    const ownerOf = (path: string) => statSync(path).uid
    const state = join(folder, "state")
    mkdirSync(state)
    chownSync(state, 61_234, 61_234)
    const { code, path } = await made(join("state", "certificates"))
    assert.strictEqual(code, 0)
    for (const file of ["", "server.key", "server.pem", "ca.pem"]) assert.strictEqual(ownerOf(path(file)), 61_234, file)
    assert.strictEqual(ownerOf(path("ca.key")), 0)
  })

  it("makes an authority and a certificate that a client accepts, and says which keys to set", async () => {
    const { code, out, path, read } = await made("one", "--host", "localhost")
    assert.strictEqual(code, 0)
    const authority = new X509Certificate(read("ca.pem"))
    const server = new X509Certificate(read("server.pem"))
    assert.isTrue(authority.ca)
    assert.isFalse(server.ca)
    assert.isTrue(server.verify(authority.publicKey))
    assert.isTrue(server.checkIssued(authority))
    assert.isTrue(server.checkPrivateKey(createPrivateKey(read("server.key"))))
    assert.isTrue(authority.checkPrivateKey(createPrivateKey(read("ca.key"))))
    assert.isDefined(server.checkHost("localhost"))
    assert.isDefined(server.checkIP("127.0.0.1"))
    assert.isDefined(server.checkIP("::1"))
    assert.isUndefined(server.checkHost("broker.example"))
    for (const key of ["ca.key", "server.key"]) assert.strictEqual(statSync(path(key)).mode & 0o777, 0o600)
    for (const word of [`tls-cert: "${path("server.pem")}"`, `tls-key: "${path("server.key")}"`, "tls: true"]) {
      assert.include(out, word)
    }
    assert.include(out, `mosquitto_pub --cafile ${path("ca.pem")} -h localhost -p 8883`)
    await handshake(read("ca.pem"), read("server.pem"), read("server.key"))
  })

  it("is what openssl calls right, for names, wildcards and both kinds of address", async (context) => {
    if (spawnSync("openssl", ["version"]).status !== 0) context.skip()
    const hosts = ["broker.lan", "*.plant.example", "192.168.1.10", "2001:db8::a:7"]
    const { code, path } = await made("two", ...hosts.flatMap((host) => ["--host", host]), "--days", "36500")
    assert.strictEqual(code, 0)
    const verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", path("ca.pem")]
    for (const check of [
      ["-verify_hostname", "broker.lan"],
      ["-verify_hostname", "press.plant.example"],
      ["-verify_ip", "192.168.1.10"],
      ["-verify_ip", "2001:db8::a:7"]
    ]) {
      const { status, stderr } = spawnSync("openssl", [...verify, ...check, path("server.pem")])
      assert.strictEqual(status, 0, `${check.join(" ")}: ${stderr}`)
    }
    const wrong = spawnSync("openssl", [...verify, "-verify_hostname", "localhost", path("server.pem")])
    assert.notStrictEqual(wrong.status, 0)
  })

  it("writes nothing over without --force", async () => {
    const first = await made("three")
    const before = first.read("ca.pem")
    const again = await made("three")
    assert.strictEqual(again.code, 1)
    assert.include(again.err, "E1321")
    assert.strictEqual(again.read("ca.pem"), before)
    assert.strictEqual((await made("three", "--force")).code, 0)
    assert.notStrictEqual(first.read("ca.pem"), before)
    assert.strictEqual(statSync(first.path("server.key")).mode & 0o777, 0o600)
  })

  for (const host of ["mqtt://localhost", "localhost:8883", "a b", "", "a\r\nb", "a.*.b", "-x"]) {
    it(`refuses ${JSON.stringify(host)} as a host`, async () => {
      const ran = await run(["cert", "self-signed", "--out", "none", "--host", host], inFolder())
      assert.strictEqual(ran.code, 2)
      assert.isFalse(existsSync(join(folder, "none")))
    })
  }
})

describe("DER", () => {
  it("lengths and integers are the shortest there are, and times have their two forms", () => {
    assert.strictEqual(der.octetString(Buffer.alloc(127)).subarray(0, 2).toString("hex"), "047f")
    assert.strictEqual(der.octetString(Buffer.alloc(128)).subarray(0, 3).toString("hex"), "048180")
    assert.strictEqual(der.octetString(Buffer.alloc(65_536)).subarray(0, 5).toString("hex"), "0483010000")
    assert.strictEqual(der.integer(0).toString("hex"), "020100")
    assert.strictEqual(der.integer(Buffer.from([0, 0, 0x80])).toString("hex"), "02020080")
    assert.strictEqual(der.objectIdentifier("1.2.840.10045.4.3.2").toString("hex"), "06082a8648ce3d040302")
    assert.include(der.time(new Date("2049-12-31T23:59:59Z")).toString("latin1"), "491231235959Z")
    assert.include(der.time(new Date("2050-01-01T00:00:00Z")).toString("latin1"), "20500101000000Z")
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const encoded = der.integer(Buffer.from(bytes))
        const value = encoded.subarray(2)
        assert.strictEqual(BigInt(`0x${value.toString("hex")}`), BigInt(`0x${Buffer.from(bytes).toString("hex")}`))
        assert.strictEqual((value[0] as number) & 0x80, 0)
        if (value.length > 1 && value[0] === 0) assert.isAbove(value[1] as number, 0x7f)
      })
    )
  })
})

const handshake = (ca: string, cert: string, key: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer({ cert, key }, (socket) => socket.end())
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca }, () => {
        socket.resume()
        server.close()
        if (socket.authorized) resolve()
        else reject(socket.authorizationError)
      })
      socket.on("error", reject)
    })
  })
