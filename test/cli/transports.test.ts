/**
 * pub and sub over TLS, WebSocket and a Unix domain socket, against Mosquitto; the certificate is made for
 * the test by openssl.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { run } from "./recorded-world.ts"
import { freePort, hasMosquitto, hasTool, startMosquitto, type TestBroker } from "./tools.ts"

// Skipped without Mosquitto or openssl, because both ends of TLS are theirs.
describe.skipIf(!hasMosquitto || !hasTool("openssl", "version"))("transports", () => {
  let folder = ""
  let broker: TestBroker
  let ports = { tls: 0, webSocket: 0 }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    const made = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")]
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    assert.strictEqual(spawnSync("openssl", [...words, ...made, ...name]).status, 0)
    // Started by root, Mosquitto reads and writes there as a user of its own.
    chmodSync(folder, 0o777)
    chmodSync(join(folder, "key.pem"), 0o644)
    ports = { tls: await freePort(), webSocket: await freePort() }
    broker = await startMosquitto([
      "allow_anonymous true",
      `listener ${ports.tls} 127.0.0.1`,
      `certfile ${join(folder, "cert.pem")}`,
      `keyfile ${join(folder, "key.pem")}`,
      `listener ${ports.webSocket} 127.0.0.1`,
      "protocol websockets",
      `listener 0 ${join(folder, "socket")}`
    ])
  })
  afterAll(async () => {
    await broker.stop()
    rmSync(folder, { recursive: true })
  })

  const carries = async (...where: ReadonlyArray<string>) => {
    const published = await run(["pub", ...where, "-t", "way", "-m", where.join(" "), "-r", "-q", "1"])
    assert.deepEqual({ code: published.code, err: published.err }, { code: 0, err: "" })
    assert.strictEqual((await run(["sub", ...where, "-t", "way", "-C", "1"])).out, `${where.join(" ")}\n`)
  }

  it("TLS with a named authority, by options and by URL", async () => {
    const cafile = ["--cafile", join(folder, "cert.pem")]
    await carries("-h", "localhost", "-p", String(ports.tls), ...cafile)
    await carries("-L", `mqtts://localhost:${ports.tls}`, ...cafile)
  })

  it("TLS refuses an authority it does not know and a certificate for another host, and says so", async () => {
    const unknown = await run(["ping", "-L", `mqtts://localhost:${ports.tls}`])
    assert.strictEqual(unknown.code, 4)
    assert.match(unknown.err, /E4001.*not trusted here\n.*--cafile <file>/)
    const other = ["-h", "127.0.0.1", "-p", String(ports.tls), "--cafile", join(folder, "cert.pem")]
    const wrongHost = await run(["ping", ...other])
    assert.strictEqual(wrongHost.code, 4)
    assert.match(wrongHost.err, /for another host name/)
    await carries(...other, "--insecure")
  })

  it("WebSocket, in all versions", async () => {
    for (const version of ["5", "311", "31"]) {
      await carries("-h", "127.0.0.1", "-p", String(ports.webSocket), "--ws", "-V", version)
    }
    await carries("-L", `ws://127.0.0.1:${ports.webSocket}`)
  })

  it("a Unix domain socket", async () => {
    await carries("--unix", join(folder, "socket"))
  })

  it("a local address to connect from", async () => {
    await carries("-h", "127.0.0.1", "-p", String(broker.port), "-A", "127.0.0.1")
    const foreign = await run(["ping", "-h", "127.0.0.1", "-p", String(broker.port), "-A", "192.0.2.1"])
    assert.strictEqual(foreign.code, 4)
    assert.match(foreign.err, /the local address is not one of this machine/)
  })
})
