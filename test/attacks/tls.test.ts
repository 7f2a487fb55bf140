/**
 * Goal: handshakes are the client's cost, not a way to the broker's processor: none is done twice on one connection, and
 * one that does not end holds its place no longer than the time for a CONNECT.
 * Method: node's own TLS client against the whole broker, over TLS and WSS.
 */
import { connect as connectPlain } from "node:net"
import { connect } from "node:tls"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { until } from "../contract/transport.ts"
import { Certificates, hasOpenssl, secureServer } from "../listener/certificates.ts"
import { startWhole } from "../support/whole-broker.ts"
import { isServed } from "./strangers.ts"

// Skipped where there is no openssl command, because the broker's certificate is made with it.
describe.skipIf(!hasOpenssl)("TLS", () => {
  const files = new Certificates()
  afterAll(() => files.remove())
  const own = hasOpenssl ? files.server("own", files.authority("authority")) : { certificate: "", key: "" }
  const start = (more = {}) => startWhole({ server: secureServer(own, more) })

  for (const name of ["tls", "wss"] as const) {
    it(`[attack: renegotiating over and over] ${name}: the second handshake is the end of the connection`, async () => {
      await using broker = await start()
      const port = broker.portOf(name)
      const options = { port, host: "127.0.0.1", rejectUnauthorized: false, maxVersion: "TLSv1.2" } as const
      const socket = connect(options)
      let isClosed = false
      socket.on("error", () => undefined)
      socket.on("close", () => {
        isClosed = true
      })
      await new Promise((resolve) => socket.once("secureConnect", resolve))
      assert.strictEqual(socket.getProtocol(), "TLSv1.2")
      let isDone = false
      socket.renegotiate({ rejectUnauthorized: false }, (error) => {
        isDone = error === null
      })
      socket.resume()
      await until(() => isClosed || isDone)
      assert.isFalse(isDone)
      await isServed(broker)
    })

    it(`[attack: handshakes that never end] ${name}: cut off in the time for a CONNECT`, async () => {
      await using broker = await start({ "connect-timeout": "200ms" })
      const port = broker.portOf(name)
      const closed = Array.from({ length: 50 }, () => {
        const socket = connectPlain(port, "127.0.0.1")
        // A ClientHello that says 512 bytes and brings four.
        socket.on("error", () => undefined).on("connect", () => socket.write(Buffer.from("1603010200010001fc", "hex")))
        return new Promise((resolve) => socket.resume().once("close", resolve))
      })
      await Promise.all(closed)
      await isServed(broker)
    })
  }
})
